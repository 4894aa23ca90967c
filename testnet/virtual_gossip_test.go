package testnet_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/souk-market/souk/exchange/feed"
	"github.com/souk-market/souk/protocol/p2p"
)

// soon is how late a partner may see a change of a stock, connected directly or through a relay.
const soon = 300 * time.Millisecond

// relayed makes a supplier and so many retailers of its, who reach each other through the hub only.
func (w *town) relayed(retailers int) (supplier *shop, list []*shop) {
	w.t.Helper()
	private := func(c *p2p.Config) { // what AutoNAT would find out
		c.HostOptions = append(c.HostOptions, libp2p.ForceReachabilityPrivate())
	}
	for range 1 + retailers {
		s := w.shop()
		s.adjust = private
		list = append(list, s)
	}
	for i, s := range list {
		for _, other := range list[i+1:] {
			w.world.Partition([]int{s.place}, []int{other.place})
		}
	}
	for _, s := range list {
		s.start()
	}
	for _, s := range list {
		for _, other := range list {
			w.known(s, other)
		}
	}
	time.Sleep(time.Minute) // the relay grants its reservations
	supplier, list = list[0], list[1:]
	supplier.stock(3, 10)
	for _, r := range list {
		w.partner(supplier, r)
		w.wait(10*time.Second, "the catalog is seen", func() bool { return r.equal(supplier) })
		if report, err := r.Dial(w.ctx(), supplier.id); err != nil || report.Direct {
			w.t.Fatalf("reached by %+v, %v", report, err)
		}
	}
	return supplier, list
}

// prompt changes stocks and wants every retailer to see each change soon.
func (w *town) prompt(supplier *shop, retailers []*shop, units ...int64) {
	w.t.Helper()
	for _, n := range units {
		supplier.setStock(sku(0), n)
		begin := time.Now()
		for _, r := range retailers {
			if w.sees(r, supplier, sku(0), n); time.Since(begin) > soon {
				w.t.Errorf("%d units are seen by %s after %v", n, r.name, time.Since(begin))
			}
		}
		w.t.Logf("%d units are seen by %d partners after %v", n, len(retailers), time.Since(begin))
		time.Sleep(feed.PublishInterval)
	}
}

// Changes of a stock reach partners as soon through the relay as they do directly.
func TestVirtualRelayedGossip(t *testing.T) {
	for _, c := range []struct {
		retailers int
		oneWay    time.Duration
	}{{1, 10 * time.Millisecond}, {3, 10 * time.Millisecond}, {3, 50 * time.Millisecond}, {20, 20 * time.Millisecond}} {
		t.Run(fmt.Sprintf("%d retailers, %v one way", c.retailers, c.oneWay), func(t *testing.T) {
			if testing.Short() && c.retailers > 3 {
				t.Skip("twenty hosts")
			}
			inTown(t, func(t *testing.T, w *town) {
				supplier, retailers := w.relayed(c.retailers)
				w.world.SetLatency(c.oneWay)
				w.prompt(supplier, retailers, 9, 8, 7, 6)
			})
		})
	}
}

// Retailers who reach their supplier and not each other see changes as soon, however many they are.
func TestVirtualStar(t *testing.T) {
	if testing.Short() {
		t.Skip("twenty hosts")
	}
	inTown(t, func(t *testing.T, w *town) {
		var shops []*shop
		for range 1 + 20 {
			shops = append(shops, w.shop())
		}
		for i, s := range shops[1:] {
			for _, other := range shops[2+i:] {
				w.world.Partition([]int{s.place}, []int{other.place})
			}
		}
		for _, s := range shops {
			s.start()
		}
		supplier, retailers := shops[0], shops[1:]
		supplier.stock(3, 10)
		for _, r := range retailers {
			w.known(supplier, r)
			w.known(r, supplier)
			w.partner(supplier, r)
			w.wait(10*time.Second, "the catalog is seen", func() bool { return r.equal(supplier) })
		}
		w.prompt(supplier, retailers, 9, 8, 7, 6)
	})
}

// The relay ends a circuit whose time is used up. The next one is dialed at once, and carries gossip at
// once: a change in between is seen within a second.
func TestVirtualRelayedGossipLimit(t *testing.T) {
	const lasts, rounds = 2 * time.Hour, 3 // p2p's relayDuration
	inTown(t, func(t *testing.T, w *town) {
		supplier, retailers := w.relayed(1)
		r := retailers[0]
		circuit := func() time.Time {
			for _, p := range r.Net().Peers() {
				if p.Shop == supplier.id {
					return p.Since
				}
			}
			return time.Time{}
		}
		var took []time.Duration
		for range rounds {
			begun := circuit()
			time.Sleep(time.Until(begun.Add(lasts - 10*time.Second)))
			for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(feed.PublishInterval) {
				n := 1 + int64(len(took))%9
				supplier.setStock(sku(0), n)
				took = append(took, w.sees(r, supplier, sku(0), n))
			}
			if circuit() == begun {
				t.Error("the circuit did not end")
			}
		}
		t.Logf("%d changes, p50 %v, p99 %v, longest %v", len(took), percentile(took, 50), percentile(took, 99), percentile(took, 100))
		if percentile(took, 99) > soon || percentile(took, 100) > time.Second {
			t.Error("changes are seen late")
		}
	})
}

// A retailer whose program is of the version before opens no stream of gossip through a relay, and learns
// of changes by hellos.
func TestVirtualRelayedDeaf(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		supplier, retailers := w.relayed(1)
		r := retailers[0]
		r.stop()
		r.adjust = func(c *p2p.Config) {
			c.HostOptions = append(c.HostOptions, libp2p.ForceReachabilityPrivate(), func(cfg *libp2p.Config) error {
				cfg.ResourceManager = mute{cfg.ResourceManager}
				return nil
			})
		}
		r.start()
		w.ready(supplier, r)
		for n := int64(9); n > 5; n-- {
			supplier.setStock(sku(0), n)
			took := w.sees(r, supplier, sku(0), n)
			t.Logf("%d units are seen after %v", n, took)
			if took > 2*time.Second+soon { // the greeter looks every two seconds
				t.Error("the change is seen late")
			}
			time.Sleep(time.Second)
		}
	})
}

// mute is a resource manager that lets a host open no stream of gossip.
type mute struct{ network.ResourceManager }

func (m mute) OpenStream(p peer.ID, dir network.Direction) (network.StreamManagementScope, error) {
	scope, err := m.ResourceManager.OpenStream(p, dir)
	return muteScope{scope, dir}, err
}

type muteScope struct {
	network.StreamManagementScope
	dir network.Direction
}

func (m muteScope) SetProtocol(id libp2pprotocol.ID) error {
	if m.dir == network.DirOutbound && strings.Contains(string(id), "/meshsub/") {
		return network.ErrResourceLimitExceeded
	}
	return m.StreamManagementScope.SetProtocol(id)
}
