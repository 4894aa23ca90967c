package p2p_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// book is an AddressBook in memory that outlives a node.
type book struct {
	mu      sync.Mutex
	records map[exchange.ShopID][]byte
}

func (b *book) LoadAddresses() (map[exchange.ShopID][]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[exchange.ShopID][]byte{}
	for s, r := range b.records {
		all[s] = r
	}
	return all, nil
}

func (b *book) SaveAddresses(s exchange.ShopID, record []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(record) == 0 {
		delete(b.records, s)
	} else {
		b.records[s] = record
	}
	return nil
}

func TestPartnerRestarts(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		var mu sync.Mutex
		var events []string
		note := func(what string) func(exchange.ShopID) {
			return func(s exchange.ShopID) {
				mu.Lock()
				defer mu.Unlock()
				if s == w.ids[2] {
					events = append(events, what)
				}
			}
		}
		w.start(0, nil, nil)
		w.start(1, nil, func(n *p2p.Node) { n.OnConnect(note("up")); n.OnDisconnect(note("down")) })
		w.start(2, nil, nil)
		time.Sleep(3 * time.Second)
		w.mustEcho(1, 2)
		// Killed: its packets stop, nothing is said, a new process takes its place.
		w.world.Partition([]int{2}, []int{0, 1})
		w.stop(2)
		w.world.Heal()
		w.start(2, nil, nil)
		w.nodes[2].SetWanted([]exchange.ShopID{w.ids[1]})
		w.wait(20*time.Second, "served again", func() bool { return w.echo(1, 2) == nil })
		w.mustEcho(2, 1)
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(events, []string{"up", "down", "up"}) {
			t.Fatalf("events: %v", events)
		}
	})
}

func TestPartitionAndHeal(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		w.all()
		w.nodes[1].SetWanted([]exchange.ShopID{w.ids[2]})
		w.nodes[2].SetWanted([]exchange.ShopID{w.ids[1]})
		w.wait(10*time.Second, "connected", func() bool { return w.connected(1, 2) && w.connected(2, 1) })
		w.world.Partition([]int{1}, []int{0, 2})
		if err := w.echo(1, 2); err == nil || p2p.IsAnswer(err) {
			t.Fatalf("through a partition: %v", err)
		}
		time.Sleep(10 * time.Minute)
		if w.connected(1, 2) || w.connected(2, 1) {
			t.Fatal("connected across a partition")
		}
		w.world.Heal()
		// The longest pause between attempts, an attempt's time-out, and the hello.
		w.wait(30*time.Second, "healed", func() bool { return w.connected(1, 2) && w.connected(2, 1) })
		w.mustEcho(1, 2)
		w.mustEcho(2, 1)
	})
}

func TestOneWayLossEndsAsUnknown(t *testing.T) {
	inTown(t, 2, func(t *testing.T, w *town) {
		served := 0
		w.start(0, nil, func(n *p2p.Node) {
			n.Handle("count", func(context.Context, exchange.ShopID, []byte) ([]byte, error) { served++; return nil, nil })
		})
		w.start(1, nil, nil)
		time.Sleep(3 * time.Second)
		w.world.Cut(0, 1) // requests arrive, replies do not
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_, err := w.nodes[1].Request(ctx, w.ids[0], "count", nil)
		if err == nil || p2p.IsAnswer(err) || exchange.CodeOf(err) != exchange.CodeUnavailable {
			t.Fatalf("a lost reply: %v", err)
		}
		w.world.Heal()
		w.wait(time.Minute, "asked again", func() bool {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			_, err := w.nodes[1].Request(ctx, w.ids[0], "count", nil)
			return err == nil
		})
		if served < 1 {
			t.Fatal("nothing was served")
		}
	})
}

// TestHubGone restarts both partners while the hub is dead: stored addresses do.
func TestHubGone(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		books := []*book{nil, {records: map[exchange.ShopID][]byte{}}, {records: map[exchange.ShopID][]byte{}}}
		with := func(i int) func(*p2p.Config) { return func(c *p2p.Config) { c.Book = books[i] } }
		w.start(0, nil, nil)
		w.start(1, with(1), nil)
		w.start(2, with(2), nil)
		time.Sleep(3 * time.Second)
		w.mustEcho(1, 2)
		for i := range 3 {
			w.stop(i)
		}
		time.Sleep(30 * 24 * time.Hour)
		w.start(1, with(1), nil)
		w.start(2, with(2), nil)
		report, err := w.nodes[1].Dial(context.Background(), w.ids[2])
		if err != nil || report.Path == p2p.PathDHT || !report.Direct || report.Transport != "quic" || len(report.RTTs) != 3 || report.RTTs[0] < 20*time.Millisecond {
			t.Fatalf("%+v, %v", report, err)
		}
		w.start(0, nil, nil)
		w.wait(2*time.Minute, "the hub is found again", func() bool { return w.connected(1, 0) && w.connected(2, 0) })
		w.nodes[1].Disconnect(w.ids[2], "left")
		if books[1].records[w.ids[2]] != nil {
			t.Fatal("a shop that left is still in the address book")
		}
	})
}

