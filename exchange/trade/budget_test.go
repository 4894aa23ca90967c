package trade_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/trade"
)

// work is what one shop did: how often each value was encoded and decoded, and how often its
// store was read (a row or a range) and written.
type work struct {
	encodes, decodes map[string]int // by the value's type
	reads, commits   int
	rows             int // of all commits
}

func (w *work) String() string {
	list := func(of map[string]int) string {
		n := 0
		var names []string
		for _, name := range slices.Sorted(maps.Keys(of)) {
			n += of[name]
			names = append(names, fmt.Sprintf("%s %d", name, of[name]))
		}
		return fmt.Sprintf("%d (%s)", n, strings.Join(names, ", "))
	}
	return fmt.Sprintf("encodes %s; decodes %s; %d reads; %d commits of %d rows", list(w.encodes), list(w.decodes), w.reads, w.commits, w.rows)
}

func sum(of map[string]int) (n int) {
	for _, k := range of {
		n += k
	}
	return n
}

// workOf runs a shop's desk on a codec and a store that count.
func workOf(t *testing.T, s *desktest.Shop) *work {
	t.Helper()
	w := &work{encodes: map[string]int{}, decodes: map[string]int{}}
	cfg := s.Config()
	cfg.Codec, cfg.Store = countingCodec{cfg.Codec, w}, countingStore{cfg.Store, w}
	var err error
	s.Desk, err = desk.Open(cfg)
	desktest.Must(t, err)
	return w
}

// reset forgets what was done so far.
func (w *work) reset() {
	clear(w.encodes)
	clear(w.decodes)
	w.reads, w.commits, w.rows = 0, 0, 0
}

type countingCodec struct {
	message.Codec
	w *work
}

func (c countingCodec) Encode(v message.Value) ([]byte, error) {
	c.w.encodes[reflect.TypeOf(v).Elem().String()]++
	return c.Codec.Encode(v)
}

func (c countingCodec) Decode(k message.Kind, raw []byte) (message.Value, error) {
	v, err := c.Codec.Decode(k, raw)
	if err == nil {
		c.w.decodes[reflect.TypeOf(v).Elem().String()]++
	}
	return v, err
}

type countingStore struct {
	kv.Store
	w *work
}

func (s countingStore) Get(key []byte) ([]byte, bool, error) {
	s.w.reads++
	return s.Store.Get(key)
}

func (s countingStore) Scan(r kv.Range, visit func(key, value []byte) bool) error {
	s.w.reads++
	return s.Store.Scan(r, visit)
}

func (s countingStore) Commit(writes []kv.Write) error {
	s.w.commits++
	s.w.rows += len(writes)
	return s.Store.Commit(writes)
}

// budget is how much work a shop may do: the numbers of a work, without the names.
type budget struct{ encodes, decodes, reads, commits, rows int }

func (w *work) spent() budget {
	return budget{sum(w.encodes), sum(w.decodes), w.reads, w.commits, w.rows}
}

// TestBudget holds what one hold and one order cost each shop, with warm caches. The numbers are
// exact: who does more has to say why here, and who does less lowers them.
//
// Before the writer had tables, an order took the two shops 29 encodes and 29 decodes.
func TestBudget(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	atAcorn, atBirch := workOf(t, acorn), workOf(t, birch)
	w.Greet(acorn, birch)
	reserve := func() exchange.HoldID {
		return desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1}).Request.ID
	}
	keyed := func() {
		_, err := birch.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{
			Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 1}), Country: "SE", Key: trade.ReservationKey{1},
		})
		desktest.Must(t, err)
	}
	order := func(id exchange.HoldID) {
		_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, id, desktest.Stockholm)
		desktest.Must(t, err)
		w.Settle()
	}
	order(reserve()) // warms the caches
	var held exchange.HoldID
	for _, step := range []struct {
		name               string
		run                func()
		supplier, retailer budget
	}{
		// The supplier stores the hold, the product's stock, the ledger's total of open holds and
		// its own counters; the answer is sealed once and stored in the hold.
		{"hold", func() { held = reserve() },
			budget{encodes: 6, decodes: 1, reads: 1, commits: 1, rows: 5},
			budget{encodes: 3, decodes: 2, reads: 0, commits: 1, rows: 2}},
		// The API gives each reservation a key. A key may be a repeat: the retailer looks for its
		// reservation of today and of yesterday, for an order, and for the record in the commit.
		{"hold with a key", func() { keyed() },
			budget{encodes: 6, decodes: 1, reads: 1, commits: 1, rows: 5},
			budget{encodes: 3, decodes: 2, reads: 5, commits: 1, rows: 2}},
		// Two commits each. The supplier enters the order, then takes the countersigned head; the
		// retailer queues the request, then adopts the two entries of the answer. Each commit that
		// changes the order has a row of the event log.
		{"order", func() { order(held) },
			budget{encodes: 14, decodes: 7, reads: 4, commits: 2, rows: 15},
			budget{encodes: 16, decodes: 12, reads: 8, commits: 2, rows: 15}},
	} {
		t.Run(step.name, func(t *testing.T) {
			w.Settle()
			atAcorn.reset()
			atBirch.reset()
			step.run()
			if got := atAcorn.spent(); got != step.supplier {
				t.Errorf("the supplier spent %+v, its budget is %+v: %v", got, step.supplier, atAcorn)
			}
			if got := atBirch.spent(); got != step.retailer {
				t.Errorf("the retailer spent %+v, its budget is %+v: %v", got, step.retailer, atBirch)
			}
		})
	}
}
