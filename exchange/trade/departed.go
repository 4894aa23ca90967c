package trade

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
)

// What watchers are told when a partner has departed (design: Membership). A departure
// changes no record but the holds that ReleaseAll gives back: a shop that comes back finds
// its ledger as it was.

// NotifyDeparted tells watchers that shop was revoked or has left. There is an event for
// each partnership with it that was not over, and for each hold that this shop loses
// there. status is "revoked" or "left"; why is a text for people. It reads every
// reservation of the last eight windows, at some 5 µs each, until ctx ends. It must not run
// in the writer's turn.
func (r *Retailer) NotifyDeparted(ctx context.Context, shop exchange.ShopID, status, why string) error {
	for _, side := range []exchange.Party{exchange.Supplier, exchange.Retailer} {
		p, err := r.partnerships.Get(shop, side)
		if err != nil {
			return err
		}
		if !p.Over() {
			r.events.Notify(event.Partnership{At: r.clock.Now(), Partner: shop, Side: side, Status: status, Detail: why})
		}
	}
	lost := 0
	for row, err := range record.Rows[record.Reservation](r.store, r.codec, kv.Prefix([]byte(record.PrefixReservation))) {
		switch {
		case ctx.Err() != nil:
			return nil
		case row.Key == nil:
			return err
		case err != nil:
			continue // a damaged record: Reservation reports it
		}
		rec, now := row.Record, r.clock.Now()
		if rec.Supplier != shop || rec.State != hold.Held || rec.Expires <= now {
			continue
		}
		state, err := r.StateOf(rec)
		if err != nil {
			return err
		}
		if state == hold.Released {
			lost++
			notifyLost(r.events, rec, now, lost)
		}
	}
	return nil
}

// notifyLost tells watchers of the nth hold that this shop loses at a departed supplier. The
// first event.MaxHoldEvents have an event each; the others are summed up.
func notifyLost(watchers *event.Watchers, rec *record.Reservation, now exchange.Time, nth int) {
	if nth > event.MaxHoldEvents {
		watchers.Hold(now, rec.Supplier, exchange.Retailer, hold.Released.String(), rec.Request.ID, rec.Request.Lines)
		return
	}
	watchers.Notify(event.Holds{
		At: now, Partner: rec.Supplier, Side: exchange.Retailer, Status: hold.Released.String(),
		Count: 1, ID: rec.Request.ID, Lines: rec.Request.Lines.Slice(),
	})
}

// SupplierOf is the supplier of a reservation of this shop's; ok is false where the
// reservation is not recorded here. It asks no supplier.
func (r *Retailer) SupplierOf(id exchange.HoldID) (supplier exchange.ShopID, ok bool, err error) {
	rec, err := r.known(id)
	if err != nil || rec == nil {
		return exchange.ShopID{}, false, err
	}
	return rec.Supplier, true, nil
}
