package shelf_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/shelf"
)

// TestCountIsAllOrNone: of a list with an unknown product or an impossible count, no count is taken.
func TestCountIsAllOrNone(t *testing.T) {
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
