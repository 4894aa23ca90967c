package trade

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/writer"
)

// OwnSales is what the shop's own channels sell from its shelf, beside its partners: reservations,
// sales, and what becomes of them. A sale is one synced commit, and so is each act on it.
type OwnSales struct {
	*shop
	selling *Selling
	holds   *holdings
	policy  *atomic.Pointer[Policy]
	baskets *Baskets

	rows *writer.Table[exchange.OrderID, *record.OwnSale]
}

func (o *OwnSales) makeTables() {
	o.rows = writer.NewTable(o.writer, writer.Rows[exchange.OrderID, *record.OwnSale]{
		Key:    record.OwnSaleKey,
		Decode: func(raw []byte) (*record.OwnSale, error) { return record.Decode[record.OwnSale](o.codec, raw) },
		Encode: func(rec *record.OwnSale) ([]byte, error) { return record.Encode(o.codec, rec) },
		Size:   func(_ exchange.OrderID, rec *record.OwnSale) int { return rec.Size() },
	})
}

// SaleRequest is a sale of the shop's own channels: of a reservation, or of lines that are held
// and sold in one step.
type SaleRequest struct {
	Reservation exchange.HoldID
	Lines       exchange.Lines // where Reservation is zero
	Key         ReservationKey // of a sale of lines: a repeat within 24 hours finds the same sale; zero = none
	Reference   string         // the shop's own name of it, up to exchange.MaxReference bytes; may be empty
	ShipTo      *exchange.ShipTo
	Note        string // for the people who pack, with ShipTo
	Left        bool   // the goods have gone: a till
	// IfStillThere has a reservation that has expired taken again in this very step, where its
	// units are still there.
	IfStillThere bool
}

// Sell sells. A reservation is sold once, and a key sells once: a repeat with the same reference
// and address returns the sale as it stands, with others it is CodeConflict. A reservation that
// has expired is CodeExpired; with IfStillThere it is sold where its units are there, else
// CodeGone, with every line that is short. Lines without a reservation are CodeInsufficient, with
// every line that is short.
func (o *OwnSales) Sell(ctx context.Context, req SaleRequest) (*record.OwnSale, error) {
	delivery, err := o.delivery(req)
	if err != nil {
		return nil, err
	}
	sure := false
	if o.holds.bridged.On() {
		if req, sure, err = o.commitFirst(ctx, req); err != nil {
			return nil, err
		}
	}
	tail, err := o.tail(req.Key)
	if err != nil {
		return nil, err
	}
	var rec *record.OwnSale
	err = o.writer.Act(ctx, func(b *writer.Batch) error {
		var id exchange.OrderID
		if rec, id, err = o.soldBefore(b, req, tail); err != nil {
			return err
		}
		if rec != nil {
			return o.sameSale(b, rec, req, delivery)
		}
		if err := o.selling.mayAct(); err != nil {
			return err
		}
		if err := o.baskets.free(id); err != nil {
			return err
		}
		if rec, err = o.take(b, id, req, sure); err != nil {
			return err
		}
		return o.record(b, rec, req, delivery)
	})
	if errors.Is(err, writer.ErrDone) && !req.Reservation.IsZero() {
		return o.Find(req.Reservation)
	}
	if err != nil {
		return nil, err
	}
	return rec, nil
}

// delivery is the encoded address and note of a sale; nil = it has none.
func (o *OwnSales) delivery(req SaleRequest) ([]byte, error) {
	if err := exchange.CheckReference(req.Reference); err != nil {
		return nil, err
	}
	if req.ShipTo == nil {
		if req.Note != "" {
			return nil, exchange.Errorf(exchange.CodeInvalid, "a note is for the people who pack: give the address with it, or leave it out")
		}
		return nil, nil
	}
	to := exchange.Delivery{ShipTo: *req.ShipTo, Reference: req.Reference, Note: req.Note}
	if err := to.Check(); err != nil {
		return nil, err
	}
	return o.codec.Encode(&message.ShipTo{Delivery: to})
}

