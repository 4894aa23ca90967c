package desk

import (
	"context"
	"reflect"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/reservation"
)

// The shop's own products.

// ImportItem is one product of a file or of the shop's own system.
type ImportItem struct {
	Product exchange.Product // its USD price and Available are not read
	Stock   FileStock        // Set false leaves the stock as it is
}

// ImportChange says what an import did, or would do, with one item.
type ImportChange uint32

const (
	ImportUnchanged ImportChange = iota
	ImportAdded
	ImportChanged
	ImportStock // only the stock
)

// ImportChunk is how many items one operation writes: 4 writes each stay far
// below a transaction's limit.
const ImportChunk = 200

// Import writes up to ImportChunk items in one durable step; dry only says what
// would happen. The result has one change for each item. An item that breaks a rule
// fails the whole chunk with nothing written.
func (d *Desk) Import(ctx context.Context, items []ImportItem, dry bool) ([]ImportChange, error) {
	if len(items) > ImportChunk {
		return nil, exchange.Errorf(exchange.CodeInvalid, "%d items are more than %d", len(items), ImportChunk)
	}
	changes := make([]ImportChange, len(items))
	err := d.do(ctx, func(b *batch) error {
		for i := range items {
			change, err := d.importItem(b, items[i], dry)
			if err != nil {
				return err
			}
			changes[i] = change
		}
		return nil
	})
	return changes, err
}

func (d *Desk) importItem(b *batch, item ImportItem, dry bool) (ImportChange, error) {
	p := item.Product
	p.Available = exchange.Availability{}
	if err := catalog.CheckProduct(p); err != nil {
		return 0, err
	}
	if p.Price.Currency != d.currency {
		return 0, exchange.Errorf(exchange.CodeCurrency, "%s is priced in %s; this shop sells in %s", p.SKU, p.Price.Currency, d.currency)
	}
	usd, err := d.usdPrice(p.Price)
	if err != nil {
		return 0, exchange.Errorf(exchange.CodeOf(err), "%s: %w", p.SKU, err)
	}
	v, err := b.load(KindProductRecord, productKey(p.SKU))
	if err != nil {
		return 0, err
	}
	var old ProductRecord
	change := ImportAdded
	if v != nil {
		old = *v.(*ProductRecord)
		change = ImportUnchanged
	}
	p.USD = usd
	if change != ImportAdded && !catalog.RateMoves(old.Product.USD, usd) && old.Product.Price == p.Price {
		p.USD = old.Product.USD // a rate that hardly moved rewrites nothing
	}
	if change != ImportAdded && (old.Removed || !sameProduct(old.Product, p)) {
		change = ImportChanged
	}
	stock, err := b.stock(p.SKU)
	if err != nil {
		return 0, err
	}
	next, moved, err := importStock(stock, old.FileStock, item.Stock)
	if err != nil {
		return 0, exchange.Errorf(exchange.CodeOf(err), "%s: %w", p.SKU, err)
	}
	if moved && change == ImportUnchanged {
		change = ImportStock
	}
	if dry || change == ImportUnchanged && (!item.Stock.Set || item.Stock == old.FileStock) {
		return change, nil
	}
	rec := ProductRecord{Product: p, Imported: b.now, FileStock: old.FileStock}
	if item.Stock.Set {
		rec.FileStock = item.Stock
	}
	if err := b.save(productKey(p.SKU), &rec); err != nil {
		return 0, err
	}
	b.setStock(p.SKU, next) // also marks the product for the publisher
	return change, nil
}

// sameProduct compares all that an import can change.
func sameProduct(a, b exchange.Product) bool {
	if !slices.Equal(a.Options, b.Options) {
		return false
	}
	a.Options, b.Options = nil, nil
	return reflect.DeepEqual(a, b)
}

// importStock applies a file's stock only where it differs from what the last
// import read: the same file again must not undo sales.
func importStock(s reservation.Stock, last, file FileStock) (reservation.Stock, bool, error) {
	if !file.Set || file == last {
		return s, false, nil
	}
	if file.Unlimited {
		return s.Uncount(), !s.Unlimited, nil
	}
	next, err := s.Count(file.Units)
	return next, next != s, err
}

func (d *Desk) usdPrice(price exchange.Money) (exchange.USDPrice, error) {
	rate := d.policy.Load().Rate
	if price.Currency == exchange.USD {
		rate = exchange.USDRate
	}
	if rate.From != price.Currency {
		return exchange.USDPrice{}, exchange.Errorf(exchange.CodeNoRate, "there is no US dollar rate for %s; give one with souk catalog import --rates FILE", price.Currency)
	}
	cents, err := rate.Cents(price)
	return exchange.USDPrice{Cents: cents, Rate: rate.Text, Source: rate.Source, Date: rate.Date}, err
}

// SetStock counts a product's shelf, committed but unshipped units included
// (design: Catalogs), or makes it unlimited. It returns the counts after it.
func (d *Desk) SetStock(ctx context.Context, sku exchange.SKU, shelf int64, unlimited bool) (reservation.Stock, error) {
	var next reservation.Stock
	err := d.do(ctx, func(b *batch) error {
		if _, err := b.product(sku); err != nil {
			return err
		}
		s, err := b.stock(sku)
		if err != nil {
			return err
		}
		if unlimited {
			next = s.Uncount()
		} else if next, err = s.Count(shelf); err != nil {
			return err
		}
		b.setStock(sku, next)
		return nil
	})
	return next, err
}

// RemoveProduct takes a product out of the catalog. Holds and orders of it go on.
func (d *Desk) RemoveProduct(ctx context.Context, sku exchange.SKU) error {
	return d.do(ctx, func(b *batch) error {
		rec, err := b.product(sku)
		if err != nil {
			return err
		}
		rec.Removed, rec.FileStock = true, FileStock{}
		if err := b.save(productKey(sku), rec); err != nil {
			return err
		}
		b.markDirty(sku)
		return nil
	})
}

// Stock is a product's counts.
func (d *Desk) Stock(sku exchange.SKU) (reservation.Stock, error) {
	v, err := d.read(KindStockRecord, stockKey(sku))
	if err != nil || v == nil {
		return reservation.Stock{}, err
	}
	return v.(*StockRecord).Stock, nil
}

// Product is one of the shop's own products.
func (d *Desk) Product(sku exchange.SKU) (*ProductRecord, error) {
	v, err := d.read(KindProductRecord, productKey(sku))
	if err != nil {
		return nil, err
	}
	if v == nil || v.(*ProductRecord).Removed {
		return nil, exchange.Errorf(exchange.CodeNotFound, "this shop has no product %s", sku)
	}
	return v.(*ProductRecord), nil
}

// publicProduct is what the catalog says of a product now, and whether it says
// anything.
func (d *Desk) publicProduct(b *batch, sku exchange.SKU) (exchange.Product, bool, error) {
	v, err := b.load(KindProductRecord, productKey(sku))
	if err != nil || v == nil || v.(*ProductRecord).Removed {
		return exchange.Product{}, false, err
	}
	s, err := b.stock(sku)
	if err != nil {
		return exchange.Product{}, false, err
	}
	p := v.(*ProductRecord).Product
	p.Available = s.Availability()
	return p, true, nil
}
