package trade

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
)

// Lists of what the shop's own channels reserve and sell, in the order of the lists of
// reservations and orders: the latest window first, and within a window the latest first.

// windowed visits records whose keys are a prefix and an id, a window at a time. It begins after
// the record with the id after (zero = at the first) of the windows from first to
// last.
func windowed[T any](store kv.Store, prefix string, after exchange.HoldID, first, last exchange.Window, read func(kv.Range) ([]T, error), id func(T) exchange.HoldID, at func(T) exchange.Time, visit func(T) bool) error {
	key := func(w exchange.Window) []byte {
		id := exchange.NewHoldID(w, [12]byte{})
		return kv.Key(prefix, id[:])
	}
	if !after.IsZero() {
		last = min(last, after.Window())
	}
	for next := last + 1; ; {
		w, ok, err := lastWindow(store, prefix, key(next))
		if err != nil || !ok || w < first {
			return err
		}
		next = w
		list, err := read(kv.Range{From: key(w), To: key(w + 1)})
		if err != nil {
			return err
		}
		slices.SortFunc(list, func(a, b T) int {
			x, y := id(a), id(b)
			return cmp.Or(cmp.Compare(at(b), at(a)), bytes.Compare(x[:], y[:]))
		})
		if w == after.Window() && !after.IsZero() {
			list = list[1+slices.IndexFunc(list, func(v T) bool { return id(v) == after }):]
		}
		for _, v := range list {
			if !visit(v) {
				return nil
			}
		}
	}
}

// lastOfAll is a window that none is after.
const lastOfAll = ^exchange.Window(0) - 1

// Reservations visits the reservations of the shop's own channels, as [Retailer.Reservations]
// does those at suppliers.
func (o *OwnSales) Reservations(after exchange.HoldID, visit func(*Reservation) bool) error {
	prefix := string(kv.Key(record.PrefixHold, o.me[:]))
	read := func(r kv.Range) (list []*Reservation, err error) {
		for row, err := range record.Rows[record.Hold](o.store, o.codec, r) {
			if err != nil {
				return nil, err
			}
			var id exchange.HoldID
			copy(id[:], row.Key[len(prefix):])
			list = append(list, o.shown(id, row.Record))
		}
		return list, nil
	}
	return windowed(o.store, prefix, after, 0, lastOfAll, read,
		func(r *Reservation) exchange.HoldID { return r.Request.ID },
		func(r *Reservation) exchange.Time { return r.Created }, visit)
}

// Visit visits the sales of the shop's own channels until visit returns false. From, To and After
// of the range are as in [Orders.Visit].
func (o *OwnSales) Visit(r OrderRange, visit func(*record.OwnSale) bool) error {
	first, last := r.windows()
	read := func(keys kv.Range) (list []*record.OwnSale, err error) {
		for row, err := range record.Rows[record.OwnSale](o.store, o.codec, keys) {
			if err != nil {
				return nil, err
			}
			list = append(list, row.Record)
		}
		return list, nil
	}
	return windowed(o.store, record.PrefixOwnSale, r.After, first, last, read,
		func(s *record.OwnSale) exchange.HoldID { return s.Sale.ID },
		func(s *record.OwnSale) exchange.Time { return s.Sale.Order.Submitted }, visit)
}
