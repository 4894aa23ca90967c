package membership

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
)

var update = flag.Bool("update", false, "rewrite testdata/vectors.txt")

// drawName is a legal shop name.
func drawName(t *rapid.T) string {
	return rapid.StringMatching(`[A-Za-z0-9ÅåßЖ中🌰][ A-Za-z0-9ÅåßЖ中🌰&'.-]{0,20}[A-Za-z0-9ÅåßЖ中🌰]`).Draw(t, "name")
}

func drawSignature(t *rapid.T) Signature {
	return Signature(rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, "signature"))
}

func draw32(t *rapid.T) [32]byte {
	return [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "32 bytes"))
}

func drawTime(t *rapid.T) exchange.Time {
	return exchange.Time(rapid.Int64Range(1, int64(maxTime)).Draw(t, "time"))
}

func drawToken(t *rapid.T) Token {
	name := ""
	if rapid.Bool().Draw(t, "named") {
		name = drawName(t)
	}
	id := draw32(t)
	return Token{
		Origin: rapid.StringMatching(`souk/[a-z]{1,32}-[0-9a-f]{8}`).Draw(t, "origin"), ID: InviteID(id[:16]), Key: draw32(t),
		Uses: rapid.Uint32Range(1, MaxUses).Draw(t, "uses"), Expires: drawTime(t), ShopName: name, Signature: drawSignature(t),
	}
}

func drawStatement(t *rapid.T) Statement {
	token := drawToken(t)
	why := rapid.StringMatching(`[ -~ß中]{0,60}`).Draw(t, "why")
	switch rapid.IntRange(1, 4).Draw(t, "kind") {
	case 1:
		name := token.ShopName
		if name == "" {
			name = drawName(t)
		}
		return Join{token, draw32(t), name, draw32(t), drawSignature(t), drawSignature(t)}
	case 2:
		return Leave{token.Origin, draw32(t), rapid.Uint64().Draw(t, "joined"), drawSignature(t)}
	case 3:
		return Void{token.Origin, token.ID, why, drawSignature(t)}
	default:
		return Revoke{token.Origin, draw32(t), why, drawSignature(t)}
	}
}

// TestEntryCanonical: an entry has one encoding, and no prefix, extension or changed
// byte of it decodes to the same entry.
func TestEntryCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		en := Entry{drawTime(t), drawStatement(t)}
		b := must(en.Encode())(t)
		if len(b) > MaxEntry {
			t.Fatalf("%d bytes", len(b))
		}
		got := must(DecodeEntry(b))(t)
		if !reflect.DeepEqual(got, en) {
			t.Fatalf("%+v, want %+v", got, en)
		}
		if _, err := DecodeEntry(append(bytes.Clone(b), 0)); err == nil {
			t.Fatalf("a byte more decodes")
		}
		if _, err := DecodeEntry(b[:rapid.IntRange(0, len(b)-1).Draw(t, "cut")]); err == nil {
			t.Fatalf("a cut one decodes")
		}
		changed := bytes.Clone(b)
		changed[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= rapid.ByteRange(1, 255).Draw(t, "bits")
		if other, err := DecodeEntry(changed); err == nil {
			if reflect.DeepEqual(other, en) || !bytes.Equal(must(other.Encode())(t), changed) {
				t.Fatalf("two encodings of %+v", en)
			}
		}
	})
}

func TestBundleCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SliceOfN(rapid.Byte(), 1, 90)
		b := Bundle{
			Origin: "souk/riverside-1a2b3c4d", From: rapid.Uint64Range(0, MaxEntries-9).Draw(t, "from"),
			Checkpoint: part.Draw(t, "checkpoint"), Entries: rapid.SliceOfN(part, 0, 9).Draw(t, "entries"),
		}
		if len(b.Entries) == 0 {
			b.Entries = nil
		}
		raw := must(b.Encode())(t)
		if got := must(DecodeBundle(raw))(t); !reflect.DeepEqual(got, b) {
			t.Fatalf("%+v, want %+v", got, b)
		}
		if _, err := DecodeBundle(append(raw, 0)); err == nil {
			t.Fatalf("a byte more decodes")
		}
		if _, err := DecodeBundle(raw[:rapid.IntRange(0, len(raw)-1).Draw(t, "cut")]); err == nil {
			t.Fatalf("a cut one decodes")
		}
		limit := rapid.IntRange(0, 2*MinBundleBytes).Draw(t, "limit")
		b.Entries = b.Entries[:FitEntries(b.Entries, limit)]
		if n := len(must(b.Encode())(t)); len(b.Entries) > 0 && n > limit {
			t.Fatalf("%d bytes in %d", n, limit)
		}
	})
}

