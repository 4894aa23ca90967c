package trade_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// Holds of many callers, in one batch and over many.

// Many callers at once, a running writer: a product is never promised twice.
func TestConcurrentHolds(t *testing.T) {
	m := newMarket(t, kv.Limits{}, asIs)
	done := make(chan error, 1)
	running, stop := context.WithCancel(desktest.Ctx)
	go func() { done <- m.desk.Run(running) }()
	var held, released sync.Map
	var callers sync.WaitGroup
	for c := range 32 {
		callers.Go(func() {
			for i := range 20 {
				from := m.retailers[c%2]
				raw, id := m.hold(t, c*100+i, exchange.Line{SKU: "shoe", Quantity: exchange.Quantity(1 + i%3)}, exchange.Line{SKU: "hat", Quantity: 1})
				reply, err := m.desk.Serve(desktest.Ctx, from.ID, raw)
				if err != nil {
					t.Error(err)
					return
				}
				if opened(m.supplier, t, reply).State != hold.Held {
					continue
				}
				held.Store(id, true)
				if i%2 == 0 {
					released.Store(id, true)
					if _, err := m.desk.Serve(desktest.Ctx, from.ID, framed(t, &message.Release{ID: id})); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	callers.Wait()
	stop()
	desktest.Must(t, <-done)
	if len(m.counted(t).Shortfalls()) > 0 {
		t.Error("oversold")
	}
	for k, h := range m.counted(t).Holds {
		_, got := held.Load(k.ID)
		_, back := released.Load(k.ID)
		want := hold.Refused
		if back {
			want = hold.Released
		} else if got {
			want = hold.Held
		}
		if h.Hold.State != want {
			t.Errorf("hold %v is %v, its caller was told %v", k.ID, h.Hold.State, want)
		}
	}
}

// Placing, releasing, repeating and extending in one batch: the answers are those
// of one after the other.
func TestOneBatch(t *testing.T) {
	m := newMarket(t, kv.Limits{}, asIs)
	birch := m.retailers[0]
	first, id := m.hold(t, 1, exchange.Line{SKU: "shoe", Quantity: 10})
	second, _ := m.hold(t, 2, exchange.Line{SKU: "shoe", Quantity: 10})
	changed := framed(t, &message.Hold{ID: id, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 9}), Country: "SE"})
	extend := framed(t, &message.Extend{ID: id, Until: m.supplier.W.Now.Add(10 * time.Minute)})
	release := framed(t, &message.Release{ID: id})
	results, err := m.together(
		m.serve(birch, first), m.serve(birch, extend), m.serve(birch, first), m.serve(birch, second), m.serve(birch, changed),
		m.serve(birch, release), m.serve(birch, release), m.serve(birch, first), m.serve(birch, second))
	desktest.Must(t, err)
	var states []string
	for _, r := range results {
		desktest.Must(t, r.err)
		a := opened(m.supplier, t, r.reply)
		states = append(states, a.State.String()+" "+a.Refusal.String())
	}
	want := "held ok, held ok, held ok, refused insufficient-stock, refused conflict, released ok, released ok, held ok, refused insufficient-stock"
	if got := strings.Join(states, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, same := range [][2]int{{0, 2}, {0, 7}, {3, 8}, {5, 6}} {
		if !bytes.Equal(results[same[0]].reply, results[same[1]].reply) {
			t.Errorf("calls %v are the same and were answered with other bytes", same)
		}
	}
	b, err := audit.Shop(m.supplier.ID, m.mem, protocol.Codec{}, m.supplier.W.Verifier())
	desktest.Must(t, err)
	if s := b.Stock["shoe"]; s.Held != 0 || s.Available() != 10 {
		t.Errorf("shoe: %+v", s)
	}
}

// Batches stay below the limits they are given, however many operations wait.
func TestBatchLimits(t *testing.T) {
	limits := kv.Limits{BatchBytes: 64 << 10, BatchWrites: 400}
	var sizes []int
	m := newMarket(t, limits, func(mem *store.Mem) kv.Store {
		return sized{mem, func(writes []kv.Write) {
			size := 0
			for _, w := range writes {
				size += len(w.Key) + len(w.Value) + store.WriteOverhead
			}
			if size > limits.BatchBytes || len(writes) > limits.BatchWrites {
				t.Errorf("a commit of %d writes and %d bytes", len(writes), size)
			}
			sizes = append(sizes, len(writes))
		}}
	})
	var calls []func() ([]byte, error)
	for n := range 500 {
		raw, _ := m.hold(t, n, exchange.Line{SKU: "shoe", Quantity: 1}, exchange.Line{SKU: "hat", Quantity: 1})
		calls = append(calls, m.serve(m.retailers[n%2], raw))
	}
	results, err := m.together(calls...)
	desktest.Must(t, err)
	for _, r := range results {
		desktest.Must(t, r.err)
	}
	if len(sizes) < 3 || len(sizes) > 100 {
		t.Errorf("500 holds took %d commits", len(sizes))
	}
	m.counted(t)
}

type sized struct {
	*store.Mem
	see func([]kv.Write)
}

func (s sized) Commit(writes []kv.Write) error {
	s.see(writes)
	return s.Mem.Commit(writes)
}

// The largest holds, all expiring at one moment, together far above what one
// commit takes: they expire, a few a batch.
func TestManyLargeHoldsExpire(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	var lines []exchange.Line
	for i := range exchange.MaxLines {
		name := exchange.SKU(fmt.Sprintf("%s-%d", strings.Repeat("long", 30), i))
		_, err := acorn.Desk.Shelf.Import(desktest.Ctx, shelf.Statement{}, []shelf.Item{{
			Product: exchange.Product{SKU: name, Title: strings.Repeat("t", exchange.MaxTitle), Price: exchange.Money{Minor: 1, Currency: "EUR"}},
			Stock:   shelf.Figure{Set: true, Unlimited: true},
		}})
		desktest.Must(t, err)
		lines = append(lines, exchange.Line{SKU: name, Quantity: 1})
	}
	terms := exchange.DefaultTerms("EUR")
	terms.OpenQuantity = 1_000_000
	w.Partner(acorn, birch, terms)
	const count = 130 // of 45 KiB each: 5.8 MB
	for n := range count {
		raw, _ := holdRequest(t, windowOf(w.Now), n, lines...)
		if a := opened(acorn, t, ask(acorn, t, birch, raw)); a.State != hold.Held {
			t.Fatalf("hold %d: %v %s", n, a.Refusal, a.Detail)
		}
	}
	w.Now = w.Now.Add(terms.HoldLifetime)
	for range 10 {
		desktest.Must(t, acorn.Desk.Tick())
	}
	b, err := audit.Counts(acorn.ID, acorn.Mem, protocol.Codec{})
	desktest.Must(t, err)
	for k, h := range b.Holds {
		if h.Hold.State != hold.Expired {
			t.Fatalf("hold %v is %v after its time", k.ID, h.Hold.State)
		}
	}
}
