package trade

import (
	"context"
	"errors"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// What the asker keeps for callers while they wait for a supplier's answer, and takes over when
// they leave without it.

// leftUnanswered is what the record of a reservation says whose caller has left without the answer.
const leftUnanswered = "the supplier did not answer in time, and nobody came back for the answer, so the stock was given back; reserve again, with a new key"

// noting is a record that is written if an answer does not come within noteAfter: a process that
// ends then finds it at its next start.
type noting struct {
	timer *time.Timer // nil at a desk that runs inline
	done  chan struct{}
}

// noteLate begins to wait with rec, which says what must follow if nobody is there for the answer.
func (a *asker) noteLate(rec record.Reservation) *noting {
	n := &noting{}
	if a.writer.Inline() {
		return n
	}
	n.done = make(chan struct{})
	n.timer = time.AfterFunc(noteAfter, func() {
		defer close(n.done)
		// Where it fails, a process that ends now has noted nothing, as within noteAfter.
		_ = a.retailer.saveNow(context.Background(), &rec)
	})
	return n
}

// end reports whether the record was written, or may have been.
func (n *noting) end() bool {
	if n.timer == nil || n.timer.Stop() {
		return false
	}
	<-n.done
	return true
}

// left is the record of a reservation whose caller leaves without the answer now: one that it can
// name again is kept for ReturnTime.
func (a *asker) left(rec record.Reservation, named bool) record.Reservation {
	rec.State = hold.None
	return *a.keptFor(&rec, named)
}

// keptFor sets when a reservation is given back whose caller leaves now.
func (a *asker) keptFor(rec *record.Reservation, named bool) *record.Reservation {
	rec.ReleaseAt, rec.Detail, rec.Left = max(a.clock.Now(), 1), leftUnanswered, true
	if named {
		rec.ReleaseAt = rec.ReleaseAt.Add(ReturnTime)
	}
	return rec
}

// takeOver records a reservation that must be asked about, and has the asker do so.
func (a *asker) takeOver(ctx context.Context, rec record.Reservation) {
	err := a.retailer.saveNow(context.WithoutCancel(ctx), &rec)
	var unsaved *record.Reservation
	if err != nil {
		a.log.Error("a reservation that waits for its supplier's answer is not in the store; it is lost if the shop stops before the answer", "supplier", rec.Supplier, "hold", rec.Request.ID, "err", err)
		unsaved = &rec
	}
	a.add(rec.Supplier, rec.Request.ID, a.clock.Now(), unsaved)
}

// unnote takes back what noteLate wrote about a request that is sure to have had no effect: before
// is the record that stood there, nil where none did.
func (a *asker) unnote(ctx context.Context, id exchange.HoldID, before *record.Reservation) {
	ctx = context.WithoutCancel(ctx)
	if before != nil {
		if err := a.retailer.saveNow(ctx, before); err != nil {
			a.add(before.Supplier, id, a.clock.Now(), nil) // then what is noted is asked
		}
		return
	}
	err := a.writer.Do(ctx, func(b *writer.Batch) error {
		rec, err := a.retailer.get(b, id)
		if err == nil && rec != nil && rec.State == hold.None {
			b.Delete(record.ReservationKey(id))
		}
		return err
	})
	if err != nil {
		a.log.Warn("a reservation that was not asked for is listed as not answered", "hold", id, "err", err)
	}
}

// gone reports that a caller has broken off, though the answer came.
func gone(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }
