package trade

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Reservations visits the reservations that this shop has made, with their present state,
// until visit returns false. Those of the latest window come first, and within a window those
// asked for latest. It begins after the reservation after (zero = at the first).
//
// A reservation that the supplier has not answered is visited too, in state hold.None: the
// supplier may hold its stock. One that was pending when the process crashed is not visited;
// its supplier lets it expire.
//
// Records are kept for exchange.WindowsKept windows. While a window is visited, 32 bytes a
// record are in memory, so that a shop that reserves all day can list its reservations.
func (r *Retailer) Reservations(after exchange.HoldID, visit func(*Reservation) bool) error {
	pending := r.pending.all() // before the store is read: a record leaves pending when the store has it
	before := kv.Prefix([]byte(record.PrefixReservation)).To
	if !after.IsZero() {
		before = record.ReservationKey(exchange.NewHoldID(after.Window()+1, [12]byte{}))
	}
	for {
		w, ok, err := r.lastReserved(before, pending)
		if err != nil || !ok {
			return err
		}
		before = record.ReservationKey(exchange.NewHoldID(w, [12]byte{}))
		window, err := r.reservedIn(w, pending)
		if err != nil {
			return err
		}
		if w == after.Window() && !after.IsZero() {
			window = window[1+slices.IndexFunc(window, func(asked reservedAt) bool { return asked.id == after }):]
		}
		for _, asked := range window {
			if more, err := r.visitReservation(asked.id, pending, visit); err != nil || !more {
				return err
			}
		}
	}
}

// visitReservation calls visit with a reservation, if its record is still kept.
func (r *Retailer) visitReservation(id exchange.HoldID, pending map[exchange.HoldID]*record.Reservation, visit func(*Reservation) bool) (more bool, err error) {
	stored, err := record.Get[record.Reservation](r.store, r.codec, record.ReservationKey(id))
	if err != nil {
		return false, err
	}
	rec := pending[id]
	if stored != nil && (rec == nil || !rec.After(stored)) {
		rec = stored
	}
	if rec == nil {
		return true, nil // pruned meanwhile
	}
	shown, err := r.shown(rec, nil)
	if err != nil {
		return false, err
	}
	return visit(shown), nil
}

// reservedAt is a reservation's place among those of its window.
type reservedAt struct {
	id exchange.HoldID
	at exchange.Time
}

// reservedIn is the order in which a window's reservations are visited.
func (r *Retailer) reservedIn(w exchange.Window, pending map[exchange.HoldID]*record.Reservation) ([]reservedAt, error) {
	var all []reservedAt
	stored := make(map[exchange.HoldID]bool)
	from, to := exchange.NewHoldID(w, [12]byte{}), exchange.NewHoldID(w+1, [12]byte{})
	for row, err := range record.Rows[record.Reservation](r.store, r.codec, kv.Range{From: record.ReservationKey(from), To: record.ReservationKey(to)}) {
		if err != nil {
			return nil, err
		}
		id := row.Record.Request.ID
		if pending[id] != nil {
			stored[id] = true
		}
		all = append(all, reservedAt{id, row.Record.Created})
	}
	for id, rec := range pending {
		if id.Window() == w && !stored[id] {
			all = append(all, reservedAt{id, rec.Created})
		}
	}
	slices.SortFunc(all, func(a, b reservedAt) int {
		return cmp.Or(cmp.Compare(b.at, a.at), bytes.Compare(a.id[:], b.id[:]))
	})
	return all, nil
}

// lastReserved is the latest window that has reservations before a key.
func (r *Retailer) lastReserved(before []byte, pending map[exchange.HoldID]*record.Reservation) (w exchange.Window, ok bool, err error) {
	w, ok, err = lastWindow(r.store, record.PrefixReservation, before)
	for id := range pending {
		if bytes.Compare(record.ReservationKey(id), before) < 0 && (!ok || id.Window() > w) {
			w, ok = id.Window(), true
		}
	}
	return w, ok, err
}

// pruneReservations deletes up to n reservations of windows before old, and counts them.
func (r *Retailer) pruneReservations(b *writer.Batch, old exchange.Window, n int) (count int, err error) {
	reservations := kv.Range{From: record.ReservationKey(exchange.HoldID{}), To: record.ReservationKey(exchange.NewHoldID(old, [12]byte{}))}
	for row, err := range kv.Rows(r.store, reservations) {
		if err != nil {
			return count, err
		}
		if count == n {
			break
		}
		b.Delete(bytes.Clone(row.Key))
		count++
	}
	return count, nil
}
