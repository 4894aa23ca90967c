package trade

import (
	"context"
	"errors"
	"iter"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// What a supplier does with the orders that it received, and how either side looks up
// orders.

// AcceptOrder accepts a submitted order, which binds this shop to ship.
func (s *Supplier) AcceptOrder(ctx context.Context, id exchange.OrderID) (*record.Order, error) {
	return s.actOnSale(ctx, id, message.AcceptOrder{Order: id})
}

// RejectOrder turns a submitted order down.
func (s *Supplier) RejectOrder(ctx context.Context, id exchange.OrderID, reason string) (*record.Order, error) {
	return s.actOnSale(ctx, id, message.RejectOrder{Order: id, Reason: exchange.Clip(reason, message.MaxReason)})
}

// ShipOrder marks units as sent; no lines means everything open.
func (s *Supplier) ShipOrder(ctx context.Context, id exchange.OrderID, lines []order.Units, carrier, tracking string) (*record.Order, error) {
	if len(carrier) > message.MaxReason || len(tracking) > message.MaxReason {
		return nil, exchange.Errorf(exchange.CodeInvalid, "carrier and tracking have at most %d bytes", message.MaxReason)
	}
	return s.actOnSale(ctx, id, message.ShipOrder{Order: id, Lines: lines, Carrier: carrier, Tracking: tracking})
}

// DeliverOrder marks units as arrived; no lines means everything shipped.
func (s *Supplier) DeliverOrder(ctx context.Context, id exchange.OrderID, lines []order.Units) (*record.Order, error) {
	return s.actOnSale(ctx, id, message.DeliverOrder{Order: id, Lines: lines})
}

// CancelSale cancels unshipped units of an order that this shop received; no lines means
// everything open.
func (s *Supplier) CancelSale(ctx context.Context, id exchange.OrderID, lines []order.Units, reason string) (*record.Order, error) {
	return s.actOnSale(ctx, id, message.CancelOrder{Order: id, Lines: lines, Reason: exchange.Clip(reason, message.MaxReason)})
}

// actOnSale enters an act on an order that this shop received, and returns the order after
// the act. Where the act was done before under its key, it returns the order as it stands.
func (s *Supplier) actOnSale(ctx context.Context, id exchange.OrderID, act message.Act) (*record.Order, error) {
	found, err := s.orders.Find(exchange.Supplier, id)
	if err != nil {
		return nil, err
	}
	ledgerID := ledger.ID{Supplier: s.me, Retailer: found.Retailer}
	var rec *record.Order
	err = s.writer.Act(ctx, func(b *writer.Batch) error {
		if err := s.ledgers.perform(b, ledgerID, act); err != nil {
			return err
		}
		rec, err = s.orders.get(b, orderID{exchange.Supplier, id, found.Retailer})
		return err
	})
	if errors.Is(err, writer.ErrDone) {
		return found, nil
	}
	return rec, err
}

// Find is an order of this shop's, in the given role.
func (o *Orders) Find(side exchange.Party, id exchange.OrderID) (*record.Order, error) {
	var found *record.Order
	for row, err := range o.scan(kv.Prefix(kv.Key(record.OrderPrefix(side), id[:]))) {
		if err != nil {
			return nil, err
		}
		if found != nil { // retailers make the ids, and two made the same
			return nil, exchange.Errorf(exchange.CodeConflict, "two retailers gave an order the id %v", id)
		}
		found = row.Record
	}
	if found == nil {
		return nil, exchange.Errorf(exchange.CodeNotFound, "there is no order %v", id)
	}
	return found, nil
}

// With is this shop's order with a partner, in the given role; nil where there is none.
func (o *Orders) With(side exchange.Party, id exchange.OrderID, partner exchange.ShopID) (*record.Order, error) {
	return record.Get[record.Order](o.store, o.codec, record.OrderKey(side, id, partner))
}

// scan visits the committed orders whose keys are in r.
func (o *Orders) scan(r kv.Range) iter.Seq2[record.Row[*record.Order], error] {
	return record.Rows[record.Order](o.store, o.codec, r)
}

// checkUnique refuses an order whose id another retailer's order has. The owner names orders
// by id alone, and an id read off a packing slip must not let anybody block that order.
// Holds are not checked: a hold blocks nothing, and the scan would cost more than the hold.
func (s *Supplier) checkUnique(b *writer.Batch, id exchange.OrderID, retailer exchange.ShopID) error {
	by, begun, err := s.began.Get(b, id)
	if err != nil {
		return err
	}
	other := begun && by != retailer
	prefix := kv.Key(record.PrefixOrderSale, id[:])
	for row, err := range kv.Rows(s.store, kv.Prefix(prefix)) {
		if err != nil {
			return err
		}
		other = other || string(row.Key[len(prefix):]) != string(retailer[:])
	}
	if other {
		return exchange.Errorf(exchange.CodeConflict, "another retailer's order has the id %v; reserve again", id)
	}
	s.began.Set(b, id, retailer)
	return nil
}

// Delivery is where an order of this shop's goes, in the given role, with the retailer's
// reference and note. It is CodeNotFound once that has been erased, and at the retailer also of
// an order that was refused, or placed with a version that did not keep it.
func (o *Orders) Delivery(side exchange.Party, rec *record.Order) (*exchange.Delivery, error) {
	kept, err := record.Get[record.ShipTo](o.store, o.codec, record.ShipToKey(rec.Retailer, rec.ID))
	if err != nil {
		return nil, err
	}
	if kept == nil || side == exchange.Retailer && len(kept.Raw) == 0 {
		return nil, exchange.Errorf(exchange.CodeNotFound, "the address of order %v is not kept, or has been erased", rec.ID)
	}
	to, err := message.Decode[message.ShipTo](o.codec, kept.Raw)
	if err != nil {
		return nil, err
	}
	return &to.Delivery, nil
}

// set makes rec the record of an order, and tells of it. cancelled is what the change took off
// the amount due of an accepted order.
func (o *Orders) set(b *writer.Batch, k orderID, rec *record.Order, cancelled int64) error {
	o.rows.Set(b, k, rec)
	status := rec.Order.Status().String()
	if rec.Order.Submitted == 0 {
		status = "requested"
		if rec.Refusal != exchange.CodeOK {
			status = "refused"
		}
	}
	b.Then(event.Order{
		At: b.Now(), Partner: k.partner, Side: k.side, ID: rec.ID, Status: status,
		Detail: rec.Detail, Due: rec.Due(), Cancelled: cancelled, Currency: rec.Quote.Currency,
	})
	if k.side != exchange.Retailer {
		return nil
	}
	return o.baskets.orderSaved(b, rec)
}
