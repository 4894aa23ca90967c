package trade

import (
	"context"
	"fmt"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// What is told when a partner has departed (design: Membership). A departure changes no record of
// trade but the holds that ReleaseAll gives back: a shop that comes back finds its ledger as it was.

// NotifyDeparted tells of a partner that was revoked or has left, at the time since. There is an
// event for each partnership with it that was not over, in the log, and one for each hold that this
// shop loses there. status is "revoked" or "left"; why is a text for people. A departure is told
// once, whatever ends the process meanwhile; repeats do nothing. It reads every
// reservation of the last eight windows, at some 5 µs each, until ctx ends. It must not run
// in the writer's turn.
func (r *Retailer) NotifyDeparted(ctx context.Context, shop exchange.ShopID, status string, since exchange.Time, why string) error {
	r.baskets.departed()
	if told, err := r.logDeparted(ctx, shop, status, since, why); err != nil || told {
		return err
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

// logDeparted adds a departure to the event log, unless it is there already: then told is true.
func (r *Retailer) logDeparted(ctx context.Context, shop exchange.ShopID, status string, since exchange.Time, why string) (told bool, err error) {
	key, value := record.DepartureKey(shop), fmt.Sprintf("%s %d", status, since)
	if before, _, err := r.store.Get(key); err != nil || string(before) == value {
		return true, err // without a commit
	}
	err = r.writer.Do(ctx, func(b *writer.Batch) error {
		before, _, err := b.Get(key)
		if told = string(before) == value; err != nil || told {
			return err
		}
		for _, side := range []exchange.Party{exchange.Supplier, exchange.Retailer} {
			p, err := r.partnerships.get(b, r.partnerships.ledgerWith(shop, side))
			if err != nil {
				return err
			}
			if !p.Over() {
				b.Then(event.Partnership{At: b.Now(), Partner: shop, Side: side, Status: status, Detail: why})
			}
		}
		b.Put(key, []byte(value))
		return nil
	})
	return told, err
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
