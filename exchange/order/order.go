package order

import (
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
)

// Line counts the units of one product in an order.
type Line struct {
	SKU       exchange.SKU
	Ordered   int64
	Shipped   int64
	Delivered int64
	Cancelled int64
}

// Open is what may still be shipped or cancelled.
func (l Line) Open() int64 { return l.Ordered - l.Shipped - l.Cancelled }

// underway is what was shipped and has not arrived.
func (l Line) underway() int64 { return l.Shipped - l.Delivered }

// Order is one committed purchase. The zero Order has not been submitted.
type Order struct {
	Lines     []Line
	Cancel    exchange.CancelRule // of the terms it was quoted under
	Submitted exchange.Time
	AcceptBy  exchange.Time // an order not accepted by then expires
	Accepted  exchange.Time
	Closed    exchange.Time // when it was rejected, expired, wholly cancelled or wholly delivered
	Rejected  bool
	Expired   bool
}

// Status is what people see; derived, never stored.
type Status uint32

const (
	None          Status = 0
	Submitted     Status = 1
	Accepted      Status = 2
	PartlyShipped Status = 3
	Shipped       Status = 4
	Delivered     Status = 5
	Cancelled     Status = 6
	Rejected      Status = 7
	Expired       Status = 8
)

var statusNames = [...]string{"none", "submitted", "accepted", "partly_shipped", "shipped", "delivered", "cancelled", "rejected", "expired"}

func (s Status) String() string {
	if s < Status(len(statusNames)) {
		return statusNames[s]
	}
	return "unknown"
}

// Text is the name as people write it: "partly shipped".
func (s Status) Text() string { return strings.ReplaceAll(s.String(), "_", " ") }

// Terminal reports whether an order in s can never change again.
func (s Status) Terminal() bool { return s >= Delivered }

// Status derives the order's status from its counts.
func (o Order) Status() Status {
	if o.Submitted == 0 {
		return None
	}
	if o.Rejected {
		return Rejected
	}
	if o.Expired {
		return Expired
	}
	var open, shipped, delivered int64
	for _, l := range o.Lines {
		open += l.Open()
		shipped += l.Shipped
		delivered += l.Delivered
	}
	switch {
	case open == 0 && shipped == 0:
		return Cancelled
	case o.Accepted == 0:
		return Submitted
	case shipped == 0:
		return Accepted
	case open > 0:
		return PartlyShipped
	case delivered < shipped:
		return Shipped
	}
	return Delivered
}

// Event is what can happen to an order.
type Event interface{ orderEvent() }

// Units names a quantity of one of the order's products.
type Units struct {
	SKU   exchange.SKU
	Units int64 // ≥ 1
}

type (
	// Submit is the order's beginning: the quantities of its hold.
	Submit struct {
		Lines    exchange.Lines
		Cancel   exchange.CancelRule
		AcceptBy exchange.Time
	}
	// Accept binds the supplier to ship.
	Accept struct{}
	// Reject frees everything; only while SUBMITTED.
	Reject struct{}
	// Expire frees everything of an order that was not accepted in time.
	Expire struct{}
	// Ship sends units on their way; empty means everything open.
	Ship struct{ Lines []Units }
	// Deliver marks shipped units as arrived; empty means everything shipped.
	Deliver struct{ Lines []Units }
	// Cancel frees unshipped units; empty means everything open.
	Cancel struct {
		By    exchange.Party
		Lines []Units
	}
)

func (Submit) orderEvent()  {}
func (Accept) orderEvent()  {}
func (Reject) orderEvent()  {}
func (Expire) orderEvent()  {}
func (Ship) orderEvent()    {}
func (Deliver) orderEvent() {}
func (Cancel) orderEvent()  {}

// Effects say what a step does to the supplier's stock.
type Effects struct {
	Shipped []Units // left the shelf
	Freed   []Units // no longer sold: available again
}

