package p2p_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// within passes virtual time until ok and returns how much it took.
func (w *town) within(limit time.Duration, what string, ok func() bool) time.Duration {
	w.t.Helper()
	begun := time.Now()
	w.wait(limit, what, ok)
	return time.Since(begun)
}

func (w *town) relays(i int) []exchange.ShopID {
	var list []exchange.ShopID
	for _, r := range w.nodes[i].Reach().Relays {
		list = append(list, r.Shop)
	}
	return list
}

// books are address books, which outlive a restart.
func books(count int) func(i int) func(*p2p.Config) {
	all := make([]*book, count)
	for i := range all {
		all[i] = &book{records: map[exchange.ShopID][]byte{}}
	}
	return func(i int) func(*p2p.Config) {
		return func(c *p2p.Config) { c.Book, c.Relay = all[i], true }
	}
}

// TestReservation: a shop that nobody reaches has a way in as soon as it is at the hub, and again as soon
// as the hub is back. The times are virtual: they are round trips and pauses, not the machine's.
func TestReservation(t *testing.T) {
	inTown(t, 2, func(t *testing.T, w *town) {
		w.world.Shut(1)
		w.start(0, nil, nil)
		w.start(1, nil, nil)
		atHub := func() bool { return slices.Equal(w.relays(1), w.ids[:1]) }
		if took := w.within(5*time.Second, "a way in after the start", atHub); took > time.Second {
			t.Errorf("%v after the start", took)
		}
		w.stop(0)
		w.wait(time.Minute, "the way is gone with the hub", func() bool { return len(w.relays(1)) == 0 })
		time.Sleep(5 * time.Minute)
		w.start(0, func(c *p2p.Config) { c.Book = nil }, nil)
		took := w.within(time.Minute, "a way in again", atHub)
		if took > 13*time.Second { // retryPartner, a quarter longer at most, and a dial, whose addresses are tried one after the other: this hub has no book to call its members by
			t.Errorf("%v after the hub was back", took)
		}
	})
}

// TestProofs: the hub dials a shop back, and says where it is reached and where not; what changes is
// noticed.
func TestProofs(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		w.world.Shut(2)
		w.start(0, nil, nil)
		w.start(1, func(c *p2p.Config) { c.Relay = true }, nil)
		w.start(2, func(c *p2p.Config) { c.Relay = true }, nil)
		w.wait(20*time.Second, "both were tried", func() bool { return len(w.nodes[1].Reach().Proofs) == 1 && len(w.nodes[2].Reach().Proofs) == 1 })
		open, shut := w.nodes[1].Reach(), w.nodes[2].Reach()
		if p := open.Proofs[0]; !p.Reached || p.By != w.ids[0] || p.Address != w.world.Listen(1)[0] || p.At.IsZero() {
			t.Errorf("the open shop: %+v", p)
		}
		if p := shut.Proofs[0]; p.Reached || p.By != w.ids[0] || p.Why == "" {
			t.Errorf("the shut shop: %+v", p)
		}
		if !open.Use.Serving || shut.Use.Serving {
			t.Errorf("relaying: the open shop %v, the shut shop %v", open.Use.Serving, shut.Use.Serving)
		}
		if slices.Contains(shut.Told, w.world.Listen(2)[0]) || len(shut.Told) == 0 {
			t.Errorf("the shut shop tells %v", shut.Told)
		}
		w.world.Open(2)
		w.wait(45*time.Minute, "the forwarded port is noticed", func() bool { return w.nodes[2].Reach().Use.Serving })
		w.world.Shut(2)
		w.wait(2*time.Hour, "the closed port is noticed", func() bool { return !w.nodes[2].Reach().Use.Serving })
	})
}

// TestHubDead: with the hub dead, two shops that only relays connect trade on through a public member,
// at once where they know it, and within seconds after both have restarted.
func TestHubDead(t *testing.T) {
	inTown(t, 4, func(t *testing.T, w *town) {
		with := books(4)
		apart := func() {
			w.world.Shut(2)
			w.world.Shut(3)
			w.world.Partition([]int{2}, []int{3}) // no hole is punched
		}
		apart()
		want := func() {
			w.nodes[2].SetWanted(w.ids[3:4])
			w.nodes[3].SetWanted(w.ids[2:3])
		}
		for i := range 4 {
			w.start(i, with(i), nil)
		}
		want()
		w.wait(time.Minute, "both have the member as a relay besides the hub", func() bool {
			return slices.Contains(w.relays(2), w.ids[1]) && slices.Contains(w.relays(3), w.ids[1])
		})
		w.mustEcho(2, 3)
		w.stop(0)
		if took := w.within(time.Minute, "trade goes on", func() bool { return w.echo(2, 3) == nil }); took > 5*time.Second {
			t.Errorf("trade stood still for %v when the hub died", took)
		}
		w.stop(2)
		w.stop(3)
		time.Sleep(time.Hour)
		w.start(2, with(2), nil)
		w.start(3, with(3), nil)
		want()
		if took := w.within(time.Minute, "they meet after their restart", func() bool { return w.connected(2, 3) && w.connected(3, 2) }); took > 5*time.Second {
			t.Errorf("they met %v after their restart", took)
		}
		w.mustEcho(3, 2)
		if r := w.nodes[1].Reach().Use; r.Circuits == 0 || r.Reservations != 2 || r.Bytes == 0 {
			t.Errorf("the member relays %+v", r)
		}
	})
}

