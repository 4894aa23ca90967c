package desk

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
)

// What watchers are told when a partner is out of the federation (design: Membership). No
// record changes by it but the holds that ReleaseAll gives back: a shop that is out and
// comes back finds its ledger as it was.

// TellGone tells watchers that shop was revoked or has left: of each direction of trade
// that was not over, and of each hold that this shop loses there. status is "revoked" or
// "left", why a text for people. It reads every reservation of the last eight windows, at
// some 5 µs each, until ctx ends; it must not run in the writer's turn.
func (d *Desk) TellGone(ctx context.Context, shop exchange.ShopID, status, why string) error {
	for _, side := range []exchange.Party{exchange.Supplier, exchange.Retailer} {
		t, err := d.Trade(shop, side)
		if err != nil {
			return err
		}
		if !t.Over() {
			d.watch.notify(Event{Type: EventPartnership, At: d.clock.Now(), Shop: shop, Side: side, Status: status, Detail: why})
		}
	}
	lost := 0
	var failed error
	err := d.store.Scan(kv.Prefix([]byte(record.PrefixReservation)), func(_, raw []byte) bool {
		v, err := d.codec.Decode(record.KindReservation, raw)
		if err != nil {
			return ctx.Err() == nil // who reads a damaged one is told so
		}
		rec := v.(*record.Reservation)
		now := d.clock.Now()
		if rec.Supplier != shop || rec.State != hold.Held || rec.Expires <= now {
			return ctx.Err() == nil
		}
		state, err := d.Standing(rec)
		if err != nil {
			failed = err
			return false
		}
		if state == hold.Released {
			lost++
			d.ownHoldLost(rec, now, lost)
		}
		return ctx.Err() == nil
	})
	if err == nil {
		err = failed
	}
	return err
}

// ownHoldLost tells of a hold of this shop's that its supplier keeps no more. The first
// maxNews of one telling have an event each; of the others watchers are told together.
func (d *Desk) ownHoldLost(rec *record.Reservation, now exchange.Time, nth int) {
	if nth > maxNews {
		d.holdNews(holdNews{rec.Supplier, exchange.Retailer, hold.Released}, rec.Request.ID, rec.Request.Lines, now)
		return
	}
	d.watch.notify(Event{
		Type: EventHold, At: now, Shop: rec.Supplier, Side: exchange.Retailer, Status: hold.Released.String(),
		Count: 1, Hold: rec.Request.ID, Lines: rec.Request.Lines,
	})
}

// SupplierOf is whose stock a reservation of this shop's is, where it is recorded here; no
// supplier is asked.
func (d *Desk) SupplierOf(id exchange.HoldID) (supplier exchange.ShopID, ok bool, err error) {
	rec, err := d.known(id)
	if err != nil || rec == nil {
		return exchange.ShopID{}, false, err
	}
	return rec.Supplier, true, nil
}
