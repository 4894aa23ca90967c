package api_test

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// TestShelvesAllOrNone: one unknown name, and none of the others is counted.
func TestShelvesAllOrNone(t *testing.T) {
	s := lone(t)
	ctx := waiting(t)
	file := `{"sku":"cap","title":"Cap","price":"12.50","stock":4}` + "\n" + `{"sku":"tie","title":"Tie","price":"9.00","stock":5}`
	must(s.Import(ctx, strings.NewReader(file), client.ImportOptions{}, nil))(t)
	count := func(pairs ...any) view.CountShelves {
		var c view.CountShelves
		for i := 0; i < len(pairs); i += 2 {
			c.Counts = append(c.Counts, view.ShelfCount{SKU: pairs[i].(string), SetStock: view.SetStock{Units: ptr(int64(pairs[i+1].(int))), CountedAt: "now"}})
		}
		return c
	}
	_, err := s.Stocks().Count(ctx, count("cap", 7, "nosuch", 3, "tie", 8, "gone", 1))
	wantCode(t, "two unknown products", err, exchange.CodeNotFound)
	if !strings.Contains(err.Error(), "nosuch, gone; nothing was changed") {
		t.Error(err)
	}
	_, err = s.Stocks().Count(ctx, count("cap", 7, "cap", 8))
	wantCode(t, "one product twice", err, exchange.CodeInvalid)
	_, err = s.Stocks().Count(ctx, view.CountShelves{Counts: []view.ShelfCount{{SKU: "cap"}}})
	wantCode(t, "no count", err, exchange.CodeInvalid)
	for sku, want := range map[exchange.SKU]int64{"cap": 4, "tie": 5} {
		if got := must(s.desk().Shelf.Stock(sku))(t); got.Shelf() != want {
			t.Errorf("%s: %d on the shelf, want %d", sku, got.Shelf(), want)
		}
	}
	c := count("cap", 7, "tie", 0)
	c.Counts = append(c.Counts, view.ShelfCount{SKU: "shoe", SetStock: view.SetStock{Unlimited: true, CountedAt: "now"}})
	must(s.Import(ctx, strings.NewReader(`{"sku":"shoe","title":"Shoe","price":"50.00","stock":1}`), client.ImportOptions{}, nil))(t)
	got := must(s.Stocks().Count(ctx, c))(t).Shelves
	if len(got) != 3 || got[0].SKU != "cap" || got[0].Available != 7 || got[1].Shelf != 0 || !got[2].Unlimited {
		t.Errorf("%+v", got)
	}
	answered(t, []*shop{s}, "count-shelves")
}
