package members_test

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/hub/hubsim"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/p2p"
)

// inWorld runs test in a bubble with a running hub.
func inWorld(t *testing.T, test func(t *testing.T, w *hubsim.World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := hubsim.New(t)
		defer w.Close()
		w.StartHub()
		test(t, w)
	})
}

// joined is a shop that joined and has not started.
func joined(w *hubsim.World) *hubsim.Shop {
	w.T.Helper()
	s := w.NewShop()
	if err := s.Join(w.Invite(membership.InviteOptions{})); err != nil {
		w.T.Fatal(err)
	}
	return s
}

// start starts a shop and waits until it has met the hub.
func start(w *hubsim.World, s *hubsim.Shop) {
	w.T.Helper()
	s.Start()
	w.Wait(time.Minute, s.Name+" meets the hub", func() bool { return s.Connected(w.Address().Closed.Peer) })
}

// sells is what a knows that b sells.
func sells(a, b *hubsim.Shop) string {
	p, _, _ := a.List.Profile(b.ID)
	return p.Sells
}

// TestProfilesSpread: profiles reach connected shops by gossip, and shops that start later by a
// pull. A profile that was published without neighbours is gossiped to the first one.
func TestProfilesSpread(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		a, b, late := joined(w), joined(w), joined(w)
		a.Start()
		if err := a.Sync.PublishProfile(a.Profile(1, "shoes")); err != nil {
			t.Fatal(err)
		}
		start(w, b)
		w.Wait(time.Minute, "b knows what a sells", func() bool { return sells(b, a) == "shoes" })
		if err := a.Sync.PublishProfile(a.Profile(2, "boots")); err != nil {
			t.Fatal(err)
		}
		w.Wait(10*time.Second, "b hears the change", func() bool { return sells(b, a) == "boots" })
		a.Stop()
		time.Sleep(time.Minute)
		start(w, late)
		w.Wait(time.Minute, "a latecomer asks", func() bool { return sells(late, a) == "boots" })
	})
}

// TestProfileOfAnother: nobody gossips a profile but its shop, and an older one changes nothing.
func TestProfileOfAnother(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		a, b, thief := joined(w), joined(w), joined(w)
		for _, s := range []*hubsim.Shop{a, b, thief} {
			start(w, s)
		}
		w.Wait(time.Minute, "all know each other", func() bool { return len(a.List.Members()) == 3 && len(b.List.Members()) == 3 })
		if err := a.Sync.PublishProfile(a.Profile(5, "shoes")); err != nil {
			t.Fatal(err)
		}
		w.Wait(time.Minute, "b knows a", func() bool { return sells(b, a) == "shoes" })
		forged := bytes.Replace(a.Profile(6, "boots"), []byte("boots"), []byte("fakes"), 1)
		if err := thief.Sync.PublishProfile(forged); exchange.CodeOf(err) != exchange.CodeSignature {
			t.Errorf("a forged profile: %v", err)
		}
		if err := thief.Sync.PublishProfile(a.Profile(4, "old")); err != nil {
			t.Errorf("an old profile: %v", err)
		}
		time.Sleep(time.Minute)
		if sells(b, a) != "shoes" {
			t.Errorf("b believes that a sells %s", sells(b, a))
		}
	})
}

// TestProfilesInHellos: a member that says hello with ever newer profiles has few of them stored; its
// newest comes with a later hello.
func TestProfilesInHellos(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		a, b := joined(w), joined(w)
		start(w, a)
		start(w, b)
		w.Wait(time.Minute, "b knows a", func() bool { return len(b.List.Members()) == 2 })
		stored := map[uint64]bool{}
		for sequence := uint64(1); sequence <= 50; sequence++ {
			b.Sync.Greeted(a.ID, nil, a.Profile(sequence, "shoes"))
			if p, _, ok := b.List.Profile(a.ID); ok {
				stored[p.Sequence] = true
			}
		}
		if len(stored) == 0 || len(stored) > 5 {
			t.Errorf("%d profiles were stored", len(stored))
		}
		time.Sleep(time.Minute)
		if b.Sync.Greeted(a.ID, nil, a.Profile(51, "boots")); sells(b, a) != "boots" {
			t.Error("the newest is not stored")
		}
	})
}

// TestPullFromLiar: a member that sends rubbish, or nothing, costs another question.
func TestPullFromLiar(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		honest, liar, late := joined(w), joined(w), joined(w)
		liar.Prepare = func(n *p2p.Node) {
			for _, name := range []string{protocol.Log, "profiles"} {
				n.Handle(name, func(context.Context, exchange.ShopID, []byte) ([]byte, error) { return []byte("rubbish"), nil })
			}
		}
		start(w, honest)
		start(w, liar)
		if err := honest.Sync.PublishProfile(honest.Profile(1, "shoes")); err != nil {
			t.Fatal(err)
		}
		newest := joined(w)
		w.Wait(time.Minute, "both know the newest", func() bool { return honest.List.IsMember(newest.ID) && liar.List.IsMember(newest.ID) })
		addresses := [][]byte{liar.Net.SignedAddresses(), honest.Net.SignedAddresses()}
		w.StopHub()
		late.Start()
		for i, s := range []*hubsim.Shop{liar, honest} {
			if err := late.Net.LearnAddresses(addresses[i]); err != nil {
				t.Fatal(err)
			}
			if err := late.Echo(s.ID); err != nil {
				t.Fatal(err)
			}
		}
		w.Wait(time.Minute, "the latecomer has the list and the profile", func() bool {
			return late.List.IsMember(newest.ID) && sells(late, honest) == "shoes"
		})
	})
}

// TestLogServesOnlyQuestions: malformed requests are refused as such.
func TestLogServesOnlyQuestions(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		s := joined(w)
		start(w, s)
		for _, name := range []string{protocol.Log, "profiles", protocol.Leave} {
			_, err := s.Net.Request(t.Context(), w.Address().Closed.Peer, name, []byte("rubbish"))
			if exchange.CodeOf(err) != exchange.CodeInvalid || !p2p.IsAnswer(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