// TestRelayRestarts: with the hub dead, the only member that relays starts again, too. It relays by the
// hub's earlier proof, and so the others meet.
func TestRelayRestarts(t *testing.T) {
	inTown(t, 4, func(t *testing.T, w *town) {
		with := books(4)
		w.world.Shut(2)
		w.world.Shut(3)
		w.world.Partition([]int{2}, []int{3})
		for i := range 4 {
			w.start(i, with(i), nil)
		}
		w.wait(time.Minute, "the member is a relay of both", func() bool { return w.nodes[1].Reach().Use.Reservations == 2 })
		for i := range 4 {
			w.stop(i)
		}
		time.Sleep(24 * time.Hour)
		for i := 1; i < 4; i++ {
			w.start(i, with(i), nil)
		}
		w.nodes[2].SetWanted(w.ids[3:4])
		if took := w.within(time.Minute, "they meet", func() bool { return w.connected(2, 3) }); took > 5*time.Second {
			t.Errorf("they met after %v", took)
		}
		if proofs := w.nodes[1].Reach().Proven(); len(proofs) != 1 || proofs[0].By != w.ids[0] || time.Since(proofs[0].At) < 24*time.Hour {
			t.Errorf("the member goes by %+v", proofs)
		}
	})
}

// TestRelayBytes: a member that has relayed its day's bytes opens no further circuit.
func TestRelayBytes(t *testing.T) {
	inTown(t, 5, func(t *testing.T, w *town) {
		for i := 2; i < 5; i++ {
			w.world.Shut(i)
			w.world.Partition([]int{i}, []int{2, 3, 4})
		}
		with := books(5)
		adjust := func(i int) func(*p2p.Config) {
			return func(c *p2p.Config) { with(i)(c); c.RelayBytes = 64 << 10 }
		}
		for i := range 5 {
			w.start(i, adjust(i), nil)
		}
		w.wait(time.Minute, "the member is everybody's relay", func() bool { return w.nodes[1].Reach().Use.Reservations == 3 })
		w.stop(0)
		w.stop(4)
		w.wait(10*time.Second, "the first circuit", func() bool { return w.echo(2, 3) == nil })
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if _, err := w.nodes[2].Request(ctx, w.ids[3], "echo", make([]byte, 64<<10)); err != nil {
			t.Fatal(err)
		}
		if use := w.nodes[1].Reach().Use; use.Bytes < use.MaxBytes || use.MaxBytes != 64<<10 {
			t.Errorf("%+v", use)
		}
		w.start(4, adjust(4), nil)
		time.Sleep(30 * time.Second)
		if own := w.nodes[1].Reach().Use; len(w.relays(4)) > 0 || own.Until.IsZero() {
			t.Errorf("a full relay takes reservations: %v, %+v", w.relays(4), own)
		}
		if err := w.echo(4, 3); !p2p.IsUnsent(err) {
			t.Errorf("beyond the day's bytes: %v", err)
		}
	})
}

// TestManyCircuits: a supplier that only its relay reaches has more partners than libp2p's relay allows.
func TestManyCircuits(t *testing.T) {
	const partners = 40
	inTown(t, partners+2, func(t *testing.T, w *town) {
		w.world.Shut(1)
		w.start(0, nil, nil)
		w.start(1, nil, nil)
		w.wait(5*time.Second, "a way in", func() bool { return len(w.relays(1)) == 1 })
		hub := infoOf(t, w.nodes[0])
		supplier := peer.AddrInfo{ID: infoOf(t, w.nodes[1]).ID, Addrs: []ma.Multiaddr{ma.StringCast("/p2p/" + hub.ID.String() + "/p2p-circuit")}}
		ctx, cancel := context.WithTimeout(context.Background(), p2p.HelloTimeout) // none of them says hello
		defer cancel()
		var calls sync.WaitGroup
		for i := range partners {
			h := bareHost(t, w, i+2, w.keys[i+2])
			defer h.Close()
			calls.Go(func() {
				if err := errors.Join(h.Connect(ctx, hub), h.Connect(ctx, supplier)); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		if use := w.nodes[0].Reach().Use; use.Circuits < partners {
			t.Errorf("%d circuits for %d partners", use.Circuits, partners)
		}
	})
}

// TestDeadConnection: a connection over which nothing comes any more is closed within seconds, and the
// next request goes another way.
func TestDeadConnection(t *testing.T) {
	for name, cut := range map[string]func(w *town){
		"both ways":          func(w *town) { w.world.Partition([]int{1}, []int{2}) },
		"only the way there": func(w *town) { w.world.Cut(1, 2) },
		"only the way back":  func(w *town) { w.world.Cut(2, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, 3, func(t *testing.T, w *town) {
				w.all()
				w.mustEcho(1, 2)
				cut(w)
				begun := time.Now()
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
				defer cancel()
				_, err := w.nodes[1].Request(ctx, w.ids[2], "echo", nil)
				if took := time.Since(begun); err == nil || p2p.IsUnsent(err) || took > 4*time.Second {
					t.Errorf("a request under way ended after %v with %v", took, err)
				}
				w.mustEcho(1, 2)
				if took := time.Since(begun); took > 6*time.Second {
					t.Errorf("the next request was answered after %v", took)
				}
				if d, err := w.nodes[1].Dial(ctx, w.ids[2]); err != nil || d.Direct {
					t.Errorf("%+v, %v", d, err)
				}
			})
		})
	}
}
