package membership

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"
	"unicode"

	"github.com/souk-market/souk/exchange"
)

// Every decoder of outside bytes: no panic, and what it accepts it writes the same.

func FuzzDecodeEntry(f *testing.F) {
	w := newWorld(f)
	shop := w.key()
	j := w.join(w.invite(1), shop)
	for _, s := range []Statement{
		j, must(NewLeave(w.fed.Origin, shop, 0))(f), must(NewVoid(w.fed.Origin, w.admission, InviteID{1}, "lost"))(f), must(NewRevoke(w.fed.Origin, w.admission, j.Shop, "late"))(f),
	} {
		f.Add(must(Entry{w.now, s}.Encode())(f))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		en, err := DecodeEntry(b)
		if err != nil {
			return
		}
		if again := must(en.Encode())(t); !bytes.Equal(again, b) {
			t.Fatalf("%x is written %x", b, again)
		}
		_ = en.Statement.Verify(w.fed)
	})
}

func FuzzDecodeBundle(f *testing.F) {
	w := newWorld(f)
	w.append(w.join(w.invite(1), w.key()))
	f.Add(must(w.whole().Encode())(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		bundle, err := DecodeBundle(b)
		if err != nil {
			return
		}
		if again := must(bundle.Encode())(t); !bytes.Equal(again, b) {
			t.Fatalf("%x is written %x", b, again)
		}
		if next, _, err := w.state.Apply(bundle, w.now); err != nil && next != w.state {
			t.Fatal("a refused bundle changed the list")
		}
	})
}

func FuzzOpenCheckpoint(f *testing.F) {
	w := newWorld(f)
	w.append()
	f.Add(w.state.Checkpoint().Note)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := OpenCheckpoint(w.fed, b)
		if err != nil {
			return
		}
		again, err := OpenCheckpoint(w.fed, c.Note)
		if err != nil || !bytes.Equal(again.Note, c.Note) {
			t.Fatalf("%s: %v", c.Note, err)
		}
	})
}

func FuzzParseInvite(f *testing.F) {
	w := newWorld(f)
	code := w.invite(1).Code()
	f.Add(code)
	f.Add(code[:len(code)-3])
	f.Fuzz(func(t *testing.T, s string) {
		inv, err := ParseInvite(s)
		if err != nil {
			if exchange.CodeOf(err) != exchange.CodeInvite {
				t.Fatalf("%v: %v", exchange.CodeOf(err), err)
			}
			return
		}
		plain := strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) {
				return -1
			}
			return r
		}, s)
		if inv.Code() != plain {
			t.Fatalf("%q is written %q", plain, inv.Code())
		}
	})
}

func FuzzDecodeEvidence(f *testing.F) {
	w := newWorld(f)
	h := w.fork()
	w.append(w.join(w.invite(1), w.key()))
	h.append(h.join(h.invite(1), h.key()))
	h.append(h.join(h.invite(1), h.key()))
	frozen := must2(w.state.Apply(h.whole(), w.now))(f)
	f.Add(frozen.Evidence().Encode(w.fed.Origin))
	f.Fuzz(func(t *testing.T, b []byte) {
		origin, e, err := DecodeEvidence(b)
		if err == nil && !bytes.Equal(e.Encode(origin), b) {
			t.Fatalf("%x has another encoding", b)
		}
		_, _ = VerifyEvidence(w.fed, b)
	})
}

func FuzzOpenProfile(f *testing.F) {
	w := newWorld(f)
	shop := w.key()
	f.Add(must(SignProfile(sampleProfile(w, shop), shop))(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, _, err := decodeProfile(b); err == nil && !bytes.Equal(p.signed(), b[:len(b)-ed25519.SignatureSize]) {
			t.Fatalf("%x has another encoding", b)
		}
		_, _ = OpenProfile(w.fed, b, keyOf(shopOf(shop)))
	})
}