// soldBefore is the sale that a request has made before, else nil and the id for it.
func (o *OwnSales) soldBefore(b *writer.Batch, req SaleRequest, tail [12]byte) (*record.OwnSale, exchange.OrderID, error) {
	if !req.Reservation.IsZero() {
		rec, err := o.get(b, req.Reservation)
		return rec, req.Reservation, err
	}
	ids := keyedIDs(b, req.Key, tail)
	for _, id := range ids {
		rec, err := o.get(b, id)
		if err != nil || rec != nil && b.Now().Sub(rec.Sale.Order.Submitted) <= keyedFor {
			return rec, id, err
		}
	}
	return nil, ids[0], nil
}

// get is a copy of a sale's record; nil where there is none.
func (o *OwnSales) get(b *writer.Batch, id exchange.OrderID) (*record.OwnSale, error) {
	rec, ok, err := o.rows.Get(b, id)
	if err != nil || !ok {
		return nil, err
	}
	copied := *rec
	return &copied, nil
}

// sameSale fails where a sale was made before with another reference or address.
func (o *OwnSales) sameSale(b *writer.Batch, rec *record.OwnSale, req SaleRequest, delivery []byte) error {
	id := rec.Sale.ID
	if rec.Reference != req.Reference {
		return exchange.Errorf(exchange.CodeConflict, "%v was sold before under the reference %q; see souk sale show %v", id, rec.Reference, id)
	}
	if delivery == nil {
		return nil
	}
	kept, err := record.Get[record.ShipTo](b, o.codec, record.ShipToKey(o.me, id))
	if err != nil {
		return err
	}
	if kept == nil || message.ShipToHash(kept.Salt, delivery) != rec.Sale.ShipToHash {
		return exchange.Errorf(exchange.CodeConflict, "%v was sold before for another address, or it is erased, so nobody can tell; see souk sale show %v", id, id)
	}
	return nil
}

// take takes what is sold from the shelf and begins its record. sure says that the shop's own
// system has said yes to it.
func (o *OwnSales) take(b *writer.Batch, id exchange.OrderID, req SaleRequest, sure bool) (*record.OwnSale, error) {
	if req.Reservation.IsZero() {
		quote, place, err := o.quote(b, id, OwnRequest{Lines: req.Lines})
		if err != nil {
			return nil, err
		}
		quote.Expires = quote.Issued
		if err := o.takeNow(b, id, place); err != nil {
			return nil, err
		}
		return &record.OwnSale{Sale: record.Order{ID: id, Quote: *quote, From: place.From}}, nil
	}
	held, err := o.holds.get(b, holdID{o.me, id})
	if err != nil {
		return nil, err
	}
	if held == nil {
		return nil, errNoReservation(id)
	}
	if held.Own == nil {
		return nil, exchange.Errorf(exchange.CodeInternal, "reservation %v has no quote", id)
	}
	rec := &record.OwnSale{Sale: record.Order{ID: id, Quote: *held.Own, From: held.Hold.From}}
	rec.Sale.Quote.Expires = held.Hold.Expires
	if err := o.mayTake(b, id, held, sure); err != nil {
		return nil, err
	}
	if held.Hold.State == hold.Held && b.Now() >= held.Hold.Expires { // its turn to expire has not come yet
		if err := o.holds.finish(b, id, held, hold.Expire{}); err != nil {
			return nil, err
		}
	}
	if held.Hold.State == hold.Expired {
		if err := o.takeAgain(b, id, held, req, rec); err != nil {
			return nil, err
		}
	} else if err := o.holds.finish(b, id, held, hold.Commit{}); err != nil {
		return nil, err
	}
	o.holds.holds.Set(b, holdID{o.me, id}, held)
	return rec, nil
}

