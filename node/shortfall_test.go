package node

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/shelf"
)

// TestShortfallNamesTheStock: a problem names the stock and what sells from it, also where nothing
// does any more.
func TestShortfallNamesTheStock(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	pool, err := exchange.PoolStock("BOWL")
	desktest.Must(t, err)
	bowl := func(sku exchange.SKU, pool exchange.StockID, said bool) shelf.Item {
		return shelf.Item{
			Product: exchange.Product{SKU: sku, Title: "A bowl", Price: exchange.Money{Minor: 700, Currency: "EUR"}, Grams: 1},
			Stock:   shelf.Figure{Set: said, Units: 9}, Pool: pool,
		}
	}
	put := func(items ...shelf.Item) {
		t.Helper()
		_, err := acorn.Desk.Shelf.Import(desktest.Ctx, shelf.Statement{}, items)
		desktest.Must(t, err)
	}
	put(bowl("S", pool, true), bowl("L", pool, true))
	desktest.Buy(t, birch, acorn, "S", 5)
	desktest.Buy(t, birch, acorn, "hat", 2)
	w.Settle()
	_, err = acorn.Desk.Shelf.Count(desktest.Ctx, []shelf.Count{{SKU: "S", Units: 2, When: shelf.Now}, {SKU: "hat", Units: 1, When: shelf.Now}})
	desktest.Must(t, err)
	for _, c := range []struct {
		name, want string
		act        func()
	}{
		{"two sell from it", "2 products than is there: BOWL (3 missing; the common stock of L and S), hat (1 missing).", func() {}},
		{"one has left", "BOWL (3 missing; the common stock of S), hat (1 missing).", func() { put(bowl("L", "", true)) }},
		{"all have left", "BOWL (3 missing; from which nothing is sold any more), hat (1 missing).", func() { put(bowl("S", "", false)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.act()
			p := shortfallProblems(acorn.Desk.Shelf)
			if len(p) != 1 || !strings.Contains(p[0].Detail, c.want) {
				t.Errorf("%+v, want %s", p, c.want)
			}
		})
	}
}
