package trade

import (
	"sync"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// pendingReservations are those whose answer has come and whose record is not
// durable yet: the owner orders them before the record is on the disk.
type pendingReservations struct {
	mu sync.Mutex
	of map[exchange.HoldID]*record.Reservation
}

// get returns a copy of an answered reservation; nil where it is not recent.
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

// asked reports whether anything is recent of a reservation, if only that its supplier
// has not answered.
func (p *pendingReservations) asked(id exchange.HoldID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.of[id] != nil
}

// created is when a reservation that is recent was first asked for.
func (p *pendingReservations) created(id exchange.HoldID) (at exchange.Time, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if rec := p.of[id]; rec != nil {
		return rec.Created, true
	}
	return 0, false
}

// all returns copies of what is recent, by id.
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

// mayHold reports whether a request that was made before may have held a reservation at
// its supplier, as far as this shop has noted: its own no to a repeat says nothing of that.
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

// forget drops rec, unless another answer has replaced it.
func (p *pendingReservations) forget(rec *record.Reservation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of[rec.Request.ID] == rec {
		delete(p.of, rec.Request.ID)
	}
}

// drop forgets whatever is recent of a reservation: the store has it.
func (p *pendingReservations) drop(id exchange.HoldID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.of, id)
}

// has reports whether rec itself is what is pending of its reservation.
func (p *pendingReservations) has(rec *record.Reservation) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.of[rec.Request.ID] == rec
}

// saveBehind records a reservation with the next commit, or within writeBehindDelay. Where
// the store refuses, it is forgotten here too: its supplier knows it.
func (r *Retailer) saveBehind(rec record.Reservation) { r.writeBehind(rec, r.saveReservation) }

// saveNewBehind is saveBehind for the first answer about a new id: whatever else is known
// of it came after, and has taken rec's place in pending. The store need not be asked.
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

func (r *Retailer) writeBehind(rec record.Reservation, save func(*writer.Batch, *record.Reservation) error) {
	r.pending.put(&rec)
	forget := func() { r.pending.forget(&rec) }
	if !r.writer.WriteBehind(func(b *writer.Batch) error { return save(b, &rec) }, forget) {
		forget()
	}
}
