package shelf

import (
	"bytes"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// priceChanges bounds the prices that change before a batch's operations.
const priceChanges = 256

// ChangePrices begins and ends the sales that are due at the batch's time, at most priceChanges
// of them, so that the catalog says so; [Shelf.Offered] follows a sale to the millisecond in any
// case. It lowers next to when it has work again.
func (s *Shelf) ChangePrices(b *writer.Batch, next *exchange.Time) error {
	done := 0
	for row, err := range kv.Rows(s.cfg.Store, kv.Prefix([]byte(record.PrefixPriceChange))) {
		if err != nil {
			return err
		}
		at, sku, ok := record.ParsePriceChange(row.Key)
		if ok && at > b.Now() {
			*next = min(*next, at)
			return nil
		}
		if done == priceChanges || b.Full() {
			*next = b.Now()
			return nil
		}
		done++
		if err := b.Run(func(b *writer.Batch) error { return s.changePrice(b, sku) }); err != nil && b.Failed() != nil {
			return b.Failed()
		}
		b.Delete(bytes.Clone(row.Key)) // also of a price that cannot be converted: Offered follows it
	}
	return nil
}

// changePrice makes a product's record say the price of the batch's time.
func (s *Shelf) changePrice(b *writer.Batch, sku exchange.SKU) error {
	rec, ok, err := s.products.Get(b, sku)
	if err != nil || !ok || rec.Sale == nil {
		return err
	}
	changed := *rec
	changed.Product = rec.At(b.Now())
	if changed.Product.Price == rec.Product.Price && changed.Product.CompareAt == rec.Product.CompareAt {
		return nil
	}
	if changed.Product.USD, err = s.usdPrice(changed.Product.Price); err != nil {
		return err
	}
	s.products.Set(b, sku, &changed)
	return nil
}
