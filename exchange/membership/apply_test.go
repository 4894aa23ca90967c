package membership

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
)

func TestJoinLeaveRevoke(t *testing.T) {
	w := newWorld(t)
	acorn, birch := w.key(), w.key()
	inv := w.invite(2)
	w.append(w.join(inv, acorn))
	w.now = w.now.Add(time.Minute)
	w.append(w.join(inv, birch))

	m, ok := w.state.Member(shopOf(acorn))
	if !ok || m.Name != "Acorn Shoes" || m.Status != Active || m.JoinedAt != start || m.Recovery != sha256.Sum256(public(acorn)) {
		t.Fatalf("%+v", m)
	}
	if got := w.state.Invite(inv.Token.ID); got.Used != 2 || got.Uses != 2 || got.Voided {
		t.Fatalf("%+v", got)
	}

	w.now = w.now.Add(time.Hour)
	left := w.now
	changes := w.take(must(w.state.Sign(w.logKey, []Statement{
		must(NewLeave(w.fed.Origin, acorn, m.Index))(t),
		must(NewRevoke(w.fed.Origin, w.admission, shopOf(birch), "sold fakes"))(t),
	}, w.now))(t))
	if len(changes) != 2 || changes[0].Kind != HasLeft || changes[1].Kind != WasRevoked || changes[1].Member.Why != "sold fakes" {
		t.Fatalf("%+v", changes)
	}
	if w.state.IsMember(shopOf(acorn)) || w.state.IsMember(shopOf(birch)) {
		t.Fatal("they are members still")
	}

	// A shop that left comes back by another invite, and its old leave takes it out no more.
	w.now = w.now.Add(time.Hour)
	again := w.now
	w.append(w.join(w.invite(1), acorn))
	m, _ = w.state.Member(shopOf(acorn))
	for at, want := range map[exchange.Time]bool{start - 1: false, start: true, left - 1: true, left: false, again - 1: false, again: true} {
		if m.WasActive(at) != want {
			t.Errorf("a member at %v: %v", at, !want)
		}
	}
	old := must(NewLeave(w.fed.Origin, acorn, 0))(t)
	_, err := w.state.Sign(w.logKey, []Statement{old}, w.now)
	wantCode(t, err, exchange.CodeState)

	if got := w.state.Members(); len(got) != 2 || got[0].Shop != shopOf(acorn) {
		t.Fatalf("%+v", got)
	}
	sameList(t, w, must2(w.shop().Apply(w.whole(), w.now))(t))
}

func must2[A, B any](a A, _ B, err error) func(fataler) A { return must(a, err) }

// sameList holds another verifier's list against the hub's.
func sameList(t fataler, w *world, got *State) {
	t.Helper()
	if got.Size() != w.state.Size() || got.Root(got.Size()) != w.state.Root(w.state.Size()) || got.Checkpoint().Time != w.state.Checkpoint().Time {
		t.Fatalf("%d entries at %v, want %d at %v", got.Size(), got.Checkpoint().Time, w.state.Size(), w.state.Checkpoint().Time)
	}
	a, b := fmt.Sprintf("%+v", got.Members()), fmt.Sprintf("%+v", w.state.Members())
	if a != b || !maps.Equal(got.invites, w.state.invites) {
		t.Fatalf("members differ:\n%s\n%s", a, b)
	}
}

