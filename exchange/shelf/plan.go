package shelf

import (
	"reflect"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// plan is what an item will change.
type plan struct {
	outcome Outcome
	sku     exchange.SKU
	old     *record.Product // nil = the shop does not know the product
	next    *record.Product // nil = nothing of the product changes

	stockID exchange.StockID
	stock   *record.Stock // nil = nothing of the stock changes
	moved   int64         // by how much its Net changes
	read    *record.Reading
	source  string
}

func (p *plan) changes() bool { return p.next != nil || p.stock != nil || p.read != nil }

// plan looks at one item, which checkItem has checked, and changes nothing.
func (s *Shelf) plan(v view, st Statement, item *Item, now exchange.Time) (plan, error) {
	p := plan{sku: item.Product.SKU, source: st.Source}
	old, known, err := v.product(p.sku)
	if err != nil {
		return p, err
	}
	switch {
	case known:
		p.old = old
	case item.Withdrawn != "" || item.StockOnly:
		p.outcome.Change = Unknown
		return p, nil
	}
	if known && !st.AllowRenamed && !same(old, item) {
		p.outcome.Change, p.outcome.Known = Conflict, old.Product.Title
		return p, nil
	}
	next, err := s.nextProduct(&p, item, now)
	if err != nil {
		return p, exchange.Errorf(exchange.CodeOf(err), "%s: %w", p.sku, err)
	}
	p.stockID = next.Stock()
	if err := s.planStock(v, &p, st, item, next, now); err != nil {
		return p, exchange.Errorf(exchange.CodeOf(err), "%s: %w", p.sku, err)
	}
	p.outcome.Change = changeOf(old, next, &p)
	if !known || !sameRecord(old, next) {
		next.Imported = now
		p.next = next
	}
	return p, nil
}

// nextProduct is the product's record as the item leaves it.
func (s *Shelf) nextProduct(p *plan, item *Item, now exchange.Time) (*record.Product, error) {
	next := &record.Product{}
	if p.old != nil {
		*next = *p.old
	}
	switch {
	case item.StockOnly:
		return next, nil
	case item.Withdrawn != "":
		next.Withdrawn = item.Withdrawn
	default:
		next.Withdrawn = ""
		next.Source, next.ID, next.Group, next.Sale = item.source, item.ID, item.Group, item.Sale
		next.Pool, next.Succeeded = item.Pool, false
		next.Took = next.Took || p.old == nil && len(item.Takes) > 0
		if len(item.Fresh) == 1 && item.Alone && item.Pool == "" && p.old == nil {
			next.Pool = item.Fresh[0]
		} else if p.old != nil && item.Pool == "" && p.old.Pool != "" && !p.old.Pool.IsPool() {
			next.Pool = p.old.Pool // it still sells from the stock of the variant whose place it took
		}
		product := item.Product
		if sale := next.Sale; sale != nil {
			copied := *sale
			copied.Regular, copied.CompareAt = product.Price.Minor, product.CompareAt
			next.Sale = &copied
		}
		next.Product = product
		next.Product = next.At(now)
		var err error
		if next.Product.USD, err = s.usdPrice(next.Product.Price); err != nil {
			return nil, err
		}
		if p.old != nil {
			next.Product = steady(p.old, next.Product)
		}
	}
	switch {
	case next.Offered():
		next.Left = 0
	case next.Left == 0:
		next.Left = now
	}
	return next, nil
}

// planStock applies the item's figure to the stock that the product sells from.
func (s *Shelf) planStock(v view, p *plan, st Statement, item *Item, next *record.Product, now exchange.Time) error {
	rec, known, err := v.stock(p.stockID)
	if err != nil {
		return err
	}
	p.outcome.Before, p.outcome.After = rec.Stock, rec.Stock
	before := rec
	last, err := v.reading(p.stockID, p.old)
	if err != nil {
		return err
	}
	t := told{stock: rec.Stock, left: rec.Left, last: last, known: known, figure: item.Stock}
	moved := p.old != nil && p.old.Stock() != p.stockID
	if moved {
		t.moves(p)
	}
	rec.Shared = rec.Shared || !p.stockID.Is(p.sku)
	out := taken{stock: rec.Stock, reading: t.last}
	switch {
	case item.Stock.Set:
		t.when = st.dated(&t.last, now)
		if t.since, err = s.journals.since(v, p.stockID, &rec, t.when.low, t.when.high, st.BookedWithin); err != nil {
			return err
		}
		if err := v.addDebts(&t, st, item, next); err != nil {
			return err
		}
		if out, err = t.read(st); err != nil {
			return err
		}
		if !item.Stock.Unlimited && !out.older {
			p.outcome.Readings = &out.readings
		}
		p.outcome.Lowered, p.outcome.Older, p.outcome.Doubted = out.lowered, out.older, out.doubted
		p.outcome.Ordered = t.since.Ordered
	case moved && !t.known && (rec.Stock.Unlimited || rec.Stock.Free() > 0):
		// The stock's counts are of another time: until it is counted, or a figure comes, it has none.
		if out.stock, err = t.withFree(0); err != nil {
			return err
		}
	}
	p.moved = out.stock.Net() - rec.Stock.Net()
	rec.Stock = out.stock
	p.outcome.After = rec.Stock
	if rec != before || !known {
		p.stock = &rec
	}
	// A figure that was told before and moves the stock all the same is written, too: an import that ends
	// with its process leaves no other word of when the file was read.
	if tells(&last, &out.reading, st.Others) || p.moved != 0 && item.Stock.Set {
		p.read = &out.reading
	}
	return nil
}

// tells reports whether a reading says more than the last one. That the same figure was read
// again later is nothing to write a record for, where one source tells of the stock: the source's
// own record has when its last file was read.
func tells(last, next *record.Reading, others bool) bool {
	a, b := *last, *next
	if a.Counted == b.Counted && a.Set == b.Set && !others {
		a.Low, a.High, b.Low, b.High = 0, 0, 0, 0
	}
	return !reflect.DeepEqual(a, b)
}

// moves notes that the product sold from another stock before. What was told of its own stock is
// of another time; a pool is of this time, for others sell from it.
func (t *told) moves(p *plan) {
	before := p.old.Stock()
	if !p.stockID.IsPool() {
		t.last = record.Reading{Behind: t.last.Behind}
		t.known = false
	}
	if !slices.Contains(t.last.Behind, before) {
		t.last.Behind = append(slices.Clone(t.last.Behind), before)
	}
}

// sameRecord reports whether two records of a product say the same, but for when they were made.
func sameRecord(a, b *record.Product) bool {
	x, y := *a, *b
	if !x.Is(y.Product) || !reflect.DeepEqual(x.Sale, y.Sale) {
		return false
	}
	x.Product, y.Product, x.Sale, y.Sale = exchange.Product{}, exchange.Product{}, nil, nil
	x.Imported, y.Imported, x.FileStock, y.FileStock = 0, 0, record.FileStock{}, record.FileStock{}
	return reflect.DeepEqual(x, y)
}

// changeOf names what an item changes.
func changeOf(old, next *record.Product, p *plan) Change {
	switch {
	case old == nil:
		return Added
	case old.Offered() && !next.Offered():
		return Withdrawn
	case !old.Offered() && next.Offered():
		return Returned
	case next.Removed:
		return Removed
	case !sameRecord(old, next):
		return Changed
	case p.outcome.After != p.outcome.Before:
		return StockOnly
	}
	return Unchanged
}

// carryOut writes what an item changes.
func (s *Shelf) carryOut(b *writer.Batch, p *plan) error {
	if p.next != nil {
		if err := s.setProduct(b, p.old, p.next); err != nil {
			return err
		}
	}
	if rec := p.stock; rec != nil {
		if p.moved != 0 {
			m := record.Movement{Cause: record.CauseFigure, Units: p.moved, Source: p.source, SKU: p.sku}
			if err := s.journals.add(b, p.stockID, rec, m); err != nil {
				return err
			}
		}
		s.stocks.Set(b, p.stockID, *rec)
	}
	if p.read != nil {
		return record.Put(b, s.cfg.Codec, record.ReadingKey(p.stockID), p.read)
	}
	return nil
}

// index keeps the indexes of groups, sharers and price changes as a product's record changes.
// old is nil of a new product.
func (s *Shelf) index(b *writer.Batch, old, next *record.Product) {
	was, is := indexKeys(old, b.Now()), indexKeys(next, b.Now())
	for _, key := range was {
		if !slices.ContainsFunc(is, func(k []byte) bool { return string(k) == string(key) }) {
			b.Delete(key)
		}
	}
	for _, key := range is {
		if !slices.ContainsFunc(was, func(k []byte) bool { return string(k) == string(key) }) {
			b.Put(key, nil)
		}
	}
	if at := next.Sale.Next(b.Now()); at != 0 && s.cfg.Due != nil {
		s.cfg.Due(at)
	}
}

// indexKeys are the index rows of a product's record.
func indexKeys(p *record.Product, now exchange.Time) (keys [][]byte) {
	if p == nil {
		return nil
	}
	if p.Group != "" {
		keys = append(keys, record.GroupKey(p.Source, p.Group, p.Product.SKU))
	}
	if p.Pool != "" {
		keys = append(keys, record.SharingKey(p.Pool, p.Product.SKU))
	}
	if p.Sale != nil {
		for _, at := range []exchange.Time{p.Sale.From, p.Sale.To} {
			if at > now { // ChangePrices deletes what has passed
				keys = append(keys, record.PriceChangeKey(at, p.Product.SKU))
			}
		}
	}
	return keys
}

// Group is the committed products that a source has told of as variants of one thing.
func (s *Shelf) Group(source, group string) ([]*record.Product, error) {
	var list []*record.Product
	for row, err := range kv.Rows(s.cfg.Store, kv.Prefix(record.GroupKey(source, group, ""))) {
		if err != nil {
			return nil, err
		}
		rec, err := record.Get[record.Product](s.cfg.Store, s.cfg.Codec, record.ProductKey(record.GroupSKU(row.Key)))
		if err != nil {
			return nil, err
		}
		if rec != nil {
			list = append(list, rec)
		}
	}
	return list, nil
}
