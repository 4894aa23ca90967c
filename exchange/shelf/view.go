package shelf

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// view reads records: as committed, or as a batch sees them.
type view struct {
	record.Getter
	shelf   *Shelf
	product func(exchange.SKU) (*record.Product, bool, error)
	stock   func(exchange.StockID) (record.Stock, bool, error)
	groups  map[groupKey]debts // what was added up already
}

// groupKey names a list of stocks by where it lies: the items of one group share theirs.
type groupKey struct {
	first *exchange.StockID
	n     int
	low   exchange.Time
}

func (s *Shelf) inBatch(b *writer.Batch) view {
	return view{
		Getter: b, shelf: s, groups: make(map[groupKey]debts),
		product: func(sku exchange.SKU) (*record.Product, bool, error) { return s.products.Get(b, sku) },
		stock:   func(id exchange.StockID) (record.Stock, bool, error) { return s.stocks.Get(b, id) },
	}
}

func (s *Shelf) committed() view {
	return view{
		Getter: s.cfg.Store, shelf: s, groups: make(map[groupKey]debts),
		product: func(sku exchange.SKU) (*record.Product, bool, error) {
			rec, err := record.Get[record.Product](s.cfg.Store, s.cfg.Codec, record.ProductKey(sku))
			return rec, rec != nil, err
		},
		stock: func(id exchange.StockID) (record.Stock, bool, error) {
			rec, err := record.Get[record.Stock](s.cfg.Store, s.cfg.Codec, record.StockKey(id))
			if err != nil || rec == nil {
				return record.Stock{}, false, err
			}
			return *rec, true, nil
		},
	}
}

// reading is the last reading of a stock. What a version before 2 read stands in the product.
func (v view) reading(id exchange.StockID, product *record.Product) (record.Reading, error) {
	rec, err := record.Get[record.Reading](v, v.shelf.cfg.Codec, record.ReadingKey(id))
	switch {
	case err != nil:
		return record.Reading{}, err
	case rec != nil:
		return *rec, nil
	case product != nil && product.FileStock.Set && id.Is(product.Product.SKU):
		// The record may have been changed since by hand, but that version imported nothing later.
		f := product.FileStock
		began, err := v.shelf.journals.journaled()
		return record.Reading{Set: true, Unlimited: f.Unlimited, Units: f.Units, High: min(product.Imported, began)}, err
	}
	return record.Reading{}, nil
}
