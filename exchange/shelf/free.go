package shelf

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Where the shop's own system has the authority over the stock (package bridge), the counts here
// are a copy of the system's for the catalog. What it says is free becomes what is available.

// channelBridge is the channel of what the shop's own system did, in the journal.
const channelBridge = "bridge"

// Free takes the shop's own system's word that it would still set aside units of a product, in
// the writer's turn. What it has set aside is not among them. A product that the shop does not
// have is left out, and so is a word that changes nothing. Of several products that sell from one
// pool the last word holds: the system says the same of each.
func (s Moves) Free(b *writer.Batch, sku exchange.SKU, units int64) error {
	product, ok, err := s.products.Get(b, sku)
	if err != nil || !ok {
		return err
	}
	id := product.Stock()
	rec, _, err := s.stocks.Get(b, id)
	if err != nil {
		return err
	}
	units = min(max(units, 0), hold.MaxShelf-min(rec.Stock.Promised(), hold.MaxShelf))
	if !rec.Stock.Unlimited && rec.Stock.Free() == units {
		return nil
	}
	l := Line{SKU: sku, Cause: record.CauseCounted, Units: units + rec.Stock.Promised(), When: Now, Channel: channelBridge}
	at := l.span(b.Now())
	c := change{sku: sku, id: id, line: s.journalLine(&l, at, b.Now()), units: l.Units}
	return s.count(b, &c, product, &rec, at)
}

// Suspend has the catalog say of every product that nothing is available, or what there is again;
// [Bounds.Republish] tells partners. It reports whether that is a change.
func (x *Bounds) Suspend(yes bool) bool { return x.suspended.Swap(yes) != yes }

// Suspended reports whether the catalog says that nothing is available.
func (x *Bounds) Suspended() bool { return x.suspended.Load() }

// mayAsk reports whether a partner's share leaves room for units more, and how many it leaves.
// Nothing else bounds what the shop's own system is asked for.
func (x *Bounds) mayAsk(rec *record.Stock, partner exchange.ShopID, units int64) (left int64, ok bool) {
	if !x.counts(rec, partner) {
		return 0, true
	}
	left = max(0, x.maxShare(rec)-rec.HeldBy(partner))
	return left, units <= left
}

// republished is what [record.KeyKeptBack] says of a catalog that was published by the present
// bounds; nil where nothing bounds it.
func (x *Bounds) republished(keep []byte) []byte {
	if x.suspended.Load() {
		return append(append([]byte(nil), keep...), 0)
	}
	return keep
}

// FreeAll is Free of up to ImportChunk products in one commit, with a row that says how far the
// system was read.
func (s Moves) FreeAll(ctx context.Context, free map[exchange.SKU]int64, order []exchange.SKU, key, value []byte) error {
	return s.cfg.Writer.Do(ctx, func(b *writer.Batch) error {
		for _, sku := range order {
			if err := b.Attempt(func(b *writer.Batch) error { return s.Free(b, sku, free[sku]) }); exchange.CodeOf(err) == exchange.CodeInternal {
				return err
			}
		}
		if key != nil {
			b.Put(key, value)
		}
		return nil
	})
}