// Step returns the order after e. Refusals: CodeNotFound where nothing was
// submitted, CodeOrdered for a second submit, CodeState where the status or the units
// left do not allow e, CodeShipped for a cancel of shipped units, CodeCancelRule where the
// terms forbid it, CodeExpired for an accept that comes too late, CodeInvalid for
// products that are not in the order and numbers of units that are none. On error the order is unchanged. The lines of
// o and e are never written to, and order and effects returned share none with them.
func Step(o Order, e Event, now exchange.Time) (Order, Effects, error) {
	if s, ok := e.(Submit); ok {
		return submit(o, s, now)
	}
	status := o.Status()
	switch {
	case status == None:
		return o, Effects{}, exchange.Errorf(exchange.CodeNotFound, "there is no such order")
	case status == Delivered && isCancel(e):
		return o, Effects{}, exchange.Errorf(exchange.CodeShipped, "the order is delivered; nothing of it can be cancelled")
	case status.Terminal():
		return o, Effects{}, exchange.Errorf(exchange.CodeState, "the order is %v", status.Text())
	}
	next := o
	next.Lines = slices.Clone(o.Lines)
	fx, err := next.apply(e, now)
	if err != nil {
		return o, Effects{}, err
	}
	if next.Status().Terminal() {
		next.Closed = now
	}
	return next, fx, nil
}

func isCancel(e Event) bool {
	_, ok := e.(Cancel)
	return ok
}

// apply changes o, which is the caller's copy; after an error the copy is dropped.
func (o *Order) apply(e Event, now exchange.Time) (fx Effects, err error) {
	switch e := e.(type) {
	case Accept:
		err = o.accept(now)
	case Reject:
		fx.Freed, err = o.reject()
	case Expire:
		fx.Freed, err = o.expire(now)
	case Ship:
		fx.Shipped, err = o.ship(e.Lines)
	case Deliver:
		err = o.deliver(e.Lines)
	case Cancel:
		fx.Freed, err = o.cancel(e)
	default:
		err = exchange.Errorf(exchange.CodeInternal, "unknown order event %T", e)
	}
	return fx, err
}

func submit(o Order, s Submit, now exchange.Time) (Order, Effects, error) {
	if o.Submitted != 0 {
		return o, Effects{}, exchange.Errorf(exchange.CodeOrdered, "the hold has been ordered")
	}
	if s.Lines.IsZero() {
		return o, Effects{}, exchange.Errorf(exchange.CodeInvalid, "an order without lines")
	}
	if err := s.Cancel.Check(); err != nil {
		return o, Effects{}, err
	}
	if now <= 0 { // it would be taken for "not submitted"
		return o, Effects{}, exchange.Errorf(exchange.CodeInvalid, "an order is submitted at a time after 1970")
	}
	next := Order{Cancel: s.Cancel, Submitted: now, AcceptBy: s.AcceptBy, Lines: make([]Line, s.Lines.Len())}
	for i, l := range s.Lines.All() {
		next.Lines[i] = Line{SKU: l.SKU, Ordered: int64(l.Quantity)}
	}
	return next, Effects{}, nil
}

func (o *Order) accept(now exchange.Time) error {
	if o.Accepted != 0 {
		return exchange.Errorf(exchange.CodeState, "the order is %v already", o.Status().Text())
	}
	if now >= o.AcceptBy {
		return exchange.Errorf(exchange.CodeExpired, "the order had to be accepted before %v", o.AcceptBy)
	}
	o.Accepted = now
	return nil
}

func (o *Order) reject() ([]Units, error) {
	if o.Accepted != 0 {
		return nil, exchange.Errorf(exchange.CodeState, "the order is %v; cancel it instead", o.Status().Text())
	}
	o.Rejected = true
	return o.freeAll(), nil
}

func (o *Order) expire(now exchange.Time) ([]Units, error) {
	if o.Accepted != 0 || now < o.AcceptBy {
		return nil, exchange.Errorf(exchange.CodeState, "the order is %v and does not expire now", o.Status().Text())
	}
	o.Expired = true
	return o.freeAll(), nil
}

