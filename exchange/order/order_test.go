package order_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/order"
)

var asked = exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 5}, exchange.Line{SKU: "lace", Quantity: 2})

// at runs events from an order of 5 shoes and 2 laces, submitted at 100, to be
// accepted before 200; events happen at 110, 120 and so on.
func at(t *testing.T, rule exchange.CancelRule, events ...order.Event) order.Order {
	t.Helper()
	o, now := order.Order{}, exchange.Time(100)
	for _, e := range append([]order.Event{order.Submit{Lines: asked, Cancel: rule, AcceptBy: 200}}, events...) {
		next, _, err := order.Step(o, e, now)
		if err != nil {
			t.Fatalf("%#v: %v", e, err)
		}
		o, now = next, now+10
	}
	return o
}

func units(pairs ...any) []order.Units {
	var out []order.Units
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, order.Units{SKU: exchange.SKU(pairs[i].(string)), Units: int64(pairs[i+1].(int))})
	}
	return out
}

// TestSteps is one table of what each event does in each status.
func TestSteps(t *testing.T) {
	const (
		byShop   = exchange.Supplier
		byBuyer  = exchange.Retailer
		any      = exchange.CancelUntilShipped
		early    = exchange.CancelUntilAccepted
		notAtAll = exchange.CancelNever
	)
	accept, shipAll, all := order.Accept{}, order.Ship{}, units("shoe", 5, "lace", 2)
	for _, c := range []struct {
		name    string
		rule    exchange.CancelRule
		before  []order.Event
		event   order.Event
		now     exchange.Time
		want    order.Status // after a refusal: unchanged
		code    exchange.Code
		shipped []order.Units
		freed   []order.Units
	}{
		{"submit again", any, nil, order.Submit{Lines: asked, Cancel: any}, 150, order.Submitted, exchange.CodeOrdered, nil, nil},

		{"accept", any, nil, accept, 199, order.Accepted, exchange.CodeOK, nil, nil},
		{"accept at the deadline", any, nil, accept, 200, order.Submitted, exchange.CodeExpired, nil, nil},
		{"accept again", any, []order.Event{accept}, accept, 150, order.Accepted, exchange.CodeState, nil, nil},
		{"accept what is shipped", any, []order.Event{accept, shipAll}, accept, 150, order.Shipped, exchange.CodeState, nil, nil},
		{"accept what is rejected", any, []order.Event{order.Reject{}}, accept, 150, order.Rejected, exchange.CodeState, nil, nil},

		{"reject", any, nil, order.Reject{}, 150, order.Rejected, exchange.CodeOK, nil, all},
		{"reject after the deadline", any, nil, order.Reject{}, 250, order.Rejected, exchange.CodeOK, nil, all},
		{"reject what is left", any, []order.Event{order.Cancel{By: byBuyer, Lines: units("shoe", 5)}}, order.Reject{}, 150, order.Rejected, exchange.CodeOK, nil, units("lace", 2)},
		{"reject what is accepted", any, []order.Event{accept}, order.Reject{}, 150, order.Accepted, exchange.CodeState, nil, nil},

		{"expire", any, nil, order.Expire{}, 200, order.Expired, exchange.CodeOK, nil, all},
		{"expire a millisecond early", any, nil, order.Expire{}, 199, order.Submitted, exchange.CodeState, nil, nil},
		{"expire what is accepted", any, []order.Event{accept}, order.Expire{}, 300, order.Accepted, exchange.CodeState, nil, nil},
		{"expire again", any, []order.Event{order.Reject{}}, order.Expire{}, 300, order.Rejected, exchange.CodeState, nil, nil},

		{"ship before accepting", any, nil, shipAll, 150, order.Submitted, exchange.CodeState, nil, nil},
		{"ship all", any, []order.Event{accept}, shipAll, 150, order.Shipped, exchange.CodeOK, all, nil},
		{"ship a part", any, []order.Event{accept}, order.Ship{Lines: units("shoe", 2)}, 150, order.PartlyShipped, exchange.CodeOK, units("shoe", 2), nil},
		{"ship in two lots", any, []order.Event{accept}, order.Ship{Lines: units("shoe", 2, "shoe", 3, "lace", 2)}, 150, order.Shipped, exchange.CodeOK, units("shoe", 2, "shoe", 3, "lace", 2), nil},
		{"ship the rest", any, []order.Event{accept, order.Ship{Lines: units("shoe", 2)}}, shipAll, 150, order.Shipped, exchange.CodeOK, units("shoe", 3, "lace", 2), nil},
		{"ship more than is left", any, []order.Event{accept, order.Ship{Lines: units("shoe", 2)}}, order.Ship{Lines: units("shoe", 4)}, 150, order.PartlyShipped, exchange.CodeState, nil, nil},
		{"ship too much in two lots", any, []order.Event{accept}, order.Ship{Lines: units("lace", 2, "shoe", 3, "shoe", 3)}, 150, order.Accepted, exchange.CodeState, nil, nil},
		{"ship another product", any, []order.Event{accept}, order.Ship{Lines: units("sock", 1)}, 150, order.Accepted, exchange.CodeInvalid, nil, nil},
		{"ship no units", any, []order.Event{accept}, order.Ship{Lines: units("shoe", 0)}, 150, order.Accepted, exchange.CodeInvalid, nil, nil},
		{"ship negative units", any, []order.Event{accept}, order.Ship{Lines: units("shoe", math.MinInt64)}, 150, order.Accepted, exchange.CodeInvalid, nil, nil},
		{"ship when all is shipped", any, []order.Event{accept, shipAll}, shipAll, 150, order.Shipped, exchange.CodeState, nil, nil},
		{"ship what was cancelled", any, []order.Event{accept, order.Cancel{By: byShop, Lines: units("lace", 2)}}, order.Ship{Lines: units("lace", 1)}, 150, order.Accepted, exchange.CodeState, nil, nil},
		{"ship after the deadline", any, []order.Event{accept}, shipAll, 999, order.Shipped, exchange.CodeOK, all, nil},

		{"deliver before shipping", any, []order.Event{accept}, order.Deliver{}, 150, order.Accepted, exchange.CodeState, nil, nil},
		{"deliver all", any, []order.Event{accept, shipAll}, order.Deliver{}, 150, order.Delivered, exchange.CodeOK, nil, nil},
		{"deliver a part", any, []order.Event{accept, shipAll}, order.Deliver{Lines: units("shoe", 1)}, 150, order.Shipped, exchange.CodeOK, nil, nil},
		{"deliver one parcel of two", any, []order.Event{accept, order.Ship{Lines: units("shoe", 2)}}, order.Deliver{}, 150, order.PartlyShipped, exchange.CodeOK, nil, nil},
		{"deliver more than was shipped", any, []order.Event{accept, order.Ship{Lines: units("shoe", 2)}}, order.Deliver{Lines: units("shoe", 3)}, 150, order.PartlyShipped, exchange.CodeState, nil, nil},
		{"deliver more than is on the way", any, []order.Event{accept, shipAll, order.Deliver{Lines: units("shoe", 3)}}, order.Deliver{Lines: units("shoe", 3)}, 150, order.Shipped, exchange.CodeState, nil, nil},
		{"deliver again", any, []order.Event{accept, shipAll, order.Deliver{}}, order.Deliver{}, 150, order.Delivered, exchange.CodeState, nil, nil},
		{"deliver what was not cancelled", any, []order.Event{accept, order.Ship{Lines: units("shoe", 2)}, order.Cancel{By: byBuyer}}, order.Deliver{}, 150, order.Delivered, exchange.CodeOK, nil, nil},

		{"cancel all", any, nil, order.Cancel{By: byBuyer}, 150, order.Cancelled, exchange.CodeOK, nil, all},
		{"cancel a part", any, nil, order.Cancel{By: byBuyer, Lines: units("shoe", 4)}, 150, order.Submitted, exchange.CodeOK, nil, units("shoe", 4)},
		{"cancel what is accepted", any, []order.Event{accept}, order.Cancel{By: byBuyer}, 150, order.Cancelled, exchange.CodeOK, nil, all},
		{"cancel the rest", any, []order.Event{accept, order.Ship{Lines: units("shoe", 2)}}, order.Cancel{By: byBuyer}, 150, order.Shipped, exchange.CodeOK, nil, units("shoe", 3, "lace", 2)},
		{"cancel shipped units too", any, []order.Event{accept, order.Ship{Lines: units("shoe", 2)}}, order.Cancel{By: byBuyer, Lines: units("shoe", 4)}, 150, order.PartlyShipped, exchange.CodeShipped, nil, nil},
		{"cancel more than was ordered", any, []order.Event{accept}, order.Cancel{By: byBuyer, Lines: units("shoe", 6)}, 150, order.Accepted, exchange.CodeState, nil, nil},
		{"cancel units twice", any, []order.Event{order.Cancel{By: byBuyer, Lines: units("lace", 2)}}, order.Cancel{By: byBuyer, Lines: units("lace", 1)}, 150, order.Submitted, exchange.CodeState, nil, nil},
		{"cancel what is shipped", any, []order.Event{accept, shipAll}, order.Cancel{By: byBuyer}, 150, order.Shipped, exchange.CodeShipped, nil, nil},
		{"cancel what is delivered", any, []order.Event{accept, shipAll, order.Deliver{}}, order.Cancel{By: byBuyer}, 150, order.Delivered, exchange.CodeShipped, nil, nil},
		{"cancel again", any, []order.Event{order.Cancel{By: byBuyer}}, order.Cancel{By: byBuyer}, 150, order.Cancelled, exchange.CodeState, nil, nil},
		{"cancel another product", any, nil, order.Cancel{By: byBuyer, Lines: units("sock", 1)}, 150, order.Submitted, exchange.CodeInvalid, nil, nil},
		{"cancel by nobody", any, nil, order.Cancel{}, 150, order.Submitted, exchange.CodeInvalid, nil, nil},
		{"cancel early", early, nil, order.Cancel{By: byBuyer}, 150, order.Cancelled, exchange.CodeOK, nil, all},
		{"cancel early, too late", early, []order.Event{accept}, order.Cancel{By: byBuyer}, 150, order.Accepted, exchange.CodeCancelRule, nil, nil},
		{"cancel never", notAtAll, nil, order.Cancel{By: byBuyer}, 150, order.Submitted, exchange.CodeCancelRule, nil, nil},
		{"the supplier cancels whatever the rule", notAtAll, []order.Event{accept}, order.Cancel{By: byShop}, 150, order.Cancelled, exchange.CodeOK, nil, all},

		{"no event", any, nil, nil, 150, order.Submitted, exchange.CodeInternal, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := at(t, c.rule, c.before...)
			next, fx, err := order.Step(before, c.event, c.now)
			if exchange.CodeOf(err) != c.code || next.Status() != c.want {
				t.Errorf("%v, %v; want %v, %v", next.Status(), err, c.want, c.code)
				return
			}
			if err != nil && !reflect.DeepEqual(next, before) {
				t.Error("refused, but the order changed")
			}
			if !slices.Equal(fx.Shipped, c.shipped) || !slices.Equal(fx.Freed, c.freed) {
				t.Errorf("effects %+v; want shipped %+v, freed %+v", fx, c.shipped, c.freed)
			}
			if err == nil && (next.Closed == c.now) != next.Status().Terminal() {
				t.Errorf("%v, closed at %v", next.Status(), next.Closed)
			}
		})
	}
}

