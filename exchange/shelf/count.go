package shelf

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/writer"
)

// Count is what an owner counted of one product: the units on its shelf, held and unshipped
// ones included (design: Catalogs), or that the product is not counted any more.
type Count struct {
	SKU       exchange.SKU
	Units     int64 // not read if Unlimited
	Unlimited bool  // the product is not counted any more
}

// MaxCounts bounds one call of Count. A record and a mark for each product, at most 544 bytes
// by the stock table's estimate, are 0.55 MB of the some 4.8 MB that a transaction carries.
const MaxCounts = 1000

// Count records the counts of up to MaxCounts different products, all in one commit or none:
// CodeNotFound names the products that this shop does not offer. It returns the stock after
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
		if err := s.allOffered(b, counts); err != nil {
			return err
		}
		for i, c := range counts {
			stock, err := s.stock(b, c.SKU)
			if err != nil {
				return err
			}
			if c.Unlimited {
				stock = stock.Uncount()
			} else if stock, err = stock.Count(c.Units); err != nil {
				return exchange.Errorf(exchange.CodeOf(err), "%s: %w", c.SKU, err)
			}
			s.stocks.Set(b, c.SKU, stock)
			after[i] = stock
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

// maxNamed is how many products an error names.
const maxNamed = 10

// allOffered fails with CodeNotFound, naming products, if this shop does not offer some.
func (s *Shelf) allOffered(b *writer.Batch, counts []Count) error {
	var missing []string
	for _, c := range counts {
		switch _, err := s.Offered(b, c.SKU); {
		case exchange.CodeOf(err) == exchange.CodeNotFound:
			missing = append(missing, string(c.SKU))
		case err != nil:
			return err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	names := strings.Join(missing[:min(len(missing), maxNamed)], ", ")
	if more := len(missing) - maxNamed; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return exchange.Errorf(exchange.CodeNotFound, "this shop does not offer %s; nothing was changed. See souk catalog list", names)
}
