package roster_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/roster"
)

// TestCollectorDistrusts has a peer answer a pull with something else than was asked for.
func TestCollectorDistrusts(t *testing.T) {
	h := newHub(t)
	h.append(h.voids(5, "")...)
	all := must(h.list.Bundle(0, membership.MaxBundleBytes))(t)
	change := func(f func(*membership.Bundle)) membership.Bundle { b := all; f(&b); return b }
	for name, c := range map[string]struct {
		bundle membership.Bundle
		code   exchange.Code
	}{
		"all of it":          {all, exchange.CodeOK},
		"nothing":            {change(func(b *membership.Bundle) { b.Entries = nil }), exchange.CodeInvalid},
		"a later part":       {change(func(b *membership.Bundle) { b.From = 1 }), exchange.CodeInvalid},
		"an entry too many":  {change(func(b *membership.Bundle) { b.Entries = append(b.Entries[:5:5], b.Entries[0]) }), exchange.CodeInvalid},
		"unsigned":           {change(func(b *membership.Bundle) { b.Checkpoint = []byte("none") }), exchange.CodeSignature},
		"another federation": {change(func(b *membership.Bundle) { b.Origin = "souk/other-00000000" }), exchange.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			c2 := roster.NewCollector(h.fed, 0)
			done, err := c2.Add(c.bundle)
			if exchange.CodeOf(err) != c.code || done != (err == nil) {
				t.Errorf("%v, %v", done, err)
			}
		})
	}
}

// TestCollectorFollows pulls while the hub goes on signing, and from a peer that is behind.
func TestCollectorFollows(t *testing.T) {
	h := newHub(t)
	h.append(h.voids(30, "")...)
	old := h.fork()
	c := roster.NewCollector(h.fed, 0)
	for done := false; !done; {
		b := must(h.list.Bundle(c.Next(), membership.MinBundleBytes))(t)
		var err error
		if done, err = c.Add(b); err != nil {
			t.Fatal(err)
		}
		if h.list.State().Size() < 40 {
			h.clock.advance(time.Minute)
			h.append(h.voids(5, "")...)
		}
	}
	r := h.open(old.store)
	if err := r.Apply(c.Bundle()); err != nil {
		t.Fatal(err)
	}
	same(t, r, h.list)

	behind := roster.NewCollector(h.fed, r.State().Size())
	done, err := behind.Add(must(old.list.Bundle(behind.Next(), membership.MinBundleBytes))(t))
	if err != nil || !done {
		t.Fatalf("%v, %v", done, err)
	}
	wantCode(t, r.Apply(behind.Bundle()), exchange.CodeStale)
	same(t, r, h.list)
}
