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

// Item is one product of a file or of the shop's own system.
type Item struct {
	Product exchange.Product // its USD price and Available are not read
	Stock   record.FileStock // Set = false leaves the stock as it is
}

// Change is what an import did, or would do, with one item.
type Change uint32

const (
	Unchanged Change = iota
	Added
	Changed
	StockOnly
)

// ImportChunk is how many items one call of Import takes. At 4 writes an item they stay far
// below a transaction's limit.
const ImportChunk = 200

// Import writes up to ImportChunk items of different products in one durable step, or none.
// dry writes nothing and returns the same. The result has one change for each item. An item
// that breaks a rule, or a product that is there twice (CodeInvalid), fails all items.
func (s *Shelf) Import(ctx context.Context, items []Item, dry bool) ([]Change, error) {
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
		var err error
		if items[i].Product, err = s.priced(items[i].Product); err != nil {
			return nil, err
		}
	}
	changes := make([]Change, len(items)) // unchanged, until the writer says otherwise
	rest, err := s.notAsCommitted(items)
	if err != nil || len(rest) == 0 {
		return changes, err
	}
	err = s.cfg.Writer.Do(ctx, func(b *writer.Batch) error {
		for _, i := range rest {
			change, err := s.importItem(b, items[i], dry)
			if err != nil {
				return err
			}
			changes[i] = change
		}
		return nil
	})
	return changes, err
}

// notAsCommitted is which of items may change something. Most of a file that is imported again
// changes nothing. Those items are found here, in what is committed, so that holds and orders
// do not wait for them. The writer checks the others again.
func (s *Shelf) notAsCommitted(items []Item) (rest []int, err error) {
	for i, item := range items {
		rec, err := record.Get[record.Product](s.cfg.Store, s.cfg.Codec, record.ProductKey(item.Product.SKU))
		if err != nil {
			return nil, err
		}
		if rec == nil { // a new product: the items after it are likely new too
			for ; i < len(items); i++ {
				rest = append(rest, i)
			}
			return rest, nil
		}
		if !rec.Is(steady(rec, item.Product)) || !rec.FileStock.Covers(item.Stock) {
			rest = append(rest, i)
		}
	}
	return rest, nil
}

// priced checks a product and gives it its US dollar price.
func (s *Shelf) priced(p exchange.Product) (exchange.Product, error) {
	p.Available = exchange.Availability{}
	if err := catalog.CheckProduct(p); err != nil {
		return p, err
	}
	if p.Price.Currency != s.cfg.Currency {
		return p, exchange.Errorf(exchange.CodeCurrency, "%s is priced in %s; this shop sells in %s", p.SKU, p.Price.Currency, s.cfg.Currency)
	}
	var err error
	if p.USD, err = s.usdPrice(p.Price); err != nil {
		return p, exchange.Errorf(exchange.CodeOf(err), "%s: %w", p.SKU, err)
	}
	return p, nil
}

// steady is p with the record's US dollar price, if the rate has moved so little that it
// should rewrite nothing.
func steady(rec *record.Product, p exchange.Product) exchange.Product {
	if !catalog.RateMoves(rec.Product.USD, p.USD) && rec.Product.Price == p.Price {
		p.USD = rec.Product.USD
	}
	return p
}

// importItem applies one item, which priced has checked. It is priced again, since the rate may
// have changed meanwhile.
func (s *Shelf) importItem(b *writer.Batch, item Item, dry bool) (Change, error) {
	p, change, last := item.Product, Added, record.FileStock{}
	var err error
	if p.USD, err = s.usdPrice(p.Price); err != nil {
		return 0, exchange.Errorf(exchange.CodeOf(err), "%s: %w", p.SKU, err)
	}
	old, known, err := s.products.Get(b, p.SKU)
	if err != nil {
		return 0, err
	}
	if known {
		p, last, change = steady(old, p), old.FileStock, Changed
		if old.Is(p) {
			change = Unchanged
		}
	}
	stock, err := s.stock(b, p.SKU)
	if err != nil {
		return 0, err
	}
	next, moved, err := importStock(stock, last, item.Stock)
	if err != nil {
		return 0, exchange.Errorf(exchange.CodeOf(err), "%s: %w", p.SKU, err)
	}
	if moved && change == Unchanged {
		change = StockOnly
	}
	if dry || change == Unchanged && last.Covers(item.Stock) {
		return change, nil
	}
	rec := &record.Product{Product: p, Imported: b.Now(), FileStock: last}
	if item.Stock.Set {
		rec.FileStock = item.Stock
	}
	s.products.Set(b, p.SKU, rec)
	s.stocks.Set(b, p.SKU, next)
	return change, nil
}

// importStock applies a file's stock if it differs from what the last import read: the same
// file again must not undo sales.
func importStock(s hold.Stock, last, file record.FileStock) (hold.Stock, bool, error) {
	if last.Covers(file) {
		return s, false, nil
	}
	if file.Unlimited {
		return s.Uncount(), !s.Unlimited, nil
	}
	next, err := s.Count(file.Units)
	return next, next != s, err
}
