package hub_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/roster"
	"github.com/souk-market/souk/hub/hubsim"
	"github.com/souk-market/souk/protocol/p2p"
	"github.com/souk-market/souk/store"
)

const day = 24 * time.Hour

// TestFault16HubDead: the hub is gone for 30 days. Members stay members and reach each other. After
// a day the list is ageing, after a week it is too old for new partnerships. A shop that was away
// learns the newest list from another shop. When the hub is back, the list is fresh again.
func TestFault16HubDead(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		a, away := joined(w), joined(w)
		away.Stop()
		b := joined(w)
		if err := a.Echo(b.ID); err != nil {
			t.Fatal(err)
		}
		w.StopHub()
		pass := func(d time.Duration) {
			for _, s := range []*hubsim.Shop{a, b, away} {
				s.Clock.Ahead(d)
			}
		}
		for _, c := range []struct {
			after time.Duration
			want  membership.Freshness
			take  exchange.Code
		}{
			{23 * time.Hour, membership.Fresh, exchange.CodeOK},
			{day + time.Hour, membership.Ageing, exchange.CodeOK},
			{7*day - time.Hour, membership.Ageing, exchange.CodeOK},
			{7*day + time.Hour, membership.Stale, exchange.CodeFreshness},
			{30 * day, membership.Stale, exchange.CodeFreshness},
		} {
			pass(c.after)
			if f, err := a.List.Freshness(), a.List.MayTakeOn(); f != c.want || exchange.CodeOf(err) != c.take {
				t.Errorf("after %v: %v, %v", c.after, f, err)
			}
			if err := a.List.MayTrade(); err != nil {
				t.Errorf("after %v partners may not trade: %v", c.after, err)
			}
			if err := a.Echo(b.ID); err != nil {
				t.Errorf("after %v: %v", c.after, err)
			}
		}

		away.Start()
		if away.List.IsMember(b.ID) {
			t.Fatal("the shop that was away knows too much")
		}
		if err := away.Net.LearnAddresses(a.Net.SignedAddresses()); err != nil {
			t.Fatal(err)
		}
		if err := away.Echo(a.ID); err != nil {
			t.Fatal(err)
		}
		w.Wait(10*time.Second, "it learns of b from a", func() bool { return away.List.IsMember(b.ID) })

		w.Clock.Ahead(30 * day)
		w.StartHub()
		w.Wait(5*time.Minute, "the list is fresh again", func() bool {
			return a.List.MayTakeOn() == nil && b.List.MayTakeOn() == nil && away.List.MayTakeOn() == nil
		})
		if a.List.Evidence() != nil {
			t.Error("the hub signed two lists")
		}
	})
}

// TestFault17TwoLists: the hub shows two shops different lists. The shops find out when they meet,
// each has a proof that anybody can check, and both go on trading.
func TestFault17TwoLists(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		a, b := joined(w), joined(w)
		w.Wait(10*time.Second, "a knows b", func() bool { return a.List.IsMember(b.ID) })
		w.StopHub()
		lists := map[exchange.ShopID]*roster.Roster{a.ID: w.Fork(joinOf(w, "Carol")), b.ID: w.Fork(joinOf(w, "Dave"))}
		w.StartFalseHub(func(to exchange.ShopID) *roster.Roster { return lists[to] })
		w.Wait(2*time.Minute, "each shop has a list of its own", func() bool {
			return a.List.State().Size() == 3 && b.List.State().Size() == 3
		})
		if err := a.Net.LearnAddresses(b.Net.SignedAddresses()); err != nil {
			t.Fatal(err)
		}
		if err := a.Echo(b.ID); err != nil {
			t.Fatal(err)
		}
		w.Wait(time.Minute, "both hold proof", func() bool { return a.List.Evidence() != nil && b.List.Evidence() != nil })
		for _, s := range []*hubsim.Shop{a, b} {
			if _, err := membership.VerifyEvidence(w.Federation, s.List.Evidence()); err != nil {
				t.Error(err)
			}
			if err := s.List.MayTakeOn(); exchange.CodeOf(err) != exchange.CodeFrozen {
				t.Errorf("new partners are taken on: %v", err)
			}
			s.Open() // a restart
			if s.List.Evidence() == nil {
				t.Error("the proof did not survive a restart")
			}
		}
		if err := a.Echo(b.ID); err != nil {
			t.Errorf("partners cannot trade: %v", err)
		}
	})
}

// joinOf is the join of a shop that never runs.
func joinOf(w *hubsim.World, name string) membership.Join {
	w.T.Helper()
	j, err := membership.NewJoin(w.Invite(membership.InviteOptions{}), hubsim.NewKey(w.T), name, [32]byte{})
	if err != nil {
		w.T.Fatal(err)
	}
	return j
}

