package shelf

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/record"
)

// debts is what other stocks take off a figure.
type debts struct {
	// open is what they have promised, or sent since the reading less the time that a system takes
	// to book an order.
	open int64
	// unaware is what a system that knows nothing of Souk counts of them though it is promised, or
	// was sent.
	unaware int64
}

func (d *debts) add(more debts) {
	d.open += more.open
	d.unaware += more.unaware
}

// addDebts adds up what other stocks take off the figure: those that the product sold from
// before, and those of variants whose place it took among others. Stocks of the first kind that
// take nothing any more are forgotten.
func (v view) addDebts(t *told, st Statement, item *Item, next *record.Product) error {
	low := t.when.low.Add(-st.BookedWithin)
	var open []exchange.StockID
	for _, id := range t.last.Behind {
		d, err := v.debt(id, low)
		if err != nil {
			return err
		}
		if d != (debts{}) {
			open = append(open, id)
		}
		t.debts.add(d)
	}
	if t.last.Behind = open; len(open) > record.MaxBehind {
		// Too many to be followed: nothing is for sale until some of them take nothing any more.
		t.last.Behind, t.debts.open = open[:record.MaxBehind+1], hold.MaxShelf
	}
	if !next.Took || next.Pool != "" && !next.Pool.IsPool() {
		return nil
	}
	took, err := v.groupDebts(item.Takes, low)
	t.debts.add(took)
	return err
}

// debt is what one stock takes off the figure of another.
func (v view) debt(id exchange.StockID, low exchange.Time) (debts, error) {
	rec, ok, err := v.stock(id)
	if err != nil || !ok {
		return debts{}, err
	}
	sent, err := v.shelf.journals.since(v, id, &rec, low, low, 0)
	if err != nil {
		return debts{}, err
	}
	last, err := v.reading(id, nil)
	if err != nil {
		return debts{}, err
	}
	d := debts{open: rec.Stock.Promised() + sent.Shipped, unaware: rec.Stock.Held + rec.Stock.Sold + rec.Left}
	if last.Set && !last.Unlimited { // more exactly: the system counts more by what Souk has sent
		d.unaware = rec.Stock.Promised() + max(0, last.Units-rec.Stock.Net())
	}
	return d, nil
}

// groupDebts is the debts of a list of stocks, which the items of a group share: it is added up
// once for all of them.
func (v view) groupDebts(ids []exchange.StockID, low exchange.Time) (sum debts, err error) {
	if len(ids) == 0 {
		return sum, nil
	}
	key := groupKey{&ids[0], len(ids), low}
	if sum, ok := v.groups[key]; ok {
		return sum, nil
	}
	for _, id := range ids {
		d, err := v.debt(id, low)
		if err != nil {
			return sum, err
		}
		sum.add(d)
	}
	v.groups[key] = sum
	return sum, nil
}
