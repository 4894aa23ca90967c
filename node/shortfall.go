package node

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/node/api"
)

// shortfallsNamed bounds the stocks that one problem names, and the products of each.
const shortfallsNamed = 5

// shortfallProblems tells of the own stocks of which more is promised than is there, until each is
// resolved. It keeps nobody from selling what is in the others.
func shortfallProblems(of *shelf.Shelf) []api.Problem {
	first, all := of.Shortfalls().First(shortfallsNamed)
	if all == 0 {
		return nil
	}
	named := make([]string, len(first))
	for i, f := range first {
		named[i] = fmt.Sprintf("%s (%d missing%s)", f.Stock, f.Units, sharedBy(of, f.Stock))
	}
	products := "1 product"
	if all > 1 {
		products = strconv.Itoa(all) + " products"
	}
	if all > len(first) {
		named = append(named, "and "+strconv.Itoa(all-len(first))+" more")
	}
	return []api.Problem{{Name: "shortfall", Detail: "more is held and sold of " + products + " than is there: " + strings.Join(named, ", ") +
		". See who waits for them: souk catalog holds SKU; then count again (souk catalog set-stock), or cancel what cannot be shipped (souk order cancel)"}}
}

// sharedBy says which products sell from a stock that is not one product's own; "" where it is.
func sharedBy(of *shelf.Shelf, id exchange.StockID) string {
	skus, err := of.Sellers(id, shortfallsNamed+1)
	switch {
	case err != nil || len(skus) == 1 && id.Is(skus[0]):
		return ""
	case len(skus) == 0:
		return "; from which nothing is sold any more"
	}
	named := make([]string, min(len(skus), shortfallsNamed))
	for i := range named {
		named[i] = string(skus[i])
	}
	if len(skus) > len(named) {
		named = append(named, "others")
	}
	return "; the common stock of " + strings.Join(named, " and ")
}
