package node

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/node/api"
)

// What keeps products from being sold, or sold as many as there are, that their owner can
// settle in a word.

// figureProblems names the sources of which nobody has said what their stock figures mean.
func figureProblems(list []api.SourceInfo, err error) []api.Problem {
	if err != nil {
		return []api.Problem{{Name: "store", Blocks: true, Detail: err.Error()}}
	}
	var open []string
	for _, src := range list {
		if src.Figure == record.FigureNotChosen && src.Ended != 0 {
			open = append(open, src.Name)
		}
	}
	if len(open) == 0 {
		return nil
	}
	return []api.Problem{{Name: "stock-figure", Detail: "nobody has said what the stock figures of " + strings.Join(open, ", ") +
		" mean, so the least of three readings is taken, and less may be offered than there is. Say with the next import of it --source NAME --stock-figure on-hand, free or free-unaware; see souk catalog import --help"}}
}

const (
	// countedAtMost bounds the products that are looked at: some 200 ms where none is counted.
	countedAtMost = 20_000
	// countRest is how many times as long as a look took the next one waits: readiness is asked
	// every few seconds, and looking then takes 1% of one processor at most.
	countRest = 100
)

// counting is the last look for products that nothing counts.
type counting struct {
	mu      sync.Mutex
	at      exchange.Time
	took    time.Duration
	problem []api.Problem
}

// problems tells of products for sale that nobody can buy, for nothing counts them.
func (c *counting) problems(goods *shelf.Shelf, now exchange.Time) []api.Problem {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at == 0 || now < c.at || now.Sub(c.at) >= countRest*c.took {
		began := time.Now()
		c.at, c.problem = now, uncounted(goods)
		c.took = time.Since(began)
	}
	return c.problem
}

func uncounted(goods *shelf.Shelf) []api.Problem {
	count, first, whole, err := shelf.Survey{Shelf: goods}.Uncounted(countedAtMost)
	switch {
	case err != nil:
		return []api.Problem{{Name: "store", Blocks: true, Detail: err.Error()}}
	case count == 0:
		return nil
	}
	what := "1 product for sale cannot be bought (" + string(first) + "): neither a file nor you count it"
	switch {
	case !whole:
		what = fmt.Sprintf("%d of the first %d products cannot be bought (%s, …): neither a file nor you count them", count, countedAtMost, first)
	case count > 1:
		what = fmt.Sprintf("%d products for sale cannot be bought (%s, …): neither a file nor you count them", count, first)
	}
	return []api.Problem{{Name: "not-counted", Detail: what +
		". Import a file that does, say --untracked-stock unlimited or a number of units with the import, or count by hand: souk catalog set-stock SKU=N"}}
}