func TestNothingSubmitted(t *testing.T) {
	for _, e := range []order.Event{order.Accept{}, order.Reject{}, order.Expire{}, order.Ship{}, order.Deliver{}, order.Cancel{By: exchange.Retailer}} {
		t.Run(fmt.Sprintf("%T", e), func(t *testing.T) {
			next, _, err := order.Step(order.Order{}, e, 100)
			if exchange.CodeOf(err) != exchange.CodeNotFound || next.Status() != order.None {
				t.Errorf("%v, %v", next.Status(), err)
			}
		})
	}
}

func TestSubmitRefuses(t *testing.T) {
	good := order.Submit{Lines: asked, Cancel: exchange.CancelNever, AcceptBy: 200}
	for name, c := range map[string]struct {
		submit order.Submit
		now    exchange.Time
		code   exchange.Code
	}{
		"good":                {good, 100, exchange.CodeOK},
		"no lines":            {order.Submit{Cancel: good.Cancel, AcceptBy: 200}, 100, exchange.CodeInvalid},
		"no cancel rule":      {order.Submit{Lines: asked, AcceptBy: 200}, 100, exchange.CodeInvalid},
		"unknown cancel rule": {order.Submit{Lines: asked, Cancel: 9, AcceptBy: 200}, 100, exchange.CodeInvalid},
		"no time":             {good, 0, exchange.CodeInvalid},
		"before 1970":         {good, -1, exchange.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			next, fx, err := order.Step(order.Order{}, c.submit, c.now)
			if exchange.CodeOf(err) != c.code || (next.Status() == order.Submitted) != (err == nil) {
				t.Errorf("%v, %v", next.Status(), err)
			}
			if fx.Shipped != nil || fx.Freed != nil {
				t.Errorf("effects %+v", fx)
			}
		})
	}
}

