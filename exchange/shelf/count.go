package shelf

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
	// When is when it was counted, and Revision what it was made of ([Shelf.Revision]; nil = not
	// told). One of them is needed, unless nothing has ever told of the stock: what is
	// written over a figure that the writer has not seen sells twice what was sold since.
	When     Moment
	Revision *uint64
}

// says reports whether two counts say the same of a stock.
func (c Count) says(d Count) bool {
	return c.Unlimited == d.Unlimited && (c.Unlimited || c.Units == d.Units)
}

// MaxCounts bounds one call of Count. Stock, mark, reading and movement of each product, some
// 1,100 bytes, are 1.1 MB of the some 4.8 MB that a transaction carries.
const MaxCounts = 1000

// Count records the counts of up to MaxCounts different products, all in one commit or none:
// CodeNotFound names the products that this shop never had, CodeInvalid two products that
// sell from one stock and are counted differently; CodeStale, with a StaleError, says that a stock has changed since
// the revision, or was counted later; CodePrecondition that a count says neither when it was made nor of which
// revision. It returns the stock after it, in the same order; where the key was used before, the
// stock as it stands.
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
			if after[i], err = (Moves{s}).countOne(b, c, product); err != nil {
				return err
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

// SetStock is Count for one product, of now.
func (s *Shelf) SetStock(ctx context.Context, sku exchange.SKU, shelf int64, unlimited bool) (hold.Stock, error) {
	after, err := s.Count(ctx, []Count{{SKU: sku, Units: shelf, Unlimited: unlimited, When: Now}})
	if err != nil {
		return hold.Stock{}, err
	}
	return after[0], nil
}

// countOne takes the count of one product.
func (s Moves) countOne(b *writer.Batch, c Count, product *record.Product) (hold.Stock, error) {
	id := product.Stock()
	rec, _, err := s.stocks.Get(b, id)
	if err != nil {
		return hold.Stock{}, err
	}
	l := Line{SKU: c.SKU, Cause: record.CauseCounted, Units: c.Units, When: c.When, Revision: c.Revision}
	at := l.span(b.Now())
	change := change{sku: c.SKU, id: id, line: s.journalLine(&l, at, b.Now()), units: c.Units, unlimited: c.Unlimited, revision: c.Revision}
	err = s.count(b, &change, product, &rec, at)
	return rec.Stock, err
}

// count sets what lies on the shelf of a product, or of the pool from which it sells.
func (s Moves) count(b *writer.Batch, c *change, product *record.Product, rec *record.Stock, at span) error {
	st, err := s.standing(b, c.id, product)
	if err != nil {
		return err
	}
	st.stock = rec.Stock
	if err := s.mayCount(c, &st, at, b.Now()); err != nil {
		return err
	}
	var moved since
	if !at.now && !at.unknown || c.late {
		if moved, err = s.journals.since(b, c.id, rec, at.low, at.high, 0); err != nil {
			return err
		}
	}
	if c.unlimited {
		st.uncount(at)
	} else if err := st.count(c.units, at, moved); err != nil {
		return exchange.Errorf(exchange.CodeOf(err), "%s: %w", c.sku, err)
	}
	c.line.Units = st.stock.Net() - rec.Stock.Net()
	rec.Stock = st.stock
	if err := s.note(b, c, rec); err != nil {
		return err
	}
	return record.Put(b, s.cfg.Codec, record.ReadingKey(c.id), &st.reading)
}

// mayCount reports why a count is not taken.
func (s Moves) mayCount(c *change, st *standing, at span, now exchange.Time) error {
	revision, err := s.Revision(st.stock)
	if err != nil {
		return err
	}
	refuse := func(code exchange.Code, format string, args ...any) error {
		return exchange.Errorf(code, "%w", &StaleError{SKU: c.sku, Stock: st.stock, Revision: revision, Why: fmt.Sprintf(format, args...)})
	}
	stale := func(format string, args ...any) error {
		return refuse(exchange.CodeStale, format, args...)
	}
	has := "it is not counted"
	if !st.stock.Unlimited {
		has = fmt.Sprintf("%d are there, %d of them held or sold", st.stock.Net(), st.stock.Promised())
	}
	switch {
	case c.late: // it was asked when the list was taken
		if st.stale(at) || at.unknown && st.reading.Counted > at.high {
			return stale("it was counted again since")
		}
	case c.revision != nil && *c.revision != revision:
		return stale("what moved its shelf, or a file, came since revision %d: it is at %d now, and %s. Look again, and write what you make of that, or tell what you sold as a movement (souk stock sold)", *c.revision, revision, has)
	case at.unknown && c.revision == nil && !st.neverSet():
		return refuse(exchange.CodePrecondition,
			"say when you counted, or by which revision, for a count of before a sale sells it again: send counted_at, or If-Match with the ETag of what you read (souk catalog set-stock of this version says when). It is at revision %d, and %s", revision, has)
	case !at.now && !at.unknown && at.low < now.Add(-countsReach):
		return stale("a count of %v is more than 7 days old, and nobody knows what moved since: count again", at.high)
	case st.stale(at):
		return stale("it may have been counted before the last count or file, which was of %v at the latest; the clocks may be %v apart. %s, at revision %d. Count again, or give that revision",
			max(st.reading.Counted, st.reading.High, st.filed), exchange.Span(2*slack), capital(has), revision)
	}
	return nil
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

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
