package hub_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/hub"
	"github.com/souk-market/souk/hub/hubsim"
	"github.com/souk-market/souk/protocol/members"
	"github.com/souk-market/souk/store"
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

// joined is a shop that joined, runs and has met the hub.
func joined(w *hubsim.World) *hubsim.Shop {
	w.T.Helper()
	s := w.NewShop()
	if err := s.Join(w.Invite(membership.InviteOptions{})); err != nil {
		w.T.Fatal(err)
	}
	s.Start()
	w.Wait(time.Minute, s.Name+" meets the hub", func() bool { return s.Connected(w.Address().Closed.Peer) })
	return s
}

// submit hands a statement in from a place of its own.
func submit(w *hubsim.World, st membership.Statement) error {
	w.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return members.Submit(ctx, st, w.NewShop().Ask)
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

func TestJoinAndMeet(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		a, b := joined(w), joined(w)
		w.Wait(10*time.Second, "both learn of each other", func() bool { return a.List.IsMember(b.ID) && b.List.IsMember(a.ID) })
		if err := a.Echo(b.ID); err != nil {
			t.Fatal(err)
		}
		w.Wait(10*time.Second, "the hub counts both", func() bool { return w.Hub.Report().Connected == 2 })
	})
}

// TestRefusedInvites: the owner reads what is wrong, and the list does not grow.
func TestRefusedInvites(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		used := w.Invite(membership.InviteOptions{})
		if err := w.NewShop().Join(used); err != nil {
			t.Fatal(err)
		}
		expired := w.Invite(membership.InviteOptions{Expires: w.Clock.Now().Add(time.Second)})
		void := w.Invite(membership.InviteOptions{})
		if err := submit(w, must(membership.NewVoid(w.Federation.Origin, w.Admission, void.Token.ID, "lost"))(t)); err != nil {
			t.Fatal(err)
		}
		forged := w.Invite(membership.InviteOptions{})
		forged.Token.Uses = 100
		stolen := w.Invite(membership.InviteOptions{}) // from the list, without its private key
		stolen.Key = hubsim.NewKey(t)
		time.Sleep(2 * time.Second)

		size := w.Hub.List().State().Size()
		for _, c := range []struct {
			name   string
			invite membership.Invite
			want   string
		}{
			{"used", used, "used already"},
			{"expired", expired, "expired"},
			{"void", void, "voided"},
			{"forged", forged, "forged"},
			{"stolen", stolen, "not this shop's"},
		} {
			err := w.NewShop().Join(c.invite)
			if exchange.CodeOf(err) != exchange.CodeInvite || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		other := hubsim.New(t)
		defer other.Close()
		foreign := other.Invite(membership.InviteOptions{})
		foreign.Hub = w.Address() // as if the code had been tampered with
		if err := w.NewShop().Join(foreign); err == nil {
			t.Error("an invite of another federation was taken")
		}
		if now := w.Hub.List().State().Size(); now != size {
			t.Errorf("the list grew from %d to %d", size, now)
		}
	})
}

// TestJoinAnswerLost: the shop asks again and finds itself entered once, even
// when the invite has expired meanwhile.
func TestJoinAnswerLost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		inv := w.Invite(membership.InviteOptions{Expires: w.Clock.Now().Add(time.Minute)})
		s := w.NewShop()
		request := members.JoinRequest{Invite: inv, Key: s.Key, Name: s.Name}
		lost := errors.New("the answer was lost")
		_, err := members.Join(context.Background(), request, func(ctx context.Context, req []byte) ([]byte, error) {
			if _, err := s.Ask(ctx, req); err != nil {
				return nil, err
			}
			return nil, lost
		})
		if !errors.Is(err, lost) {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		b, err := members.Join(context.Background(), request, s.Ask)
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Entries) != 1 || w.Hub.List().State().Size() != 1 {
			t.Errorf("%d entries came, the list has %d", len(b.Entries), w.Hub.List().State().Size())
		}
		if err := w.NewShop().Join(inv); exchange.CodeOf(err) != exchange.CodeInvite {
			t.Errorf("another shop by the same invite: %v", err)
		}
	})
}

// TestHubFailsAtCommit: whether or not the commit happened, the hub ends, and after a
// restart the repeated join is one entry.
func TestHubFailsAtCommit(t *testing.T) {
	for name, fault := range map[string]store.Fault{"before": store.FaultBefore, "after": store.FaultAfter} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := hubsim.New(t)
				defer w.Close()
				mem := store.Memory()
				w.Store = mem
				ended := make(chan error, 1)
				h := must(hub.New(w.Parts()))(t)
				go func() { ended <- h.Run(context.Background()) }()
				<-h.Ready()
				s, inv := w.NewShop(), w.Invite(membership.InviteOptions{})
				time.Sleep(time.Second) // the checkpoint of the start is stored
				mem.FailNext(fault)
				if err := s.Join(inv); err == nil {
					t.Error("a join was answered that is not known to be stored")
				}
				if err := <-ended; exchange.CodeOf(err) != exchange.CodeInternal {
					t.Errorf("the hub ended with %v", err)
				}
				w.Store = mem.Clone()
				w.StartHub()
				if err := s.Join(inv); err != nil {
					t.Fatal(err)
				}
				if n := w.Hub.List().State().Size(); n != 1 {
					t.Errorf("%d entries", n)
				}
			})
		})
	}
}

