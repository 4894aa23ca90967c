package desk

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/writer"
)

// applyStock tells the watchers of the products whose stock changed, and keeps the shortfalls. It
// reports whether the effect is one of the shelf.
func (d *Desk) applyStock(e writer.Effect) bool {
	shortfalls := d.Shelf.Shortfalls()
	switch e := e.(type) {
	case shelf.StockChanged:
		short := shortfalls.Committed(e)
		for _, sku := range d.sellers(e, short) {
			d.Events.StockChanged(sku)
			if short {
				d.Events.ShortfallChanged(sku, e.Stock.Shortfall())
			}
		}
	case shelf.StockLeft:
		d.Events.StockChanged(e.SKU)
		if is := shortfalls.At(e.To); is != shortfalls.At(e.From) {
			d.Events.ShortfallChanged(e.SKU, is)
		}
	default:
		return false
	}
	return true
}

// sellers is the products of which watchers are told, as committed. Those of one stock are more
// than an event names from event.MaxProducts + 1 on, so that no more are read. exact asks for
// those alone that sell from the stock: what is left in a stock of its own of a product that sells
// from another one is no shortfall of that product.
func (d *Desk) sellers(e shelf.StockChanged, exact bool) []exchange.SKU {
	if !e.Shared && !exact && !e.ID.IsPool() {
		return []exchange.SKU{exchange.SKU(e.ID)}
	}
	skus, err := d.Shelf.Sellers(e.ID, event.MaxProducts+1)
	if err != nil {
		d.log.Error("watchers are not told of every product whose stock changed", "stock", e.ID, "err", err)
	}
	return skus
}
