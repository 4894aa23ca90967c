package desk

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
)

// What a supplier does with the orders it received, and how both sides look
// orders up.

// AcceptOrder binds this shop to ship.
func (d *Desk) AcceptOrder(ctx context.Context, id exchange.OrderID) (*record.Order, error) {
	return d.actOnSold(ctx, id, message.AcceptOrder{Order: id})
}

// RejectOrder turns a submitted order down.
func (d *Desk) RejectOrder(ctx context.Context, id exchange.OrderID, reason string) (*record.Order, error) {
	return d.actOnSold(ctx, id, message.RejectOrder{Order: id, Reason: exchange.Clip(reason, message.MaxReason)})
}

// ShipOrder marks units as sent; no lines means everything open.
func (d *Desk) ShipOrder(ctx context.Context, id exchange.OrderID, lines []order.Units, carrier, tracking string) (*record.Order, error) {
	if len(carrier) > message.MaxReason || len(tracking) > message.MaxReason {
		return nil, exchange.Errorf(exchange.CodeInvalid, "carrier and tracking have at most %d bytes", message.MaxReason)
	}
	return d.actOnSold(ctx, id, message.ShipOrder{Order: id, Lines: lines, Carrier: carrier, Tracking: tracking})
}

// DeliverOrder marks units as arrived; no lines means everything shipped.
func (d *Desk) DeliverOrder(ctx context.Context, id exchange.OrderID, lines []order.Units) (*record.Order, error) {
	return d.actOnSold(ctx, id, message.DeliverOrder{Order: id, Lines: lines})
}

// CancelSold cancels unshipped units of an order this shop received.
func (d *Desk) CancelSold(ctx context.Context, id exchange.OrderID, lines []order.Units, reason string) (*record.Order, error) {
	return d.actOnSold(ctx, id, message.CancelOrder{Order: id, Lines: lines, Reason: exchange.Clip(reason, message.MaxReason)})
}

func (d *Desk) actOnSold(ctx context.Context, id exchange.OrderID, act message.Act) (*record.Order, error) {
	found, err := d.Order(exchange.Supplier, id)
	if err != nil {
		return nil, err
	}
	c := ledger.ID{Supplier: d.me, Retailer: found.Retailer}
	var rec *record.Order
	err = d.do(ctx, func(b *batch) error {
		if err := d.perform(b, c, act); err != nil {
			return err
		}
		rec, err = b.order(record.OrderKey(exchange.Supplier, id, found.Retailer))
		return err
	})
	return rec, err
}

// Order is an order of this shop's, in the given role.
func (d *Desk) Order(side exchange.Party, id exchange.OrderID) (*record.Order, error) {
	var found []*record.Order
	err := d.scanOrders(side, kv.Prefix(kv.Key(record.OrderPrefix(side), id[:])), func(r *record.Order) bool {
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
func (d *Desk) Orders(side exchange.Party, after exchange.OrderID, visit func(*record.Order) bool) error {
	before := kv.Prefix([]byte(record.OrderPrefix(side))).To
	if !after.IsZero() {
		before = dayKey(side, after.Window()+1)
	}
	for {
		w, ok, err := d.lastWindow(record.OrderPrefix(side), before)
		if err != nil || !ok {
			return err
		}
		before = dayKey(side, w)
		var day []*record.Order
		err = d.scanOrders(side, kv.Range{From: before, To: dayKey(side, w+1)}, func(r *record.Order) bool {
			day = append(day, r)
			return true
		})
		if err != nil {
			return err
		}
		slices.SortFunc(day, func(a, b *record.Order) int {
			return cmp.Or(cmp.Compare(b.Placed(), a.Placed()), bytes.Compare(a.ID[:], b.ID[:]), a.Retailer.Compare(b.Retailer))
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

// dayKey is the first key of the orders whose holds are of a window.
func dayKey(side exchange.Party, w exchange.Window) []byte {
	first := exchange.NewHoldID(w, [12]byte{})
	return kv.Key(record.OrderPrefix(side), first[:])
}

// lastWindow is the latest window of the holds whose IDs follow prefix in keys before a
// given one: of orders, or of reservations.
func (d *Desk) lastWindow(prefix string, before []byte) (w exchange.Window, ok bool, err error) {
	err = d.store.Scan(kv.Range{From: []byte(prefix), To: before, Reverse: true}, func(k, _ []byte) bool {
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
	prefix := kv.Key(record.PrefixOrderSold, id[:])
	err := b.d.store.Scan(kv.Prefix(prefix), func(k, _ []byte) bool {
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

func (d *Desk) scanOrders(side exchange.Party, r kv.Range, visit func(*record.Order) bool) error {
	var failed error
	err := d.store.Scan(r, func(_, raw []byte) bool {
		var v message.Value
		if v, failed = d.codec.Decode(record.KindOrder, raw); failed != nil {
			return false
		}
		return visit(v.(*record.Order))
	})
	if err == nil {
		err = failed
	}
	return err
}

// ShipTo is the consumer's address of an order this shop received; CodeNotFound
// once it has been erased.
func (d *Desk) ShipTo(rec *record.Order) (*exchange.ShipTo, error) {
	v, err := d.read(record.KindShipTo, record.ShipToKey(rec.Retailer, rec.ID))
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, exchange.Errorf(exchange.CodeNotFound, "the address of order %v has been erased", rec.ID)
	}
	to, err := d.codec.Decode(message.KindShipTo, v.(*record.ShipTo).Raw)
	if err != nil {
		return nil, err
	}
	return &to.(*message.ShipTo).ShipTo, nil
}
