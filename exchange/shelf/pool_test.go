package shelf_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
)

// pooled is an item that sells from the common stock BOWL.
func pooled(t testing.TB, sku exchange.SKU, units int64) shelf.Item {
	t.Helper()
	pool, err := exchange.PoolStock("BOWL")
	desktest.Must(t, err)
	it := item(sku, 700, units)
	it.Pool = pool
	return it
}

// TestShortfallsOfPools: the shortfall of a common stock is that of whatever sells from it now, as
// after a restart, and stands under its own name when nothing does.
func TestShortfallsOfPools(t *testing.T) {
	renamed := shelf.Statement{AllowRenamed: true}
	// short makes three units of the pool, which S and L sell from, missing.
	short := func(w *desktest.World, acorn, birch *desktest.Shop) exchange.OrderID {
		put(t, acorn, renamed, pooled(t, "S", 9), pooled(t, "L", 9))
		o := desktest.Buy(t, birch, acorn, "S", 5)
		w.Settle()
		_, err := acorn.Desk.Shelf.SetStock(desktest.Ctx, "L", 2, false)
		desktest.Must(t, err)
		w.Now = w.Now.Add(time.Hour)
		return o.ID
	}
	untold := func(it shelf.Item) shelf.Item {
		it.Stock.Set = false
		return it
	}
	for _, c := range []struct {
		name  string
		act   func(w *desktest.World, acorn, birch *desktest.Shop)
		short map[exchange.SKU]int64 // of each product
		told  []event.MissingUnits
	}{
		{"stays", func(*desktest.World, *desktest.Shop, *desktest.Shop) {}, map[exchange.SKU]int64{"S": 3, "L": 3, "hat": 0}, nil},
		{"joined", func(_ *desktest.World, acorn, _ *desktest.Shop) {
			put(t, acorn, renamed, untold(pooled(t, "hat", 0)))
		}, map[exchange.SKU]int64{"S": 3, "L": 3, "hat": 3}, []event.MissingUnits{{SKU: "hat", Units: 3}}},
		{"left", func(_ *desktest.World, acorn, _ *desktest.Shop) {
			put(t, acorn, renamed, item("L", 700, 50))
		}, map[exchange.SKU]int64{"S": 3, "L": 0}, []event.MissingUnits{{SKU: "L"}}},
		{"left by all without a figure", func(_ *desktest.World, acorn, _ *desktest.Shop) {
			put(t, acorn, renamed, untold(item("L", 700, 0)), untold(item("S", 700, 0)))
		}, map[exchange.SKU]int64{"S": 0, "L": 0}, []event.MissingUnits{{SKU: "L"}, {SKU: "S"}}},
		{"its own stock changes", func(w *desktest.World, acorn, birch *desktest.Shop) {
			o := desktest.Buy(t, birch, acorn, "hat", 1)
			w.Settle()
			put(t, acorn, renamed, untold(pooled(t, "hat", 0)))
			_, err := acorn.Desk.Supplier.ShipOrder(desktest.Ctx, o.ID, nil, "", "")
			desktest.Must(t, err)
		}, map[exchange.SKU]int64{"S": 3, "L": 3, "hat": 3}, []event.MissingUnits{{SKU: "hat", Units: 3}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, acorn, birch := desktest.Pair(t)
			order := short(w, acorn, birch)
			told := toldOf(acorn)
			c.act(w, acorn, birch)
			got := make(map[exchange.SKU]int64) // the last word of each
			for _, m := range told() {
				got[m.SKU] = m.Units
			}
			want := make(map[exchange.SKU]int64)
			for _, m := range c.told {
				want[m.SKU] = m.Units
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("told %v, want %v", got, want)
			}
			pool := pooled(t, "S", 0).Pool
			for _, when := range []string{"at once", "after a restart"} {
				l := acorn.Desk.Shelf.Shortfalls()
				for sku, units := range c.short {
					if l.Of(sku) != units {
						t.Errorf("%s: %d of %s are short, want %d", when, l.Of(sku), sku, units)
					}
				}
				rec, err := acorn.Desk.Orders.Find(exchange.Supplier, order)
				desktest.Must(t, err)
				if list, all := l.First(9); all != 1 || list[0] != (shelf.Shortfall{Stock: pool, Units: 3}) || l.OfOrders(rec.StockOf("S")) != 3 {
					t.Errorf("%s: %v of %d, %d of the order", when, list, all, l.OfOrders(rec.StockOf("S")))
				}
				acorn.Restart()
			}
		})
	}
}

// TestPoolIsBounded: one product too many is not taken, and the others are.
func TestPoolIsBounded(t *testing.T) {
	_, acorn, _ := desktest.Pair(t)
	var outcomes []shelf.Outcome
	var items []shelf.Item
	const n = record.MaxSharing + 2
	for i := range n {
		items = append(items, pooled(t, exchange.SKU(fmt.Sprintf("v%04d", i)), 9))
		if len(items) == shelf.ImportChunk || i == n-1 {
			outcomes = append(outcomes, put(t, acorn, shelf.Statement{}, items...)...)
			items = nil
		}
	}
	for i, out := range outcomes {
		want := shelf.Added
		if i >= record.MaxSharing {
			want = shelf.Crowded
		}
		if out.Change != want {
			t.Fatalf("product %d: %v, want %v", i, out.Change, want)
		}
	}
	again := []shelf.Item{pooled(t, "v0000", 9), pooled(t, "v2049", 9), item("alone", 700, 9)}
	for _, dry := range []bool{true, false} {
		out := put(t, acorn, shelf.Statement{DryRun: dry}, again...)
		if out[0].Change != shelf.Unchanged || out[1].Change != shelf.Crowded || out[2].Change != shelf.Added {
			t.Errorf("dry %v: %+v", dry, out)
		}
	}
	// A place becomes free, and is taken in the same step.
	out := put(t, acorn, shelf.Statement{}, item("v0000", 700, 9), pooled(t, "v2049", 9), pooled(t, "v2048", 9))
	if out[1].Change != shelf.Added || out[2].Change != shelf.Crowded {
		t.Errorf("%+v", out)
	}
}

// TestReturnsInOneStep: a variant whose name returns in the very step in which another one took
// its stock leaves that one a stock of its own.
func TestReturnsInOneStep(t *testing.T) {
	w, acorn, _ := desktest.Pair(t)
	mug, white := item("mug", 700, 9), item("white", 700, 4)
	mug.Group, white.Group = "mug", "mug"
	put(t, acorn, shelf.Statement{Source: "s"}, mug)
	_, err := acorn.Desk.Shelf.Withdraw(desktest.Ctx, []exchange.SKU{"mug"}, "gone", false)
	desktest.Must(t, err)
	w.Now = w.Now.Add(time.Hour)
	white.Fresh, white.Alone = []exchange.StockID{"mug"}, true
	put(t, acorn, shelf.Statement{Source: "s"}, white, mug)
	rec, err := acorn.Desk.Shelf.Record("white")
	desktest.Must(t, err)
	if rec.Pool != "" || desktest.StockOf(t, acorn, "mug").Available() != 9 {
		t.Errorf("white sells from %q, and mug has %+v", rec.Pool, desktest.StockOf(t, acorn, "mug"))
	}
}
