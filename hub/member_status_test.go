package hub_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/roster"
	"github.com/souk-market/souk/hub/hubsim"
	"github.com/souk-market/souk/protocol/members"
)

// revoke takes a shop out through the hub.
func revoke(w *hubsim.World, s *hubsim.Shop) {
	w.T.Helper()
	if err := submit(w, must(membership.NewRevoke(w.Federation.Origin, w.Admission, s.ID, "sold counterfeits"))(w.T)); err != nil {
		w.T.Fatal(err)
	}
}

// hears waits until a shop has been told that it is out, and why.
func hears(w *hubsim.World, limit time.Duration, s *hubsim.Shop) {
	w.T.Helper()
	w.Wait(limit, s.Name+" is told that it is out", func() bool { return s.Departed(s.ID) == "was revoked" })
	if m, _ := s.List.Member(s.ID); m.Status != membership.Revoked || m.Why != "sold counterfeits" {
		w.T.Errorf("its list says %+v", m)
	}
}

// TestMemberStatusAfterAbsence: a shop was revoked while it was off, another while the hub was off.
// Both hear of it soon after shop and hub are back, though no member admits them.
func TestMemberStatusAfterAbsence(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		away, stays, honest := joined(w), joined(w), joined(w)
		for _, s := range []*hubsim.Shop{away, stays} {
			s.Stop()
			s.Asks = true
		}
		stays.Start()
		w.Wait(time.Minute, "it meets the hub", func() bool { return stays.Connected(w.Address().Closed.Peer) })

		revoke(w, away)
		away.Start()
		hears(w, 10*time.Second, away)

		w.StopHub()
		list, err := roster.Open(roster.Config{Store: w.Store, Federation: w.Federation, Clock: w.Clock, Log: hubsim.Log("command")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := list.Append(w.LogKey, must(membership.NewRevoke(w.Federation.Origin, w.Admission, stays.ID, "sold counterfeits"))(t)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if stays.Departed(stays.ID) != "" || !stays.List.IsMember(stays.ID) {
			t.Error("who told it?")
		}
		w.StartHub()
		hears(w, 11*time.Minute, stays) // a shop asks every ten minutes
		if honest.Departed(honest.ID) != "" {
			t.Error("a member was told that it is out")
		}
	})
}

// TestMemberStatusOfStrangers: only a shop that the list names is told its status, and a question
// changes nothing in the list.
func TestMemberStatusOfStrangers(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		out, member, stranger := joined(w), joined(w), w.NewShop()
		revoke(w, out)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if reply, err := stranger.AskStatus(ctx, make([]byte, 8)); exchange.CodeOf(err) != exchange.CodeNotMember || reply != nil {
			t.Errorf("a stranger got %d bytes and %v", len(reply), err)
		}
		if reply, err := out.Ask(ctx, make([]byte, 8)); exchange.CodeOf(err) != exchange.CodeNotMember || reply != nil {
			t.Errorf("a throwaway key got %d bytes and %v", len(reply), err)
		}
		empty := must(membership.New(w.Federation))(t)
		for s, want := range map[*hubsim.Shop]membership.Status{out: membership.Revoked, member: membership.Active} {
			m, err := members.Status(ctx, s.ID, empty, s.Clock.Now(), s.AskStatus)
			if err != nil || m.Status != want {
				t.Errorf("%s has status %v, %v", s.Name, m.Status, err)
			}
		}
		before := w.Hub.List().Checkpoint()
		if _, err := members.Status(ctx, stranger.ID, empty, stranger.Clock.Now(), stranger.AskStatus); exchange.CodeOf(err) != exchange.CodeUnavailable {
			t.Errorf("a stranger's status: %v", err)
		}
		if !bytes.Equal(before, w.Hub.List().Checkpoint()) {
			t.Error("a question changed the list")
		}
	})
}

// TestMemberStatusAgain: a shop that asks without end is refused, and answered again after a pause; another
// shop is answered meanwhile, and a new one joins.
func TestMemberStatusAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		eager, other := joined(w), joined(w)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		const most = 25 // below the bound of questions over all shops
		var err error
		asked := 0
		for ; err == nil && asked < most; asked++ {
			_, err = eager.AskStatus(ctx, make([]byte, 8))
		}
		if exchange.CodeOf(err) != exchange.CodeLimit || asked < 8 {
			t.Fatalf("question %d: %v", asked, err)
		}
		if _, err := other.AskStatus(ctx, make([]byte, 8)); err != nil {
			t.Errorf("another shop's question: %v", err)
		}
		joined(w)
		time.Sleep(10 * time.Second)
		if _, err := eager.AskStatus(ctx, make([]byte, 8)); err != nil {
			t.Errorf("after a pause: %v", err)
		}
	})
}