func TestDialPaths(t *testing.T) {
	inTown(t, 4, func(t *testing.T, w *town) {
		w.world.Partition([]int{1}, []int{2, 3}) // else they would meet by the DHT's own queries
		w.start(0, nil, nil)
		w.start(1, nil, nil)
		time.Sleep(5 * time.Second)
		w.start(2, nil, nil)
		w.start(3, nil, nil)
		w.wait(5*time.Second, "at the hub", func() bool { return w.connected(2, 0) && w.connected(3, 0) })
		w.world.Heal()
		ctx := context.Background()
		report, err := w.nodes[1].Dial(ctx, w.ids[2])
		if err != nil || report.Path != p2p.PathDHT || !report.Direct {
			t.Fatalf("nothing known: %+v, %v", report, err)
		}
		if report, err = w.nodes[1].Dial(ctx, w.ids[2]); err != nil || report.Path != p2p.PathOpen {
			t.Fatalf("connected: %+v, %v", report, err)
		}
		w.stop(2)
		time.Sleep(time.Second)
		_, err = w.nodes[3].Dial(ctx, w.ids[2])
		var unreached *p2p.UnreachedError
		if exchange.CodeOf(err) != exchange.CodeUnavailable || !errors.As(err, &unreached) || unreached.Shop != w.ids[2] {
			t.Fatalf("offline: %v", err)
		}
		for _, raw := range []string{"/ip4/", "dial", "12D3", "context", "\n"} {
			if strings.Contains(strings.Join(unreached.Tried, ", "), raw) {
				t.Errorf("offline: %q is no word for a person, in %q", raw, unreached.Tried)
			}
		}
		t.Log(err)
		w.stop(0)
		time.Sleep(time.Minute)
		_, err = w.nodes[3].Dial(ctx, w.ids[2])
		if !errors.As(err, &unreached) || !slices.Contains(unreached.Tried, "no hub is connected to ask or to relay") {
			t.Errorf("without a hub: %v", err)
		}
	})
}

// TestRelay reaches a shop that only the hub can reach.
func TestRelay(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		w.world.Partition([]int{1}, []int{2})
		w.start(0, nil, nil)
		w.start(1, nil, nil)
		w.start(2, func(c *p2p.Config) { // what AutoNAT would find out
			c.HostOptions = append(c.HostOptions, libp2p.ForceReachabilityPrivate())
		}, nil)
		var report p2p.DialReport
		w.wait(2*time.Minute, "reached through the relay", func() (ok bool) {
			ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
			defer cancel()
			var err error
			report, err = w.nodes[1].Dial(ctx, w.ids[2])
			if err != nil {
				t.Log(err)
			}
			return err == nil
		})
		if report.Path != p2p.PathRelay || report.Direct || report.Transport != "relay" {
			t.Fatalf("%+v", report)
		}
		w.mustEcho(1, 2)
		w.mustEcho(2, 1)
	})
}

func TestForeignAddressRecords(t *testing.T) {
	inTown(t, 2, func(t *testing.T, w *town) {
		w.all()
		rec := w.nodes[1].SignedAddresses()
		if err := w.nodes[0].LearnAddresses(rec); err != nil {
			t.Fatal(err)
		}
		spoiled := slices.Clone(rec)
		spoiled[len(spoiled)-1] ^= 1
		if err := w.nodes[0].LearnAddresses(spoiled); exchange.CodeOf(err) != exchange.CodeSignature {
			t.Fatalf("spoiled: %v", err)
		}
		if err := w.nodes[0].LearnAddresses(make([]byte, p2p.MaxRecord+1)); exchange.CodeOf(err) != exchange.CodeLimit {
			t.Fatalf("oversize: %v", err)
		}
		w.members.set(w.ids[1], false)
		if err := w.nodes[0].LearnAddresses(rec); exchange.CodeOf(err) != exchange.CodeNotMember {
			t.Fatalf("of a former member: %v", err)
		}
	})
}
