package p2p_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/protocol/p2p"
)

// TestProofsRefused: a hub that is too busy to dial a shop back is asked again soon: until then the shop
// knows of no way in, and relays for nobody.
func TestProofsRefused(t *testing.T) {
	inTown(t, 2, func(t *testing.T, w *town) {
		var free func()
		w.start(0, nil, func(n *p2p.Node) { free = n.OccupyProbes() })
		w.start(1, func(c *p2p.Config) { c.Relay = true }, nil)
		w.wait(time.Minute, "they are connected", func() bool { return w.connected(1, 0) })
		time.Sleep(10 * time.Second)
		if proofs := w.nodes[1].Reach().Proofs; len(proofs) > 0 {
			t.Fatalf("%+v", proofs)
		}
		free()
		if took := w.within(time.Hour, "it was tried", func() bool { return w.nodes[1].Reach().Use.Serving }); took > time.Minute {
			t.Errorf("tried %v after the hub had room", took)
		}
	})
}
