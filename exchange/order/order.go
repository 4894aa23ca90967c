package order

import (
	"slices"

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
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return "unknown"
}

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
		Lines    []exchange.Line
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

// Step returns the order after e. Refusals: CodeState where the status does not
// allow e, CodeShipped for a cancel of shipped units, CodeCancelRule where the
// terms forbid it, CodeExpired for an accept that comes too late, CodeInvalid for
// units that are not there. On error the order is unchanged; o's lines are
// never written to.
func Step(o Order, e Event, now exchange.Time) (Order, Effects, error) {
	if s, ok := e.(Submit); ok {
		return submit(o, s, now)
	}
	status := o.Status()
	if status == None {
		return o, Effects{}, exchange.Errorf(exchange.CodeNotFound, "there is no such order")
	}
	if status.Terminal() {
		return o, Effects{}, exchange.Errorf(exchange.CodeState, "the order is %v", status)
	}
	next := o
	next.Lines = slices.Clone(o.Lines)
	var fx Effects
	var err error
	switch e := e.(type) {
	case Accept:
		err = next.accept(now)
	case Reject:
		if o.Accepted != 0 {
			err = exchange.Errorf(exchange.CodeState, "the order is %v; cancel it instead", status)
			break
		}
		next.Rejected = true
		fx.Freed = next.freeAll()
	case Expire:
		if o.Accepted != 0 || now < o.AcceptBy {
			err = exchange.Errorf(exchange.CodeState, "the order is %v and does not expire now", status)
			break
		}
		next.Expired = true
		fx.Freed = next.freeAll()
	case Ship:
		if o.Accepted == 0 {
			err = exchange.Errorf(exchange.CodeState, "the order is %v; accept it before shipping", status)
			break
		}
		fx.Shipped, err = next.ship(e.Lines)
	case Deliver:
		err = next.deliver(e.Lines)
	case Cancel:
		fx.Freed, err = next.cancel(e)
	default:
		err = exchange.Errorf(exchange.CodeInternal, "unknown order event %T", e)
	}
	if err != nil {
		return o, Effects{}, err
	}
	if next.Status().Terminal() {
		next.Closed = now
	}
	return next, fx, nil
}

func submit(o Order, s Submit, now exchange.Time) (Order, Effects, error) {
	if o.Submitted != 0 {
		return o, Effects{}, exchange.Errorf(exchange.CodeOrdered, "the hold has been ordered")
	}
	if err := exchange.CheckLines(s.Lines); err != nil {
		return o, Effects{}, err
	}
	next := Order{Cancel: s.Cancel, Submitted: now, AcceptBy: s.AcceptBy, Lines: make([]Line, len(s.Lines))}
	for i, l := range s.Lines {
		next.Lines[i] = Line{SKU: l.SKU, Ordered: int64(l.Quantity)}
	}
	return next, Effects{}, nil
}

func (o *Order) accept(now exchange.Time) error {
	if o.Accepted != 0 {
		return exchange.Errorf(exchange.CodeState, "the order is %v already", o.Status())
	}
	if now >= o.AcceptBy {
		return exchange.Errorf(exchange.CodeExpired, "the order had to be accepted before %v", o.AcceptBy)
	}
	o.Accepted = now
	return nil
}

func (o *Order) freeAll() []Units {
	var freed []Units
	for i := range o.Lines {
		if n := o.Lines[i].Open(); n > 0 {
			o.Lines[i].Cancelled += n
			freed = append(freed, Units{o.Lines[i].SKU, n})
		}
	}
	return freed
}

func (o *Order) ship(units []Units) ([]Units, error) {
	return o.each(units, Line.Open, func(l *Line, n int64) { l.Shipped += n }, exchange.CodeInvalid, "unshipped")
}

func (o *Order) deliver(units []Units) error {
	_, err := o.each(units, func(l Line) int64 { return l.Shipped - l.Delivered },
		func(l *Line, n int64) { l.Delivered += n }, exchange.CodeInvalid, "on the way")
	return err
}

func (o *Order) cancel(c Cancel) ([]Units, error) {
	if c.By == exchange.Retailer {
		switch {
		case o.Cancel == exchange.CancelNever:
			return nil, exchange.Errorf(exchange.CodeCancelRule, "the terms do not let the retailer cancel")
		case o.Cancel == exchange.CancelUntilAccepted && o.Accepted != 0:
			return nil, exchange.Errorf(exchange.CodeCancelRule, "the terms let the retailer cancel until the order is accepted; it is")
		}
	}
	return o.each(c.Lines, Line.Open, func(l *Line, n int64) { l.Cancelled += n }, exchange.CodeShipped, "unshipped")
}

// each applies fn to the named units, or to all that room gives where none are
// named. It fails with code where a line has less room, or nothing has any.
func (o *Order) each(units []Units, room func(Line) int64, fn func(*Line, int64), code exchange.Code, what string) ([]Units, error) {
	if len(units) == 0 {
		for _, l := range o.Lines {
			if n := room(l); n > 0 {
				units = append(units, Units{l.SKU, n})
			}
		}
		if len(units) == 0 {
			return nil, exchange.Errorf(code, "nothing of the order is %s", what)
		}
	}
	for _, u := range units {
		i := slices.IndexFunc(o.Lines, func(l Line) bool { return l.SKU == u.SKU })
		switch {
		case i < 0:
			return nil, exchange.Errorf(exchange.CodeInvalid, "the order has no line for %s", u.SKU)
		case u.Units < 1:
			return nil, exchange.Errorf(exchange.CodeInvalid, "%s: %d units", u.SKU, u.Units)
		case u.Units > room(o.Lines[i]):
			return nil, exchange.Errorf(code, "%s: %d units asked, %d are %s", u.SKU, u.Units, room(o.Lines[i]), what)
		}
		fn(&o.Lines[i], u.Units)
	}
	return units, nil
}
