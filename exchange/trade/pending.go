package trade

import (
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

// mayHold reports whether, by this shop's records, an earlier request may have placed the hold
// id at its supplier. A refused repeat says nothing about the earlier request.
func (r *Retailer) mayHold(id exchange.HoldID) bool {
	if r.pending.asked(id) {
		return true
	}
	rec, err := r.known(id)
	if err != nil || rec == nil {
		return err != nil
	}
	return rec.State == hold.None || rec.State == hold.Held || rec.State == hold.Committed
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

// saveNewBehind is saveBehind for the first answer about a new id. A record that came later
// has replaced rec in pending, so the store need not be read.
func (r *Retailer) saveNewBehind(rec record.Reservation) {
	r.writeBehind(rec, func(b *writer.Batch, rec *record.Reservation) error {
		if !r.pending.has(rec) {
			return nil
		}
		r.rows.Set(b, rec.Request.ID, rec)
		b.Then(reservationRecorded{rec})
		return nil
	})
}

// writeBehind makes rec pending and has the writer commit it with save.
func (r *Retailer) writeBehind(rec record.Reservation, save func(*writer.Batch, *record.Reservation) error) {
	r.pending.put(&rec)
	forget := func() { r.pending.forget(&rec) }
	if !r.writer.WriteBehind(func(b *writer.Batch) error { return save(b, &rec) }, forget) {
		forget()
	}
}
