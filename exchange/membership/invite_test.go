package membership

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
)

func TestInviteCode(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"", "Åkes Skor"} {
		inv := w.inviteWith(InviteOptions{Uses: 3, Expires: w.now.Add(time.Hour), ShopName: name})
		code := inv.Code()
		got := must(ParseInvite("  " + code[:40] + "\r\n\t" + code[40:] + "\n"))(t)
		if !reflect.DeepEqual(got, inv) || got.Code() != code {
			t.Fatalf("%+v, want %+v", got, inv)
		}
		for _, shown := range []string{fmt.Sprintf("%+v", inv), string(must(json.Marshal(inv))(t))} {
			if strings.Trim(shown, `"`) != "invite "+inv.Token.ID.String()+" to "+w.fed.Origin {
				t.Errorf("it shows as %q", shown)
			}
		}
		wantCode(t, inv.CheckTime(inv.Token.Expires+1), exchange.CodeInvite)
		wantCode(t, inv.CheckTime(inv.Token.Expires), exchange.CodeOK)
	}
}

func TestInviteRefused(t *testing.T) {
	w := newWorld(t)
	inv := w.invite(1)
	code := inv.Code()
	change := func(f func(*Invite)) string {
		c := inv
		f(&c)
		return c.Code()
	}
	other := newWorld(t)
	other.admission = seededKey(42)
	other.fed = must(NewFederation("riverside", public(other.logKey), public(other.admission)))(t)
	for _, c := range []struct{ name, code, says string }{
		{"empty", "", "not an invite"},
		{"something else", "hello", "not an invite"},
		{"prefix alone", invitePrefix, "cut off"},
		{"one character", invitePrefix + "A", "cut off"},
		{"half", code[:len(code)/2], "cut off: it has"},
		{"last character missing", code[:len(code)-1], "cut off: it has"},
		{"a word after it", code + "thanks", "6 characters too many"},
		{"a dot after it", code + ".", "does not belong"},
		{"newer", "souk-invite-2-abcdef", "newer Souk"},
		{"too long", invitePrefix + strings.Repeat("A", maxInviteCode), "too long"},
		{"another admission key", change(func(i *Invite) { i.Federation.Admission = other.fed.Admission }), "forged"},
		{"another log key", change(func(i *Invite) { i.Federation.LogKey = public(seededKey(43)) }), "does not belong to its log key"},
		{"another private key", change(func(i *Invite) { i.Key = seededKey(44) }), "forged"},
		{"more uses", change(func(i *Invite) { i.Token.Uses = 9 }), "forged"},
		{"no hub", change(func(i *Invite) { i.Hub.Open.Peer = exchange.ShopID{} }), "peer ID"},
		{"no address", change(func(i *Invite) { i.Hub.Closed.Addrs = nil }), "addresses"},
		{"no multiaddr", change(func(i *Invite) { i.Hub.Closed.Addrs = []string{"hub.example:4001"} }), "multiaddr"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseInvite(c.code)
			if exchange.CodeOf(err) != exchange.CodeInvite || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
	_, err := NewInvite(w.fed, w.hub, seededKey(45), InviteOptions{Uses: 1, Expires: start}, bytes.NewReader(make([]byte, 48)))
	wantCode(t, err, exchange.CodeInvite)
	for _, uses := range []uint32{0, MaxUses + 1} {
		_, err := NewInvite(w.fed, w.hub, w.admission, InviteOptions{Uses: uses, Expires: start}, bytes.NewReader(make([]byte, 48)))
		wantCode(t, err, exchange.CodeInvalid)
	}
}

// TestMistypedInvite: no changed character passes.
func TestMistypedInvite(t *testing.T) {
	code := newWorld(t).invite(1).Code()
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(code)
		i := rapid.IntRange(0, len(b)-1).Draw(t, "at")
		c := rapid.SampledFrom([]byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")).Draw(t, "typed")
		if b[i] == c {
			t.Skip("the same")
		}
		b[i] = c
		_, err := ParseInvite(string(b))
		wantCode(t, err, exchange.CodeInvite)
	})
}

func TestInviteID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := draw32(t)
		id := InviteID(r[:16])
		got := must(ParseInviteID(strings.ToUpper(id.String())))(t)
		var text InviteID
		if err := text.UnmarshalText([]byte(id.String())); err != nil || got != id || text != id {
			t.Fatalf("%v, %v, %v", got, text, err)
		}
	})
	for _, bad := range []string{"", "0", strings.Repeat("z", 26), strings.Repeat("v", 26), strings.Repeat("0", 27)} {
		t.Run(strconv.Quote(bad), func(t *testing.T) {
			if _, err := ParseInviteID(bad); err == nil {
				t.Error("it passes")
			}
		})
	}
}