// takeAgain takes the units of a reservation that has expired. The hold stays expired: it ended
// once, and the sale has units of its own.
func (o *OwnSales) takeAgain(b *writer.Batch, id exchange.OrderID, held *heldRecord, req SaleRequest, rec *record.OwnSale) error {
	if !req.IfStillThere {
		return exchange.Errorf(exchange.CodeExpired, "the reservation expired at %v, and what it held may be sold; if_still_there sells it where it is not", held.Hold.Expires)
	}
	lines := held.Hold.Lines
	for _, l := range lines.All() {
		if _, err := o.offer(b, l.SKU); err != nil {
			return err
		}
	}
	from, err := o.holds.shelf.From(b, lines)
	if err != nil {
		return err
	}
	rec.Late, rec.Sale.From = true, from
	err = o.takeNow(b, id, hold.Place{Lines: lines, From: from, Expires: b.Now() + 1})
	if exchange.CodeOf(err) == exchange.CodeInsufficient {
		return &exchange.Error{
			Code: exchange.CodeGone, Short: exchange.ShortLines(err),
			Message: "the reservation expired, and what it held is not there any more: " + err.Error(),
		}
	}
	return err
}

// takeNow holds and commits in one step; no record of the hold is kept.
func (o *OwnSales) takeNow(b *writer.Batch, id exchange.OrderID, place hold.Place) error {
	held, fx, err := hold.Step(hold.Hold{}, place, b.Now())
	if err != nil {
		return err
	}
	of := o.of(id, b.Now())
	if err := o.holds.shelf.Fits(b, fx.Stock, of); err != nil {
		return err
	}
	if _, err := o.holds.shelf.Move(b, fx.Stock, of); err != nil {
		return err
	}
	if _, fx, err = hold.Step(held, hold.Commit{}, b.Now()); err != nil {
		return err
	}
	_, err = o.holds.shelf.Move(b, fx.Stock, of)
	return err
}

// of names a sale of this shop's, for the shelf.
func (o *OwnSales) of(id exchange.OrderID, sold exchange.Time) shelf.Of {
	return shelf.Of{Partner: o.me, Own: true, Order: id, Ordered: sold}
}

// record completes a new sale's record and stores it. A sale needs nobody's acceptance.
func (o *OwnSales) record(b *writer.Batch, rec *record.OwnSale, req SaleRequest, delivery []byte) error {
	sale := &rec.Sale
	sale.Supplier, sale.Retailer, rec.Reference = o.me, o.me, req.Reference
	lines, err := sale.Quote.HoldLines()
	if err != nil {
		return err
	}
	for _, e := range []order.Event{order.Submit{Lines: lines, Cancel: sale.Quote.Cancel, AcceptBy: b.Now() + 1}, order.Accept{}} {
		if sale.Order, _, err = order.Step(sale.Order, e, b.Now()); err != nil {
			return err
		}
	}
	if delivery != nil {
		secret := record.ShipTo{Raw: delivery}
		if err := o.random(secret.Salt[:]); err != nil {
			return err
		}
		sale.ShipToHash = message.ShipToHash(secret.Salt, delivery)
		if err := o.put(b, record.ShipToKey(o.me, sale.ID), &secret); err != nil {
			return err
		}
	}
	if req.Left {
		return o.step(b, rec, order.Ship{}, parcel{})
	}
	return o.set(b, rec, 0)
}

// set stores a sale, and tells of it as of an order that this shop is the partner of. off is what
// the change took off the amount due.
func (o *OwnSales) set(b *writer.Batch, rec *record.OwnSale, off int64) error {
	o.rows.Set(b, rec.Sale.ID, rec)
	b.Then(event.Order{
		At: b.Now(), Partner: o.me, Side: exchange.Supplier, ID: rec.Sale.ID, Status: rec.Sale.Order.Status().String(),
		Due: rec.Sale.Due(), Cancelled: off, Currency: rec.Sale.Quote.Currency,
	})
	return nil
}

// parcel is what is said of a shipment.
type parcel struct{ carrier, tracking string }