// TestRefusedJoins are the reasons an owner gets to read.
func TestRefusedJoins(t *testing.T) {
	w := newWorld(t)
	member, revoked, gone := w.key(), w.key(), w.key()
	used, voided, returning, named := w.invite(1), w.invite(1), w.invite(2), w.inviteWith(InviteOptions{Uses: 1, Expires: w.now.Add(time.Hour), ShopName: "Birch Bakery"})
	w.append(w.join(used, member))
	w.append(w.join(w.invite(1), revoked), must(NewRevoke(w.fed.Origin, w.admission, shopOf(revoked), ""))(t))
	w.append(w.join(returning, gone), must(NewLeave(w.fed.Origin, gone, 3))(t))
	w.append(must(NewVoid(w.fed.Origin, w.admission, voided.Token.ID, "sent to the wrong address"))(t))
	short := w.inviteWith(InviteOptions{Uses: 1, Expires: w.now.Add(time.Minute)})

	foreign := newWorld(t)
	foreign.logKey = seededKey(77)
	foreign.fed = must(NewFederation("hillside", public(foreign.logKey), public(foreign.admission)))(t)

	forged := w.invite(1)
	forged.Token.Signature = sign(seededKey(99), forged.Token.signed())
	more := w.join(w.invite(1), w.key())
	more.Token.Uses = 10_000
	replayed := w.join(w.invite(1), w.key())
	replayed.Shop = shopOf(w.key())
	stolen := w.invite(1) // its public token was seen in the list, its private key not
	stolen.Key = w.key()
	renamed := w.join(w.invite(1), w.key())
	renamed.Name = "Another"
	misnamed := w.join(named, w.key())
	misnamed.Name = "Cedar Cheese"

	for _, c := range []struct {
		name string
		join Join
		at   exchange.Time
		code exchange.Code
		says string
	}{
		{"used up", w.join(used, w.key()), w.now, exchange.CodeInvite, "used already"},
		{"void", w.join(voided, w.key()), w.now, exchange.CodeInvite, "voided"},
		{"expired", w.join(short, w.key()), w.now.Add(time.Minute) + 1, exchange.CodeInvite, "expired"},
		{"foreign federation", w.join(foreign.invite(1), w.key()), w.now, exchange.CodeInvite, "is for the federation"},
		{"foreign admission key", w.join(forged, w.key()), w.now, exchange.CodeInvite, "forged"},
		{"more uses than signed", more, w.now, exchange.CodeInvite, "forged"},
		{"replayed for another shop", replayed, w.now, exchange.CodeInvite, "not this shop's"},
		{"token without its key", w.join(stolen, w.key()), w.now, exchange.CodeInvite, "not this shop's"},
		{"renamed on the way", renamed, w.now, exchange.CodeInvite, "not this shop's"},
		{"another name than the invite's", misnamed, w.now, exchange.CodeInvite, "shop name"},
		{"revoked shop", w.join(w.invite(1), revoked), w.now, exchange.CodeNotMember, "revoked"},
		{"member already", w.join(w.invite(1), member), w.now, exchange.CodeState, "already"},
		{"left, same invite", w.join(returning, gone), w.now, exchange.CodeInvite, "left"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, existing, err := w.state.CheckJoin(c.join, c.at)
			if existing || exchange.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("%v (%v), want %q (%v)", err, exchange.CodeOf(err), c.says, c.code)
			}
			if _, err := w.state.Sign(w.logKey, []Statement{c.join}, c.at); err == nil {
				t.Fatal("the hub signed it")
			}
			// A hub that takes it all the same is caught by every verifier, the new ones too.
			if c.join.check() != nil {
				return // it has no encoding
			}
			h := w.fork()
			h.now = c.at
			b := h.cheat(c.at, c.join)
			next, _, err := w.state.Apply(b, c.at)
			wantCode(t, err, exchange.CodeFork)
			if next != w.state {
				t.Fatal("the list changed")
			}
			b.From, b.Entries = 0, append(append([][]byte(nil), w.entries...), b.Entries...)
			_, _, err = w.shop().Apply(b, c.at)
			wantCode(t, err, exchange.CodeFork)
		})
	}
}

func TestJoinAgain(t *testing.T) {
	w := newWorld(t)
	shop, inv := w.key(), w.invite(1)
	j := w.join(inv, shop)
	w.append(j)
	w.append(must(NewVoid(w.fed.Origin, w.admission, inv.Token.ID, ""))(t))
	w.now = inv.Token.Expires.Add(time.Hour)
	index, existing, err := w.state.CheckJoin(w.join(inv, shop), w.now)
	if err != nil || !existing || index != 0 {
		t.Fatalf("%d, %v, %v", index, existing, err)
	}
	_, err = w.state.Sign(w.logKey, []Statement{j}, w.now)
	wantCode(t, err, exchange.CodeState)
}

