package record

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/order"
)

// Order is an order, at either side.
type Order struct {
	ID          exchange.OrderID
	Supplier    exchange.ShopID
	Retailer    exchange.ShopID
	Order       order.Order
	Quote       exchange.Quote
	ShipToHash  [32]byte
	First, Last uint64 // ledger positions of its first and latest entry
	Parcels     []Parcel
	// Cancelled is when units were last cancelled, by themselves or with the whole order
	// (rejected, expired), CancelledBy who did, and Reason what was said with it. Zero in
	// records older than these fields.
	Cancelled   exchange.Time
	CancelledBy exchange.Party
	Reason      string
	// Requested is set at the retailer from the commit that queued the order
	// until the supplier's entry answers it; Refusal is that answer when it is no.
	Requested exchange.Time
	Refusal   exchange.Code
	Detail    string
	CancelAt  exchange.Time // a cancel is queued and not yet answered, or was made here alone (closeHere)
}

// Parcel is one shipment.
type Parcel struct {
	At       exchange.Time
	Lines    []order.Units
	Carrier  string
	Tracking string
}

// Due is what the retailer owes for the order as it stands, in minor units of the
// quote's currency: the quoted prices of the units that are not cancelled, and the
// quoted shipping while there are any. Of an order that the supplier has not answered
// it is the quote's total; of one that was refused, rejected or has expired, nothing.
func (r *Order) Due() int64 {
	return r.due(r.Quote.Total, r.Quote.Shipping, func(l exchange.QuoteLine) int64 { return l.Unit })
}

// DueUSD is Due in US cents, by the quote's rate.
func (r *Order) DueUSD() int64 {
	return r.due(r.Quote.USDTotal, r.Quote.USDShipping, func(l exchange.QuoteLine) int64 { return l.USDUnit })
}

// due cannot overflow: what it adds up is a part of total.
func (r *Order) due(total, shipping int64, unit func(exchange.QuoteLine) int64) int64 {
	if r.Order.Submitted == 0 {
		if r.Refusal != exchange.CodeOK {
			return 0
		}
		return total
	}
	var due, units int64
	for i := range min(len(r.Order.Lines), len(r.Quote.Lines)) { // made from the quote's, in their order
		n := r.Order.Lines[i].Ordered - r.Order.Lines[i].Cancelled
		due += n * unit(r.Quote.Lines[i])
		units += n
	}
	if units == 0 {
		return 0
	}
	return due + shipping
}

// Placed is when an order was asked for, as this side knows it.
func (r *Order) Placed() exchange.Time {
	if r.Requested != 0 {
		return r.Requested
	}
	return r.Order.Submitted
}

// Size is what the record and its key take in the store, from above.
func (r *Order) Size() int {
	n := 512 + len(r.Detail) + len(r.Reason)
	for _, l := range r.Quote.Lines {
		n += 3*len(l.SKU) + len(l.Title) + 128 // in the quote, in the counts
	}
	for _, p := range r.Parcels {
		n += len(p.Carrier) + len(p.Tracking) + 32
		for _, u := range p.Lines {
			n += len(u.SKU) + 16
		}
	}
	return n
}

// MaxParcels bounds the shipments of one order, so that its record stays below
// protocol.MaxRecord when each has exchange.MaxLines lines, a carrier and a tracking code at
// their longest. A test of package protocol encodes that order.
const MaxParcels = 80
