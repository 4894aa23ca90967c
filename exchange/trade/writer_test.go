package trade_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/writer"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// A market is a supplier's desk with two retailers that neither runs nor is
// inline: callers wait until the test runs what they queued, together.
type market struct {
	supplier  *desktest.Shop
	retailers []*desktest.Shop
	mem       *store.Mem
	desk      *desk.Desk
}

// newMarket is always the same: 10 shoes, 5 hats, terms, a clock that stands still.
func newMarket(t testing.TB, limits kv.Limits, on func(*store.Mem) kv.Store) *market {
	t.Helper()
	w := desktest.NewWorld(t, 1, 3)
	m := &market{supplier: w.Shops[0], retailers: w.Shops[1:]}
	m.supplier.Stock("shoe", 10, 9900)
	m.supplier.Stock("hat", 5, 1250)
	for _, r := range m.retailers {
		w.Partner(m.supplier, r, exchange.DefaultTerms("EUR"))
	}
	return m.again(t, limits, on)
}

// again is the same market on its first day.
func (m *market) again(t testing.TB, limits kv.Limits, on func(*store.Mem) kv.Store) *market {
	t.Helper()
	next := &market{supplier: m.supplier, retailers: m.retailers, mem: m.supplier.Mem.Clone()}
	m.supplier.Random = desktest.Chacha(2, 2) // of the seals
	cfg := m.supplier.Config()
	cfg.Store, cfg.Inline, cfg.Random = on(next.mem), false, desktest.Chacha(2, 3)
	if limits != (kv.Limits{}) {
		cfg.Limits = limits
	}
	var err error
	next.desk, err = desk.Open(cfg)
	desktest.Must(t, err)
	return next
}

func asIs(m *store.Mem) kv.Store { return m }

// outcome of a call that was made together with others.
type outcome struct {
	reply []byte
	err   error
}

// together queues calls in their order, runs them as the writer does, and
// returns what each caller got. Each call must queue exactly one operation.
func (m *market) together(calls ...func() ([]byte, error)) ([]outcome, error) {
	results := make([]outcome, len(calls))
	var callers sync.WaitGroup
	var ops []*writer.Operation
	for i, call := range calls {
		done := make(chan struct{})
		callers.Go(func() {
			defer close(done)
			results[i].reply, results[i].err = call()
		})
		op := m.desk.Writer.NextBefore(done)
		if op == nil {
			return nil, fmt.Errorf("call %d queued no operation: %v", i, results[i].err)
		}
		ops = append(ops, op)
	}
	err := m.desk.Writer.Together(ops)
	callers.Wait()
	return results, err
}

func (m *market) serve(from *desktest.Shop, raw []byte) func() ([]byte, error) {
	return func() ([]byte, error) { return m.desk.Serve(desktest.Ctx, from.ID, raw) }
}

func (m *market) hold(t testing.TB, n int, lines ...exchange.Line) ([]byte, exchange.HoldID) {
	return holdRequest(t, windowOf(m.supplier.W.Now), n, lines...)
}

func (m *market) counted(t testing.TB) *audit.Books {
	t.Helper()
	b, err := audit.Counts(m.supplier.ID, m.mem, protocol.Codec{})
	desktest.Must(t, err)
	return b
}

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

// A commit that the store refuses reaches every caller, and nothing of it
// happened; the next one goes through.
func TestCommitRefused(t *testing.T) {
	m := newMarket(t, kv.Limits{}, asIs)
	before := contents(t, m.mem)
	var calls []func() ([]byte, error)
	for n := range 20 {
		raw, _ := m.hold(t, n, exchange.Line{SKU: "shoe", Quantity: 1})
		calls = append(calls, m.serve(m.retailers[n%2], raw))
	}
	m.mem.FailNext(store.FaultRefuse)
	results, err := m.together(calls...)
	desktest.Must(t, err)
	for i, r := range results {
		if exchange.CodeOf(r.err) != exchange.CodeDiskFull { // a sure no
			t.Errorf("caller %d got %v", i, r.err)
		}
	}
	if !maps.EqualFunc(before, contents(t, m.mem), bytes.Equal) {
		t.Error("a refused commit changed the store")
	}
	results, err = m.together(calls...)
	desktest.Must(t, err)
	held := 0
	for _, r := range results {
		desktest.Must(t, r.err)
		if opened(m.supplier, t, r.reply).State == hold.Held {
			held++
		}
	}
	if held != 10 {
		t.Errorf("%d of 10 shoes are held after the refusal", held)
	}
}