// TestUsesAreCounted has one invite for many shops.
func TestUsesAreCounted(t *testing.T) {
	for _, uses := range []uint32{1, 2, 5} {
		t.Run(fmt.Sprintf("%d uses", uses), func(t *testing.T) {
			w := newWorld(t)
			inv := w.invite(uses)
			for range uses {
				w.append(w.join(inv, w.key()))
			}
			_, err := w.state.Sign(w.logKey, []Statement{w.join(inv, w.key())}, w.now)
			wantCode(t, err, exchange.CodeInvite)
		})
	}
}

// TestSharedInviteID has the admission key sign two invites of one id.
func TestSharedInviteID(t *testing.T) {
	w := newWorld(t)
	a := w.invite(1)
	b := a
	b.Token.Uses = 5
	b.Token.Signature = sign(w.admission, b.Token.signed())
	w.append(w.join(a, w.key()))
	_, err := w.state.Sign(w.logKey, []Statement{w.join(b, w.key())}, w.now)
	wantCode(t, err, exchange.CodeInvite)
}

func TestForgedStatements(t *testing.T) {
	w := newWorld(t)
	shop := w.key()
	w.append(w.join(w.invite(1), shop))
	for name, s := range map[string]Statement{
		"leave signed by the hub":       withShop(must(NewLeave(w.fed.Origin, w.logKey, 0))(t), shopOf(shop)),
		"revoke signed by the log key":  must(NewRevoke(w.fed.Origin, w.logKey, shopOf(shop), ""))(t),
		"void signed by the log key":    must(NewVoid(w.fed.Origin, w.logKey, InviteID{1}, ""))(t),
		"revoke of another federation":  must(NewRevoke("souk/other-00000000", w.admission, shopOf(shop), ""))(t),
		"revoke of a stranger":          must(NewRevoke(w.fed.Origin, w.admission, shopOf(w.key()), ""))(t),
		"leave of another join":         must(NewLeave(w.fed.Origin, shop, 7))(t),
		"leave of another federation":   must(NewLeave("souk/other-00000000", shop, 0))(t),
		"revoke with a changed reason":  changedWhy(must(NewRevoke(w.fed.Origin, w.admission, shopOf(shop), "late"))(t)),
		"a shop's leave by a stranger":  withShop(must(NewLeave(w.fed.Origin, w.key(), 0))(t), shopOf(shop)),
		"void with a stranger's key":    must(NewVoid(w.fed.Origin, w.key(), InviteID{1}, ""))(t),
		"revoke with a stranger's key":  must(NewRevoke(w.fed.Origin, w.key(), shopOf(shop), ""))(t),
		"leave where none ever joined ": must(NewLeave(w.fed.Origin, w.key(), 0))(t),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := w.state.Sign(w.logKey, []Statement{s}, w.now); err == nil {
				t.Error("the hub signed it")
			}
			if _, _, err := w.state.Apply(w.cheat(w.now, s), w.now); exchange.CodeOf(err) != exchange.CodeFork {
				t.Error(err)
			}
		})
	}
}

func withShop(l Leave, shop exchange.ShopID) Leave { l.Shop = shop; return l }

func changedWhy(r Revoke) Revoke { r.Why = "never"; return r }

// TestBackdatedEntry has a hub date a join before the invite expired.
func TestBackdatedEntry(t *testing.T) {
	w := newWorld(t)
	inv := w.inviteWith(InviteOptions{Uses: 1, Expires: w.now.Add(time.Hour)})
	w.append(w.join(w.invite(1), w.key()))
	w.now = w.now.Add(2 * time.Hour)
	w.append() // an hourly checkpoint after the expiry, which the shop saw
	for name, at := range map[string]exchange.Time{
		"before the checkpoint held":     start.Add(time.Minute),
		"before the entry before":        start - 1,
		"after the checkpoint over it":   w.now.Add(time.Second),
		"at the expiry plus a milli":     inv.Token.Expires + 1,
		"long after, as the clock shows": w.now,
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := w.state.Apply(w.cheat(at, w.join(inv, w.key())), w.now)
			if exchange.CodeOf(err) != exchange.CodeFork {
				t.Error(err)
			}
		})
	}
}

