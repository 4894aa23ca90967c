package shelf

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"sync/atomic"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Bounds is what partners are not offered of the stocks: units that are kept back for the shop's own
// channels, and what is beyond the share that one partner may hold. A stock without a bound of
// its own has the shop's default.
//
// A share counts the holds that are placed while it is set. Those of before end within the life
// of a hold.
type Bounds struct {
	shelf       *Shelf
	keep, share atomic.Int64 // the shop's defaults; share 0 = none
	suspended   atomic.Bool  // nothing is offered
}

// SetDefaults sets how many units of each stock are kept back, and how many of it one partner may
// hold (0 = as many as there are), where the stock does not say; [Bounds.Republish] tells
// partners.
func (x *Bounds) SetDefaults(keep, share int64) {
	x.keep.Store(keep)
	x.share.Store(share)
}

// Defaults are the shop's own.
func (x *Bounds) Defaults() (keep, share int64) { return x.keep.Load(), x.share.Load() }

// maxShare is the share that one partner may hold of a stock; 0 = no bound.
func (x *Bounds) maxShare(rec *record.Stock) int64 { return rec.Share.Or(x.share.Load()) }

// counts reports whether a hold of a partner is counted against a share.
func (x *Bounds) counts(rec *record.Stock, partner exchange.ShopID) bool {
	return !partner.IsZero() && x.maxShare(rec) > 0
}

// partner is who holds; zero for an own channel, which no bound concerns.
func (of Of) partner() exchange.ShopID {
	if of.Own {
		return exchange.ShopID{}
	}
	return of.Partner
}

// offered is what a partner may hold of a stock, and whether its share is what bounds it. The zero
// partner stands for all that read the catalog: no share concerns it.
func (x *Bounds) offered(rec *record.Stock, partner exchange.ShopID) (a exchange.Availability, byShare bool) {
	if x.suspended.Load() {
		return exchange.Availability{}, false
	}
	a = rec.Stock.Availability()
	if !a.Unlimited {
		a.Units = max(0, a.Units-rec.Keep.Or(x.keep.Load()))
	}
	if !x.counts(rec, partner) {
		return a, false
	}
	left := max(0, x.maxShare(rec)-rec.HeldBy(partner))
	if !a.Unlimited && a.Units <= left {
		return a, false
	}
	return exchange.Availability{Units: left}, true
}

// mayHold is offered; of the zero partner, an own channel, all that there is.
func (x *Bounds) mayHold(rec *record.Stock, partner exchange.ShopID) (a exchange.Availability, byShare bool) {
	if partner.IsZero() {
		return rec.Stock.Availability(), false
	}
	return x.offered(rec, partner)
}

// Offered is what a partner is offered of a product, as committed.
func (x *Bounds) Offered(sku exchange.SKU, partner exchange.ShopID) (exchange.Availability, error) {
	id, err := x.shelf.stockOf(sku)
	if err != nil {
		return exchange.Availability{}, err
	}
	rec, err := record.Get[record.Stock](x.shelf.cfg.Store, x.shelf.cfg.Codec, record.StockKey(id))
	if err != nil || rec == nil {
		return exchange.Availability{}, err
	}
	a, _ := x.offered(rec, partner)
	return a, nil
}

// Bounded is the bounds of one stock.
type Bounded struct {
	SKU         exchange.SKU
	Stock       exchange.StockID
	Keep, Share record.Bound // not set: the shop's default holds
}

// Of is the bounds of the stock from which a product sells. CodeNotFound of a product that the
// shop never had.
func (x *Bounds) Of(sku exchange.SKU) (Bounded, error) {
	rec, err := x.shelf.Record(sku)
	if err != nil {
		return Bounded{}, err
	}
	stock, err := record.Get[record.Stock](x.shelf.cfg.Store, x.shelf.cfg.Codec, record.StockKey(rec.Stock()))
	if err != nil {
		return Bounded{}, err
	}
	out := Bounded{SKU: sku, Stock: rec.Stock()}
	if stock != nil {
		out.Keep, out.Share = stock.Keep, stock.Share
	}
	return out, nil
}

// SetBounds is a change of a product's bounds; nil leaves one as it is.
type SetBounds struct {
	SKU         exchange.SKU
	Keep, Share *record.Bound
}

// Set changes the bounds of the stocks of up to MaxListing products in one commit, or of none:
// CodeNotFound names the products that the shop never had.
func (x *Bounds) Set(ctx context.Context, list []SetBounds) error {
	if len(list) > MaxListing {
		return exchange.Errorf(exchange.CodeInvalid, "%d products are more than %d; name fewer at once", len(list), MaxListing)
	}
	counts := make([]Count, len(list))
	for i, set := range list {
		counts[i].SKU = set.SKU
		for _, bound := range []*record.Bound{set.Keep, set.Share} {
			if bound != nil && (bound.Units < 0 || bound.Units > hold.MaxShelf) {
				return exchange.Errorf(exchange.CodeInvalid, "%s: a number of units is 0 to %d, not %d", set.SKU, hold.MaxShelf, bound.Units)
			}
		}
	}
	s := x.shelf
	err := s.cfg.Writer.Act(ctx, func(b *writer.Batch) error {
		if err := s.allKnown(b, counts); err != nil {
			return err
		}
		for _, set := range list {
			product, _, err := s.products.Get(b, set.SKU)
			if err != nil {
				return err
			}
			rec, _, err := s.stocks.Get(b, product.Stock())
			if err != nil {
				return err
			}
			if set.Keep != nil {
				rec.Keep = *set.Keep
			}
			if set.Share != nil {
				rec.Share = *set.Share
			}
			s.stocks.Set(b, product.Stock(), rec)
		}
		return nil
	})
	if errors.Is(err, writer.ErrDone) {
		return nil
	}
	return err
}

// Republish has the catalog say what is offered by the present default of what is kept back, where
// it was published by another. It may be stopped and begun again.
func (x *Bounds) Republish(ctx context.Context) error {
	s := x.shelf
	var want []byte
	if keep := x.keep.Load(); keep != 0 {
		want = binary.BigEndian.AppendUint64(nil, uint64(keep))
	}
	want = x.republished(want)
	if was, _, err := s.cfg.Store.Get(record.KeyKeptBack); err != nil || bytes.Equal(was, want) {
		return err
	}
	var chunk []exchange.SKU
	mark := func(last bool) error {
		return s.cfg.Writer.Do(ctx, func(b *writer.Batch) error {
			for _, sku := range chunk {
				s.cfg.Changed(b, sku)
			}
			switch {
			case last && want == nil:
				b.Delete(record.KeyKeptBack)
			case last:
				b.Put(record.KeyKeptBack, want)
			}
			return nil
		})
	}
	for row, err := range s.rows(kv.Prefix([]byte(record.PrefixProduct))) {
		if err != nil {
			return err
		}
		if chunk = append(chunk, row.Record.Product.SKU); len(chunk) == ImportChunk {
			if err := mark(false); err != nil {
				return err
			}
			chunk = chunk[:0]
		}
	}
	return mark(true)
}