// TestStepKeepsItsInput runs each event on slices with room to spare, where a
// careless append would write into the caller's memory.
func TestStepKeepsItsInput(t *testing.T) {
	spare := func(lines []order.Units) []order.Units { return append(make([]order.Units, 0, 16), lines...) }
	for _, e := range []order.Event{
		order.Ship{Lines: spare(nil)}, order.Ship{Lines: spare(units("shoe", 1))},
		order.Deliver{Lines: spare(nil)}, order.Deliver{Lines: spare(units("shoe", 1))},
		order.Cancel{By: exchange.Supplier, Lines: spare(nil)}, order.Cancel{By: exchange.Supplier, Lines: spare(units("shoe", 1))},
	} {
		t.Run(fmt.Sprintf("%T of %d lines", e, len(linesOf(e))), func(t *testing.T) {
			o := at(t, exchange.CancelUntilShipped, order.Accept{}, order.Ship{Lines: units("shoe", 2)})
			o.Lines = append(make([]order.Line, 0, 16), o.Lines...)
			lines := slices.Clone(o.Lines)
			given := linesOf(e)
			whole := slices.Clone(given[:cap(given)])
			next, fx, err := order.Step(o, e, 150)
			if err != nil {
				t.Fatalf("%#v: %v", e, err)
			}
			for i := range next.Lines {
				next.Lines[i].Ordered = -1
			}
			for _, out := range [][]order.Units{fx.Shipped, fx.Freed} {
				for i := range out {
					out[i].Units = -1
				}
			}
			if !slices.Equal(o.Lines, lines) || !slices.Equal(given[:cap(given)], whole) {
				t.Error("it shares memory with its input")
			}
		})
	}
}

