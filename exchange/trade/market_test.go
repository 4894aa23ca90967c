package trade_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
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
