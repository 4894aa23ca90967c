package membership

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
)

// checkEvidence holds what everybody can verify about evidence, and that no
// changed byte of it verifies as something else.
func checkEvidence(t fataler, w *world, s *State) {
	t.Helper()
	if s.Evidence() == nil {
		t.Fatalf("the list is not frozen")
	}
	b := s.Evidence().Encode(w.fed.Origin)
	e, err := VerifyEvidence(w.fed, b)
	if err != nil || string(e.Encode(w.fed.Origin)) != string(b) {
		t.Fatalf("the evidence does not verify: %v", err)
	}
	stranger := newWorld(t)
	stranger.fed.LogKey = public(seededKey(9))
	if _, err := VerifyEvidence(stranger.fed, b); err == nil {
		t.Fatalf("it verifies under another log key")
	}
}

// TestDroppedMember has a hub leave a member out and sign on.
func TestDroppedMember(t *testing.T) {
	w := newWorld(t)
	kept, dropped := w.key(), w.key()
	w.append(w.join(w.invite(1), kept))
	h := w.fork()
	w.append(w.join(w.invite(1), dropped))
	w.now, h.now = w.now.Add(time.Hour), w.now.Add(time.Hour)

	h.append() // the list of one, renewed: smaller than the one held, and the same start
	_, _, err := w.state.Apply(h.whole(), w.now)
	wantCode(t, err, exchange.CodeStale)

	h.append(h.join(h.invite(1), h.key())) // as large as the one held
	h.append(h.join(h.invite(1), h.key())) // and larger
	next, changes, err := w.state.Apply(h.whole(), w.now)
	if err != nil || len(changes) != 0 {
		t.Fatalf("%v, %v", changes, err)
	}
	checkEvidence(t, w, next)
	if next.Common() != 1 || !next.IsMember(shopOf(kept)) || !next.IsMember(shopOf(dropped)) || next.Size() != 2 {
		t.Fatalf("common %d, size %d", next.Common(), next.Size())
	}
	wantCode(t, next.MayTakeOn(w.now), exchange.CodeFrozen)
	_, _, err = next.Apply(w.append(), w.now)
	wantCode(t, err, exchange.CodeFrozen)
	_, err = next.Sign(w.logKey, nil, w.now)
	wantCode(t, err, exchange.CodeFrozen)

	// From the suffix alone a shop cannot tell a fork from junk, so it must ask for all entries.
	part := h.whole()
	part.From, part.Entries = 2, part.Entries[2:]
	_, _, err = w.state.Apply(part, w.now)
	wantCode(t, err, exchange.CodeSignature)
}

// TestForksAreProven forks a log anywhere and lets it be met from either side.
func TestForksAreProven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		common := rapid.IntRange(0, 5).Draw(t, "common")
		for range common {
			w.append(w.join(w.invite(1), w.key()))
		}
		h := w.fork()
		for range rapid.IntRange(1, 4).Draw(t, "ours") {
			w.append(w.join(w.invite(1), w.key()))
		}
		for range rapid.IntRange(1, 4).Draw(t, "theirs") {
			h.append(h.join(h.invite(1), h.key()))
		}
		b := h.whole()
		from := rapid.IntRange(0, common).Draw(t, "from")
		b.From, b.Entries = uint64(from), b.Entries[from:]
		next, _, err := w.state.Apply(b, w.now)
		if err != nil {
			t.Fatal(err)
		}
		checkEvidence(t, w, next)
		if next.Common() < uint64(common) && h.state.Size() > w.state.Size() {
			t.Fatalf("common %d, want %d", next.Common(), common)
		}
		if next.Size() != w.state.Size() || len(next.Members()) != len(w.state.Members()) {
			t.Fatalf("the members changed")
		}
		// A third shop is convinced by the evidence alone, whatever it holds.
		for _, third := range []*State{w.shop(), w.state, h.state} {
			frozen, err := third.Freeze(*next.Evidence(), CommonUnknown)
			if err != nil {
				t.Fatal(err)
			}
			wantCode(t, frozen.MayTakeOn(w.now), exchange.CodeFrozen)
		}
	})
}

// TestHonestHubIsNeverAccused takes two checkpoints of one log and tries to make evidence of them.
func TestHonestHubIsNeverAccused(t *testing.T) {
	w := newWorld(t)
	type signed struct {
		c Checkpoint
		t tree
	}
	var all []signed
	for range 6 {
		w.append(w.join(w.invite(1), w.key()))
		all = append(all, signed{w.state.Checkpoint(), w.state.tree})
	}
	for i, a := range all {
		for _, b := range all[i:] {
			for name, e := range map[string]Evidence{
				"itself":         newEvidence(a.c, b.c, b.t),
				"bare":           {Smaller: a.c.Note, Larger: b.c.Note},
				"swapped":        {Smaller: b.c.Note, Larger: a.c.Note},
				"another prefix": {Smaller: a.c.Note, Larger: b.c.Note, Prefix: noHash(i), Proof: newEvidence(a.c, b.c, b.t).Proof},
			} {
				t.Run(fmt.Sprintf("%d and %d, %s", a.c.Size, b.c.Size, name), func(t *testing.T) {
					if err := e.Verify(w.fed); err == nil {
						t.Error("accused")
					}
					if _, err := w.state.Freeze(e, CommonUnknown); err == nil {
						t.Error("frozen")
					}
				})
			}
		}
	}
}

// noHash is some hash that is in no tree.
func noHash(i int) (h [32]byte) {
	copy(h[:], fmt.Sprint("none", i))
	return h
}

// TestEqualSizes has the hub sign two lists of one size.
func TestEqualSizes(t *testing.T) {
	w := newWorld(t)
	h := w.fork()
	w.append(w.join(w.invite(1), w.key()))
	h.append(h.join(h.invite(1), h.key()))
	for _, c := range []struct{ a, b *world }{{w, h}, {h, w}} {
		next, _, err := c.a.state.Apply(c.b.whole(), w.now)
		if err != nil {
			t.Fatal(err)
		}
		checkEvidence(t, w, next)
		if next.Common() != 0 {
			t.Fatalf("common %d", next.Common())
		}
	}
	one, _, _ := w.state.Apply(h.whole(), w.now)
	two, _, _ := h.state.Apply(w.whole(), w.now)
	if a, b := one.Evidence().Encode(w.fed.Origin), two.Evidence().Encode(w.fed.Origin); string(a) != string(b) {
		t.Fatal("both sides found the same, but prove it with other bytes")
	}
}
