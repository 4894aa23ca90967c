package trade

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
)

// Lists of this shop's orders, in one role or both.

// OrderRow is an order and the role in which this shop has it.
type OrderRow struct {
	Side exchange.Party
	*record.Order
}

// OrderRange says which orders [Orders.Visit] visits.
type OrderRange struct {
	Sides []exchange.Party // one or both
	// After is the order after which the visit begins, and the side of it; a zero id = at the first.
	After     exchange.OrderID
	AfterSide exchange.Party
	// From and To, where they are not 0, spare the windows that can have no order placed in
	// [From, To). Other orders of the windows that are left are visited all the same.
	From, To exchange.Time
}

// windows are the first and the last window that can have an order placed in [From, To). An order's
// window is that of its hold: at most WindowsKept before it is placed, one more for two shops'
// clocks, and never later than the next.
func (r OrderRange) windows() (first, last exchange.Window) {
	last = ^exchange.Window(0) - 1
	if early := exchange.Window(exchange.WindowsKept + 1); r.From > 0 && exchange.WindowAt(r.From) > early {
		first = exchange.WindowAt(r.From) - early
	}
	if r.To > 0 {
		last = exchange.WindowAt(r.To) + 1
	}
	if !r.After.IsZero() {
		last = min(last, r.After.Window())
	}
	return first, last
}

// Visit visits this shop's orders until visit returns false. Those of the latest window's holds
// come first, and within a window those placed latest, whichever the role. It reads one window's
// orders at a time.
func (o *Orders) Visit(r OrderRange, visit func(OrderRow) bool) error {
	first, last := r.windows()
	for next := last + 1; ; {
		w, ok, err := o.lastOrdered(r.Sides, next)
		if err != nil || !ok || w < first {
			return err
		}
		next = w
		day, err := o.day(r.Sides, w)
		if err != nil {
			return err
		}
		if w == r.After.Window() && !r.After.IsZero() {
			day = day[1+slices.IndexFunc(day, func(row OrderRow) bool { return row.ID == r.After && row.Side == r.AfterSide }):]
		}
		for _, row := range day {
			if !visit(row) {
				return nil
			}
		}
	}
}

// List is Visit of all orders in one role after the order after (zero = from the first).
func (o *Orders) List(side exchange.Party, after exchange.OrderID, visit func(*record.Order) bool) error {
	return o.Visit(OrderRange{Sides: []exchange.Party{side}, After: after, AfterSide: side}, func(r OrderRow) bool { return visit(r.Order) })
}

// lastOrdered is the latest window before next that has an order on one of sides.
func (o *Orders) lastOrdered(sides []exchange.Party, next exchange.Window) (latest exchange.Window, ok bool, err error) {
	for _, side := range sides {
		w, found, err := lastWindow(o.store, record.OrderPrefix(side), dayKey(side, next))
		if err != nil {
			return 0, false, err
		}
		if found && (!ok || w > latest) {
			latest, ok = w, true
		}
	}
	return latest, ok, nil
}

// day is the orders whose holds are of window w, in the order of Visit.
func (o *Orders) day(sides []exchange.Party, w exchange.Window) ([]OrderRow, error) {
	var day []OrderRow
	for _, side := range sides {
		for row, err := range o.scan(kv.Range{From: dayKey(side, w), To: dayKey(side, w+1)}) {
			if err != nil {
				return nil, err
			}
			day = append(day, OrderRow{side, row.Record})
		}
	}
	slices.SortFunc(day, func(a, b OrderRow) int {
		return cmp.Or(cmp.Compare(b.Placed(), a.Placed()), bytes.Compare(a.ID[:], b.ID[:]), cmp.Compare(a.Side, b.Side), a.Retailer.Compare(b.Retailer))
	})
	return day, nil
}

// dayKey is the first key of the orders whose holds are of a window.
func dayKey(side exchange.Party, w exchange.Window) []byte {
	first := exchange.NewHoldID(w, [12]byte{})
	return kv.Key(record.OrderPrefix(side), first[:])
}

// lastWindow is the latest window of the ids that follow prefix in keys before the key
// before. The keys are of orders or of reservations.
func lastWindow(store kv.Store, prefix string, before []byte) (w exchange.Window, ok bool, err error) {
	for row, err := range kv.Rows(store, kv.Range{From: []byte(prefix), To: before, Reverse: true}) {
		var id exchange.OrderID
		ok = err == nil && copy(id[:], row.Key[len(prefix):]) == len(id)
		return id.Window(), ok, err
	}
	return 0, false, nil
}
