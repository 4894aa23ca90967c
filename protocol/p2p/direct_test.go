package p2p_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// peer is what node a knows of its connection to b; the zero PeerInfo where there is none.
func (w *town) peer(a, b int) p2p.PeerInfo {
	for _, p := range w.nodes[a].Peers() {
		if p.Shop == w.ids[b] {
			return p
		}
	}
	return p2p.PeerInfo{}
}

// relayedPair starts a hub and two shops that reach each other through the hub only.
func (w *town) relayedPair(adjust func(*p2p.Config), prepare func(*p2p.Node)) {
	w.t.Helper()
	w.world.Partition([]int{1}, []int{2})
	w.start(0, nil, nil)
	w.start(1, adjust, prepare)
	w.start(2, nil, prepare)
	time.Sleep(5 * time.Second) // the hub grants reservations
	w.nodes[1].SetWanted(w.ids[2:3])
	w.nodes[2].SetWanted(w.ids[1:2])
	w.wait(time.Minute, "connected", func() bool { return w.connected(1, 2) && w.connected(2, 1) })
	if w.peer(1, 2).Direct || w.peer(2, 1).Direct {
		w.t.Fatal("the pair is connected directly")
	}
}

// A pair that is met through the relay is met directly soon after the way has opened, whenever that is.
// Requests that are under way then, and those that follow, are answered once each. The relayed connection
// is closed.
func TestDirectAgain(t *testing.T) {
	for _, c := range []struct{ relayed, within time.Duration }{
		{3 * time.Second, 15 * time.Second},
		{30 * time.Second, time.Minute},
		{5 * time.Minute, 7 * time.Minute},
		{4*time.Hour + 10*time.Minute, 75 * time.Minute},
	} {
		t.Run(fmt.Sprintf("after %v", c.relayed), func(t *testing.T) {
			inTown(t, 3, func(t *testing.T, w *town) {
				var mu sync.Mutex
				served := map[string]int{}
				w.relayedPair(nil, func(n *p2p.Node) {
					n.Handle("slow", func(ctx context.Context, _ exchange.ShopID, req []byte) ([]byte, error) {
						mu.Lock()
						served[string(req)]++
						mu.Unlock()
						time.Sleep(15 * time.Second) // longer than the relayed connection stays when idle
						return req, nil
					})
				})
				time.Sleep(c.relayed)
				w.world.Heal()
				begin := time.Now()
				var work sync.WaitGroup
				asked := 0
				for ; time.Since(begin) < c.within && !(w.peer(1, 2).Direct && w.peer(2, 1).Direct); asked++ {
					want := fmt.Sprint("request ", asked)
					work.Go(func() {
						got, err := w.nodes[1].Request(context.Background(), w.ids[2], "slow", []byte(want))
						if err != nil || string(got) != want {
							t.Errorf("%s: %q, %v", want, got, err)
						}
					})
					time.Sleep(200*time.Millisecond + time.Since(begin)/100)
				}
				t.Logf("direct after %v, %d requests", time.Since(begin), asked)
				if !w.peer(1, 2).Direct || !w.peer(2, 1).Direct {
					t.Fatalf("not met directly within %v", c.within)
				}
				work.Wait()
				mu.Lock()
				defer mu.Unlock()
				for req, n := range served {
					if n != 1 {
						t.Errorf("%s was served %d times", req, n)
					}
				}
				if len(served) != asked {
					t.Errorf("%d of %d requests were served", len(served), asked)
				}
				time.Sleep(30 * time.Second)
				w.mustEcho(1, 2)
				w.mustEcho(2, 1)
				for _, p := range []p2p.PeerInfo{w.peer(1, 2), w.peer(2, 1)} {
					if !p.Direct || len(p.Addresses) != 1 {
						t.Errorf("connected by %v", p.Addresses)
					}
				}
			})
		})
	}
}

// Tries of a way that stays closed become rare, and cost little.
func TestDirectTriesRarely(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		reg := prometheus.NewRegistry()
		w.relayedPair(func(c *p2p.Config) { c.Registerer = reg }, nil)
		time.Sleep(6 * time.Hour)
		before, bytes := tries(t, reg), w.world.Bytes(1)
		time.Sleep(12 * time.Hour)
		n, size := tries(t, reg)-before, w.world.Bytes(1)-bytes
		t.Logf("%v tries in 12 hours, %d bytes in all", n, size)
		if n < 9 || n > 16 {
			t.Errorf("%v tries in 12 hours", n)
		}
	})
}

func tries(t *testing.T, reg *prometheus.Registry) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "souk_p2p_direct_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			if m.GetLabel()[0].GetValue() == "tried" {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}
