package desk

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/order"
)

// What a supplier does with the orders it received, and how both sides look
// orders up.

// AcceptOrder binds this shop to ship.
func (d *Desk) AcceptOrder(ctx context.Context, id exchange.OrderID) (*OrderRecord, error) {
	return d.actOnSold(ctx, id, AcceptOrder{Order: id})
}

// RejectOrder turns a submitted order down.
func (d *Desk) RejectOrder(ctx context.Context, id exchange.OrderID, reason string) (*OrderRecord, error) {
	return d.actOnSold(ctx, id, RejectOrder{Order: id, Reason: clip(reason, MaxReason)})
}

// ShipOrder marks units as sent; no lines means everything open.
func (d *Desk) ShipOrder(ctx context.Context, id exchange.OrderID, lines []order.Units, carrier, tracking string) (*OrderRecord, error) {
	if len(carrier) > MaxReason || len(tracking) > MaxReason {
		return nil, exchange.Errorf(exchange.CodeInvalid, "carrier and tracking have at most %d bytes", MaxReason)
	}
	return d.actOnSold(ctx, id, ShipOrder{Order: id, Lines: lines, Carrier: carrier, Tracking: tracking})
}

// DeliverOrder marks units as arrived; no lines means everything shipped.
func (d *Desk) DeliverOrder(ctx context.Context, id exchange.OrderID, lines []order.Units) (*OrderRecord, error) {
	return d.actOnSold(ctx, id, DeliverOrder{Order: id, Lines: lines})
}

// CancelSold cancels unshipped units of an order this shop received.
func (d *Desk) CancelSold(ctx context.Context, id exchange.OrderID, lines []order.Units, reason string) (*OrderRecord, error) {
	return d.actOnSold(ctx, id, CancelOrder{Order: id, Lines: lines, Reason: clip(reason, MaxReason)})
}

func (d *Desk) actOnSold(ctx context.Context, id exchange.OrderID, act Act) (*OrderRecord, error) {
	found, err := d.Order(exchange.Supplier, id)
	if err != nil {
		return nil, err
	}
	c := chainID{d.me, found.Retailer}
	var rec *OrderRecord
	err = d.do(ctx, func(b *batch) error {
		if err := d.perform(b, c, act); err != nil {
			return err
		}
		rec, err = b.order(orderKey(exchange.Supplier, id, found.Retailer))
		return err
	})
	return rec, err
}

// Order is an order of this shop's, in the given role.
func (d *Desk) Order(side exchange.Party, id exchange.OrderID) (*OrderRecord, error) {
	var found []*OrderRecord
	err := d.scanOrders(side, Prefix(key(orderPrefix(side), id[:])), func(r *OrderRecord) bool {
		found = append(found, r)
		return true
	})
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, exchange.Errorf(exchange.CodeNotFound, "there is no order %v", id)
	case len(found) > 1: // ids are the retailers' to make; two made the same
		return nil, exchange.Errorf(exchange.CodeConflict, "two retailers gave an order the id %v", id)
	}
	return found[0], nil
}

// Orders visits this shop's orders in one role, those of the latest day's holds
// first and of one day the latest placed first, after the given one (zero = from the
// start), until visit returns false. It reads a day's orders at a time.
func (d *Desk) Orders(side exchange.Party, after exchange.OrderID, visit func(*OrderRecord) bool) error {
	before := Prefix([]byte(orderPrefix(side))).To
	if !after.IsZero() {
		before = dayKey(side, after.Window()+1)
	}
	for {
		w, ok, err := d.lastWindow(orderPrefix(side), before)
		if err != nil || !ok {
			return err
		}
		before = dayKey(side, w)
		var day []*OrderRecord
		err = d.scanOrders(side, Range{From: before, To: dayKey(side, w+1)}, func(r *OrderRecord) bool {
			day = append(day, r)
			return true
		})
		if err != nil {
			return err
		}
		slices.SortFunc(day, func(a, b *OrderRecord) int {
			return cmp.Or(cmp.Compare(b.placed(), a.placed()), bytes.Compare(a.ID[:], b.ID[:]), a.Retailer.Compare(b.Retailer))
		})
		if w == after.Window() && !after.IsZero() {
			last := -1
			for i, r := range day {
				if r.ID == after {
					last = i
				}
			}
			day = day[last+1:]
		}
		for _, r := range day {
			if !visit(r) {
				return nil
			}
		}
	}
}

