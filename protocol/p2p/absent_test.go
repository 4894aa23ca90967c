package p2p_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// TestAbsentPartnerIsCheap: what is sent to a partner that is off for good is a few handshakes' first
// packets in an hour, whoever of the node's services would like to dial it, and requests included. A dial
// that the owner asks for goes all ways.
func TestAbsentPartnerIsCheap(t *testing.T) {
	inTown(t, 4, func(t *testing.T, w *town) {
		w.all()
		w.nodes[1].SetWanted([]exchange.ShopID{w.ids[2]})
		w.wait(10*time.Second, "connected", func() bool { return w.connected(1, 2) })
		w.stop(2)
		time.Sleep(15 * time.Minute)

		before := w.world.Bytes(2)
		for range 60 {
			time.Sleep(time.Minute)
			if err := w.echo(1, 2); !p2p.IsUnsent(err) {
				t.Fatalf("a request to nobody: %v", err)
			}
		}
		const dials, packets, packet = 60 * 60 / 90, 6, 1308 // absentEvery, absentSpan, QUIC's first
		sent := w.world.Bytes(2) - before
		t.Logf("%d bytes in an hour", sent)
		if sent > dials*packets*packet {
			t.Errorf("%d bytes in an hour, more than %d dials of %d packets", sent, dials, packets)
		}
		if sent == 0 {
			t.Error("it is not dialed at all")
		}

		before = w.world.Bytes(2)
		if _, err := w.nodes[1].Dial(t.Context(), w.ids[2]); err == nil {
			t.Error("nobody was reached")
		}
		if w.world.Bytes(2) == before {
			t.Error("the owner's dial sent nothing")
		}
	})
}

// TestAbsentPartnerReturns: a partner that was away for hours and does not dial anybody is met within two
// minutes where only a QUIC dial leads to it, and within half a minute where a relay does.
func TestAbsentPartnerReturns(t *testing.T) {
	for name, way := range map[string]struct {
		hub  bool
		soon time.Duration
	}{"by QUIC": {false, 2 * time.Minute}, "by the hub": {true, 30 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			inTown(t, 3, func(t *testing.T, w *town) {
				w.all()
				w.nodes[1].SetWanted([]exchange.ShopID{w.ids[2]})
				w.wait(10*time.Second, "connected", func() bool { return w.connected(1, 2) })
				w.stop(2)
				time.Sleep(3 * time.Hour)
				if way.hub {
					w.world.Partition([]int{1}, []int{2})
				} else {
					w.world.Partition([]int{0}, []int{2})
				}
				w.start(2, nil, nil)
				w.wait(way.soon, "met", func() bool { return w.connected(1, 2) })
				w.mustEcho(1, 2)
			})
		})
	}
}

// TestAloneNoMore: a node that was cut off from all for hours, and is connected to somebody again, dials
// its partners at once.
func TestAloneNoMore(t *testing.T) {
	inTown(t, 4, func(t *testing.T, w *town) {
		w.all()
		w.nodes[1].SetWanted([]exchange.ShopID{w.ids[2], w.ids[3]})
		both := func() bool { return w.connected(1, 2) && w.connected(1, 3) }
		w.wait(10*time.Second, "connected", both)
		w.world.Partition([]int{1}, []int{0, 2, 3})
		time.Sleep(3 * time.Hour)
		w.world.Heal()
		w.wait(2*time.Minute, "connected to somebody", func() bool { return len(w.nodes[1].Peers()) > 0 })
		w.wait(5*time.Second, "connected again", both)
	})
}
