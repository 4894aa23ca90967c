package ledger

import "github.com/souk-market/souk/exchange"

// ID names a ledger: the one of this supplier and this retailer.
type ID struct{ Supplier, Retailer exchange.ShopID }

// Partner is the other shop of the ledger, and the side that me has in it.
func (c ID) Partner(me exchange.ShopID) (exchange.ShopID, exchange.Party) {
	if c.Supplier == me {
		return c.Retailer, exchange.Supplier
	}
	return c.Supplier, exchange.Retailer
}
