package shelf

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
)

// Shortfalls are the stocks of which more units are promised than are there, as committed. They
// are in memory, so that every list and view can ask: a start reads them from the stock records
// ([Shelf.LoadShortfalls]), and every commit that changes a stock keeps them. Which products sell
// from a stock is read when somebody asks, for products join a stock and leave it. A stock in a
// shortfall takes some 200 bytes. The methods are safe for concurrent use.
type Shortfalls struct {
	stockOf func(exchange.SKU) (exchange.StockID, error) // from which a product sells

	mu sync.Mutex
	at map[exchange.StockID]hold.Stock // each with a shortfall
	// changed are the stocks that commits have changed since loading began; nil once it is done.
	// What they say is newer than what loading reads.
	changed map[exchange.StockID]bool
}

// Shortfall is a stock of which more is promised than is there.
type Shortfall struct {
	Stock exchange.StockID
	Units int64 // promised, held or sold, and not there
}

func newShortfalls(stockOf func(exchange.SKU) (exchange.StockID, error)) *Shortfalls {
	return &Shortfalls{stockOf: stockOf, at: make(map[exchange.StockID]hold.Stock), changed: make(map[exchange.StockID]bool)}
}

// Shortfalls are those of the shelf's stocks.
func (s *Shelf) Shortfalls() *Shortfalls { return s.shortfalls }

// LoadShortfalls reads the shortfalls of all stocks, until ctx ends. It is called once. Until it
// has returned, a stock that no commit has changed may be missing among them. One million stocks
// take some seconds.
func (s *Shelf) LoadShortfalls(ctx context.Context) error {
	defer s.shortfalls.loaded()
	prefix := record.StockKey("")
	for row, err := range record.Rows[record.Stock](s.cfg.Store, s.cfg.Codec, kv.Prefix(prefix)) {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && row.Key == nil:
			return err
		case err != nil:
			continue // damaged: whoever sells it, or audits the books, meets it
		}
		if row.Record.Stock.Shortfall() > 0 {
			s.shortfalls.found(exchange.StockID(row.Key[len(prefix):]), row.Record.Stock)
		}
	}
	return nil
}

// loaded forgets what only loading needs.
func (l *Shortfalls) loaded() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed = nil
}

// found notes a shortfall that loading has read, unless a commit has changed the stock since.
func (l *Shortfalls) found(id exchange.StockID, stock hold.Stock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.changed[id] {
		l.at[id] = stock
	}
}

// Committed follows the effect of a batch.
func (l *Shortfalls) Committed(e StockChanged) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed != nil {
		l.changed[e.ID] = true
	}
	if e.Stock.Shortfall() > 0 {
		l.at[e.ID] = e.Stock
	} else {
		delete(l.at, e.ID)
	}
}

// At is how many units of a stock are promised and not there.
func (l *Shortfalls) At(id exchange.StockID) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at[id].Shortfall()
}

// Before is how many units of the stock of e are promised and not there before the batch that e is
// an effect of.
func (s *Shelf) Before(e StockChanged) (int64, error) {
	l := s.shortfalls
	l.mu.Lock()
	before, sure := l.at[e.ID].Shortfall(), l.changed == nil || l.changed[e.ID]
	l.mu.Unlock()
	if sure || before > 0 {
		return before, nil
	}
	stock, err := s.stockAt(e.ID) // loading has perhaps not come to it yet
	return stock.Shortfall(), err
}

// Of is how many units are promised and not there of the stock from which a product sells. It
// reads the product only while there are shortfalls. Where the store fails, it answers for the
// product's own stock.
func (l *Shortfalls) Of(sku exchange.SKU) int64 {
	if l.none() {
		return 0
	}
	id, err := l.stockOf(sku)
	if err != nil {
		id = exchange.OwnStock(sku)
	}
	return l.At(id)
}

func (l *Shortfalls) none() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.at) == 0
}

// OfOrders is how many of a stock's sold and unshipped units are not there. Units that are held
// are not among them: a hold may end without an order.
func (l *Shortfalls) OfOrders(id exchange.StockID) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	stock := l.at[id]
	return max(0, stock.Shortfall()-stock.Held)
}

// First lists up to most shortfalls by their stocks, and says how many there are.
func (l *Shortfalls) First(most int) (list []Shortfall, all int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := slices.Sorted(maps.Keys(l.at))
	for _, id := range ids[:min(most, len(ids))] {
		list = append(list, Shortfall{id, l.at[id].Shortfall()})
	}
	return list, len(ids)
}
