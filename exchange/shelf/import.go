package shelf

import (
	"context"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Item is what a file or the shop's own system says of one product.
type Item struct {
	Product exchange.Product // its USD price and Available are not read
	Stock   Figure           // Set = false leaves the stock as it is
	ID      string           // the source's own name of the product; "" = it has none
	Group   string           // the source's own name of the thing of which it is a variant; "" = it stands alone
	Sale    *record.Sale     // a reduced price for a time; nil = none; Product.Price is the price without it
	Pool    exchange.StockID // the stock that it shares with others; "" = its own

	// Withdrawn says why it is not for sale, as "draft"; "" = it is. Of Product the SKU alone is
	// read then.
	Withdrawn string
	// StockOnly reports that nothing but the stock is told; of Product the SKU alone is read.
	StockOnly bool
	// Takes is the stocks of variants of its group that went, and which no variant has taken over
	// that is there: what they have promised is taken off the figures of those that came instead.
	Takes []exchange.StockID
	// Fresh is the stocks of those that went since others last came. If there is one, and the product is Alone
	// among those that came, it is the same variant under another name and sells from that stock.
	Fresh []exchange.StockID
	Alone bool

	source string // of the statement
}

// Change is what an import did, or would do, with one item.
type Change uint32

const (
	Unchanged Change = iota
	Added
	Changed
	StockOnly
	Withdrawn // it was for sale
	Returned  // it was withdrawn
	Unknown   // it is not for sale, or only its stock is told, and the shop does not know it
	Conflict  // another product has the SKU; nothing was changed
	Removed   // the owner has removed it: it stays off sale, and was changed otherwise
	Crowded   // record.MaxSharing other products sell from the stock that it would join; nothing was changed
)

// Outcome is what became of one item.
type Outcome struct {
	Change        Change
	Before, After hold.Stock
	Readings      *Readings // what each meaning of its figure makes available; nil where none counts
	Lowered       bool      // no meaning is chosen, and another one would have left more
	Older         bool      // the figure is older than what is known, and changed nothing
	Doubted       bool      // the figure may be older than what is known, and could only lower
	Known         string    // of a conflict: the title of the product that has the SKU
	Ordered       int64     // units ordered through Souk since the last reading
}

// ImportChunk is how many items one call of Import takes. At 13 writes an item they stay far
// below a transaction's limit.
const ImportChunk = 200

// Import writes up to ImportChunk items of different products in one durable step, or none.
// st says what their figures mean. The result has one outcome for each item. An item
// that breaks a rule, or a product that is there twice (CodeInvalid), fails all items.
func (s *Shelf) Import(ctx context.Context, st Statement, items []Item) ([]Outcome, error) {
	if len(items) > ImportChunk {
		return nil, exchange.Errorf(exchange.CodeInvalid, "%d items are more than %d", len(items), ImportChunk)
	}
	items = slices.Clone(items)
	seen := make(map[exchange.SKU]bool, len(items))
	for i := range items {
		sku := items[i].Product.SKU
		if seen[sku] {
			return nil, exchange.Errorf(exchange.CodeInvalid, "%s is there twice; nothing was imported. Give each product once", sku)
		}
		seen[sku] = true
		items[i].source = st.Source
		if err := s.checkItem(&items[i]); err != nil {
			return nil, err
		}
	}
	if !st.DryRun {
		if err := s.files.read(st.Source, s.cfg.Writer.Now()); err != nil {
			return nil, err
		}
	}
	outcomes := make([]Outcome, len(items)) // unchanged, until the writer says otherwise
	rest, err := s.notAsCommitted(st, items, outcomes)
	if err != nil || len(rest) == 0 || st.DryRun {
		return outcomes, err
	}
	err = s.cfg.Writer.Do(ctx, func(b *writer.Batch) error {
		v := s.inBatch(b)
		for _, i := range rest {
			p, err := s.plan(v, st, &items[i], b.Now())
			if err != nil {
				return err
			}
			crowded, err := s.sharing.crowded(b, &p)
			if err != nil {
				return err
			}
			if crowded {
				outcomes[i] = Outcome{Change: Crowded}
				continue
			}
			if err := s.carryOut(b, &p); err != nil {
				return err
			}
			outcomes[i] = p.outcome
		}
		return nil
	})
	return outcomes, err
}

// notAsCommitted is which of items may change something, with the outcome of each by what is
// committed. Most of a file that is imported again changes nothing. Those items are found here,
// so that holds and orders do not wait for them. The writer looks at the others again.
func (s *Shelf) notAsCommitted(st Statement, items []Item, outcomes []Outcome) (rest []int, err error) {
	now := s.cfg.Writer.Now()
	v := s.committed()
	for i := range items {
		p, err := s.plan(v, st, &items[i], now)
		if err != nil && st.DryRun {
			return nil, err
		}
		outcomes[i] = p.outcome
		if err == nil && st.DryRun {
			crowded, err := s.sharing.crowdedAsCommitted(&p)
			if err != nil {
				return nil, err
			}
			if crowded {
				outcomes[i] = Outcome{Change: Crowded}
			}
		}
		if err != nil || p.changes() {
			rest = append(rest, i)
		}
	}
	return rest, nil
}

// checkItem checks what an item says of its product.
func (s *Shelf) checkItem(item *Item) error {
	p := &item.Product
	if f := item.Stock; min(f.Units, f.Committed) < -hold.MaxShelf || max(f.Units, f.Committed) > hold.MaxShelf {
		return exchange.Errorf(exchange.CodeInvalid, "%s: a stock figure is %d to %d, not %d", p.SKU, -hold.MaxShelf, hold.MaxShelf, f.Units)
	}
	p.Available = exchange.Availability{}
	if item.Withdrawn != "" || item.StockOnly {
		_, err := exchange.ParseSKU(string(p.SKU))
		return err
	}
	if err := catalog.CheckProduct(*p); err != nil {
		return err
	}
	if p.Price.Currency != s.cfg.Currency {
		return exchange.Errorf(exchange.CodeCurrency, "%s is priced in %s; this shop sells in %s", p.SKU, p.Price.Currency, s.cfg.Currency)
	}
	if item.Sale != nil && (item.Sale.Price < 0 || item.Sale.CompareAt < 0) {
		return exchange.Errorf(exchange.CodeInvalid, "%s: a price is negative", p.SKU)
	}
	return nil
}

// steady is p with the record's US dollar price, if the rate has moved so little that it
// should rewrite nothing.
func steady(rec *record.Product, p exchange.Product) exchange.Product {
	if !catalog.RateMoves(rec.Product.USD, p.USD) && rec.Product.Price == p.Price {
		p.USD = rec.Product.USD
	}
	return p
}
