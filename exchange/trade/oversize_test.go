package trade_test

import (
	"fmt"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/store"
)

// narrow is a store whose transactions take little.
type narrow struct {
	*store.Mem
	bytes int
}

func (s narrow) Commit(writes []kv.Write) error {
	total := 0
	for _, w := range writes {
		total += len(w.Key) + len(w.Value) + store.WriteOverhead
	}
	if total > s.bytes {
		return exchange.Errorf(exchange.CodeLimit, "a batch of %d bytes: %w", total, kv.ErrRefused)
	}
	return s.Mem.Commit(writes)
}

// An operation that can never fit a transaction fails alone: holds that share its
// batch are placed, and what fits one by one but not together is done one by one.
// Whether the desk or only the store knows the limit makes no difference.
func TestTooLargeAnOperationFailsAlone(t *testing.T) {
	const limit = 20_000
	for name, known := range map[string]kv.Limits{
		"known to the desk":       {BatchBytes: limit, BatchWrites: 10_000},
		"known to the store only": {BatchBytes: 1 << 30, BatchWrites: 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMarket(t, known, func(mem *store.Mem) kv.Store { return narrow{mem, limit} })
			imported := func(batch, items int) func() ([]byte, error) {
				var list []shelf.Item
				for i := range items {
					list = append(list, shelf.Item{
						Product: exchange.Product{SKU: exchange.SKU(fmt.Sprintf("import-%d-%d", batch, i)), Title: "A thing", Price: exchange.Money{Minor: 100, Currency: "EUR"}},
						Stock:   shelf.Figure{Set: true, Units: 1},
					})
				}
				return func() ([]byte, error) {
					_, err := m.desk.Shelf.Import(desktest.Ctx, shelf.Statement{}, list)
					return nil, err
				}
			}
			const large = 4
			var calls []func() ([]byte, error)
			for n := range 10 {
				raw, _ := m.hold(t, n, exchange.Line{SKU: "shoe", Quantity: 1})
				calls = append(calls, m.serve(m.retailers[n%2], raw))
				if n == large-1 {
					calls = append(calls, imported(0, shelf.ImportChunk))
				}
			}
			for n := range 3 {
				calls = append(calls, imported(1+n, 60))
			}
			results, err := m.together(calls...)
			desktest.Must(t, err)
			for i, r := range results {
				switch {
				case i == large:
					if exchange.CodeOf(r.err) != exchange.CodeLimit {
						t.Errorf("the operation that is too large: %v", r.err)
					}
				case r.err != nil:
					t.Errorf("call %d beside it: %v", i, r.err)
				case i <= 10 && opened(m.supplier, t, r.reply).State != hold.Held:
					t.Errorf("call %d beside it was not held", i)
				}
			}
			for sku, want := range map[exchange.SKU]int64{"shoe": 0, "import-0-0": 0, "import-1-59": 1, "import-2-59": 1, "import-3-59": 1} {
				s, err := m.desk.Shelf.Stock(sku)
				desktest.Must(t, err)
				if s.Available() != want {
					t.Errorf("%d of %s are available, want %d", s.Available(), sku, want)
				}
			}
			if len(m.counted(t).Shortfalls()) > 0 {
				t.Error("oversold")
			}
		})
	}
}