// TestFault18OlderList: a hub that shows a list from before a revocation, signed
// anew, changes nothing, and neither does it after the shop's restart.
func TestFault18OlderList(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		a, b := joined(w), joined(w)
		w.Wait(10*time.Second, "a knows b", func() bool { return a.List.IsMember(b.ID) })
		older := w.Fork()
		if err := submit(w, must(membership.NewRevoke(w.Federation.Origin, w.Admission, b.ID, "test"))(t)); err != nil {
			t.Fatal(err)
		}
		w.Wait(10*time.Second, "a knows", func() bool { return !a.List.IsMember(b.ID) })
		w.StopHub()
		time.Sleep(time.Minute)
		if _, err := older.Append(w.LogKey); err != nil { // an older list under a newer date
			t.Fatal(err)
		}
		if older.State().Checkpoint().Time <= a.List.State().Checkpoint().Time {
			t.Fatal("the older list is not dated later")
		}
		w.StartFalseHub(func(exchange.ShopID) *roster.Roster { return older })
		check := func(when string) {
			t.Helper()
			w.Wait(2*time.Minute, "a meets the hub "+when, func() bool { return a.Connected(w.Address().Closed.Peer) })
			a.Sync.Unknown(b.ID) // have it pull
			time.Sleep(30 * time.Minute)
			if a.List.IsMember(b.ID) || a.List.State().Size() != 3 {
				t.Errorf("%s a took an older list", when)
			}
			if older, err := older.Bundle(0, p2p.MaxMessage); exchange.CodeOf(a.List.Apply(older)) != exchange.CodeStale {
				t.Errorf("%s: the older list is not refused as such: %v", when, err)
			}
		}
		check("at first")
		a.Stop()
		a.Open()
		a.Start()
		check("after a restart")
		if a.List.Evidence() != nil {
			t.Error("an older list is no contradiction")
		}
	})
}

// TestFault19NoInvite: the hub enters a shop by an invite that the admission key did not
// sign, and it leaves out a member. Both are refused, and the list stays.
func TestFault19NoInvite(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		a, b := joined(w), joined(w)
		w.Wait(10*time.Second, "a knows b", func() bool { return a.List.IsMember(b.ID) })
		forger := hubsim.New(t)
		defer forger.Close()
		inv := forger.Invite(membership.InviteOptions{})
		inv.Token.Origin, inv.Federation = w.Federation.Origin, w.Federation
		forged := must(membership.NewJoin(inv, hubsim.NewKey(t), "Mallory", [32]byte{}))(t)
		if err := submit(w, forged); exchange.CodeOf(err) != exchange.CodeInvite {
			t.Errorf("the hub took a forged join: %v", err)
		}
		// That shops refuse it too, under the hub's own signature, is tested in exchange/membership.

		w.StopHub()
		w.Store = store.Memory() // a hub that begins again, without a and b
		dropped := w.Fork(joinOf(w, "Carol"), joinOf(w, "Dave"), joinOf(w, "Eve"))
		w.StartFalseHub(func(exchange.ShopID) *roster.Roster { return dropped })
		w.Wait(2*time.Minute, "a holds proof", func() bool { return a.List.Evidence() != nil })
		if !a.List.IsMember(b.ID) || len(a.List.Members()) != 2 {
			t.Error("a dropped member is gone")
		}
	})
}

// TestFault20Revoked: a revoked shop is cut by everybody within five seconds, cannot come
// back, and what it publishes has no effect. A key that never joined has none either.
func TestFault20Revoked(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		a, b, c := joined(w), joined(w), joined(w)
		for _, s := range []*hubsim.Shop{a, c} {
			w.Wait(10*time.Second, "all know b", func() bool { return s.List.IsMember(b.ID) })
			if err := s.Echo(b.ID); err != nil {
				t.Fatal(err)
			}
		}
		if err := submit(w, must(membership.NewRevoke(w.Federation.Origin, w.Admission, b.ID, "test"))(t)); err != nil {
			t.Fatal(err)
		}
		w.Wait(5*time.Second, "everybody cut it", func() bool {
			return !a.Connected(b.ID) && !c.Connected(b.ID) && w.Hub.Report().Connected == 2
		})
		for _, s := range []*hubsim.Shop{a, c} {
			if why := s.Departed(b.ID); !strings.Contains(why, "revoked") {
				t.Errorf("%s was told %q", s.Name, why)
			}
		}
		if err := b.Echo(a.ID); err == nil {
			t.Error("a revoked shop was answered")
		}
		if err := b.Sync.PublishProfile(b.Profile(1, "counterfeits")); err == nil {
			time.Sleep(time.Minute)
		}
		if _, _, ok := a.List.Profile(b.ID); ok {
			t.Error("a revoked shop's profile was taken")
		}
		b.Stop()
		if err := b.Join(w.Invite(membership.InviteOptions{})); exchange.CodeOf(err) != exchange.CodeNotMember {
			t.Errorf("a revoked shop joined again: %v", err)
		}
		b.Start()

		stranger := w.NewShop() // it knows the list, and nobody knows it
		stranger.Store = a.Store.Clone()
		stranger.Open()
		stranger.Start()
		time.Sleep(2 * time.Minute)
		for _, s := range []*hubsim.Shop{b, stranger} {
			if s.Connected(w.Address().Closed.Peer) || s.Echo(a.ID) == nil {
				t.Errorf("%s is connected", s.Name)
			}
		}
		if n := w.Hub.Report().Connected; n != 2 {
			t.Errorf("%d shops are connected to the hub", n)
		}
	})
}

// TestForeignFederation: two federations on one network have no protocol in common.
func TestForeignFederation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := hubsim.New(t)
		defer w.Close()
		w.StartHub()
		other := hubsim.New(t)
		defer other.Close()
		s := w.NewShop()
		_, err := p2p.Ask(context.Background(), p2p.AskConfig{
			Addrs:      []string{w.Address().Open.Addrs[0] + "/p2p/" + w.Address().Open.Peer.String()},
			Federation: other.Federation.Label(), HostOptions: w.Net.HostOptions(s.Place),
		}, "join", nil)
		if err == nil || p2p.IsAnswer(err) {
			t.Errorf("the hub answered another federation: %v", err)
		}
	})
}
