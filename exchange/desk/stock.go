package desk

import (
	"context"
	"maps"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/writer"
)

// What the shelf's effects tell: the event log of shortfalls and of what comes on sale or goes off
// it, and watchers of changes of stock.

// tellShelf adds to a batch the events that follow from what it changed of the shelf.
func (d *Desk) tellShelf(b *writer.Batch) error {
	listed := make(map[listing]*event.Listing)
	var changed []shelf.StockChanged
	var left []shelf.StockLeft
	var events []*event.Listing
	for e := range b.Effects() {
		switch e := e.(type) {
		case shelf.StockChanged:
			if d.Bridged.On() {
				continue
			}
			before, err := d.Shelf.Before(e)
			if err != nil {
				return err
			}
			if before != e.Stock.Shortfall() {
				changed = append(changed, e)
			}
		case shelf.StockLeft:
			if !d.Bridged.On() {
				left = append(left, e)
			}
		case shelf.ListingChanged:
			is := listingOf(e)
			told := listed[is]
			if told == nil || len(told.SKUs) == event.MaxProducts {
				told = &event.Listing{At: b.Now(), Status: is.status, Reason: is.reason}
				listed[is], events = told, append(events, told)
			}
			told.SKUs = append(told.SKUs, e.SKU)
		}
	}
	for _, e := range events {
		b.Then(*e)
	}
	if len(changed) > 0 || len(left) > 0 {
		return d.tellShortfalls(b, changed, left)
	}
	return nil
}

// loadShortfalls reads the shortfalls of before. Where the shop's own system has the authority over
// the stock, the counts here are a copy of its, and what they lack is no shortfall.
func (d *Desk) loadShortfalls(ctx context.Context) error {
	if d.Bridged.On() {
		return nil
	}
	return d.Shelf.LoadShortfalls(ctx)
}

// listing is what the products of one event have in common.
type listing struct{ status, reason string }

func listingOf(e shelf.ListingChanged) listing {
	switch {
	case e.Removed:
		return listing{status: event.ListingRemoved}
	case e.Withdrawn != "":
		return listing{event.ListingWithdrawn, e.Withdrawn}
	}
	return listing{status: event.ListingOffered}
}

// tellShortfalls adds the events of the shortfalls that a batch changes. Of a stock from which
// more than event.MaxProducts sell, the event names no product.
func (d *Desk) tellShortfalls(b *writer.Batch, changed []shelf.StockChanged, left []shelf.StockLeft) error {
	shortfalls := d.Shelf.Shortfalls()
	now := make(map[exchange.StockID]int64)
	missing := make(map[exchange.SKU]int64)
	many := false
	for _, e := range changed {
		now[e.ID] = e.Stock.Shortfall()
		skus, err := d.Shelf.Sellers(e.ID, event.MaxProducts+1)
		if err != nil {
			return err
		}
		if many = many || len(skus) > event.MaxProducts; len(skus) > event.MaxProducts {
			continue
		}
		for _, sku := range skus {
			missing[sku] = now[e.ID]
		}
	}
	from := make(map[exchange.SKU]exchange.StockID) // before the batch
	for _, e := range left {
		if _, again := from[e.SKU]; !again {
			from[e.SKU] = e.From
		}
		is, ok := now[e.To]
		if !ok {
			is = shortfalls.At(e.To)
		}
		if missing[e.SKU] = is; is == shortfalls.At(from[e.SKU]) {
			delete(missing, e.SKU)
		}
	}
	lines := make([]event.MissingUnits, 0, len(missing))
	for _, sku := range slices.Sorted(maps.Keys(missing)) {
		lines = append(lines, event.MissingUnits{SKU: sku, Units: missing[sku]})
	}
	for part := range slices.Chunk(lines, event.MaxProducts) {
		b.Then(event.Shortfall{At: b.Now(), Lines: part})
	}
	if many {
		b.Then(event.Shortfall{At: b.Now()})
	}
	return nil
}

// applyStock tells the watchers of the products whose stock changed, and keeps the shortfalls. It
// reports whether the effect is one of the shelf.
func (d *Desk) applyStock(e writer.Effect) bool {
	switch e := e.(type) {
	case shelf.StockChanged:
		if !d.Bridged.On() {
			d.Shelf.Shortfalls().Committed(e)
		}
		for _, sku := range d.sellers(e) {
			d.Events.StockChanged(sku)
		}
	case shelf.StockLeft:
		d.Events.StockChanged(e.SKU)
	case shelf.ListingChanged: // in the log
	default:
		return false
	}
	return true
}

// sellers is the products of which watchers are told, as committed. Those of one stock are more
// than an event names from event.MaxProducts + 1 on, so that no more are read.
func (d *Desk) sellers(e shelf.StockChanged) []exchange.SKU {
	if !e.Shared && !e.ID.IsPool() {
		return []exchange.SKU{exchange.SKU(e.ID)}
	}
	skus, err := d.Shelf.Sellers(e.ID, event.MaxProducts+1)
	if err != nil {
		d.log.Error("watchers are not told of every product whose stock changed", "stock", e.ID, "err", err)
	}
	return skus
}
