package basket

import (
	"slices"

	"github.com/souk-market/souk/exchange"
)

// Event is what can happen to a basket.
type Event interface{ basketEvent() }

type (
	// Begin asks for all parts at once. Each is PartAsked, or is answered already: PartHeld or
	// PartRefused.
	Begin struct {
		Parts   []Part
		Partial bool
	}
	// Answer: a part is held until Expires. It is said again when the part was extended.
	Answer struct {
		Part    int
		Expires exchange.Time
	}
	// Refuse: a part is not held, and will not be. Unsure of what was asked for: the request may be
	// carried out all the same, so the part is given back.
	Refuse struct {
		Part   int
		Code   exchange.Code
		Detail string
		Short  []exchange.Short
		Unsure bool
	}
	// End: a part that may have been held is held no longer. State is PartReleased or PartExpired.
	End struct {
		Part   int
		State  PartState
		Code   exchange.Code
		Detail string
	}
	// Return: a part is being given back by itself, and cannot be ordered any more.
	Return struct{ Part int }
	// GiveUp: nobody waits any longer for parts that were not answered.
	GiveUp struct{}
	// Release gives everything back that is not ordered.
	Release struct{}
	// Expire gives a basket back whose time has come.
	Expire struct{}
	// Order orders every part that is held.
	Order struct{ CancelRest bool }
	// Adopt: a part's order was found that this basket does not know of: its shop has lost records.
	Adopt struct{ Part int }
	// Accept: the order of a part was accepted.
	Accept struct{ Part int }
	// Reject: the order of a part was not accepted, and never will be.
	Reject struct {
		Part   int
		Code   exchange.Code
		Detail string
	}
)

func (Begin) basketEvent()   {}
func (Answer) basketEvent()  {}
func (Refuse) basketEvent()  {}
func (End) basketEvent()     {}
func (Return) basketEvent()  {}
func (GiveUp) basketEvent()  {}
func (Release) basketEvent() {}
func (Expire) basketEvent()  {}
func (Order) basketEvent()   {}
func (Adopt) basketEvent()   {}
func (Accept) basketEvent()  {}
func (Reject) basketEvent()  {}

// Effects say what must be done, durably, with a step. The numbers are those of parts.
type Effects struct {
	Return []int // their holds are given back until the supplier has answered
	Cancel []int // their orders are cancelled, as far as they can be
}

// Step returns the basket after e. Refusals: CodeExpired, CodeReleased or CodeOrdered where the
// basket has come to an end that e does not allow; CodeState where it is not there yet, or an
// Expire comes too early; CodeConflict for a second Begin; CodeInvalid for parts that are none.
// On error the basket is unchanged. The parts of b are never written to.
func Step(b Basket, e Event, now exchange.Time) (Basket, Effects, error) {
	next, fx, err := b, Effects{}, error(nil)
	next.Parts = slices.Clone(b.Parts)
	switch e := e.(type) {
	case Begin:
		err = next.begin(e, now)
	case Answer:
		err = next.at(e.Part, func(p *Part) { next.answer(p, e.Expires) })
	case Refuse:
		err = next.at(e.Part, func(p *Part) { p.refuse(e, &fx) })
	case End:
		err = next.at(e.Part, func(p *Part) { p.end(e) })
	case Return:
		err = next.at(e.Part, func(p *Part) {
			if p.State == PartHeld {
				p.State = PartReturning
			}
		})
	case GiveUp:
		next.giveUp(&fx)
	case Release:
		err = next.release(&fx)
	case Expire:
		err = next.expire(&fx, now)
	case Order:
		err = next.order(e, now)
	case Adopt:
		err = next.at(e.Part, func(p *Part) { next.adopt(p) })
	case Accept:
		err = next.at(e.Part, func(p *Part) {
			if p.State == PartOrdered {
				p.State = PartAccepted
			}
		})
	case Reject:
		err = next.at(e.Part, func(p *Part) { next.reject(e, p, &fx) })
	default:
		err = exchange.Errorf(exchange.CodeInternal, "unknown basket event %T", e)
	}
	if err != nil {
		return b, Effects{}, err
	}
	next.settle(&fx, now)
	return next, fx, nil
}