func linesOf(e order.Event) []order.Units {
	switch e := e.(type) {
	case order.Ship:
		return e.Lines
	case order.Deliver:
		return e.Lines
	case order.Cancel:
		return e.Lines
	}
	return nil
}

func TestTerminal(t *testing.T) {
	for s := range order.Expired + 1 {
		want := s == order.Delivered || s == order.Cancelled || s == order.Rejected || s == order.Expired
		if s.Terminal() != want {
			t.Errorf("%v is terminal: %v", s, !want)
		}
	}
}

func TestStatusNames(t *testing.T) {
	for s, want := range map[order.Status]string{
		order.None: "none", order.Submitted: "submitted", order.Accepted: "accepted", order.PartlyShipped: "partly_shipped",
		order.Shipped: "shipped", order.Delivered: "delivered", order.Cancelled: "cancelled", order.Rejected: "rejected",
		order.Expired: "expired", 9: "unknown", math.MaxUint32: "unknown",
	} {
		t.Run(fmt.Sprint(uint32(s)), func(t *testing.T) {
			if s.String() != want {
				t.Errorf("%q, want %q", s, want)
			}
		})
	}
}

// TestStatusText: errors and pages say a status as people do.
func TestStatusText(t *testing.T) {
	o := at(t, exchange.CancelUntilShipped, order.Accept{}, order.Ship{Lines: units("shoe", 1)})
	if _, _, err := order.Step(o, order.Accept{}, 300); err == nil || err.Error() != "the order is partly shipped already" {
		t.Errorf("%v", err)
	}
	if s := o.Status(); s.Text() != "partly shipped" || s.String() != "partly_shipped" {
		t.Errorf("%v, %q", s, s.Text())
	}
}