// TestLimits holds the written sizes against the longest values there are.
func TestLimits(t *testing.T) {
	w := newWorld(t)
	name := strings.Repeat("🌰", MaxName)
	f := must(NewFederation(strings.Repeat("f", MaxFederation), public(w.logKey), public(w.admission)))(t)
	w.fed = f
	addr := "/dns4/" + strings.Repeat("a", MaxAddr-6)
	for i := range MaxHubAddrs {
		a := fmt.Sprintf("%s%d", addr[:MaxAddr-1], i)
		if i == 0 {
			w.hub.Open.Addrs, w.hub.Closed.Addrs = nil, nil
		}
		w.hub.Open.Addrs, w.hub.Closed.Addrs = append(w.hub.Open.Addrs, a), append(w.hub.Closed.Addrs, a)
	}
	inv := w.inviteWith(InviteOptions{Uses: MaxUses, Expires: maxTime, ShopName: name})
	if n := len(inv.Token.encode()); n != maxTokenBytes {
		t.Errorf("the longest token has %d bytes, not %d", n, maxTokenBytes)
	}
	if n := len(inv.Code()); n > maxInviteCode || n < maxInviteCode-4 {
		t.Errorf("the longest invite has %d characters, its limit is %d", n, maxInviteCode)
	}
	if _, err := ParseInvite(inv.Code()); err != nil {
		t.Error(err)
	}
	j := w.join(inv, w.key())
	if n := len(must(Entry{w.now, j}.Encode())(t)); n != MaxEntry {
		t.Errorf("the longest entry has %d bytes, not %d", n, MaxEntry)
	}
	v := must(NewVoid(f.Origin, w.admission, InviteID{}, strings.Repeat("y", MaxWhy)))(t)
	if n := len(must(Entry{w.now, v}.Encode())(t)); n > MaxEntry {
		t.Errorf("a void has %d bytes", n)
	}
	entry := bytes.Repeat([]byte{1}, MaxEntry)
	b := Bundle{Origin: f.Origin, Checkpoint: bytes.Repeat([]byte{1}, MaxCheckpoint), Entries: [][]byte{entry}}
	if n := len(must(b.Encode())(t)); n != MinBundleBytes {
		t.Errorf("a bundle of one entry has %d bytes, not %d", n, MinBundleBytes)
	}
	for len(b.Entries) < MaxBundleBytes/MaxEntry+1 {
		b.Entries = append(b.Entries, entry)
	}
	_, err := b.Encode()
	wantCode(t, err, exchange.CodeLimit)
	b.Entries = b.Entries[:FitEntries(b.Entries, MaxBundleBytes)]
	if n := len(must(b.Encode())(t)); n > MaxBundleBytes {
		t.Errorf("%d entries were said to fit, and have %d bytes", len(b.Entries), n)
	}
}

func TestUnknownKind(t *testing.T) {
	w := newWorld(t)
	b := must(Entry{w.now, must(NewVoid(w.fed.Origin, w.admission, InviteID{}, ""))(t)}.Encode())(t)
	at := bytes.Index(b, []byte(w.fed.Origin)) + len(w.fed.Origin)
	for _, kind := range []Kind{KindRotate, KindRecover, KindFederate, 99} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			b[at] = byte(kind)
			_, err := DecodeEntry(b)
			wantCode(t, err, exchange.CodeVersion)
			bundle := Bundle{Origin: w.fed.Origin, Entries: [][]byte{b}}
			w.signOver(&bundle, nil)
			_, _, err = w.state.Apply(bundle, w.now)
			wantCode(t, err, exchange.CodeVersion)
		})
	}
}

func TestNames(t *testing.T) {
	for _, good := range []string{"A", "Acorn Shoes", "Åkes Café & Söner", "靴屋", "Доктор Ко", strings.Repeat("ж", 64), "🌰"} {
		t.Run(good, func(t *testing.T) {
			if err := CheckName(good); err != nil {
				t.Error(err)
			}
		})
	}
	for _, bad := range []string{
		"", " ", " A", "A ", strings.Repeat("a", 65), "A\nB", "A\x00", "A\u202eB", "A\u200bB", "A\u2066B", "\ufeffA", "A\u00a0B", "A\u3164", "\xff", "A\ufffdB", "A\u0085", "\U000e0041",
	} {
		t.Run(fmt.Sprintf("%q", bad), func(t *testing.T) {
			if err := CheckName(bad); exchange.CodeOf(err) != exchange.CodeInvalid {
				t.Error(err)
			}
		})
	}
}

// TestVectors compares every format with bytes written down earlier: lists contain them, so
// they never change. Keys and times are fixed, Ed25519 is deterministic.
func TestVectors(t *testing.T) {
	w := newWorld(t)
	shop, inv := w.key(), w.invite(3)
	j := w.join(inv, shop)
	first := w.append(j)
	h := w.fork()
	w.append(must(NewLeave(w.fed.Origin, shop, 0))(t))
	h.append(must(NewRevoke(h.fed.Origin, h.admission, shopOf(shop), "sold fakes"))(t), must(NewVoid(h.fed.Origin, h.admission, inv.Token.ID, "lost"))(t))
	frozen, _, err := w.state.Apply(h.whole(), w.now)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, v := range []struct {
		name string
		b    []byte
	}{
		{"join entry", w.entries[0]}, {"leave entry", w.entries[1]}, {"revoke entry", h.entries[1]}, {"void entry", h.entries[2]},
		{"bundle", must(first.Encode())(t)}, {"evidence", frozen.Evidence().Encode(w.fed.Origin)},
		{"profile", must(SignProfile(sampleProfile(w, shop), shop))(t)},
	} {
		fmt.Fprintf(&out, "%s\n%s\n\n", v.name, hex.EncodeToString(v.b))
	}
	fmt.Fprintf(&out, "invite\n%s\n\ncheckpoint\n%s", inv.Code(), w.state.Checkpoint().Note)

	const file = "testdata/vectors.txt"
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || out.String() != string(want) {
		t.Fatalf("the formats changed (%v); got\n%s", err, out.String())
	}
}