// Due is what the retailer owes for the order as it stands, in minor units of the
// quote's currency: the quoted prices of the units that are not cancelled, and the
// quoted shipping while there are any. Of an order that the supplier has not answered
// it is the quote's total; of one that was refused, rejected or has expired, nothing.
func (r *OrderRecord) Due() int64 {
	return r.due(r.Quote.Total, r.Quote.Shipping, func(l exchange.QuoteLine) int64 { return l.Unit })
}

// DueUSD is Due in US cents, by the quote's rate.
func (r *OrderRecord) DueUSD() int64 {
	return r.due(r.Quote.USDTotal, r.Quote.USDShipping, func(l exchange.QuoteLine) int64 { return l.USDUnit })
}

// due cannot overflow: what it adds up is a part of total.
func (r *OrderRecord) due(total, shipping int64, unit func(exchange.QuoteLine) int64) int64 {
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

// placed is when an order was asked for, as this side knows it.
func (r *OrderRecord) placed() exchange.Time {
	if r.Requested != 0 {
		return r.Requested
	}
	return r.Order.Submitted
}

// dayKey is the first key of the orders whose holds are of a window.
func dayKey(side exchange.Party, w exchange.Window) []byte {
	first := exchange.NewHoldID(w, [12]byte{})
	return key(orderPrefix(side), first[:])
}

// lastWindow is the latest window of the holds whose IDs follow prefix in keys before a
// given one: of orders, or of reservations.
func (d *Desk) lastWindow(prefix string, before []byte) (w exchange.Window, ok bool, err error) {
	err = d.store.Scan(Range{From: []byte(prefix), To: before, Reverse: true}, func(k, _ []byte) bool {
		var id exchange.OrderID
		ok = copy(id[:], k[len(prefix):]) == len(id)
		w = id.Window()
		return false
	})
	return w, ok, err
}

// checkUnique refuses an order whose id is another retailer's order here: the owner
// names orders by id alone, and an id on a packing slip must not let anybody block that
// order. It is asked of orders, not of each hold, because a hold blocks nothing and a
// scan would cost the hot path more than the hold.
func (b *batch) checkUnique(id exchange.OrderID, retailer exchange.ShopID) error {
	other := false
	prefix := key(prefixOrderSold, id[:])
	err := b.d.store.Scan(Prefix(prefix), func(k, _ []byte) bool {
		other = string(k[len(prefix):]) != string(retailer[:])
		return !other
	})
	if err != nil {
		return err
	}
	by, begun := b.sold[id]
	if other || begun && by != retailer {
		return exchange.Errorf(exchange.CodeConflict, "another retailer's order has the id %v; reserve again", id)
	}
	if b.sold == nil {
		b.sold = make(map[exchange.OrderID]exchange.ShopID)
	}
	b.sold[id] = retailer
	b.undo = append(b.undo, func() {
		if !begun {
			delete(b.sold, id)
		}
	})
	return nil
}

func (d *Desk) scanOrders(side exchange.Party, r Range, visit func(*OrderRecord) bool) error {
	var failed error
	err := d.store.Scan(r, func(_, raw []byte) bool {
		var v Value
		if v, failed = d.codec.Decode(KindOrderRecord, raw); failed != nil {
			return false
		}
		return visit(v.(*OrderRecord))
	})
	if err == nil {
		err = failed
	}
	return err
}

// ShipTo is the consumer's address of an order this shop received; CodeNotFound
// once it has been erased.
func (d *Desk) ShipTo(rec *OrderRecord) (*exchange.ShipTo, error) {
	v, err := d.read(KindShipToRecord, shipToKey(rec.Retailer, rec.ID))
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, exchange.Errorf(exchange.CodeNotFound, "the address of order %v has been erased", rec.ID)
	}
	to, err := d.codec.Decode(KindShipTo, v.(*ShipToRecord).Raw)
	if err != nil {
		return nil, err
	}
	return &to.(*ShipTo).ShipTo, nil
}
