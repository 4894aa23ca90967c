package record

import (
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/order"
)

// OwnSale is a sale of the shop's own channels: its web shop, its till. It is an order whose
// supplier and retailer are the shop itself. No ledger has it.
type OwnSale struct {
	Sale      Order
	Reference string        // the shop's own name of it; may be empty
	Returned  []order.Units // by product, at most what was shipped
	// Late reports that its reservation had expired: the units were taken again with the sale.
	Late bool
}

// ReturnedOf is how many units of a product came back.
func (s *OwnSale) ReturnedOf(sku exchange.SKU) int64 {
	for _, u := range s.Returned {
		if u.SKU == sku {
			return u.Units
		}
	}
	return 0
}

// Return notes that units came back, no lines for all that were shipped and did not, and lists
// them. CodeState where more would come back than were shipped, CodeInvalid for products that
// are not in the sale.
func (s *OwnSale) Return(units []order.Units) ([]order.Units, error) {
	if len(units) == 0 {
		for _, l := range s.Sale.Order.Lines {
			if n := l.Shipped - s.ReturnedOf(l.SKU); n > 0 {
				units = append(units, order.Units{SKU: l.SKU, Units: n})
			}
		}
	}
	if len(units) == 0 {
		return nil, exchange.Errorf(exchange.CodeState, "nothing of the sale is left to come back; only units that were shipped can")
	}
	returned := slices.Clone(s.Returned)
	for _, u := range units {
		at := slices.IndexFunc(s.Sale.Order.Lines, func(l order.Line) bool { return l.SKU == u.SKU })
		if at < 0 {
			return nil, exchange.Errorf(exchange.CodeInvalid, "the sale has no line for %s", u.SKU)
		}
		i := slices.IndexFunc(returned, func(r order.Units) bool { return r.SKU == u.SKU })
		if i < 0 {
			i = len(returned)
			returned = append(returned, order.Units{SKU: u.SKU})
		}
		left := s.Sale.Order.Lines[at].Shipped - returned[i].Units
		switch {
		case u.Units < 1:
			return nil, exchange.Errorf(exchange.CodeInvalid, "%s: %d units; at least 1 is needed", u.SKU, u.Units)
		case u.Units > left:
			return nil, exchange.Errorf(exchange.CodeState, "%s: %d came back, and %d were shipped and did not come back before", u.SKU, u.Units, left)
		}
		returned[i].Units += u.Units
	}
	s.Returned = returned
	return units, nil
}

// Size is what the record and its key take in the store, from above.
func (s *OwnSale) Size() int {
	return s.Sale.Size() + len(s.Reference) + len(s.Returned)*(exchange.MaxSKU+16)
}
