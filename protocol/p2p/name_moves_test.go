package p2p_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/protocol/p2p"
)

// TestHubMovesBehindName: a dial that hangs at the address that a hub had is given up when its name leads
// elsewhere.
func TestHubMovesBehindName(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		at := func(place int) string { return strings.Split(w.world.Listen(place)[0], "/")[2] }
		var now atomic.Value
		now.Store(at(0))
		w.start(0, nil, nil)
		w.hubs = []string{strings.Replace(w.hubs[0], "/ip4/"+at(0), "/dns4/hub.example", 1)}
		w.start(1, nil, func(n *p2p.Node) { n.SetNames(func(string) string { return now.Load().(string) }) })
		w.wait(time.Minute, "connected", func() bool { return w.connected(1, 0) })
		time.Sleep(time.Minute)
		w.world.Partition([]int{0}, []int{1})
		w.stop(0)
		w.wait(time.Minute, "the hub is gone", func() bool { return !w.connected(1, 0) })
		time.Sleep(200 * time.Millisecond) // the dial of the old address hangs
		w.hubs = nil
		w.start(0, func(c *p2p.Config) { c.Listen, c.HostOptions = w.world.Listen(2), w.world.HostOptions(2) }, nil)
		now.Store(at(2))
		w.wait(1300*time.Millisecond, "found at its new address", func() bool { return w.connected(1, 0) })
	})
}
