package trade_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/shelf"
)

// Honest trade whose messages are small and whose consequences are larger than a
// transaction: orders of 64 lines by the hundred.

// bulkPair is a pair whose supplier offers 64 products with titles of some bytes, and
// takes orders by hand. lines order one of each.
func bulkPair(t testing.TB, title int) (w *desktest.World, acorn, birch *desktest.Shop, lines []exchange.Line) {
	t.Helper()
	w = desktest.NewWorld(t, 1, 2)
	acorn, birch = w.Shops[0], w.Shops[1]
	acorn.Policy.AcceptByHand = true
	acorn.Restart()
	var items []shelf.Item
	for i := range exchange.MaxLines {
		sku := exchange.SKU(fmt.Sprintf("product-%03d", i))
		items = append(items, shelf.Item{
			Product: exchange.Product{SKU: sku, Title: strings.Repeat("T", title), Price: exchange.Money{Minor: 1999, Currency: "EUR"}},
			Stock:   shelf.Figure{Set: true, Units: 1_000_000},
		})
		lines = append(lines, exchange.Line{SKU: sku, Quantity: 1})
	}
	_, err := acorn.Desk.Shelf.Import(desktest.Ctx, shelf.Statement{}, items)
	desktest.Must(t, err)
	terms := exchange.DefaultTerms("EUR")
	terms.OpenQuantity = 1_000_000
	w.Partner(acorn, birch, terms)
	return w, acorn, birch, lines
}

// ordered places n orders, and settles now and then unless the shops are apart.
func ordered(t testing.TB, w *desktest.World, acorn, birch *desktest.Shop, n int, lines []exchange.Line, apart bool) (ids []exchange.OrderID) {
	t.Helper()
	for i := range n {
		res := desktest.Reserve(t, birch, acorn, lines...)
		placed, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
		desktest.Must(t, err)
		if ids = append(ids, placed.ID); !apart && (i%5 == 4 || i == n-1) {
			w.Settle()
		}
	}
	return ids
}

// The entries of one push do more to the retailer's store than one transaction takes.
func TestEntriesLargerThanATransaction(t *testing.T) {
	w, acorn, birch, lines := bulkPair(t, 80)
	ids := ordered(t, w, acorn, birch, 700, lines, false)
	for _, id := range ids { // small entries; each rewrites an order of 64 lines
		_, err := acorn.Desk.Supplier.AcceptOrder(desktest.Ctx, id)
		desktest.Must(t, err)
	}
	w.Settle()
	desktest.LedgersEqual(t, acorn, birch)
	for _, id := range []exchange.OrderID{ids[0], ids[len(ids)-1]} {
		if got := desktest.BothSee(t, acorn, birch, id); got != order.Accepted {
			t.Errorf("order %v is %v", id, got)
		}
	}
}

// The requests of one submit do more to the supplier's store than one transaction takes.
func TestRequestsLargerThanATransaction(t *testing.T) {
	w, acorn, birch, lines := bulkPair(t, 250)
	ids := ordered(t, w, acorn, birch, 300, lines, false)
	for _, id := range ids {
		_, err := birch.Desk.Retailer.CancelPurchase(desktest.Ctx, id, nil, "")
		desktest.Must(t, err)
	}
	w.Settle()
	desktest.LedgersEqual(t, acorn, birch)
	for _, id := range []exchange.OrderID{ids[0], ids[len(ids)-1]} {
		if got := desktest.BothSee(t, acorn, birch, id); got != order.Cancelled {
			t.Errorf("order %v is %v", id, got)
		}
	}
	if s := desktest.StockOf(t, acorn, lines[0].SKU); s.Available() != 1_000_000 {
		t.Errorf("%d are available after every order was cancelled", s.Available())
	}
}

// The outbox of a restored retailer is larger than one transaction: it moves up in
// steps, also where the shop is restarted, or queues more, between two of them.
func TestLargeOutboxMovesUp(t *testing.T) {
	for _, disturbed := range []bool{false, true} {
		t.Run(fmt.Sprintf("disturbed %v", disturbed), func(t *testing.T) {
			w, acorn, birch, lines := bulkPair(t, 80)
			ids := ordered(t, w, acorn, birch, 1, lines, false)
			backup := birch.Mem.Clone()
			for _, reason := range []string{"one lost", "another lost"} {
				_, err := birch.Desk.Retailer.CancelPurchase(desktest.Ctx, ids[0], []order.Units{{SKU: lines[len(reason)].SKU, Units: 1}}, reason)
				desktest.Must(t, err)
				w.Settle()
			}
			birch.Mem = backup
			birch.Restart()
			desktest.Must(t, birch.Desk.Ledgers.Greeted(desktest.Ctx, acorn.ID, &message.Greeting{Window: windowOf(w.Now)}))
			placed := ordered(t, w, acorn, birch, 600, lines, true)
			w.Now = w.Now.Add(9 * time.Second)
			if disturbed { // the process dies after the third commit of the move
				cfg := birch.Config()
				cfg.Store = &dying{Watched: desktest.Watched{Mem: birch.Mem, Shop: birch}, left: 3}
				var err error
				birch.Desk, err = desk.Open(cfg)
				desktest.Must(t, err)
				sendFrom(birch)
				birch.Restart()
				if len(keysWith(t, birch.Mem, "xm/")) != 1 {
					t.Fatal("the move was not interrupted")
				}
				desktest.Must(t, birch.Desk.Ledgers.Greeted(desktest.Ctx, acorn.ID, &message.Greeting{Window: windowOf(w.Now)}))
				placed = append(placed, ordered(t, w, acorn, birch, 3, lines, true)...)
				w.Now = w.Now.Add(9 * time.Second)
			}
			w.Settle()
			desktest.LedgersEqual(t, acorn, birch)
			for _, id := range []exchange.OrderID{placed[0], placed[len(placed)-1]} {
				if got := desktest.BothSee(t, acorn, birch, id); got != order.Submitted {
					t.Errorf("order %v is %v", id, got)
				}
			}
			if len(keysWith(t, birch.Mem, "xm/"))+len(keysWith(t, birch.Mem, "x/")) != 0 {
				t.Error("the outbox is not empty")
			}
			audited(t, acorn, birch)
		})
	}
}

// dying is a store whose process ends after some commits.
type dying struct {
	desktest.Watched
	left int
}

func (s *dying) Commit(writes []kv.Write) error {
	if s.left--; s.left < 0 {
		return desktest.ErrLost
	}
	return s.Watched.Commit(writes)
}
