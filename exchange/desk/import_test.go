package desk_test

import (
	"slices"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
)

func shelved(sku exchange.SKU, cents, units int64) desk.ImportItem {
	return desk.ImportItem{
		Product: exchange.Product{SKU: sku, Title: "A " + string(sku), Grams: 300, Price: exchange.Money{Minor: cents, Currency: "EUR"}},
		Stock:   desk.FileStock{Set: true, Units: units},
	}
}

// TestSameImportLeavesTheWriterAlone: what is as it was is told without the writer,
// which here does nothing until the test asks it to; what is not goes through it.
func TestSameImportLeavesTheWriterAlone(t *testing.T) {
	m := newMarket(t, desk.Limits{}, asIs)
	same := []desk.ImportItem{shelved("shoe", 9900, 10), shelved("hat", 1250, 5), {Product: shelved("hat", 1250, 0).Product}}
	for _, dry := range []bool{false, true} {
		changes, err := m.desk.Import(ctx, same, dry)
		if err != nil || !slices.Equal(changes, make([]desk.ImportChange, len(same))) {
			t.Errorf("dry %v: %v, %v", dry, changes, err)
		}
	}
	var changes []desk.ImportChange
	results, err := m.together(func() (_ []byte, err error) {
		changes, err = m.desk.Import(ctx, []desk.ImportItem{same[0], shelved("hat", 1250, 6), shelved("cap", 900, 1), same[0], shelved("shoe", 9800, 10)}, false)
		return nil, err
	})
	must(t, err)
	must(t, results[0].err)
	want := []desk.ImportChange{desk.ImportUnchanged, desk.ImportStock, desk.ImportAdded, desk.ImportUnchanged, desk.ImportChanged}
	if !slices.Equal(changes, want) {
		t.Errorf("%v, want %v", changes, want)
	}
}

// TestBadImportWritesNothing: an item that breaks a rule fails its chunk, whether the
// rule is looked at before the writer's turn or in it.
func TestBadImportWritesNothing(t *testing.T) {
	s := newWorld(t, 1, 1).shops[0]
	s.stock("shoe", 10, 9900)
	foreign, untold, negative := shelved("cap", 900, 1), shelved("cap", 900, 1), shelved("cap", 900, -1)
	foreign.Product.Price.Currency, untold.Product.Title = "SEK", ""
	for _, bad := range []desk.ImportItem{foreign, untold, negative} {
		if _, err := s.desk.Import(ctx, []desk.ImportItem{shelved("shoe", 100, 3), bad}, false); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	stock, err := s.desk.Stock("shoe")
	must(t, err)
	if rec, err := s.desk.Product("shoe"); err != nil || rec.Product.Price.Minor != 9900 || stock.Shelf() != 10 {
		t.Errorf("%+v, %+v, %v", rec, stock, err)
	}
}

// TestShelvesAreCountedTogether: one unknown or impossible count, and none is taken.
func TestShelvesAreCountedTogether(t *testing.T) {
	s := newWorld(t, 1, 1).shops[0]
	s.stock("shoe", 10, 9900)
	s.stock("hat", 5, 1250)
	good := desk.ShelfCount{SKU: "shoe", Units: 3}
	for code, bad := range map[exchange.Code]desk.ShelfCount{
		exchange.CodeNotFound: {SKU: "none", Units: 1},
		exchange.CodeInvalid:  {SKU: "hat", Units: -1},
	} {
		if _, err := s.desk.CountShelves(ctx, []desk.ShelfCount{good, bad}); exchange.CodeOf(err) != code {
			t.Errorf("%+v: %v, want %v", bad, err, code)
		}
	}
	if _, err := s.desk.CountShelves(ctx, []desk.ShelfCount{good, good}); exchange.CodeOf(err) != exchange.CodeInvalid {
		t.Errorf("one product twice: %v", err)
	}
	if _, err := s.desk.CountShelves(ctx, make([]desk.ShelfCount, desk.MaxShelfCounts+1)); exchange.CodeOf(err) != exchange.CodeInvalid {
		t.Errorf("too many: %v", err)
	}
	if stock, err := s.desk.Stock("shoe"); err != nil || stock.Shelf() != 10 {
		t.Errorf("%+v, %v", stock, err)
	}
	after, err := s.desk.CountShelves(ctx, []desk.ShelfCount{good, {SKU: "hat", Unlimited: true}})
	if err != nil || len(after) != 2 || after[0].Shelf() != 3 || !after[1].Unlimited {
		t.Errorf("%+v, %v", after, err)
	}
}