// at changes a part.
func (b *Basket) at(part int, change func(*Part)) error {
	if part < 0 || part >= len(b.Parts) {
		return exchange.Errorf(exchange.CodeInternal, "a basket of %d parts has no part %d", len(b.Parts), part)
	}
	change(&b.Parts[part])
	return nil
}

func (b *Basket) begin(e Begin, now exchange.Time) error {
	if b.State != None {
		return exchange.Errorf(exchange.CodeConflict, "the basket has begun")
	}
	if len(e.Parts) == 0 || len(e.Parts) > MaxParts {
		return exchange.Errorf(exchange.CodeInvalid, "a basket has parts at 1 to %d suppliers, not %d", MaxParts, len(e.Parts))
	}
	lines := 0
	for i := range e.Parts {
		p := &e.Parts[i]
		if p.State != PartAsked && p.State != PartHeld && p.State != PartRefused {
			return exchange.Errorf(exchange.CodeInternal, "a basket begins with a part that is %v", p.State)
		}
		if slices.ContainsFunc(e.Parts[:i], func(o Part) bool { return o.Supplier == p.Supplier }) {
			return exchange.Errorf(exchange.CodeInvalid, "a basket has one part at each supplier; put all its lines into it")
		}
		lines += p.Lines.Len()
	}
	if lines > MaxLines {
		return exchange.Errorf(exchange.CodeInvalid, "a basket has at most %d lines, not %d; make two", MaxLines, lines)
	}
	b.State, b.Parts, b.Partial, b.Began = Holding, slices.Clone(e.Parts), e.Partial, now
	return nil
}

func (b *Basket) answer(p *Part, expires exchange.Time) {
	switch {
	case p.State == PartAsked && b.State == Holding:
		p.State, p.Expires = PartHeld, expires
	case p.State == PartHeld:
		p.Expires = max(p.Expires, expires)
	}
}

func (p *Part) refuse(e Refuse, fx *Effects) {
	switch {
	case e.Unsure && p.State == PartAsked:
		p.State, p.Refusal, p.Detail = PartReturning, e.Code, e.Detail
		fx.Return = append(fx.Return, e.Part)
	case e.Unsure && p.State == PartReturning:
		p.Refusal, p.Detail = e.Code, e.Detail
	case e.Unsure:
	case p.State == PartAsked || p.State == PartReturning:
		p.State, p.Refusal, p.Detail, p.Short = PartRefused, e.Code, e.Detail, e.Short
	case p.State == PartHeld:
		p.State, p.Refusal, p.Detail = PartReleased, e.Code, e.Detail
	}
}

func (p *Part) end(e End) {
	if p.State != PartAsked && p.State != PartHeld && p.State != PartReturning {
		return
	}
	p.State = e.State
	if e.Code != exchange.CodeOK {
		p.Refusal, p.Detail = e.Code, e.Detail
	}
}

// unanswered is why a part is given back about which its supplier has said nothing.
const unanswered = "the supplier did not answer in time; what it may hold is given back"

// giveUp has parts without an answer given back.
func (b *Basket) giveUp(fx *Effects) {
	if b.State != Holding {
		return
	}
	for i := range b.Parts {
		if p := &b.Parts[i]; p.State == PartAsked {
			p.State, p.Refusal, p.Detail = PartReturning, exchange.CodeUnavailable, unanswered
			fx.Return = append(fx.Return, i)
		}
	}
}

// giveBack has everything given back that is, or may be, held; then the basket becomes end.
func (b *Basket) giveBack(end State, fx *Effects) {
	b.State, b.End = Releasing, end
	for i := range b.Parts {
		p := &b.Parts[i]
		switch p.State {
		case PartAsked:
			p.Refusal, p.Detail = exchange.CodeUnavailable, unanswered
		case PartHeld:
		default:
			continue
		}
		p.State = PartReturning
		fx.Return = append(fx.Return, i)
	}
}

func (b *Basket) release(fx *Effects) error {
	switch b.State {
	case Holding, Held, PartlyHeld:
		b.giveBack(Released, fx)
	case Ordering, Done:
		return exchange.Errorf(exchange.CodeOrdered, "the basket has been ordered; cancel its orders instead")
	case None:
		return exchange.Errorf(exchange.CodeNotFound, "there is no such basket")
	}
	return nil
}

