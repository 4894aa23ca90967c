package p2p_test

import (
	"context"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// TestLyingProber: a shop that nobody reaches keeps its ways in through members while the hub is away,
// also when members tell it that it is reached.
func TestLyingProber(t *testing.T) {
	inTown(t, 4, func(t *testing.T, w *town) {
		with := books(4)
		w.world.Shut(3)
		w.start(0, with(0), nil)
		lies := func(n *p2p.Node) {
			n.Handle("reach", func(_ context.Context, _ exchange.ShopID, req []byte) ([]byte, error) {
				if req[0] != 1 {
					return []byte{0}, nil
				}
				reply := []byte{req[1]}
				for range req[1] {
					reply = append(reply, 1, 0)
				}
				return reply, nil
			})
		}
		w.start(1, with(1), lies)
		w.start(2, with(2), lies)
		w.wait(time.Minute, "both members relay", func() bool { return w.nodes[1].Reach().Use.Serving && w.nodes[2].Reach().Use.Serving })
		w.start(3, with(3), nil)
		w.wait(time.Minute, "ways in through both and the hub", func() bool { return len(w.relays(3)) == 3 })
		w.stop(0)
		time.Sleep(3 * time.Hour)
		if relays := w.relays(3); len(relays) == 0 {
			t.Errorf("no way in is left; proofs: %+v", w.nodes[3].Reach().Proofs)
		}
	})
}
