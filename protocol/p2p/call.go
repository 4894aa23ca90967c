package p2p

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
)

// callMembers dials, once, every member whose addresses were saved: a restarted hub does not wait
// until its members notice. Members that it cannot reach, behind a NAT or moved, reconnect
// themselves (reconnector).
func (d *dialer) callMembers(saved []peer.ID) {
	var calls sync.WaitGroup
	defer calls.Wait()
	slots := make(chan struct{}, callsAtOnce)
	for _, p := range saved {
		select {
		case slots <- struct{}{}:
		case <-d.ctx.Done():
			return
		}
		calls.Go(func() {
			defer func() { <-slots }()
			shop, _ := shopOf(p)
			if d.sessions.connected(shop) != nil || !d.gate.admits(p) {
				return
			}
			if _, err := d.dialBy(d.ctx, p, allWays, d.bookAddrs); err != nil {
				d.log.Debug("a member was not reached at start", "shop", shop, "err", err)
			}
		})
	}
}
