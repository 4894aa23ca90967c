package desk

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// SoldIn is the currency that the shop's products are priced in, by the first of
// them; "" where there is none.
func (d *Desk) SoldIn() (c exchange.Currency, err error) {
	var failed error
	err = d.store.Scan(kv.Prefix([]byte(record.PrefixProduct)), func(_, raw []byte) bool {
		var v message.Value
		if v, failed = d.codec.Decode(record.KindProduct, raw); failed == nil {
			c = v.(*record.Product).Product.Price.Currency
		}
		return false
	})
	if err == nil {
		err = failed
	}
	return c, err
}

// Reprice converts all own products with the policy's newest rate, and rewrites
// those whose US dollar price moves by 1% or more (design: Catalogs). It returns
// how many were rewritten. It may be stopped and begun again.
func (d *Desk) Reprice(ctx context.Context) (rewritten int, err error) {
	from := []byte(record.PrefixProduct)
	for from != nil {
		var skus []exchange.SKU
		if skus, from, err = d.staleUSD(from); err != nil {
			return rewritten, err
		}
		if len(skus) == 0 {
			continue
		}
		n := 0
		err = d.do(ctx, func(b *batch) error {
			n = 0
			for _, sku := range skus {
				changed, err := d.reprice(b, sku)
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

// staleUSD lists up to ImportChunk products to rewrite, and where to go on; nil at the end.
func (d *Desk) staleUSD(from []byte) (skus []exchange.SKU, next []byte, err error) {
	var failed error
	r := kv.Range{From: from, To: kv.Prefix([]byte(record.PrefixProduct)).To}
	err = d.store.Scan(r, func(k, raw []byte) bool {
		if len(skus) == ImportChunk {
			next = append([]byte(nil), k...)
			return false
		}
		v, derr := d.codec.Decode(record.KindProduct, raw)
		if derr != nil {
			failed = derr
			return false
		}
		rec := v.(*record.Product)
		if usd, uerr := d.usdPrice(rec.Product.Price); uerr != nil {
			failed = uerr
			return false
		} else if catalog.RateMoves(rec.Product.USD, usd) {
			skus = append(skus, rec.Product.SKU)
		}
		return true
	})
	if err == nil {
		err = failed
	}
	return skus, next, err
}

func (d *Desk) reprice(b *batch, sku exchange.SKU) (bool, error) {
	rec, err := b.product(sku)
	if exchange.CodeOf(err) == exchange.CodeNotFound {
		return false, nil // removed since it was listed
	}
	if err != nil {
		return false, err
	}
	usd, err := d.usdPrice(rec.Product.Price)
	if err != nil || !catalog.RateMoves(rec.Product.USD, usd) {
		return false, err
	}
	rec.Product.USD = usd
	if err := b.save(record.ProductKey(sku), rec); err != nil {
		return false, err
	}
	s, err := b.stock(sku)
	if err != nil {
		return false, err
	}
	b.setStock(sku, s) // marks it for the publisher
	return true, nil
}
