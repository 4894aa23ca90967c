package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/record"
)

// The shop's own products.

// ImportItem is one product of a file or of the shop's own system.
type ImportItem struct {
	Product exchange.Product // its USD price and Available are not read
	Stock   record.FileStock // Set false leaves the stock as it is
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

// Import writes up to ImportChunk items of different products in one durable step; dry
// only says what would happen. The result has one change for each item. An item that
// breaks a rule, or names a product twice (CodeInvalid), fails the whole chunk with
// nothing written.
func (d *Desk) Import(ctx context.Context, items []ImportItem, dry bool) ([]ImportChange, error) {
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
		if items[i].Product, err = d.priced(items[i].Product); err != nil {
			return nil, err
		}
	}
	changes := make([]ImportChange, len(items)) // unchanged, until the writer says otherwise
	rest, err := d.notAsCommitted(items)
	if err != nil || len(rest) == 0 {
		return changes, err
	}
	err = d.do(ctx, func(b *batch) error {
		for _, i := range rest {
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

// notAsCommitted is which of items may change something. Most of a file that is
// imported again changes nothing: that is told here, from what is committed, so that
// holds and orders do not wait for it. The writer looks again at the others.
func (d *Desk) notAsCommitted(items []ImportItem) (rest []int, err error) {
	for i, item := range items {
		v, err := d.read(record.KindProduct, record.ProductKey(item.Product.SKU))
		if err != nil {
			return nil, err
		}
		if v == nil { // a new product: those after it are likely new too
			for ; i < len(items); i++ {
				rest = append(rest, i)
			}
			return rest, nil
		}
		if rec := v.(*record.Product); !rec.Is(steady(rec, item.Product)) || !rec.FileStock.Covers(item.Stock) {
			rest = append(rest, i)
		}
	}
	return rest, nil
}

// priced checks a product and gives it its US dollar price.
func (d *Desk) priced(p exchange.Product) (exchange.Product, error) {
	p.Available = exchange.Availability{}
	if err := catalog.CheckProduct(p); err != nil {
		return p, err
	}
	if p.Price.Currency != d.currency {
		return p, exchange.Errorf(exchange.CodeCurrency, "%s is priced in %s; this shop sells in %s", p.SKU, p.Price.Currency, d.currency)
	}
	var err error
	if p.USD, err = d.usdPrice(p.Price); err != nil {
		return p, exchange.Errorf(exchange.CodeOf(err), "%s: %w", p.SKU, err)
	}
	return p, nil
}

// steady is p with the US dollar price of the record where the rate hardly moved:
// that rewrites nothing.
func steady(rec *record.Product, p exchange.Product) exchange.Product {
	if !catalog.RateMoves(rec.Product.USD, p.USD) && rec.Product.Price == p.Price {
		p.USD = rec.Product.USD
	}
	return p
}

// importItem applies one item, which priced has passed. It is priced again: the rate
// may be another one since.
func (d *Desk) importItem(b *batch, item ImportItem, dry bool) (ImportChange, error) {
	p, change, last := item.Product, ImportAdded, record.FileStock{}
	var err error
	if p.USD, err = d.usdPrice(p.Price); err != nil {
		return 0, exchange.Errorf(exchange.CodeOf(err), "%s: %w", p.SKU, err)
	}
	v, err := b.load(record.KindProduct, record.ProductKey(p.SKU))
	if err != nil {
		return 0, err
	}
	if v != nil {
		old := v.(*record.Product)
		p, last, change = steady(old, p), old.FileStock, ImportChanged
		if old.Is(p) {
			change = ImportUnchanged
		}
	}
	stock, err := b.stock(p.SKU)
	if err != nil {
		return 0, err
	}
	next, moved, err := importStock(stock, last, item.Stock)
	if err != nil {
		return 0, exchange.Errorf(exchange.CodeOf(err), "%s: %w", p.SKU, err)
	}
	if moved && change == ImportUnchanged {
		change = ImportStock
	}
	if dry || change == ImportUnchanged && last.Covers(item.Stock) {
		return change, nil
	}
	rec := record.Product{Product: p, Imported: b.now, FileStock: last}
	if item.Stock.Set {
		rec.FileStock = item.Stock
	}
	if err := b.save(record.ProductKey(p.SKU), &rec); err != nil {
		return 0, err
	}
	b.setStock(p.SKU, next) // also marks the product for the publisher
	return change, nil
}

// importStock applies a file's stock only where it differs from what the last
// import read: the same file again must not undo sales.
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

// ShelfCount is what the shelf of one product holds, committed but unshipped units
// included (design: Catalogs), or that it is not counted any more.
type ShelfCount struct {
	SKU       exchange.SKU
	Units     int64 // of which Unlimited makes nothing
	Unlimited bool
}

// MaxShelfCounts bounds one CountShelves: a record and a mark each, at most 544 bytes
// by setStock's estimate, are 0.55 MB of the some 4.8 MB that a transaction carries.
const MaxShelfCounts = 1000

// CountShelves counts the shelves of up to MaxShelfCounts different products, all in
// one durable step or none: CodeNotFound names those that this shop does not offer.
// It returns the counts after it, in the same order.
func (d *Desk) CountShelves(ctx context.Context, counts []ShelfCount) ([]hold.Stock, error) {
	if len(counts) > MaxShelfCounts {
		return nil, exchange.Errorf(exchange.CodeInvalid, "%d products are more than %d; count them in several steps", len(counts), MaxShelfCounts)
	}
	seen := make(map[exchange.SKU]bool, len(counts))
	for _, c := range counts {
		if seen[c.SKU] {
			return nil, exchange.Errorf(exchange.CodeInvalid, "%s is counted twice; nothing was changed", c.SKU)
		}
		seen[c.SKU] = true
	}
	after := make([]hold.Stock, len(counts))
	err := d.do(ctx, func(b *batch) error {
		if err := b.allOffered(counts); err != nil {
			return err
		}
		for i, c := range counts {
			s, err := b.stock(c.SKU)
			if err != nil {
				return err
			}
			if c.Unlimited {
				s = s.Uncount()
			} else if s, err = s.Count(c.Units); err != nil {
				return exchange.Errorf(exchange.CodeOf(err), "%s: %w", c.SKU, err)
			}
			b.setStock(c.SKU, s)
			after[i] = s
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return after, nil
}

// SetStock is CountShelves for one product.
func (d *Desk) SetStock(ctx context.Context, sku exchange.SKU, shelf int64, unlimited bool) (hold.Stock, error) {
	after, err := d.CountShelves(ctx, []ShelfCount{{sku, shelf, unlimited}})
	if err != nil {
		return hold.Stock{}, err
	}
	return after[0], nil
}

// maxNamed is how many products an error names: more are no help.
const maxNamed = 10

// allOffered refuses products that this shop does not have, and names them.
func (b *batch) allOffered(counts []ShelfCount) error {
	var missing []string
	for _, c := range counts {
		switch _, err := b.offered(c.SKU); {
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

// RemoveProduct takes a product out of the catalog. Holds and orders of it go on.
func (d *Desk) RemoveProduct(ctx context.Context, sku exchange.SKU) error {
	return d.do(ctx, func(b *batch) error {
		rec, err := b.product(sku)
		if err != nil {
			return err
		}
		rec.Removed, rec.FileStock = true, record.FileStock{}
		if err := b.save(record.ProductKey(sku), rec); err != nil {
			return err
		}
		b.markDirty(sku)
		return nil
	})
}

// Stock is a product's counts.
func (d *Desk) Stock(sku exchange.SKU) (hold.Stock, error) {
	v, err := d.read(record.KindStock, record.StockKey(sku))
	if err != nil || v == nil {
		return hold.Stock{}, err
	}
	return v.(*record.Stock).Stock, nil
}

// Product is one of the shop's own products.
func (d *Desk) Product(sku exchange.SKU) (*record.Product, error) {
	v, err := d.read(record.KindProduct, record.ProductKey(sku))
	if err != nil {
		return nil, err
	}
	if v == nil || v.(*record.Product).Removed {
		return nil, exchange.Errorf(exchange.CodeNotFound, "this shop has no product %s", sku)
	}
	return v.(*record.Product), nil
}

// publicProduct is what the catalog says of a product now, and whether it says
// anything.
func (d *Desk) publicProduct(b *batch, sku exchange.SKU) (exchange.Product, bool, error) {
	v, err := b.load(record.KindProduct, record.ProductKey(sku))
	if err != nil || v == nil || v.(*record.Product).Removed {
		return exchange.Product{}, false, err
	}
	s, err := b.stock(sku)
	if err != nil {
		return exchange.Product{}, false, err
	}
	p := v.(*record.Product).Product
	p.Available = s.Availability()
	return p, true, nil
}
