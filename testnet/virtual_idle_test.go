package testnet_test

import (
	"flag"
	"testing"
	"time"
)

var idleFor = flag.Duration("idle", time.Hour, "virtual time over which TestIdleTraffic counts; 24h takes minutes")

// TestIdleTraffic counts what a shop with eight partners and a hub sends and gets while nobody
// trades, packets with their headers, over hours in which everything periodic comes round: gossip's
// heartbeats, the hub's hourly signature, pulls of the member list, keep-alives.
func TestIdleTraffic(t *testing.T) {
	const (
		partners = 8
		target   = 15 << 20 // bytes a day; beyond: a third (QUALITY)
	)
	if testing.Short() {
		t.Skip("an hour of ten hosts' heartbeats")
	}
	inTown(t, func(t *testing.T, w *town) {
		shops := w.settle(1 + partners)
		s := shops[0]
		for i, p := range shops[1:] {
			p.stock(10, 100)
			if i%2 == 0 {
				w.partner(p, s)
			} else {
				w.partner(s, p)
			}
		}
		time.Sleep(10 * time.Minute) // what starts, settles
		for _, count := range []struct {
			who   string
			place int
		}{{"a shop with 8 partners", s.place}, {"a shop with 1 partner", shops[1].place}, {"the hub of 9 shops", closedPlace}} {
			defer func(before int64) {
				day := float64(w.world.Bytes(count.place)-before) * float64(24*time.Hour) / float64(*idleFor)
				t.Logf("%s: %.1f MB a day, target %.0f MB", count.who, day/(1<<20), float64(target)/(1<<20))
				if day > target {
					t.Errorf("%s moves %.1f MB a day while idle, over %d MB", count.who, day/(1<<20), target>>20)
				}
			}(w.world.Bytes(count.place))
		}
		time.Sleep(*idleFor)
	})
}
