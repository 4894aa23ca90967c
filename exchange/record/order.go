package record

import (
	"iter"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
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
	// From is, at the supplier, the stock record that each line's units were taken from; nil =
	// each product's own.
	From []exchange.StockID
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

// Stands reports, at the retailer, whether the order stands or may stand: its supplier has not
// refused it.
func (o *Order) Stands() bool { return o.Order.Submitted != 0 || o.Refusal == exchange.CodeOK }

// Parcel is one shipment.
type Parcel struct {
	At       exchange.Time
	Lines    []order.Units
	Carrier  string
	Tracking string
}

// Due is what the retailer owes for the order as it stands, in minor units of the
// quote's currency: what the units that are not cancelled cost by the quote
// ([exchange.Quote.Part]), and the quoted shipping while there are any. Of an order that the
// supplier has not answered it is the quote's total; of one that was refused, rejected or has
// expired, nothing. It is never more than was quoted, and falls with each unit cancelled.
func (r *Order) Due() int64 {
	if r.Order.Submitted == 0 {
		return r.unanswered(r.Quote.Total)
	}
	var due, units int64 // cannot overflow: what is added up is a part of the quote's total
	for l, n := range r.left() {
		due += r.Quote.Part(l, n)
		units += n
	}
	if units == 0 {
		return 0
	}
	return due + r.Quote.Shipping
}

// DueUSD is Due in US cents, by the quote's rate and in the way of its format; 0 where the
// quote has no rate.
func (r *Order) DueUSD() int64 {
	if r.Quote.Format != exchange.QuoteByUnit {
		cents, _ := r.Quote.Cents(r.Due()) // a part of the total, which was converted
		return cents
	}
	if r.Order.Submitted == 0 {
		return r.unanswered(r.Quote.USDTotal)
	}
	var due, units int64
	for l, n := range r.left() {
		due += n * l.USDUnit
		units += n
	}
	if units == 0 {
		return 0
	}
	return due + r.Quote.USDShipping
}

// unanswered is what is due of an order without counts.
func (r *Order) unanswered(total int64) int64 {
	if r.Refusal != exchange.CodeOK {
		return 0
	}
	return total
}

// left is, by line of the quote, how many units are not cancelled. The order's lines were made
// from the quote's, in their order.
func (r *Order) left() iter.Seq2[*exchange.QuoteLine, int64] {
	return func(yield func(*exchange.QuoteLine, int64) bool) {
		for i := range min(len(r.Order.Lines), len(r.Quote.Lines)) {
			if l := &r.Order.Lines[i]; !yield(&r.Quote.Lines[i], l.Ordered-l.Cancelled) {
				return
			}
		}
	}
}

// StockOf is the stock record from which the units of a product were taken; at the supplier.
func (r *Order) StockOf(sku exchange.SKU) exchange.StockID {
	for i, l := range r.Order.Lines {
		if l.SKU == sku {
			return hold.StockOf(r.From, i, sku)
		}
	}
	return exchange.OwnStock(sku)
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
	for i := range r.Quote.Lines {
		l := &r.Quote.Lines[i]
		n += 3*len(l.SKU) + len(l.Title) + l.SnapshotSize() + 128 // in the quote, in the counts
	}
	for _, id := range r.From {
		n += len(id) + 8
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
