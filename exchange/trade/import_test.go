package trade_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
)

func shelved(sku exchange.SKU, cents, units int64) shelf.Item {
	return shelf.Item{
		Product: exchange.Product{SKU: sku, Title: "A " + string(sku), Grams: 300, Price: exchange.Money{Minor: cents, Currency: "EUR"}},
		Stock:   record.FileStock{Set: true, Units: units},
	}
}

// TestSameImportLeavesTheWriterAlone: what is as it was is told without the writer,
// which here does nothing until the test asks it to; what is not goes through it.
func TestSameImportLeavesTheWriterAlone(t *testing.T) {
	m := newMarket(t, kv.Limits{}, asIs)
	for _, same := range [][]shelf.Item{
		{shelved("shoe", 9900, 10), shelved("hat", 1250, 5)},
		{shelved("shoe", 9900, 10), {Product: shelved("hat", 1250, 0).Product}},
	} {
		for _, dry := range []bool{false, true} {
			changes, err := m.desk.Shelf.Import(desktest.Ctx, same, dry)
			if err != nil || !slices.Equal(changes, make([]shelf.Change, len(same))) {
				t.Errorf("dry %v: %v, %v", dry, changes, err)
			}
		}
	}
	for _, c := range []struct {
		items []shelf.Item
		want  []shelf.Change
	}{
		{
			[]shelf.Item{shelved("shoe", 9900, 10), shelved("hat", 1250, 6), shelved("cap", 900, 1)},
			[]shelf.Change{shelf.Unchanged, shelf.StockOnly, shelf.Added},
		},
		{
			[]shelf.Item{shelved("cup", 500, 1), shelved("hat", 1250, 6), shelved("shoe", 9800, 10)},
			[]shelf.Change{shelf.Added, shelf.Unchanged, shelf.Changed},
		},
	} {
		var changes []shelf.Change
		results, err := m.together(func() (_ []byte, err error) {
			changes, err = m.desk.Shelf.Import(desktest.Ctx, c.items, false)
			return nil, err
		})
		desktest.Must(t, err)
		desktest.Must(t, results[0].err)
		if !slices.Equal(changes, c.want) {
			t.Errorf("%v, want %v", changes, c.want)
		}
	}
}

// TestBadImportWritesNothing: an item that breaks a rule fails its chunk, whether the
// rule is looked at before the writer's turn or in it.
func TestBadImportWritesNothing(t *testing.T) {
	s := desktest.NewWorld(t, 1, 1).Shops[0]
	s.Stock("shoe", 10, 9900)
	foreign, untold, negative := shelved("cap", 900, 1), shelved("cap", 900, 1), shelved("cap", 900, -1)
	foreign.Product.Price.Currency, untold.Product.Title = "SEK", ""
	for name, bad := range map[string]shelf.Item{"another currency": foreign, "no title": untold, "a negative count": negative} {
		t.Run(name, func(t *testing.T) {
			if _, err := s.Desk.Shelf.Import(desktest.Ctx, []shelf.Item{shelved("shoe", 100, 3), bad}, false); err == nil {
				t.Error("it is taken")
			}
		})
	}
	// Which of two would win depends on what is committed already.
	for _, dry := range []bool{false, true} {
		_, err := s.Desk.Shelf.Import(desktest.Ctx, []shelf.Item{shelved("shoe", 100, 3), shelved("shoe", 9900, 10)}, dry)
		if exchange.CodeOf(err) != exchange.CodeInvalid || !strings.Contains(err.Error(), "shoe") {
			t.Errorf("one product twice, dry %v: %v", dry, err)
		}
	}
	stock, err := s.Desk.Shelf.Stock("shoe")
	desktest.Must(t, err)
	if rec, err := s.Desk.Shelf.Product("shoe"); err != nil || rec.Product.Price.Minor != 9900 || stock.Shelf() != 10 {
		t.Errorf("%+v, %+v, %v", rec, stock, err)
	}
}

// TestShelvesAreCountedTogether: one unknown or impossible count, and none is taken.
func TestShelvesAreCountedTogether(t *testing.T) {
	s := desktest.NewWorld(t, 1, 1).Shops[0]
	s.Stock("shoe", 10, 9900)
	s.Stock("hat", 5, 1250)
	good := shelf.Count{SKU: "shoe", Units: 3}
	for code, bad := range map[exchange.Code]shelf.Count{
		exchange.CodeNotFound: {SKU: "none", Units: 1},
		exchange.CodeInvalid:  {SKU: "hat", Units: -1},
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
	after, err := s.Desk.Shelf.Count(desktest.Ctx, []shelf.Count{good, {SKU: "hat", Unlimited: true}})
	if err != nil || len(after) != 2 || after[0].Shelf() != 3 || !after[1].Unlimited {
		t.Errorf("%+v, %v", after, err)
	}
}