func (o *Order) ship(units []Units) ([]Units, error) {
	if o.Accepted == 0 {
		return nil, exchange.Errorf(exchange.CodeState, "the order is %v; accept it before shipping", o.Status().Text())
	}
	units = slices.Clone(units)
	if len(units) == 0 {
		units = o.all(Line.Open)
	}
	if len(units) == 0 {
		return nil, exchange.Errorf(exchange.CodeState, "the order is %v; nothing is left to ship", o.Status().Text())
	}
	err := o.each(units, func(l *Line, n int64) error {
		if n > l.Open() {
			return exchange.Errorf(exchange.CodeState, "%s: %d asked, %d left to ship", l.SKU, n, l.Open())
		}
		l.Shipped += n
		return nil
	})
	return units, err
}

func (o *Order) deliver(units []Units) error {
	if len(units) == 0 {
		units = o.all(Line.underway)
	}
	if len(units) == 0 {
		return exchange.Errorf(exchange.CodeState, "the order is %v; nothing of it is on the way", o.Status().Text())
	}
	return o.each(units, func(l *Line, n int64) error {
		if n > l.underway() {
			return exchange.Errorf(exchange.CodeState, "%s: %d asked, %d on the way", l.SKU, n, l.underway())
		}
		l.Delivered += n
		return nil
	})
}

func (o *Order) cancel(c Cancel) ([]Units, error) {
	if err := o.mayCancel(c.By); err != nil {
		return nil, err
	}
	units := slices.Clone(c.Lines)
	if len(units) == 0 {
		units = o.all(Line.Open)
	}
	if len(units) == 0 {
		return nil, exchange.Errorf(exchange.CodeShipped, "the order is %v; nothing is left to cancel", o.Status().Text())
	}
	err := o.each(units, func(l *Line, n int64) error {
		switch {
		case n > l.Ordered-l.Cancelled:
			return exchange.Errorf(exchange.CodeState, "%s: %d asked, %d ordered and not cancelled", l.SKU, n, l.Ordered-l.Cancelled)
		case n > l.Open():
			return exchange.Errorf(exchange.CodeShipped, "%s: %d asked, %d not yet shipped", l.SKU, n, l.Open())
		}
		l.Cancelled += n
		return nil
	})
	return units, err
}

// mayCancel holds the retailer to the terms; the supplier may always cancel
// what it has not shipped.
func (o *Order) mayCancel(by exchange.Party) error {
	if err := by.Check(); err != nil || by == exchange.Supplier {
		return err
	}
	switch {
	case o.Cancel == exchange.CancelNever:
		return exchange.Errorf(exchange.CodeCancelRule, "the terms do not let the retailer cancel")
	case o.Cancel == exchange.CancelUntilAccepted && o.Accepted != 0:
		return exchange.Errorf(exchange.CodeCancelRule, "the terms let the retailer cancel until the order is accepted; it is")
	}
	return nil
}

// freeAll cancels everything open.
func (o *Order) freeAll() []Units {
	freed := o.all(Line.Open)
	for i := range o.Lines {
		o.Lines[i].Cancelled += o.Lines[i].Open()
	}
	return freed
}

// all lists the units that count finds in each line, lines without any left out.
func (o *Order) all(count func(Line) int64) []Units {
	var units []Units
	for _, l := range o.Lines {
		if n := count(l); n > 0 {
			units = append(units, Units{l.SKU, n})
		}
	}
	return units
}

// each moves the named units, in order; a SKU may stand more than once.
func (o *Order) each(units []Units, move func(*Line, int64) error) error {
	for _, u := range units {
		i := slices.IndexFunc(o.Lines, func(l Line) bool { return l.SKU == u.SKU })
		if i < 0 {
			return exchange.Errorf(exchange.CodeInvalid, "the order has no line for %s", u.SKU)
		}
		if u.Units < 1 {
			return exchange.Errorf(exchange.CodeInvalid, "%s: %d units; at least 1 is needed", u.SKU, u.Units)
		}
		if err := move(&o.Lines[i], u.Units); err != nil {
			return err
		}
	}
	return nil
}
