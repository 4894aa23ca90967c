package desk

import (
	"sync"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/reservation"
)

// recentReservations are those whose answer has come and whose record is not
// durable yet: the owner orders them before the record is on the disk.
type recentReservations struct {
	mu sync.Mutex
	of map[exchange.HoldID]*ReservationRecord
}

// get returns a copy of an answered reservation; nil where it is not recent.
func (r *recentReservations) get(id exchange.HoldID) *ReservationRecord {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := r.of[id]
	if rec == nil || rec.State == reservation.None {
		return nil
	}
	copied := *rec
	return &copied
}

func (r *recentReservations) put(rec *ReservationRecord) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = make(map[exchange.HoldID]*ReservationRecord)
	}
	if before := r.of[rec.Request.ID]; before == nil || !before.after(rec) {
		r.of[rec.Request.ID] = rec
	}
}

// forget drops rec, unless another answer has replaced it.
func (r *recentReservations) forget(rec *ReservationRecord) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of[rec.Request.ID] == rec {
		delete(r.of, rec.Request.ID)
	}
}

// drop forgets whatever is recent of a reservation: the store has it.
func (r *recentReservations) drop(id exchange.HoldID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.of, id)
}

// saveSoon records a reservation with the next commit, or within laterDelay. Where
// the store refuses, it is forgotten here too: its supplier knows it.
func (d *Desk) saveSoon(rec ReservationRecord) {
	d.recent.put(&rec)
	forget := func() { d.recent.forget(&rec) }
	if !d.later(func(b *batch) error { return d.saveReservation(b, &rec) }, forget) {
		forget()
	}
}
