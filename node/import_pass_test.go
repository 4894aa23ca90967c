package node

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/node/api"
	"github.com/souk-market/souk/node/inventory"
)

// TestCrowdedIsABadRow: a product that finds no place in a common stock is named with its line,
// and ends an import that is strict.
func TestCrowdedIsABadRow(t *testing.T) {
	pool, err := exchange.PoolStock("BOWL")
	if err != nil {
		t.Fatal(err)
	}
	for _, strict := range []bool{false, true} {
		p := &importPass{report: &api.ImportReport{}, options: api.ImportOptions{Strict: strict}}
		item := shelf.Item{Product: exchange.Product{SKU: "v2049"}, Pool: pool}
		err := p.note(&item, &inventory.Item{Line: 7}, &shelf.Outcome{Change: shelf.Crowded})
		if (exchange.CodeOf(err) == exchange.CodeInvalid) != strict || (err != nil) != strict {
			t.Errorf("strict %v: %v", strict, err)
		}
		if len(p.errors) != 1 || p.errors[0].Line != 7 || !strings.Contains(p.errors[0].Message, "v2049 shares the stock BOWL, and 2048 products share it already") {
			t.Errorf("%+v", p.errors)
		}
	}
}