// step moves a sale along, and its stock with it.
func (o *OwnSales) step(b *writer.Batch, rec *record.OwnSale, e order.Event, p parcel) error {
	sale := &rec.Sale
	next, fx, err := order.Step(sale.Order, e, b.Now())
	if err != nil {
		return err
	}
	sold, off := sale.Order.Submitted, sale.Due()
	if _, err := o.holds.shelf.Move(b, orderDeltas(sale, fx, hold.MoveLeave), o.of(sale.ID, sold)); err != nil {
		return exchange.Errorf(exchange.CodeInternal, "the sale and its stock disagree: %w", err)
	}
	if err := o.holds.bridged.freed(b, sale.ID, next, fx.Freed, sale.Reason); err != nil {
		return err
	}
	sale.Order = next
	if len(fx.Shipped) > 0 {
		if len(sale.Parcels) >= record.MaxParcels {
			return exchange.Errorf(exchange.CodeLimit, "the sale has %d parcels, the most there can be; cancel the rest and sell it again", record.MaxParcels)
		}
		sale.Parcels = append(sale.Parcels[:len(sale.Parcels):len(sale.Parcels)], record.Parcel{At: b.Now(), Lines: fx.Shipped, Carrier: p.carrier, Tracking: p.tracking})
	}
	if len(fx.Freed) > 0 {
		sale.Cancelled, sale.CancelledBy = b.Now(), exchange.Supplier
	}
	return o.set(b, rec, off-sale.Due())
}

// Ship marks units of a sale as sent; no lines means everything open.
func (o *OwnSales) Ship(ctx context.Context, id exchange.OrderID, lines []order.Units, carrier, tracking string) (*record.OwnSale, error) {
	if len(carrier) > message.MaxReason || len(tracking) > message.MaxReason {
		return nil, exchange.Errorf(exchange.CodeInvalid, "carrier and tracking have at most %d bytes", message.MaxReason)
	}
	return o.act(ctx, id, func(b *writer.Batch, rec *record.OwnSale) error {
		return o.step(b, rec, order.Ship{Lines: lines}, parcel{carrier, tracking})
	})
}

// Cancel cancels units of a sale that have not left; no lines means everything open.
func (o *OwnSales) Cancel(ctx context.Context, id exchange.OrderID, lines []order.Units, reason string) (*record.OwnSale, error) {
	return o.act(ctx, id, func(b *writer.Batch, rec *record.OwnSale) error {
		rec.Sale.Reason = exchange.Clip(reason, message.MaxReason)
		return o.step(b, rec, order.Cancel{By: exchange.Supplier, Lines: lines}, parcel{})
	})
}

// Return notes that units of a sale which had left came back; no lines means all of them. They go
// onto the shelf, unless they are damaged.
func (o *OwnSales) Return(ctx context.Context, id exchange.OrderID, lines []order.Units, damaged bool) (*record.OwnSale, error) {
	return o.act(ctx, id, func(b *writer.Batch, rec *record.OwnSale) error {
		back, err := rec.Return(lines)
		if err != nil {
			return err
		}
		for _, u := range back {
			if err := (shelf.Moves{Shelf: o.holds.shelf}).TakeBack(b, u.SKU, u.Units, damaged, o.of(id, rec.Sale.Order.Submitted)); err != nil {
				return err
			}
		}
		return o.set(b, rec, 0)
	})
}

// act changes a sale and returns it as it stands after; where that was done before under its key,
// as it stands.
func (o *OwnSales) act(ctx context.Context, id exchange.OrderID, act func(*writer.Batch, *record.OwnSale) error) (*record.OwnSale, error) {
	var rec *record.OwnSale
	err := o.writer.Act(ctx, func(b *writer.Batch) (err error) {
		if rec, err = o.get(b, id); err != nil {
			return err
		}
		if rec == nil {
			return errNoSale(id)
		}
		return act(b, rec)
	})
	if errors.Is(err, writer.ErrDone) {
		return o.Find(id)
	}
	if err != nil {
		return nil, err
	}
	return rec, nil
}

func errNoSale(id exchange.OrderID) error {
	return exchange.Errorf(exchange.CodeNotFound, "there is no sale %v of your own channels; souk order show has the orders of partners", id)
}

// Find is a sale of this shop's own channels.
func (o *OwnSales) Find(id exchange.OrderID) (*record.OwnSale, error) {
	rec, err := record.Get[record.OwnSale](o.store, o.codec, record.OwnSaleKey(id))
	if err != nil {
		return nil, err
	}
	if rec == nil {
		return nil, errNoSale(id)
	}
	return rec, nil
}