// TestConcurrentJoins: five shops join at once by an invite for three; a shop sends its join many
// times.
func TestConcurrentJoins(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		inv := w.Invite(membership.InviteOptions{Uses: 3})
		var work sync.WaitGroup
		again := w.NewShop()
		for i := range 9 {
			s := again
			if i < 5 {
				s = w.NewShop()
			}
			ask := func(ctx context.Context, req []byte) ([]byte, error) { return hub.ServeJoin(w.Hub, ctx, s.ID, req) }
			work.Go(func() {
				_, err := members.Join(context.Background(), members.JoinRequest{Invite: inv, Key: s.Key, Name: s.Name}, ask)
				if code := exchange.CodeOf(err); code != exchange.CodeOK && code != exchange.CodeInvite {
					t.Error(err)
				}
			})
		}
		work.Wait()
		active := 0
		for _, m := range w.Hub.Members() {
			if m.Status == "active" {
				active++
			}
		}
		if state := w.Hub.List().State(); active != 3 || state.Size() != 3 || state.Invite(inv.Token.ID).Used != 3 {
			t.Errorf("%d members, %d entries", active, state.Size())
		}
	})
}

// TestLeave: the answer arrives before the connection is cut, repetition changes nothing, and
// another invite lets the shop in again.
func TestLeave(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		a, b := joined(w), joined(w)
		w.Wait(10*time.Second, "they know each other", func() bool { return a.List.IsMember(b.ID) })
		if err := a.Echo(b.ID); err != nil {
			t.Fatal(err)
		}
		me, _ := b.List.Member(b.ID)
		leave := must(membership.NewLeave(w.Federation.Origin, b.Key, me.Index))(t)
		if err := members.Leave(context.Background(), b.Net, w.Address().Closed.Peer, b.List, leave); err != nil {
			t.Fatal(err)
		}
		if b.List.IsMember(b.ID) {
			t.Error("the shop does not know that it left")
		}
		w.Wait(5*time.Second, "the others cut it", func() bool {
			return !a.Connected(b.ID) && !w.Hub.Members()[1].Online && a.Departed(b.ID) != ""
		})
		b.Stop()
		if err := members.Submit(context.Background(), leave, b.Ask); err != nil {
			t.Errorf("the same leave again: %v", err)
		}
		if n := w.Hub.List().State().Size(); n != 3 {
			t.Errorf("%d entries", n)
		}
		if err := b.Join(w.Invite(membership.InviteOptions{})); err != nil {
			t.Fatal(err)
		}
		b.Start()
		w.Wait(10*time.Second, "it is back", func() bool { return a.List.IsMember(b.ID) && b.Connected(w.Address().Closed.Peer) })
	})
}

// TestForeignStatements: what the admission key or the shop did not sign is refused,
// also where the list holds its effect already.
func TestForeignStatements(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		s := joined(w)
		thief := hubsim.NewKey(t)
		statements := []membership.Statement{
			must(membership.NewRevoke(w.Federation.Origin, thief, s.ID, "mine now"))(t),
			must(membership.NewVoid(w.Federation.Origin, thief, membership.InviteID{1}, ""))(t),
			membership.Leave{Origin: w.Federation.Origin, Shop: s.ID, Joined: 0},
		}
		for range 2 { // the second time with the effect in the list
			for _, st := range statements {
				if err := submit(w, st); exchange.CodeOf(err) != exchange.CodeSignature {
					t.Errorf("kind %d: %v", st.Kind(), err)
				}
			}
			if err := submit(w, must(membership.NewRevoke(w.Federation.Origin, w.Admission, s.ID, "test"))(t)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestOldCopyOfTheList: a hub restored from a backup takes its list back from its members
// before it appends, so it never signs a second one.
func TestOldCopyOfTheList(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		a := joined(w)
		time.Sleep(time.Second)
		backup := w.Store.(*store.Mem).Clone()
		b := joined(w)
		w.Wait(10*time.Second, "a knows b", func() bool { return a.List.IsMember(b.ID) })
		w.StopHub()

		w.Store = backup
		w.Clock.Ahead(3 * time.Hour)
		a.Clock.Ahead(3 * time.Hour)
		b.Clock.Ahead(3 * time.Hour)
		w.StartHub()
		c, inv := w.NewShop(), w.Invite(membership.InviteOptions{})
		if err := c.Join(inv); exchange.CodeOf(err) != exchange.CodeUnavailable {
			t.Fatalf("a hub with an old list took a shop in: %v", err)
		}
		w.Wait(time.Minute, "the hub has its list again", func() bool { return w.Hub.List().IsMember(b.ID) })
		c.Clock.Ahead(3 * time.Hour)
		w.Wait(3*time.Minute, "the hub takes shops in", func() bool { return c.Join(inv) == nil })
		w.Wait(time.Minute, "all follow", func() bool { return a.List.IsMember(c.ID) && b.List.IsMember(c.ID) })
		if a.List.Evidence() != nil {
			t.Error("the hub signed two lists")
		}
	})
}

// TestRenewal: the hub signs hourly, and shops take it.
func TestRenewal(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		a := joined(w)
		first := a.List.State().Checkpoint().Time
		time.Sleep(time.Hour + time.Minute)
		if now := a.List.State().Checkpoint().Time; now.Sub(first) < 59*time.Minute {
			t.Errorf("after an hour the list is still of %s", now)
		}
	})
}
