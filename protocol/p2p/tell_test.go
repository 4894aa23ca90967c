package p2p_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// countingHellos counts the hellos that a member received.
type countingHellos struct{ count atomic.Int32 }

func (h *countingHellos) Hello(exchange.ShopID) []byte { return nil }

func (h *countingHellos) Greet(exchange.ShopID, []byte) error { h.count.Add(1); return nil }

// TestTellingPassesWhoHangs: a member that does not answer keeps nobody from being told of two changes.
func TestTellingPassesWhoHangs(t *testing.T) {
	inTown(t, 4, func(t *testing.T, w *town) {
		var heard countingHellos
		for i := range w.nodes {
			w.start(i, func(c *p2p.Config) {
				if i == 3 {
					c.Hellos = &heard
				}
			}, nil)
		}
		w.wait(time.Minute, "all are connected", func() bool { return w.connected(1, 0) && w.connected(2, 0) && w.connected(3, 0) })
		w.mustEcho(1, 2)
		w.mustEcho(1, 3)
		time.Sleep(time.Minute)
		if !w.connected(1, 2) || !w.connected(1, 3) {
			t.Fatal("not connected")
		}
		w.world.Partition([]int{1}, []int{2})
		before := heard.count.Load()
		w.nodes[1].Tell()
		w.wait(time.Second, "the first change is told", func() bool { return heard.count.Load() == before+1 })
		w.nodes[1].Tell()
		w.wait(2*time.Second, "the second change is told", func() bool { return heard.count.Load() == before+2 })
		w.wait(3*time.Second, "who hangs is away", func() bool { return w.nodes[1].Away(w.ids[2]) })
	})
}

// TestReservationSince: a renewal changes until when a relay takes calls, not since when it does.
func TestReservationSince(t *testing.T) {
	inTown(t, 2, func(t *testing.T, w *town) {
		w.start(0, nil, nil)
		w.start(1, nil, nil)
		w.wait(time.Minute, "there is a reservation", func() bool { return len(w.nodes[1].Reach().Relays) == 1 })
		made := w.nodes[1].Reach().Relays[0]
		time.Sleep(100 * time.Minute)
		relays := w.nodes[1].Reach().Relays
		if len(relays) != 1 || !relays[0].Until.After(made.Until) {
			t.Fatalf("not renewed: %v, %v", made, relays)
		}
		if !relays[0].Since.Equal(made.Since) {
			t.Errorf("since %v, made %v", relays[0].Since, made.Since)
		}
		w.stop(0)
		w.wait(time.Minute, "the hub is gone", func() bool { return len(w.nodes[1].Reach().Relays) == 0 })
		w.start(0, nil, nil)
		w.wait(2*time.Minute, "the hub is back", func() bool { return len(w.nodes[1].Reach().Relays) == 1 })
		if since := w.nodes[1].Reach().Relays[0].Since; !since.After(made.Since) {
			t.Errorf("since %v, with a gap", since)
		}
	})
}
