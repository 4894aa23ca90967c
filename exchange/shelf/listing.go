package shelf

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Listed, withdrawn, removed (design: SHELF): what the owner's system says takes a product off
// sale and brings it back; what the owner says, only the owner takes back. Its holds and orders
// keep their quotes, and its stock, last figure and journal stay in either case.

// MaxListing is how many products one call of Withdraw, Remove or Publish takes.
const MaxListing = 200

// setProduct makes next the record of a product, whose record was old; nil = there was none.
func (s *Shelf) setProduct(b *writer.Batch, old, next *record.Product) error {
	if err := s.sharing.moved(b, old, next); err != nil {
		return err
	}
	s.index(b, old, next)
	s.products.Set(b, next.Product.SKU, next)
	if old != nil && (old.Offered() != next.Offered() || old.Removed != next.Removed) {
		b.Then(ListingChanged{next.Product.SKU, next.Removed, next.Withdrawn})
	}
	if old == nil || old.Offered() || !next.Offered() || next.Pool != "" {
		return nil
	}
	return s.unshare(b, exchange.OwnStock(next.Product.SKU))
}

// unshare gives a product that returns its own stock back: variants that had taken its place
// sell from stocks of their own again, which are empty until a figure or count tells them.
func (s *Shelf) unshare(b *writer.Batch, id exchange.StockID) error {
	shared, err := s.Shared(b, id)
	if err != nil || !shared {
		return err
	}
	skus, err := s.Sharers(id, "", math.MaxInt)
	if err != nil {
		return err
	}
	sh, err := s.sharing.of(b, id)
	if err != nil {
		return err
	}
	for _, sku := range append(skus, sh.joined...) {
		rec, ok, err := s.products.Get(b, sku)
		if err != nil {
			return err
		}
		if !ok || rec.Pool != id {
			continue
		}
		own := *rec
		own.Pool = ""
		if err := s.sharing.moved(b, rec, &own); err != nil {
			return err
		}
		s.index(b, rec, &own)
		s.products.Set(b, sku, &own)
		stock, known, err := s.stocks.Get(b, own.Stock())
		if err != nil {
			return err
		}
		if !known {
			s.stocks.Set(b, own.Stock(), stock)
		}
		last, err := s.inBatch(b).reading(own.Stock(), &own)
		if err != nil {
			return err
		}
		// An earlier figure of its own is none to compare with: what was sold of the other stock
		// since stands in neither.
		reading := record.Reading{Counted: last.Counted, CountedBy: last.CountedBy, Behind: last.Behind}
		if !slices.Contains(reading.Behind, id) {
			reading.Behind = append(slices.Clone(reading.Behind), id)
		}
		if err := record.Put(b, s.cfg.Codec, record.ReadingKey(own.Stock()), &reading); err != nil {
			return err
		}
	}
	return nil
}

// change applies a change to the records of up to MaxListing products in one commit, or to
// none: CodeNotFound names the products that the shop never had. change reports whether it
// changed the record, which is a copy.
func (s *Shelf) change(ctx context.Context, skus []exchange.SKU, change func(*writer.Batch, *record.Product) (bool, error)) (changed []exchange.SKU, err error) {
	if len(skus) > MaxListing {
		return nil, exchange.Errorf(exchange.CodeInvalid, "%d products are more than %d; name fewer at once", len(skus), MaxListing)
	}
	err = s.cfg.Writer.Act(ctx, func(b *writer.Batch) error {
		changed = nil
		var missing []string
		for _, sku := range skus {
			old, ok, err := s.products.Get(b, sku)
			if err != nil {
				return err
			}
			if !ok {
				missing = append(missing, string(sku))
				continue
			}
			next := *old
			does, err := change(b, &next)
			if err != nil {
				return exchange.Errorf(exchange.CodeOf(err), "%s: %w", sku, err)
			}
			if !does {
				continue
			}
			changed = append(changed, sku)
			switch {
			case next.Offered():
				next.Left = 0
				next.Product = next.At(b.Now())
				if next.Product.USD, err = s.usdPrice(next.Product.Price); err != nil {
					return exchange.Errorf(exchange.CodeOf(err), "%s: %w", sku, err)
				}
			case next.Left == 0:
				next.Left = b.Now()
			}
			next.Imported = b.Now()
			if err := s.setProduct(b, old, &next); err != nil {
				return err
			}
		}
		if len(missing) > 0 {
			return exchange.Errorf(exchange.CodeNotFound, "this shop has no product %s; nothing was changed. See souk catalog list", someOf(missing))
		}
		return nil
	})
	if err != nil && !errors.Is(err, writer.ErrDone) {
		return nil, err
	}
	return changed, nil
}

