package api

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/event"
)

// TestEventProducts: the products of a reservation are its supplier's, whoever is told.
func TestEventProducts(t *testing.T) {
	own, partner := exchange.ShopID{1}, exchange.ShopID{2}
	for side, supplier := range map[exchange.Party]exchange.ShopID{exchange.Supplier: own, exchange.Retailer: partner} {
		v := eventView(own, event.Holds{Partner: partner, Side: side, Status: "expired", Count: 1, Lines: []exchange.Line{{SKU: "shoe", Quantity: 2}}})
		if len(v.Lines) != 1 || v.Lines[0].Product != (exchange.ProductID{Shop: supplier, SKU: "shoe"}) || v.Partner != partner {
			t.Errorf("as %v: %+v", side, v)
		}
	}
}
