package roster_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/roster"
	"github.com/souk-market/souk/store"
)

// TestPullAndRestart has a shop learn the list from the hub, a second from the
// first, and both find it again.
func TestPullAndRestart(t *testing.T) {
	h := newHub(t)
	acorn, birch := h.key(), h.key()
	h.append(h.join(acorn))
	h.append(h.join(birch))
	h.append(h.voids(40, "spare")...)
	_, err := h.open(store.Memory()).Bundle(0, membership.MaxBundleBytes)
	wantCode(t, err, exchange.CodeUnavailable)

	from := h.list
	for i, maxBytes := range []int{membership.MinBundleBytes, membership.MaxBundleBytes} {
		s := store.Memory()
		r := h.open(s)
		answers, err := h.pull(r, from, 0, maxBytes)
		if err != nil || (i == 0) != (answers > 1) {
			t.Fatalf("%d answers of %d bytes: %v", answers, maxBytes, err)
		}
		same(t, r, h.list)
		same(t, h.open(s.Clone()), h.list)
		if !r.IsMember(shopOf(acorn)) || r.IsMember(shopOf(h.key())) || r.MayTakeOn() != nil {
			t.Fatal("the list does not answer")
		}
		from = r // any member serves it
	}

	h.append(must(membership.NewLeave(h.fed.Origin, acorn, 0))(t))
	if _, err := h.pull(from, h.list, from.State().Size(), membership.MinBundleBytes); err != nil {
		t.Fatal(err)
	}
	same(t, from, h.list)
	if from.IsMember(shopOf(acorn)) {
		t.Fatal("it left")
	}
	if e, err := from.Entry(0); err != nil || len(e) == 0 {
		t.Fatal(err)
	}
	_, err = from.Entry(from.State().Size())
	wantCode(t, err, exchange.CodeNotFound)
	_, err = from.Bundle(0, membership.MinBundleBytes-1)
	wantCode(t, err, exchange.CodeInvalid)
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestFault18OlderList: a hub that serves an older list is refused, also after a restart.
func TestFault18OlderList(t *testing.T) {
	h := newHub(t)
	h.append(h.join(h.key()))
	small := must(h.list.Bundle(0, membership.MaxBundleBytes))(t)
	h.clock.advance(time.Hour)
	victim := h.key()
	h.append(h.join(victim))
	early := must(h.list.Bundle(0, membership.MaxBundleBytes))(t)
	h.clock.advance(time.Hour)
	h.append()

	s := store.Memory()
	r := h.open(s)
	if _, err := h.pull(r, h.list, 0, membership.MaxBundleBytes); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		wantCode(t, r.Apply(small), exchange.CodeStale)
		wantCode(t, r.Apply(early), exchange.CodeStale)
		same(t, r, h.list)
		r = h.open(s.Clone())
	}
	if !r.IsMember(shopOf(victim)) {
		t.Fatal("the older list was taken")
	}
}

// TestFreeze: two lists freeze the roster for good, the proof convinces others.
func TestFreeze(t *testing.T) {
	h := newHub(t)
	known := h.key()
	h.append(h.join(known))
	fork := h.fork()
	h.append(h.join(h.key()))
	fork.append(fork.join(fork.key()))

	s := store.Memory()
	r := h.open(s)
	var events []roster.Event
	r.Subscribe(func(e roster.Event) { events = append(events, e) })
	if _, err := h.pull(r, h.list, 0, membership.MaxBundleBytes); err != nil {
		t.Fatal(err)
	}
	_, err := h.pull(r, fork.list, 0, membership.MaxBundleBytes)
	wantCode(t, err, exchange.CodeFrozen)
	if last := events[len(events)-1]; last.Kind != roster.Frozen || last.Err == nil {
		t.Fatalf("%+v", last)
	}
	third := h.open(store.Memory())
	wantCode(t, third.ApplyEvidence(r.Evidence()[1:]), exchange.CodeInvalid)
	for range 2 {
		if err := third.ApplyEvidence(r.Evidence()); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		wantCode(t, r.MayTakeOn(), exchange.CodeFrozen)
		wantCode(t, third.MayTakeOn(), exchange.CodeFrozen)
		if _, err := membership.VerifyEvidence(h.fed, r.Evidence()); err != nil || r.State().Common() != 1 {
			t.Fatalf("%v, common %d", err, r.State().Common())
		}
		if !r.IsMember(shopOf(known)) || len(r.Members()) != 2 {
			t.Fatal("trade among known shops stopped")
		}
		wantCode(t, r.Apply(h.append(h.voids(1, "")...)), exchange.CodeFrozen)
		r = h.open(s.Clone())
	}
}

