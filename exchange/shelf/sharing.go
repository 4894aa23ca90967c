package shelf

import (
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Which products sell from one stock.

// sharings is which products sell from stocks that are not named for them.
type sharings struct {
	store   kv.Store
	inBatch *writer.Table[exchange.StockID, sharing]
}

// sharing is what a batch has found out and changed of the products that share one stock.
type sharing struct {
	products int            // how many there are, as the batch leaves them
	joined   []exchange.SKU // by the batch; some may have left again
}

// Sharers is the first most committed products, by SKU and after one of them, that sell from a
// stock which is not named for them, for sale or not.
func (s *Shelf) Sharers(id exchange.StockID, after exchange.SKU, most int) ([]exchange.SKU, error) {
	return s.sharing.list(id, after, most)
}

// Sellers is up to most of the committed products that sell from a stock: the one that it is named
// for, where that does, and those that share it.
func (s *Shelf) Sellers(id exchange.StockID, most int) ([]exchange.SKU, error) {
	var skus []exchange.SKU
	if !id.IsPool() && most > 0 {
		sku := exchange.SKU(id)
		switch from, err := s.stockOf(sku); {
		case err != nil:
			return nil, err
		case from == id:
			skus = append(skus, sku)
		}
	}
	sharers, err := s.Sharers(id, "", most-len(skus))
	return append(skus, sharers...), err
}

// Shared reports whether other products than the one a stock is named for may sell from it.
func (s *Shelf) Shared(b *writer.Batch, id exchange.StockID) (bool, error) {
	rec, _, err := s.stocks.Get(b, id)
	return rec.Shared, err
}

// list is [Shelf.Sharers].
func (s *sharings) list(id exchange.StockID, after exchange.SKU, most int) ([]exchange.SKU, error) {
	r := kv.Prefix(record.SharingKey(id, ""))
	if after != "" {
		r.From = append(record.SharingKey(id, after), 0)
	}
	var skus []exchange.SKU
	for row, err := range kv.Rows(s.store, r) {
		if err != nil {
			return nil, err
		}
		if len(skus) == most {
			break
		}
		skus = append(skus, record.SharingSKU(id, row.Key))
	}
	return skus, nil
}

// of is how many products share a stock, and which of them the batch has let in.
func (s *sharings) of(b *writer.Batch, id exchange.StockID) (sharing, error) {
	sh, ok, err := s.inBatch.Get(b, id)
	if err != nil || ok {
		return sh, err
	}
	skus, err := s.list(id, "", record.MaxSharing)
	return sharing{products: len(skus)}, err
}

// crowded reports that a product would join a stock which as many products share already as may.
func (s *sharings) crowded(b *writer.Batch, p *plan) (bool, error) {
	pool := p.joins()
	if pool == "" {
		return false, nil
	}
	sh, err := s.of(b, pool)
	return sh.products >= record.MaxSharing, err
}

// crowdedAsCommitted is crowded by what is committed.
func (s *sharings) crowdedAsCommitted(p *plan) (bool, error) {
	pool := p.joins()
	if pool == "" {
		return false, nil
	}
	skus, err := s.list(pool, "", record.MaxSharing)
	return len(skus) >= record.MaxSharing, err
}

// joins is the stock, not named for it, that a product comes to share; "" where it joins none.
func (p *plan) joins() exchange.StockID {
	if p.next == nil || p.old != nil && p.old.Pool == p.next.Pool {
		return ""
	}
	return p.next.Pool
}

// moved notes that a product sells from another stock than before.
func (s *sharings) moved(b *writer.Batch, old, next *record.Product) error {
	sku := next.Product.SKU
	from := exchange.OwnStock(sku)
	if old != nil {
		from = old.Stock()
	}
	if from != next.Stock() {
		b.Then(StockLeft{sku, from, next.Stock()})
	}
	var was exchange.StockID
	if old != nil {
		was = old.Pool
	}
	if was == next.Pool {
		return nil
	}
	if was != "" {
		sh, err := s.of(b, was)
		if err != nil {
			return err
		}
		sh.products--
		s.inBatch.Set(b, was, sh)
	}
	if next.Pool != "" {
		sh, err := s.of(b, next.Pool)
		if err != nil {
			return err
		}
		sh.products++
		sh.joined = append(slices.Clip(sh.joined), sku)
		s.inBatch.Set(b, next.Pool, sh)
	}
	return nil
}