func TestApplyRefuses(t *testing.T) {
	w := newWorld(t)
	first := w.append(w.join(w.invite(1), w.key()))
	w.now = w.now.Add(time.Hour)
	second := w.append(w.join(w.invite(1), w.key()))
	held := w.state
	w.now = w.now.Add(time.Hour)
	third := w.append(w.join(w.invite(1), w.key()))
	fourth := w.append(w.join(w.invite(1), w.key()))
	other := newWorld(t)
	other.logKey = seededKey(55)

	change := func(b Bundle, f func(*Bundle)) Bundle { f(&b); return b }
	for name, c := range map[string]struct {
		bundle Bundle
		now    exchange.Time
		code   exchange.Code
	}{
		"smaller list":             {first, w.now, exchange.CodeStale},
		"same list":                {second, w.now, exchange.CodeOK},
		"gap before":               {fourth, w.now, exchange.CodeBehind},
		"gap after":                {change(fourth, func(b *Bundle) { b.From, b.Entries = 2, third.Entries }), w.now, exchange.CodeBehind},
		"too many":                 {change(third, func(b *Bundle) { b.Entries = append(b.Entries[:1:1], fourth.Entries...) }), w.now, exchange.CodeInvalid},
		"swapped entry":            {change(third, func(b *Bundle) { b.Entries = fourth.Entries }), w.now, exchange.CodeSignature},
		"unsigned":                 {change(third, func(b *Bundle) { b.Checkpoint = []byte("nothing") }), w.now, exchange.CodeSignature},
		"another federation":       {change(third, func(b *Bundle) { b.Origin = "souk/other-00000000" }), w.now, exchange.CodeInvalid},
		"dated in the future":      {third, w.now.Add(-MaxAhead - time.Second), exchange.CodeInvalid},
		"dated a little ahead":     {third, w.now.Add(-MaxAhead + time.Second), exchange.CodeOK},
		"the next":                 {third, w.now, exchange.CodeOK},
		"from an earlier index on": {change(third, func(b *Bundle) { b.From, b.Entries = 0, w.entries[:3] }), w.now, exchange.CodeOK},
	} {
		t.Run(name, func(t *testing.T) {
			next, _, err := held.Apply(c.bundle, c.now)
			if exchange.CodeOf(err) != c.code {
				t.Errorf("%v (%v), want %v", err, exchange.CodeOf(err), c.code)
			}
			if err != nil && next != held || next.Evidence() != nil {
				t.Error("the list changed")
			}
		})
	}
	// An older time over the same entries, though signed, is refused.
	w2 := w.fork()
	w2.now = start
	stale := w2.cheat(w2.now)
	_, _, err := w.state.Apply(stale, w.now)
	wantCode(t, err, exchange.CodeStale)
}

func TestFreshness(t *testing.T) {
	w := newWorld(t)
	wantCode(t, w.state.MayTakeOn(w.now), exchange.CodeFreshness)
	w.append()
	signed := w.state.Checkpoint().Time
	for age, want := range map[time.Duration]Freshness{
		-time.Hour: Fresh, 0: Fresh, WarnAfter: Fresh, WarnAfter + 1e6: Ageing, StaleAfter: Ageing, StaleAfter + 1e6: Stale,
	} {
		t.Run(age.String(), func(t *testing.T) {
			now := signed.Add(age)
			if got := w.state.Freshness(now); got != want {
				t.Errorf("%v, want %v", got, want)
			}
			if err := w.state.MayTakeOn(now); (err != nil) != (want == Stale) {
				t.Errorf("MayTakeOn: %v", err)
			}
		})
	}
}

// TestHubClock has the hub's clock step back: its signed times never do.
func TestHubClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			w.now = start.Add(time.Duration(rapid.Int64Range(-3_600_000, 3_600_000).Draw(t, "clock")) * time.Millisecond)
			before := w.state.Checkpoint().Time
			if rapid.Bool().Draw(t, "join") {
				w.append(w.join(w.inviteWith(InviteOptions{Uses: 1, Expires: start.Add(24 * time.Hour)}), w.key()))
			} else {
				w.append()
			}
			if w.state.Checkpoint().Time < before {
				t.Fatalf("from %v to %v", before, w.state.Checkpoint().Time)
			}
		}
		w.now = start.Add(time.Hour)
		sameList(t, w, must2(w.shop().Apply(w.whole(), w.now))(t))
		sameList(t, w, must(Restore(w.fed, w.entries, w.state.Checkpoint().Note))(t))
	})
}
