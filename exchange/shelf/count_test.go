package shelf_test

import (
	"fmt"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
)

// TestCountIsAllOrNone: of a list with an unknown product or an impossible count, no count is taken.
func TestCountIsAllOrNone(t *testing.T) {
	s := desktest.NewWorld(t, 1, 1).Shops[0]
	s.Stock("shoe", 10, 9900)
	s.Stock("hat", 5, 1250)
	good := shelf.Count{SKU: "shoe", Units: 3, When: shelf.Now}
	for code, bad := range map[exchange.Code]shelf.Count{
		exchange.CodeNotFound: {SKU: "none", Units: 1, When: shelf.Now},
		exchange.CodeInvalid:  {SKU: "hat", Units: -1, When: shelf.Now},
	} {
		t.Run(code.String(), func(t *testing.T) {
			if _, err := s.Desk.Shelf.Count(desktest.Ctx, []shelf.Count{good, bad}); exchange.CodeOf(err) != code {
				t.Errorf("%+v: %v, want %v", bad, err, code)
			}
		})
	}
	if _, err := s.Desk.Shelf.Count(desktest.Ctx, []shelf.Count{good, good}); exchange.CodeOf(err) != exchange.CodeInvalid {
		t.Errorf("one product twice: %v", err)
	}
	if _, err := s.Desk.Shelf.Count(desktest.Ctx, make([]shelf.Count, shelf.MaxCounts+1)); exchange.CodeOf(err) != exchange.CodeInvalid {
		t.Errorf("too many: %v", err)
	}
	if stock, err := s.Desk.Shelf.Stock("shoe"); err != nil || stock.Shelf() != 10 {
		t.Errorf("%+v, %v", stock, err)
	}
	after, err := s.Desk.Shelf.Count(desktest.Ctx, []shelf.Count{good, {SKU: "hat", Unlimited: true, When: shelf.Now}})
	if err != nil || len(after) != 2 || after[0].Shelf() != 3 || !after[1].Unlimited {
		t.Errorf("%+v, %v", after, err)
	}
}

// TestCountsOfOneStock: products that sell from one stock are counted alike, or not at all.
func TestCountsOfOneStock(t *testing.T) {
	_, acorn, _ := desktest.Pair(t)
	put(t, acorn, shelf.Statement{Source: "s"}, pooled(t, "S", 9), pooled(t, "L", 9))
	mug := item("mug", 700, 9)
	mug.Group = "mug"
	put(t, acorn, shelf.Statement{Source: "s"}, mug)
	_, err := acorn.Desk.Shelf.Withdraw(desktest.Ctx, []exchange.SKU{"mug"}, "gone", false)
	desktest.Must(t, err)
	white := item("white", 700, 9)
	white.Group, white.Fresh, white.Alone = "mug", []exchange.StockID{"mug"}, true
	put(t, acorn, shelf.Statement{Source: "s"}, white)
	for _, c := range []struct {
		counts []shelf.Count
		ok     bool
	}{
		{[]shelf.Count{{SKU: "S", Units: 0}, {SKU: "L", Units: 6}}, false},
		{[]shelf.Count{{SKU: "L", Units: 6}, {SKU: "hat", Units: 1}, {SKU: "S", Units: 0}}, false},
		{[]shelf.Count{{SKU: "L", Units: 6}, {SKU: "S", Units: 6, Unlimited: true}}, false},
		{[]shelf.Count{{SKU: "mug", Units: 1}, {SKU: "white", Units: 2}}, false},
		{[]shelf.Count{{SKU: "S", Units: 4}, {SKU: "L", Units: 4}}, true},
		{[]shelf.Count{{SKU: "mug", Unlimited: true, Units: 1}, {SKU: "white", Unlimited: true}}, true},
	} {
		t.Run(fmt.Sprint(c.counts), func(t *testing.T) {
			before := desktest.StockOf(t, acorn, c.counts[0].SKU)
			moves := movements(t, acorn, c.counts[0].SKU)
			for i := range c.counts {
				c.counts[i].When = shelf.Now
			}
			after, err := acorn.Desk.Shelf.Count(desktest.Ctx, c.counts)
			stock := desktest.StockOf(t, acorn, c.counts[0].SKU)
			switch {
			case !c.ok && (exchange.CodeOf(err) != exchange.CodeInvalid || stock != before):
				t.Errorf("%v, %+v", err, stock)
			case c.ok && (err != nil || after[0] != stock || after[1] != stock || movements(t, acorn, c.counts[0].SKU) != moves+1):
				t.Errorf("%v, %+v, %+v", err, after, stock)
			}
		})
	}
}

// movements is how many lines a product's journal has.
func movements(t testing.TB, s *desktest.Shop, sku exchange.SKU) (n int) {
	t.Helper()
	desktest.Must(t, s.Desk.Shelf.Movements(sku, 0, func(uint64, *record.Movement) bool { n++; return true }))
	return n
}
