package shelf

import (
	"context"
	"errors"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Count is what an owner counted of one product: the units on its shelf, held and unshipped
// ones included (design: Catalogs), or that the product is not counted any more.
type Count struct {
	SKU       exchange.SKU
	Units     int64 // not read if Unlimited
	Unlimited bool  // the product is not counted any more
}

// says reports whether two counts say the same of a stock.
func (c Count) says(d Count) bool {
	return c.Unlimited == d.Unlimited && (c.Unlimited || c.Units == d.Units)
}

// MaxCounts bounds one call of Count. Stock, mark, reading and movement of each product, some
// 1,100 bytes, are 1.1 MB of the some 4.8 MB that a transaction carries.
const MaxCounts = 1000

// Count records the counts of up to MaxCounts different products, all in one commit or none:
// CodeNotFound names the products that this shop never had, and CodeInvalid two products that
// sell from one stock and are counted differently. It returns the stock after
// it, in the same order; where the key was used before, the stock as it stands.
func (s *Shelf) Count(ctx context.Context, counts []Count) ([]hold.Stock, error) {
	if len(counts) > MaxCounts {
		return nil, exchange.Errorf(exchange.CodeInvalid, "%d products are more than %d; count them in several steps", len(counts), MaxCounts)
	}
	seen := make(map[exchange.SKU]bool, len(counts))
	for _, c := range counts {
		if seen[c.SKU] {
			return nil, exchange.Errorf(exchange.CodeInvalid, "%s is counted twice; nothing was changed", c.SKU)
		}
		seen[c.SKU] = true
	}
	after := make([]hold.Stock, len(counts))
	err := s.cfg.Writer.Act(ctx, func(b *writer.Batch) error {
		if err := s.allKnown(b, counts); err != nil {
			return err
		}
		counted := make(map[exchange.StockID]int, len(counts)) // by which of counts
		for i, c := range counts {
			product, _, err := s.products.Get(b, c.SKU)
			if err != nil {
				return err
			}
			if first, again := counted[product.Stock()]; again {
				if !c.says(counts[first]) {
					return exchange.Errorf(exchange.CodeInvalid, "%s and %s sell from one stock, %s, and are counted differently; nothing was changed. Count that stock once, by either of them",
						counts[first].SKU, c.SKU, product.Stock())
				}
				after[i] = after[first]
				continue
			}
			counted[product.Stock()] = i
			if after[i], err = s.count(b, c, product); err != nil {
				return exchange.Errorf(exchange.CodeOf(err), "%s: %w", c.SKU, err)
			}
		}
		return nil
	})
	if errors.Is(err, writer.ErrDone) {
		return s.stocksOf(counts)
	}
	if err != nil {
		return nil, err
	}
	return after, nil
}

// stocksOf is the committed stock of each product in counts.
func (s *Shelf) stocksOf(counts []Count) ([]hold.Stock, error) {
	list := make([]hold.Stock, len(counts))
	for i, c := range counts {
		var err error
		if list[i], err = s.Stock(c.SKU); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// SetStock is Count for one product.
func (s *Shelf) SetStock(ctx context.Context, sku exchange.SKU, shelf int64, unlimited bool) (hold.Stock, error) {
	after, err := s.Count(ctx, []Count{{SKU: sku, Units: shelf, Unlimited: unlimited}})
	if err != nil {
		return hold.Stock{}, err
	}
	return after[0], nil
}

// count sets what lies on the shelf of one product, or of the pool from which it sells.
func (s *Shelf) count(b *writer.Batch, c Count, product *record.Product) (hold.Stock, error) {
	id := product.Stock()
	rec, _, err := s.stocks.Get(b, id)
	if err != nil {
		return hold.Stock{}, err
	}
	net := rec.Stock.Net()
	if c.Unlimited {
		rec.Stock = rec.Stock.Uncount()
	} else if rec.Stock, err = rec.Stock.Count(c.Units); err != nil {
		return hold.Stock{}, err
	}
	reading, err := s.inBatch(b).reading(id, product)
	if err != nil {
		return hold.Stock{}, err
	}
	reading.Counted, reading.CountedBy = b.Now(), reading.CountedBy+rec.Stock.Net()-net
	if err := s.journals.add(b, id, &rec, record.Movement{Cause: record.CauseCounted, Units: rec.Stock.Net() - net, SKU: c.SKU}); err != nil {
		return hold.Stock{}, err
	}
	s.stocks.Set(b, id, rec)
	return rec.Stock, record.Put(b, s.cfg.Codec, record.ReadingKey(id), &reading)
}

// allKnown fails with CodeNotFound, naming products, if this shop never had some. What is off
// sale can be counted: it is counted right when it returns.
func (s *Shelf) allKnown(b *writer.Batch, counts []Count) error {
	var missing []string
	for _, c := range counts {
		_, ok, err := s.products.Get(b, c.SKU)
		if err != nil {
			return err
		}
		if !ok {
			missing = append(missing, string(c.SKU))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return exchange.Errorf(exchange.CodeNotFound, "this shop does not have %s; nothing was changed. See souk catalog list", someOf(missing))
}
