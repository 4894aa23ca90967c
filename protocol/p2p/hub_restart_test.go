package p2p_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// TestHubCallsItsMembers: a hub that was killed or stopped does not wait until its members try
// again. It dials their stored addresses as soon as it runs again.
func TestHubCallsItsMembers(t *testing.T) {
	const shops = 8
	for name, away := range map[string]time.Duration{"a moment": time.Second, "a while": 5 * time.Minute} {
		for how, killed := range map[string]bool{"killed": true, "stopped": false} {
			t.Run(how+" for "+name, func(t *testing.T) {
				inTown(t, 1+shops, func(t *testing.T, w *town) {
					saved := &book{records: map[exchange.ShopID][]byte{}}
					with := func(c *p2p.Config) { c.Book = saved }
					w.start(0, with, nil)
					for i := range shops {
						w.start(1+i, nil, nil)
					}
					all := func() bool { return len(w.nodes[0].Peers()) == shops }
					w.wait(10*time.Second, "all met the hub", all)
					if killed {
						w.world.Partition([]int{0}, []int{1, 2, 3, 4, 5, 6, 7, 8})
					}
					w.stop(0)
					w.world.Heal()
					time.Sleep(away)
					w.start(0, with, nil)
					begun := time.Now()
					w.wait(2*time.Second, "all are back at the hub", all)
					t.Logf("all are back after %v", time.Since(begun))
				})
			})
		}
	}
}

// TestHubThatKnowsNoAddress: members whom a hub cannot call find it themselves, within ten
// seconds after an absence of minutes.
func TestHubThatKnowsNoAddress(t *testing.T) {
	inTown(t, 5, func(t *testing.T, w *town) {
		w.all()
		w.stop(0)
		time.Sleep(5 * time.Minute)
		w.start(0, nil, nil)
		w.wait(12*time.Second, "all are back at the hub", func() bool { return len(w.nodes[0].Peers()) == 4 })
	})
}
