package shelf

import (
	"bytes"
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Reprice converts the prices of all own products with the newest rate. It rewrites products
// whose US dollar price moves by 1% or more (design: Catalogs), or that have none yet, and returns
// how many. It may be stopped and begun again.
func (s *Shelf) Reprice(ctx context.Context) (rewritten int, err error) {
	from := []byte(record.PrefixProduct)
	for from != nil {
		var skus []exchange.SKU
		if skus, from, err = s.staleUSD(from); err != nil {
			return rewritten, err
		}
		if len(skus) == 0 {
			continue
		}
		n := 0
		err = s.cfg.Writer.Do(ctx, func(b *writer.Batch) error {
			n = 0
			for _, sku := range skus {
				changed, err := s.reprice(b, sku)
				if err != nil {
					return err
				}
				if changed {
					n++
				}
			}
			return nil
		})
		if err != nil {
			return rewritten, err
		}
		rewritten += n
	}
	return rewritten, nil
}

// staleUSD lists up to ImportChunk products to rewrite, from a key on. next is the key to go on
// from; nil at the end.
func (s *Shelf) staleUSD(from []byte) (skus []exchange.SKU, next []byte, err error) {
	for row, err := range s.rows(kv.Range{From: from, To: kv.Prefix([]byte(record.PrefixProduct)).To}) {
		if err != nil {
			return nil, nil, err
		}
		if len(skus) == ImportChunk {
			return skus, bytes.Clone(row.Key), nil
		}
		usd, err := s.usdPrice(row.Record.Product.Price)
		if err != nil {
			return nil, nil, err
		}
		if catalog.RateMoves(row.Record.Product.USD, usd) {
			skus = append(skus, row.Record.Product.SKU)
		}
	}
	return skus, nil, nil
}

// reprice converts one product's price with the newest rate, and reports whether it rewrote
// the product.
func (s *Shelf) reprice(b *writer.Batch, sku exchange.SKU) (bool, error) {
	rec, err := s.Offered(b, sku)
	if exchange.CodeOf(err) == exchange.CodeNotFound {
		return false, nil // removed since it was listed
	}
	if err != nil {
		return false, err
	}
	usd, err := s.usdPrice(rec.Product.Price)
	if err != nil || !catalog.RateMoves(rec.Product.USD, usd) {
		return false, err
	}
	moved := *rec
	moved.Product.USD = usd
	s.products.Set(b, sku, &moved)
	return true, nil
}

// usdPrice converts a price with the newest rate; it is zero if there is none.
func (s *Shelf) usdPrice(price exchange.Money) (exchange.USDPrice, error) {
	rate := *s.rate.Load()
	if price.Currency == exchange.USD {
		rate = exchange.USDRate
	}
	if rate.From != price.Currency {
		return exchange.USDPrice{}, nil
	}
	cents, err := rate.Cents(price)
	return exchange.USDPrice{Cents: cents, Rate: rate.Text, Source: rate.Source, Date: rate.Date}, err
}