// Remove takes products off sale by the owner's word; no file brings them back.
func (s *Shelf) Remove(ctx context.Context, skus ...exchange.SKU) error {
	_, err := s.change(ctx, skus, func(_ *writer.Batch, p *record.Product) (bool, error) {
		was := p.Removed
		p.Removed = true
		return !was, nil
	})
	return err
}

// Publish takes the owner's word back. A product that the owner's system withdraws stays off
// sale until that system offers it again.
func (s *Shelf) Publish(ctx context.Context, skus ...exchange.SKU) error {
	_, err := s.change(ctx, skus, func(_ *writer.Batch, p *record.Product) (bool, error) {
		was := p.Removed
		p.Removed = false
		return was, nil
	})
	return err
}

// SetPrice sets the list price of a product, in minor units of the shop's currency, and ends
// its sale. The next file that tells another price changes it again.
func (s *Shelf) SetPrice(ctx context.Context, sku exchange.SKU, price exchange.Money) error {
	if price.Currency != s.cfg.Currency {
		return exchange.Errorf(exchange.CodeCurrency, "a price in %s; this shop sells in %s", price.Currency, s.cfg.Currency)
	}
	if price.Minor <= 0 {
		return exchange.Errorf(exchange.CodeInvalid, "a price is more than 0; souk catalog remove takes a product off sale")
	}
	_, err := s.change(ctx, []exchange.SKU{sku}, func(_ *writer.Batch, p *record.Product) (bool, error) {
		if p.Product.Price == price && p.Sale == nil {
			return false, nil
		}
		if p.Sale != nil {
			p.Product.CompareAt, p.Sale = p.Sale.CompareAt, nil
		}
		p.Product.Price = price
		var err error
		p.Product.USD, err = s.usdPrice(price)
		return true, err
	})
	return err
}

// Withdraw takes products off sale for a reason, as what a file that was read whole says by not
// naming them. Products that are off sale already stay as they are. It returns the products that
// it withdrew, or would.
func (s *Shelf) Withdraw(ctx context.Context, skus []exchange.SKU, reason string, dry bool) (withdrawn []exchange.SKU, err error) {
	if dry {
		for _, sku := range skus {
			rec, err := s.Record(sku)
			if err != nil {
				return nil, err
			}
			if rec.Offered() {
				withdrawn = append(withdrawn, sku)
			}
		}
		return withdrawn, nil
	}
	return s.change(ctx, skus, func(_ *writer.Batch, p *record.Product) (bool, error) {
		if !p.Offered() {
			return false, nil
		}
		p.Withdrawn = reason
		return true, nil
	})
}

// Succeed notes of products that went from their groups that others have come, and were told
// apart from them.
func (s *Shelf) Succeed(ctx context.Context, skus []exchange.SKU) error {
	_, err := s.change(ctx, skus, func(_ *writer.Batch, p *record.Product) (bool, error) {
		was := p.Succeeded
		p.Succeeded = true
		return !was, nil
	})
	return err
}

// Visit visits the committed records of the shop's products, for sale or not, in the order of
// their SKUs from after on, until visit returns false.
func (s *Shelf) Visit(after exchange.SKU, visit func(*record.Product) bool) error {
	r := kv.Prefix([]byte(record.PrefixProduct))
	if after != "" {
		r.From = append(record.ProductKey(after), 0)
	}
	for row, err := range s.rows(r) {
		if err != nil {
			return err
		}
		if !visit(row.Record) {
			break
		}
	}
	return nil
}

// maxNamed is how many products an error names.
const maxNamed = 10

// someOf joins the first of names for a message.
func someOf(names []string) string {
	some := strings.Join(names[:min(len(names), maxNamed)], ", ")
	if more := len(names) - maxNamed; more > 0 {
		some += fmt.Sprintf(" and %d more", more)
	}
	return some
}

// Owns reports whether what a source tells of a SKU that it gives to several products is of the
// one that has it: the same product, and the same variant. It is false of a SKU that the shop
// does not know.
func (s *Shelf) Owns(source string, item Item) (bool, error) {
	rec, err := record.Get[record.Product](s.cfg.Store, s.cfg.Codec, record.ProductKey(item.Product.SKU))
	if err != nil || rec == nil {
		return false, err
	}
	item.source = source
	return same(rec, &item) && slices.Equal(rec.Product.Options, item.Product.Options), nil
}
