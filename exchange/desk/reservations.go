package desk

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// Reservations visits the reservations that this shop has made, with where each stands
// now (see [Desk.Standing]), those of the latest window first and of one window the
// latest asked for first, after the given one (zero = from the start), until visit
// returns false. One that a supplier has not answered is visited too, as
// reservation.None: the supplier may hold its stock. A reservation whose record was lost
// in a crash, less than laterDelay after it was asked for, is not visited; its supplier
// lets it expire.
//
// Records are kept for exchange.WindowsKept windows. Of a window's records 32 bytes each
// are in memory while it is visited, so that a shop that reserves all day can list them.
func (d *Desk) Reservations(after exchange.HoldID, visit func(*record.Reservation, hold.State) bool) error {
	recent := d.recent.all() // before the store is read: what leaves here is there
	before := kv.Prefix([]byte(record.PrefixReservation)).To
	if !after.IsZero() {
		before = record.ReservationKey(exchange.NewHoldID(after.Window()+1, [12]byte{}))
	}
	for {
		w, ok, err := d.lastReserved(before, recent)
		if err != nil || !ok {
			return err
		}
		before = record.ReservationKey(exchange.NewHoldID(w, [12]byte{}))
		window, err := d.reservedIn(w, recent)
		if err != nil {
			return err
		}
		if w == after.Window() && !after.IsZero() {
			window = window[1+slices.IndexFunc(window, func(r reservedAt) bool { return r.id == after }):]
		}
		for _, r := range window {
			if more, err := d.visitReservation(r.id, recent, visit); err != nil || !more {
				return err
			}
		}
	}
}

// visitReservation calls visit with what is known of a reservation, if it is still kept.
func (d *Desk) visitReservation(id exchange.HoldID, recent map[exchange.HoldID]*record.Reservation, visit func(*record.Reservation, hold.State) bool) (more bool, err error) {
	v, err := d.read(record.KindReservation, record.ReservationKey(id))
	if err != nil {
		return false, err
	}
	rec := recent[id]
	if v != nil {
		if stored := v.(*record.Reservation); rec == nil || !rec.After(stored) {
			rec = stored
		}
	}
	if rec == nil {
		return true, nil // pruned meanwhile
	}
	standing, err := d.Standing(rec)
	if err != nil {
		return false, err
	}
	return visit(rec, standing), nil
}

// reservedAt is a reservation's place among those of its window.
type reservedAt struct {
	id exchange.HoldID
	at exchange.Time
}

// reservedIn is the order in which a window's reservations are visited.
func (d *Desk) reservedIn(w exchange.Window, recent map[exchange.HoldID]*record.Reservation) ([]reservedAt, error) {
	var all []reservedAt
	var failed error
	stored := make(map[exchange.HoldID]bool)
	from, to := exchange.NewHoldID(w, [12]byte{}), exchange.NewHoldID(w+1, [12]byte{})
	err := d.store.Scan(kv.Range{From: record.ReservationKey(from), To: record.ReservationKey(to)}, func(_, raw []byte) bool {
		var v message.Value
		if v, failed = d.codec.Decode(record.KindReservation, raw); failed != nil {
			return false
		}
		rec := v.(*record.Reservation)
		if id := rec.Request.ID; recent[id] != nil {
			stored[id] = true
		}
		all = append(all, reservedAt{rec.Request.ID, rec.Created})
		return true
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return nil, err
	}
	for id, rec := range recent {
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
func (d *Desk) lastReserved(before []byte, recent map[exchange.HoldID]*record.Reservation) (w exchange.Window, ok bool, err error) {
	w, ok, err = d.lastWindow(record.PrefixReservation, before)
	for id := range recent {
		if bytes.Compare(record.ReservationKey(id), before) < 0 && (!ok || id.Window() > w) {
			w, ok = id.Window(), true
		}
	}
	return w, ok, err
}

// firstAsked is when a reservation was first asked for, as far as this shop has noted;
// else now. A repeat is the same reservation.
func (d *Desk) firstAsked(id exchange.HoldID) (exchange.Time, error) {
	if at, ok := d.recent.created(id); ok {
		return at, nil
	}
	rec, err := d.known(id)
	if err != nil || rec == nil {
		return d.clock.Now(), err
	}
	return rec.Created, nil
}
