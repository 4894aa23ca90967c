package desk_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
)

// Honest trade whose messages are small and whose consequences are larger than a
// transaction: orders of 64 lines by the hundred.

// bulkPair is a pair whose supplier offers 64 products with titles of some bytes, and
// takes orders by hand. lines order one of each.
func bulkPair(t testing.TB, title int) (w *world, acorn, birch *shop, lines []exchange.Line) {
	t.Helper()
	w = newWorld(t, 1, 2)
	acorn, birch = w.shops[0], w.shops[1]
	acorn.policy.AcceptByHand = true
	acorn.restart()
	var items []desk.ImportItem
	for i := range exchange.MaxLines {
		sku := exchange.SKU(fmt.Sprintf("product-%03d", i))
		items = append(items, desk.ImportItem{
			Product: exchange.Product{SKU: sku, Title: strings.Repeat("T", title), Price: exchange.Money{Minor: 1999, Currency: "EUR"}},
			Stock:   record.FileStock{Set: true, Units: 1_000_000},
		})
		lines = append(lines, exchange.Line{SKU: sku, Quantity: 1})
	}
	_, err := acorn.desk.Import(ctx, items, false)
	must(t, err)
	terms := exchange.DefaultTerms("EUR")
	terms.OpenQuantity = 1_000_000
	w.partner(acorn, birch, terms)
	return w, acorn, birch, lines
}

// ordered places n orders, and settles now and then unless the shops are apart.
func ordered(t testing.TB, w *world, acorn, birch *shop, n int, lines []exchange.Line, apart bool) (ids []exchange.OrderID) {
	t.Helper()
	for i := range n {
		res := reserve(t, birch, acorn, lines...)
		placed, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
		must(t, err)
		if ids = append(ids, placed.ID); !apart && (i%5 == 4 || i == n-1) {
			w.settle()
		}
	}
	return ids
}

// The entries of one push do more to the retailer's store than one transaction takes.
func TestEntriesLargerThanATransaction(t *testing.T) {
	w, acorn, birch, lines := bulkPair(t, 80)
	ids := ordered(t, w, acorn, birch, 700, lines, false)
	for _, id := range ids { // small entries; each rewrites an order of 64 lines
		_, err := acorn.desk.AcceptOrder(ctx, id)
		must(t, err)
	}
	w.settle()
	ledgersEqual(t, acorn, birch)
	for _, id := range []exchange.OrderID{ids[0], ids[len(ids)-1]} {
		if got := bothSee(t, acorn, birch, id); got != order.Accepted {
			t.Errorf("order %v is %v", id, got)
		}
	}
}

// The requests of one submit do more to the supplier's store than one transaction takes.
func TestRequestsLargerThanATransaction(t *testing.T) {
	w, acorn, birch, lines := bulkPair(t, 250)
	ids := ordered(t, w, acorn, birch, 300, lines, false)
	for _, id := range ids {
		_, err := birch.desk.CancelBought(ctx, id, nil, "")
		must(t, err)
	}
	w.settle()
	ledgersEqual(t, acorn, birch)
	for _, id := range []exchange.OrderID{ids[0], ids[len(ids)-1]} {
		if got := bothSee(t, acorn, birch, id); got != order.Cancelled {
			t.Errorf("order %v is %v", id, got)
		}
	}
	if s := stockOf(t, acorn, lines[0].SKU); s.Available() != 1_000_000 {
		t.Errorf("%d are available after every order was cancelled", s.Available())
	}
}

// The outbox of a restored retailer is larger than one transaction: it moves up in
// steps, also where the shop is restarted, or queues more, between two of them.
func TestLargeOutboxMovesUp(t *testing.T) {
	for _, disturbed := range []bool{false, true} {
		w, acorn, birch, lines := bulkPair(t, 80)
		ids := ordered(t, w, acorn, birch, 1, lines, false)
		backup := birch.mem.Clone()
		for _, reason := range []string{"one lost", "another lost"} {
			_, err := birch.desk.CancelBought(ctx, ids[0], []order.Units{{SKU: lines[len(reason)].SKU, Units: 1}}, reason)
			must(t, err)
			w.settle()
		}
		birch.mem = backup
		birch.restart()
		must(t, birch.desk.Greeted(ctx, acorn.id, &message.Greeting{Window: windowOf(w.now)}))
		placed := ordered(t, w, acorn, birch, 600, lines, true)
		w.now = w.now.Add(9 * time.Second)
		if disturbed { // the process dies after the third commit of the move
			cfg := birch.config()
			cfg.Store = &dying{watched: watched{birch.mem, birch}, left: 3}
			var err error
			birch.desk, err = desk.Open(cfg)
			must(t, err)
			birch.deliver()
			birch.restart()
			if len(keysWith(t, birch.mem, "xm/")) != 1 {
				t.Fatal("the move was not interrupted")
			}
			must(t, birch.desk.Greeted(ctx, acorn.id, &message.Greeting{Window: windowOf(w.now)}))
			placed = append(placed, ordered(t, w, acorn, birch, 3, lines, true)...)
			w.now = w.now.Add(9 * time.Second)
		}
		w.settle()
		ledgersEqual(t, acorn, birch)
		for _, id := range []exchange.OrderID{placed[0], placed[len(placed)-1]} {
			if got := bothSee(t, acorn, birch, id); got != order.Submitted {
				t.Errorf("order %v is %v", id, got)
			}
		}
		if len(keysWith(t, birch.mem, "xm/"))+len(keysWith(t, birch.mem, "x/")) != 0 {
			t.Error("the outbox is not empty")
		}
		audited(t, acorn, birch)
	}
}

// dying is a store whose process ends after some commits.
type dying struct {
	watched
	left int
}

func (s *dying) Commit(writes []kv.Write) error {
	if s.left--; s.left < 0 {
		return errLost
	}
	return s.watched.Commit(writes)
}