func TestIllegalListIsReportedOnce(t *testing.T) {
	h := newHub(t)
	h.append(h.join(h.key()))
	r := h.open(h.store.Clone())
	// A hub whose log key serves under another admission key adds a shop.
	thief := h.fork()
	thief.admission = seededKey(66)
	thief.fed.Admission = public(thief.admission)
	thief.store = store.Memory()
	thief.list = thief.open(thief.store)
	thief.append(thief.join(thief.key()))
	fresh := h.open(store.Memory())
	var events []roster.Event
	fresh.Subscribe(func(e roster.Event) { events = append(events, e) })
	for range 3 {
		_, err := h.pull(fresh, thief.list, 0, membership.MaxBundleBytes)
		wantCode(t, err, exchange.CodeFork)
	}
	if len(events) != 1 || events[0].Kind != roster.Illegal || len(fresh.Members()) != 0 {
		t.Fatalf("%+v", events)
	}
	_, err := h.pull(r, thief.list, 0, membership.MaxBundleBytes) // a member has the proof
	wantCode(t, err, exchange.CodeFrozen)
}

func TestEvents(t *testing.T) {
	h := newHub(t)
	acorn, birch := h.key(), h.key()
	r := h.open(store.Memory())
	var got []string
	cancel := r.Subscribe(func(e roster.Event) {
		if e.Kind != roster.Renewed && !slices.ContainsFunc(r.Members(), func(m membership.Member) bool { return m.Shop == e.Member.Shop }) {
			t.Error("an event came before its list")
		}
		got = append(got, fmt.Sprint(e.Kind, " ", e.Member.Shop.Short()))
	})
	sync := func() {
		t.Helper()
		if _, err := h.pull(r, h.list, r.State().Size(), membership.MaxBundleBytes); err != nil {
			t.Fatal(err)
		}
	}
	h.append(h.join(acorn), h.join(birch))
	sync()
	sync() // nothing new
	h.append(must(membership.NewLeave(h.fed.Origin, acorn, 0))(t), must(membership.NewRevoke(h.fed.Origin, h.admission, shopOf(birch), "late"))(t))
	sync()
	cancel()
	h.clock.advance(time.Minute)
	h.append()
	sync()
	a, b := shopOf(acorn).Short(), shopOf(birch).Short()
	want := []string{"1 " + a, "1 " + b, "4 ", "2 " + a, "3 " + b, "4 "}
	if !slices.Equal(got, want) {
		t.Fatalf("%q, want %q", got, want)
	}
}

func TestHalt(t *testing.T) {
	h := newHub(t)
	cfg := h.config(h.store)
	cfg.HaltAfter = 48 * time.Hour
	strict := must(roster.Open(cfg))(t)
	wantCode(t, strict.MayTrade(), exchange.CodeFreshness)
	h.append()
	strict = must(roster.Open(cfg))(t)
	for _, c := range []struct {
		age     time.Duration
		fresh   membership.Freshness
		trade   exchange.Code
		takeOn  exchange.Code
		lenient exchange.Code
	}{
		{time.Hour, membership.Fresh, exchange.CodeOK, exchange.CodeOK, exchange.CodeOK},
		{47 * time.Hour, membership.Ageing, exchange.CodeOK, exchange.CodeOK, exchange.CodeOK},
		{49 * time.Hour, membership.Ageing, exchange.CodeFreshness, exchange.CodeOK, exchange.CodeOK},
		{200 * time.Hour, membership.Stale, exchange.CodeFreshness, exchange.CodeFreshness, exchange.CodeOK},
	} {
		t.Run(c.age.String(), func(t *testing.T) {
			h.clock.now.Store(int64(start.Add(c.age)))
			if strict.Freshness() != c.fresh {
				t.Errorf("%v, want %v", strict.Freshness(), c.fresh)
			}
			wantCode(t, strict.MayTrade(), c.trade)
			wantCode(t, strict.MayTakeOn(), c.takeOn)
			wantCode(t, h.list.MayTrade(), c.lenient)
		})
	}
}

// TestConcurrentReads reads while the list grows, for the race detector.
func TestConcurrentReads(t *testing.T) {
	h := newHub(t)
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			last := uint64(0)
			for {
				select {
				case <-done:
					return
				default:
				}
				s := h.list.State()
				if s.Size() < last || uint64(len(s.Members())) != s.Size() {
					t.Errorf("%d members in %d entries after %d", len(s.Members()), s.Size(), last)
					return
				}
				last = s.Size()
				_, _ = h.list.Bundle(0, membership.MinBundleBytes)
				_, _, _ = h.list.Profile(exchange.ShopID{})
			}
		})
	}
	var joins sync.WaitGroup
	for range 20 {
		j := h.join(h.key())
		joins.Go(func() { h.append(j) })
	}
	joins.Wait()
	close(done)
	wg.Wait()
	if h.list.State().Size() != 20 {
		t.Fatalf("%d entries", h.list.State().Size())
	}
}