func (b *Basket) expire(fx *Effects, now exchange.Time) error {
	first := b.Expires()
	if b.State != Holding && !b.State.IsHeld() && b.State != Ordering || first == 0 {
		return nil
	}
	if now < first {
		return exchange.Errorf(exchange.CodeState, "the basket runs until %v", first)
	}
	if b.State == Ordering { // what is held still was not ordered (adopt)
		for i := range b.Parts {
			if p := &b.Parts[i]; p.State == PartHeld && p.Expires <= now {
				p.State = PartReturning
				fx.Return = append(fx.Return, i)
			}
		}
		return nil
	}
	b.giveBack(Expired, fx)
	return nil
}

func (b *Basket) order(e Order, now exchange.Time) error {
	switch b.State {
	case None:
		return exchange.Errorf(exchange.CodeNotFound, "there is no such basket")
	case Holding:
		return exchange.Errorf(exchange.CodeState, "the basket is not held yet")
	case Refused:
		return exchange.Errorf(exchange.CodeReleased, "the basket could not be held, so there is nothing to order")
	case Released, Expired, Releasing:
		if b.State == Expired || b.End == Expired {
			return exchange.Errorf(exchange.CodeExpired, "the basket has expired, and nothing was ordered; make it again")
		}
		return exchange.Errorf(exchange.CodeReleased, "the basket has been given back, and nothing was ordered; make it again")
	}
	first := b.Expires()
	if first == 0 {
		return exchange.Errorf(exchange.CodeOrdered, "the basket has been ordered")
	}
	if now >= first {
		return exchange.Errorf(exchange.CodeExpired, "a part of the basket expired at %v, and nothing was ordered; make it again", first)
	}
	for i := range b.Parts {
		if p := &b.Parts[i]; p.State == PartHeld {
			p.State = PartOrdered
		}
	}
	b.State, b.CancelRest = Ordering, e.CancelRest
	return nil
}

// adopt makes a part ordered that the basket has held, or given back: the order stands, whatever
// this shop has lost. The parts whose orders were lost stay held until they expire, or the basket is
// ordered again.
func (b *Basket) adopt(p *Part) {
	if p.State.IsOrdered() || b.State == None {
		return
	}
	p.State, p.Refusal, p.Detail = PartOrdered, exchange.CodeOK, ""
	b.State, b.End, b.Ended = Ordering, None, 0
}

func (b *Basket) reject(e Reject, p *Part, fx *Effects) {
	if p.State != PartOrdered {
		return
	}
	first := b.count(PartRejected) == 0
	p.State, p.Refusal, p.Detail = PartRejected, e.Code, e.Detail
	fx.Return = append(fx.Return, e.Part) // the supplier may hold it still
	if !b.CancelRest || !first {
		return
	}
	for i := range b.Parts {
		if s := b.Parts[i].State; s == PartOrdered || s == PartAccepted {
			fx.Cancel = append(fx.Cancel, i)
		}
	}
}

// settle draws the consequences of what the parts have become.
func (b *Basket) settle(fx *Effects, now exchange.Time) {
	before := b.State
	lost := len(b.Parts) - b.count(PartAsked, PartHeld)
	switch {
	case b.State == Holding && lost > 0 && !b.Partial:
		b.giveBack(Refused, fx)
	case b.State == Holding && b.count(PartAsked) > 0:
	case b.State == Holding && lost == 0:
		b.State = Held
	case b.State == Holding && b.count(PartHeld) > 0:
		b.State = PartlyHeld
	case b.State == Holding:
		b.giveBack(Refused, fx)
	case b.State.IsHeld() && lost > 0 && (!b.Partial || b.count(PartHeld) == 0):
		b.giveBack(b.endOfLost(), fx)
	case b.State == Held && lost > 0:
		b.State = PartlyHeld
	case b.State == Ordering && b.count(PartOrdered, PartHeld) == 0:
		b.State = Done
	}
	if b.State == Releasing && b.count(PartAsked, PartHeld, PartReturning) == 0 {
		b.State = b.End
	}
	if b.State.Terminal() && b.State != before {
		b.Ended = now
	}
}

// endOfLost is the end of a basket that has lost a part: as the part ended.
func (b *Basket) endOfLost() State {
	if b.count(PartExpired) > 0 {
		return Expired
	}
	return Released
}
