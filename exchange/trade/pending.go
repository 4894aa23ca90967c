package trade

import (
	"context"
	"sync"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// pendingReservations are reservations whose record is not committed yet (write-behind). They
// can be read, ordered and released at once. A record whose State is None notes a request
// that the supplier has not answered.
type pendingReservations struct {
	mu sync.Mutex
	of map[exchange.HoldID]*record.Reservation
}

// get returns a copy of a pending reservation that the supplier has answered, else nil.
func (p *pendingReservations) get(id exchange.HoldID) *record.Reservation {
	p.mu.Lock()
	defer p.mu.Unlock()
	rec := p.of[id]
	if rec == nil || rec.State == hold.None {
		return nil
	}
	copied := *rec
	return &copied
}

// asked reports whether a reservation is pending, answered or not.
func (p *pendingReservations) asked(id exchange.HoldID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.of[id] != nil
}

// created is when a pending reservation was first asked for.
func (p *pendingReservations) created(id exchange.HoldID) (at exchange.Time, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if rec := p.of[id]; rec != nil {
		return rec.Created, true
	}
	return 0, false
}

// all returns copies of all pending reservations, by id.
func (p *pendingReservations) all() map[exchange.HoldID]*record.Reservation {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make(map[exchange.HoldID]*record.Reservation, len(p.of))
	for id, rec := range p.of {
		copied := *rec
		all[id] = &copied
	}
	return all
}

// latest returns a copy of a pending reservation, answered or not; nil where none is pending.
func (p *pendingReservations) latest(id exchange.HoldID) *record.Reservation {
	p.mu.Lock()
	defer p.mu.Unlock()
	rec := p.of[id]
	if rec == nil {
		return nil
	}
	copied := *rec
	return &copied
}

// put makes rec pending, unless a later answer about the reservation is.
func (p *pendingReservations) put(rec *record.Reservation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil {
		p.of = make(map[exchange.HoldID]*record.Reservation)
	}
	if before := p.of[rec.Request.ID]; before == nil || !before.After(rec) {
		p.of[rec.Request.ID] = rec
	}
}

// forget removes rec, unless another record has replaced it.
func (p *pendingReservations) forget(rec *record.Reservation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of[rec.Request.ID] == rec {
		delete(p.of, rec.Request.ID)
	}
}

// drop removes a reservation, whatever its pending record is: the store has a later one.
func (p *pendingReservations) drop(id exchange.HoldID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.of, id)
}

// has reports whether rec itself is the pending record of its reservation.
func (p *pendingReservations) has(rec *record.Reservation) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.of[rec.Request.ID] == rec
}

// saveBehind writes a reservation's record behind: it is pending at once, and committed with
// the next batch, or within the writer's delay. Where the store refuses it, it is pending no
// longer; its supplier still knows the hold.
func (r *Retailer) saveBehind(rec record.Reservation) { r.writeBehind(rec, r.saveReservation) }

// saveNewBehind is saveBehind for the first answer about a new id, so the store need not be read.
func (r *Retailer) saveNewBehind(rec record.Reservation) {
	r.writeBehind(rec, func(b *writer.Batch, rec *record.Reservation) error {
		r.rows.Set(b, rec.Request.ID, rec)
		b.Then(reservationRecorded{rec})
		return nil
	})
}

// writeBehind makes rec pending and has the writer commit it with save, unless a later record has
// replaced it by then.
func (r *Retailer) writeBehind(rec record.Reservation, save func(*writer.Batch, *record.Reservation) error) {
	r.pending.put(&rec)
	forget := func() { r.pending.forget(&rec) }
	if !r.writer.WriteBehind(func(b *writer.Batch) error {
		if !r.pending.has(&rec) {
			return nil
		}
		return save(b, &rec)
	}, forget) {
		forget()
	}
}

// saveNow writes a reservation's record and returns when it is durable.
func (r *Retailer) saveNow(ctx context.Context, rec *record.Reservation) error {
	r.pending.put(rec)
	return r.savePending(ctx, rec)
}

// savePending is saveNow for a record that is pending already, with effects beside it. A record that
// has replaced it by the writer's turn is left alone.
func (r *Retailer) savePending(ctx context.Context, rec *record.Reservation, effects ...writer.Effect) error {
	defer r.pending.forget(rec)
	return r.writer.Do(ctx, func(b *writer.Batch) error {
		if !r.pending.has(rec) {
			return nil
		}
		for _, e := range effects {
			b.Then(e)
		}
		return r.saveReservation(b, rec)
	})
}