// A commit whose outcome is unknown ends everything.
func TestCommitUnknown(t *testing.T) {
	for _, fault := range []store.Fault{store.FaultBefore, store.FaultAfter} {
		t.Run(fmt.Sprintf("fault %d", fault), func(t *testing.T) {
			m := newMarket(t, kv.Limits{}, asIs)
			raw, _ := m.hold(t, 1, exchange.Line{SKU: "shoe", Quantity: 1})
			other, _ := m.hold(t, 2, exchange.Line{SKU: "shoe", Quantity: 1})
			m.mem.FailNext(fault)
			done := make(chan error, 1)
			go func() { done <- m.desk.Run(desktest.Ctx) }()
			if _, err := m.desk.Serve(desktest.Ctx, m.retailers[0].ID, raw); err == nil {
				t.Error("a hold was answered that may not be durable")
			}
			if err := <-done; err == nil {
				t.Error("Run returned nil after an unknown commit")
			}
			if _, err := m.desk.Serve(desktest.Ctx, m.retailers[0].ID, other); err == nil {
				t.Error("a desk went on after an unknown commit")
			}
		})
	}
}

// Placing, releasing, repeating and extending in one batch: the answers are those
// of one after the other.
func TestOneBatch(t *testing.T) {
	m := newMarket(t, kv.Limits{}, asIs)
	birch := m.retailers[0]
	first, id := m.hold(t, 1, exchange.Line{SKU: "shoe", Quantity: 10})
	second, _ := m.hold(t, 2, exchange.Line{SKU: "shoe", Quantity: 10})
	changed := framed(t, &message.Hold{ID: id, Lines: []exchange.Line{{SKU: "shoe", Quantity: 9}}, Country: "SE"})
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

// A caller that gives up before its operation runs has changed nothing.
func TestGivenUp(t *testing.T) {
	m := newMarket(t, kv.Limits{}, asIs)
	before := contents(t, m.mem)
	raw, _ := m.hold(t, 1, exchange.Line{SKU: "shoe", Quantity: 1})
	impatient, cancel := context.WithCancel(desktest.Ctx)
	done := make(chan error)
	go func() {
		_, err := m.desk.Serve(impatient, m.retailers[0].ID, raw)
		done <- err
	}()
	op := m.desk.Writer.Next()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller got %v", err)
	}
	desktest.Must(t, m.desk.Writer.Together([]*writer.Operation{op}))
	if !maps.EqualFunc(before, contents(t, m.mem), bytes.Equal) {
		t.Error("an operation ran whose caller had been told that it would not")
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
		_, err := acorn.Desk.Shelf.Import(desktest.Ctx, []shelf.Item{{
			Product: exchange.Product{SKU: name, Title: strings.Repeat("t", exchange.MaxTitle), Price: exchange.Money{Minor: 1, Currency: "EUR"}},
			Stock:   record.FileStock{Set: true, Unlimited: true},
		}}, false)
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

// An operation that fails inside a batch leaves no trace: a batch with failing
// operations among others leaves the store, byte for byte, as the same batch without
// them.
func TestFailedOperationLeavesNoTrace(t *testing.T) {
	m := newMarket(t, kv.Limits{}, asIs)
	rapid.Check(t, func(rt *rapid.T) {
		with, without := m.again(t, kv.Limits{}, asIs), m.again(t, kv.Limits{}, asIs)
		var all, good []func() ([]byte, error)
		var fails []bool
		for range rapid.IntRange(1, 25).Draw(rt, "operations") {
			fail := rapid.IntRange(0, 2).Draw(rt, "fails") == 0
			kind := rapid.IntRange(0, 5).Draw(rt, "kind")
			n := rapid.IntRange(0, 6).Draw(rt, "n")
			fails = append(fails, fail)
			if fail {
				all = append(all, with.failing(t, kind, n))
				continue
			}
			all, good = append(all, with.working(t, kind, n)), append(good, without.working(t, kind, n))
		}
		a, err := with.together(all...)
		if err != nil {
			rt.Fatal(err)
		}
		b, err := without.together(good...)
		if err != nil {
			rt.Fatal(err)
		}
		for i, r := range a {
			if fails[i] != (r.err != nil) {
				rt.Fatalf("operation %d: %v", i, r.err)
			}
		}
		a = slices.DeleteFunc(a, func(o outcome) bool { return o.err != nil })
		for i := range b {
			if !bytes.Equal(a[i].reply, b[i].reply) {
				rt.Fatalf("answer %d differs", i)
			}
		}
		if x, y := contents(t, with.mem), contents(t, without.mem); !maps.EqualFunc(x, y, bytes.Equal) {
			for k := range x {
				if !bytes.Equal(x[k], y[k]) {
					rt.Errorf("key %q: %q, without the failing operations %q", k, x[k], y[k])
				}
			}
			rt.Fatalf("%d keys, without the failing operations %d", len(x), len(y))
		}
	})
}

// working is an operation that succeeds, whatever came before it.
func (m *market) working(t testing.TB, kind, n int) func() ([]byte, error) {
	from := m.retailers[n%2]
	raw, id := m.hold(t, n, exchange.Line{SKU: "shoe", Quantity: exchange.Quantity(1 + n)}, exchange.Line{SKU: "hat", Quantity: 1})
	switch kind {
	case 0:
		return m.serve(from, framed(t, &message.Release{ID: id}))
	case 1:
		return m.serve(from, framed(t, &message.Extend{ID: id, Until: m.supplier.W.Now.Add(time.Minute)}))
	case 2:
		return func() ([]byte, error) {
			_, err := m.desk.Shelf.SetStock(desktest.Ctx, "shoe", int64(n), false)
			return nil, err
		}
	}
	return m.serve(from, raw)
}

// failing is an operation that fails, most after they have written something.
func (m *market) failing(t testing.TB, kind, n int) func() ([]byte, error) {
	from := m.retailers[n%2]
	if kind < 3 { // a chunk whose last item is bad
		good := shelf.Item{
			Product: exchange.Product{SKU: []exchange.SKU{"shoe", "hat", "new"}[kind], Title: "x", Price: exchange.Money{Minor: int64(n), Currency: "EUR"}},
			Stock:   record.FileStock{Set: true, Units: int64(n)},
		}
		bad := good
		bad.Product.SKU, bad.Stock.Units = "bad", -1
		return func() ([]byte, error) {
			_, err := m.desk.Shelf.Import(desktest.Ctx, []shelf.Item{good, bad}, false)
			return nil, err
		}
	}
	// A request of the ledger, entered, and then one that leaves a gap.
	trade, err := m.desk.Partnerships.Get(from.ID, exchange.Supplier)
	desktest.Must(t, err)
	submit := &message.Submit{Have: trade.Position}
	for _, number := range []uint64{2, 4} { // request 1 accepted the terms
		payload, err := protocol.Codec{}.Encode(&message.Request{
			Supplier: m.supplier.ID, Retailer: from.ID, Number: number, At: m.supplier.W.Now, Act: message.EndTrade{Reason: fmt.Sprint(n)},
		})
		desktest.Must(t, err)
		sig, err := protocol.NewSigner(from.Key, desktest.Origin, nil).Sign(message.DomainRequest, payload)
		desktest.Must(t, err)
		submit.Requests = append(submit.Requests, message.SubmittedRequest{Signed: message.SignedRequest{Payload: payload, Signature: sig}})
	}
	return m.serve(from, framed(t, submit))
}

// contents is everything in a store.
func contents(t testing.TB, m *store.Mem) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	desktest.Must(t, m.Scan(kv.Range{}, func(k, v []byte) bool {
		all[string(k)] = bytes.Clone(v)
		return true
	}))
	return all
}
