package basket_test

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/basket"
	"github.com/souk-market/souk/exchange/exchangetest"
)

var lines = exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 2})

// parts are parts at one supplier each, in states; all expire at 200 + their number.
func parts(states ...basket.PartState) (list []basket.Part) {
	for i, s := range states {
		list = append(list, basket.Part{
			Supplier: exchange.ShopID{byte(i + 1)}, Hold: exchange.HoldID{byte(i + 1)}, Lines: lines, State: s, Expires: exchange.Time(200 + i),
		})
	}
	return list
}

func in(state basket.State, states ...basket.PartState) basket.Basket {
	return basket.Basket{State: state, Parts: parts(states...), Began: 100}
}

func ending(end basket.State, states ...basket.PartState) basket.Basket {
	b := in(basket.Releasing, states...)
	b.End = end
	return b
}

func partial(b basket.Basket) basket.Basket {
	b.Partial = true
	return b
}

func cancelling(b basket.Basket) basket.Basket {
	b.CancelRest = true
	return b
}

const (
	asked     = basket.PartAsked
	held      = basket.PartHeld
	refused   = basket.PartRefused
	returning = basket.PartReturning
	released  = basket.PartReleased
	expired   = basket.PartExpired
	ordered   = basket.PartOrdered
	accepted  = basket.PartAccepted
	rejected  = basket.PartRejected
)

func TestSteps(t *testing.T) {
	no := basket.Refuse{Part: 1, Code: exchange.CodeInsufficient, Detail: "short"}
	over := func(part int, state basket.PartState) basket.End { return basket.End{Part: part, State: state} }
	for _, c := range []struct {
		name   string
		from   basket.Basket
		event  basket.Event
		now    exchange.Time
		want   basket.State // after a refusal: unchanged
		parts  []basket.PartState
		code   exchange.Code
		back   []int
		cancel []int
	}{
		{"begin", basket.Basket{}, basket.Begin{Parts: parts(asked, asked)}, 100, basket.Holding, []basket.PartState{asked, asked}, 0, nil, nil},
		{"begin with the own part held", basket.Basket{}, basket.Begin{Parts: parts(asked, held)}, 100, basket.Holding, []basket.PartState{asked, held}, 0, nil, nil},
		{"begin with own parts alone", basket.Basket{}, basket.Begin{Parts: parts(held)}, 100, basket.Held, []basket.PartState{held}, 0, nil, nil},
		{"begin with a no", basket.Basket{}, basket.Begin{Parts: parts(asked, refused)}, 100, basket.Releasing, []basket.PartState{returning, refused}, 0, []int{0}, nil},
		{"begin with nothing but a no", basket.Basket{}, basket.Begin{Parts: parts(refused)}, 100, basket.Refused, []basket.PartState{refused}, 0, nil, nil},
		{"begin with nothing", basket.Basket{}, basket.Begin{}, 100, basket.None, nil, exchange.CodeInvalid, nil, nil},
		{"begin twice at one shop", basket.Basket{}, basket.Begin{Parts: append(parts(asked), parts(asked)...)}, 100, basket.None, nil, exchange.CodeInvalid, nil, nil},
		{"begin with too many", basket.Basket{}, basket.Begin{Parts: parts(slices.Repeat([]basket.PartState{asked}, basket.MaxParts+1)...)}, 100, basket.None, nil, exchange.CodeInvalid, nil, nil},
		{"begin with an end", basket.Basket{}, basket.Begin{Parts: parts(released)}, 100, basket.None, nil, exchange.CodeInternal, nil, nil},
		{"begin again", in(basket.Held, held), basket.Begin{Parts: parts(asked)}, 100, basket.Held, []basket.PartState{held}, exchange.CodeConflict, nil, nil},

		{"one answer", in(basket.Holding, asked, asked), basket.Answer{Part: 0, Expires: 300}, 110, basket.Holding, []basket.PartState{held, asked}, 0, nil, nil},
		{"the last answer", in(basket.Holding, held, asked), basket.Answer{Part: 1, Expires: 300}, 110, basket.Held, []basket.PartState{held, held}, 0, nil, nil},
		{"an answer too late", ending(basket.Refused, returning, refused), basket.Answer{Part: 0, Expires: 300}, 110, basket.Releasing, []basket.PartState{returning, refused}, 0, nil, nil},
		{"an answer about nothing", in(basket.Holding, asked), basket.Answer{Part: 1}, 110, basket.Holding, []basket.PartState{asked}, exchange.CodeInternal, nil, nil},
		{"the first no", in(basket.Holding, held, asked, asked), no, 110, basket.Releasing, []basket.PartState{returning, refused, returning}, 0, []int{0, 2}, nil},
		{"another no", ending(basket.Refused, refused, returning), no, 110, basket.Refused, []basket.PartState{refused, refused}, 0, nil, nil},
		{"a no to a partial one", partial(in(basket.Holding, held, asked)), no, 110, basket.PartlyHeld, []basket.PartState{held, refused}, 0, nil, nil},
		{"nothing of a partial one", partial(in(basket.Holding, refused, asked)), no, 110, basket.Refused, []basket.PartState{refused, refused}, 0, nil, nil},
		{"a no to what was held", in(basket.Held, held, held), no, 110, basket.Releasing, []basket.PartState{returning, released}, 0, []int{0}, nil},

		{"a no that may not hold", partial(in(basket.Holding, held, asked)), basket.Refuse{Part: 1, Code: exchange.CodeLimit, Unsure: true}, 110, basket.PartlyHeld, []basket.PartState{held, returning}, 0, []int{1}, nil},
		{"the same of what is held", in(basket.Held, held), basket.Refuse{Part: 0, Code: exchange.CodeLimit, Unsure: true}, 110, basket.Held, []basket.PartState{held}, 0, nil, nil},

		{"silence", in(basket.Holding, held, asked), basket.GiveUp{}, 110, basket.Releasing, []basket.PartState{returning, returning}, 0, []int{1, 0}, nil},
		{"silence of a partial one", partial(in(basket.Holding, held, asked)), basket.GiveUp{}, 110, basket.PartlyHeld, []basket.PartState{held, returning}, 0, []int{1}, nil},
		{"silence alone", partial(in(basket.Holding, asked)), basket.GiveUp{}, 110, basket.Releasing, []basket.PartState{returning}, 0, []int{0}, nil},
		{"silence when held", in(basket.Held, held), basket.GiveUp{}, 110, basket.Held, []basket.PartState{held}, 0, nil, nil},

		{"the last to be given back", ending(basket.Refused, refused, returning), over(1, released), 120, basket.Refused, []basket.PartState{refused, released}, 0, nil, nil},
		{"not the last", ending(basket.Released, returning, returning), over(1, released), 120, basket.Releasing, []basket.PartState{returning, released}, 0, nil, nil},
		{"a part lost", in(basket.Held, held, held), over(0, released), 120, basket.Releasing, []basket.PartState{released, returning}, 0, []int{1}, nil},
		{"a part expired", in(basket.Held, held, held), over(0, expired), 120, basket.Releasing, []basket.PartState{expired, returning}, 0, []int{1}, nil},
		{"a part lost of a partial one", partial(in(basket.Held, held, held)), over(0, released), 120, basket.PartlyHeld, []basket.PartState{released, held}, 0, nil, nil},
		{"the last part lost", partial(in(basket.PartlyHeld, held, refused)), over(0, released), 120, basket.Released, []basket.PartState{released, refused}, 0, nil, nil},
		{"a part given back by hand", in(basket.Held, held, held), basket.Return{Part: 0}, 120, basket.Releasing, []basket.PartState{returning, returning}, 0, []int{1}, nil},
		{"the end of what is ordered", in(basket.Ordering, ordered), over(0, released), 120, basket.Ordering, []basket.PartState{ordered}, 0, nil, nil},

		{"release", in(basket.Held, held, held), basket.Release{}, 120, basket.Releasing, []basket.PartState{returning, returning}, 0, []int{0, 1}, nil},
		{"release what is being held", in(basket.Holding, asked, held), basket.Release{}, 120, basket.Releasing, []basket.PartState{returning, returning}, 0, []int{0, 1}, nil},
		{"release again", in(basket.Released, released), basket.Release{}, 120, basket.Released, []basket.PartState{released}, 0, nil, nil},
		{"release what is ordered", in(basket.Ordering, ordered), basket.Release{}, 120, basket.Ordering, []basket.PartState{ordered}, exchange.CodeOrdered, nil, nil},
		{"release nothing", basket.Basket{}, basket.Release{}, 120, basket.None, nil, exchange.CodeNotFound, nil, nil},

		{"expire", in(basket.Held, held, held), basket.Expire{}, 200, basket.Releasing, []basket.PartState{returning, returning}, 0, []int{0, 1}, nil},
		{"expire early", in(basket.Held, held, held), basket.Expire{}, 199, basket.Held, []basket.PartState{held, held}, exchange.CodeState, nil, nil},
		{"expire what is being held", in(basket.Holding, asked, held), basket.Expire{}, 200, basket.Releasing, []basket.PartState{returning, returning}, 0, []int{0, 1}, nil},
		{"expire what is ordered", in(basket.Ordering, ordered), basket.Expire{}, 300, basket.Ordering, []basket.PartState{ordered}, 0, nil, nil},

		{"order", in(basket.Held, held, held), basket.Order{}, 199, basket.Ordering, []basket.PartState{ordered, ordered}, 0, nil, nil},
		{"order a partial one", partial(in(basket.PartlyHeld, refused, held, returning)), basket.Order{}, 199, basket.Ordering, []basket.PartState{refused, ordered, returning}, 0, nil, nil},
		{"order at the earliest expiry", in(basket.Held, held, held), basket.Order{}, 200, basket.Held, []basket.PartState{held, held}, exchange.CodeExpired, nil, nil},
		{"order what is not held yet", in(basket.Holding, asked), basket.Order{}, 110, basket.Holding, []basket.PartState{asked}, exchange.CodeState, nil, nil},
		{"order what was refused", in(basket.Refused, refused), basket.Order{}, 110, basket.Refused, []basket.PartState{refused}, exchange.CodeReleased, nil, nil},
		{"order what is given back", ending(basket.Released, returning), basket.Order{}, 110, basket.Releasing, []basket.PartState{returning}, exchange.CodeReleased, nil, nil},
		{"order what is expiring", ending(basket.Expired, returning), basket.Order{}, 210, basket.Releasing, []basket.PartState{returning}, exchange.CodeExpired, nil, nil},
		{"order what has expired", in(basket.Expired, expired), basket.Order{}, 210, basket.Expired, []basket.PartState{expired}, exchange.CodeExpired, nil, nil},
		{"order again", in(basket.Ordering, ordered), basket.Order{}, 110, basket.Ordering, []basket.PartState{ordered}, exchange.CodeOrdered, nil, nil},
		{"order what is done", in(basket.Done, accepted), basket.Order{}, 110, basket.Done, []basket.PartState{accepted}, exchange.CodeOrdered, nil, nil},

		{"accepted", in(basket.Ordering, ordered, ordered), basket.Accept{Part: 0}, 210, basket.Ordering, []basket.PartState{accepted, ordered}, 0, nil, nil},
		{"the last accepted", in(basket.Ordering, ordered, accepted), basket.Accept{Part: 0}, 210, basket.Done, []basket.PartState{accepted, accepted}, 0, nil, nil},
		{"accepted again", in(basket.Done, accepted), basket.Accept{Part: 0}, 210, basket.Done, []basket.PartState{accepted}, 0, nil, nil},
		{"rejected", in(basket.Ordering, ordered, accepted), basket.Reject{Part: 0, Code: exchange.CodeExpired}, 210, basket.Done, []basket.PartState{rejected, accepted}, 0, []int{0}, nil},
		{"rejected, and the rest cancelled", cancelling(in(basket.Ordering, ordered, accepted, ordered)), basket.Reject{Part: 0, Code: exchange.CodeExpired}, 210, basket.Ordering, []basket.PartState{rejected, accepted, ordered}, 0, []int{0}, []int{1, 2}},
		{"rejected after the rest was cancelled", cancelling(in(basket.Ordering, rejected, accepted, ordered)), basket.Reject{Part: 2, Code: exchange.CodeExpired}, 210, basket.Done, []basket.PartState{rejected, accepted, rejected}, 0, []int{2}, nil},
		{"accepted, not ordered", in(basket.Held, held), basket.Accept{Part: 0}, 110, basket.Held, []basket.PartState{held}, 0, nil, nil},
		{"done while one is still given back", partial(in(basket.Ordering, ordered, returning)), basket.Accept{Part: 0}, 210, basket.Done, []basket.PartState{accepted, returning}, 0, nil, nil},

		{"an order found after a loss", in(basket.Held, held, held), basket.Adopt{Part: 0}, 110, basket.Ordering, []basket.PartState{ordered, held}, 0, nil, nil},
		{"the rest ordered after a loss", in(basket.Ordering, accepted, held), basket.Order{}, 110, basket.Ordering, []basket.PartState{accepted, ordered}, 0, nil, nil},
		{"the rest expires after a loss", in(basket.Ordering, accepted, held), basket.Expire{}, 201, basket.Done, []basket.PartState{accepted, returning}, 0, []int{1}, nil},
		{"no event", in(basket.Held, held), nil, 110, basket.Held, []basket.PartState{held}, exchange.CodeInternal, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := slices.Clone(c.from.Parts)
			next, fx, err := basket.Step(c.from, c.event, c.now)
			if exchange.CodeOf(err) != c.code || next.State != c.want {
				t.Fatalf("%v, %v; want %v, %v", next.State, err, c.want, c.code)
			}
			var states []basket.PartState
			for _, p := range next.Parts {
				states = append(states, p.State)
			}
			if !slices.Equal(states, c.parts) {
				t.Errorf("parts %v, want %v", states, c.parts)
			}
			if !slices.Equal(fx.Return, c.back) || !slices.Equal(fx.Cancel, c.cancel) {
				t.Errorf("effects %+v, want %v and %v", fx, c.back, c.cancel)
			}
			if !reflect.DeepEqual(c.from.Parts, before) {
				t.Error("the basket before was written to")
			}
			if err == nil && next.State.Terminal() && c.from.State != next.State && next.Ended != c.now {
				t.Errorf("ended at %d, want %d", next.Ended, c.now)
			}
		})
	}
}

// An extension moves a part's expiry, and the basket's with the earliest; none moves it back.
func TestExpires(t *testing.T) {
	b := in(basket.Held, held, held)
	for _, c := range []struct {
		part        int
		until, want exchange.Time
	}{{0, 300, 201}, {1, 250, 250}, {1, 240, 250}, {1, 400, 300}} {
		var err error
		if b, _, err = basket.Step(b, basket.Answer{Part: c.part, Expires: c.until}, 110); err != nil || b.Expires() != c.want {
			t.Errorf("part %d until %d: the basket expires at %d, want %d (%v)", c.part, c.until, b.Expires(), c.want, err)
		}
	}
}

// TestRandomSteps: whatever happens to a basket, in any order and twice,
//   - nothing is held for nobody: a part that may be held and is not kept is given back, once;
//   - a basket of all or none is ordered whole, and never past its earliest expiry;
//   - what has ended stays as it ended, and a basket is terminal only if nothing is held of it.
func TestRandomSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "parts")
		begin := basket.Begin{Partial: rapid.Bool().Draw(t, "partial")}
		for i := range n {
			p := parts(asked)[0]
			p.Supplier, p.Hold, p.Expires = exchange.ShopID{byte(i + 1)}, exchange.HoldID{byte(i + 1)}, exchange.Time(110+rapid.IntRange(0, 40).Draw(t, "life"))
			p.State = rapid.SampledFrom([]basket.PartState{asked, asked, asked, held, refused}).Draw(t, "state")
			begin.Parts = append(begin.Parts, p)
		}
		now := exchange.Time(100)
		b := basket.Basket{}
		returned := make(map[int]int)
		step := func(e basket.Event) {
			before := b
			next, fx, err := basket.Step(b, e, now)
			if err != nil {
				if !reflect.DeepEqual(next, before) {
					t.Fatalf("refused %T, and the basket changed", e)
				}
				return
			}
			b = next
			for _, i := range fx.Return {
				returned[i]++
			}
			judge(t, before, b, e, now, returned)
		}
		step(begin)
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			now += exchange.Time(rapid.IntRange(0, 5).Draw(t, "pause"))
			i := rapid.IntRange(0, n-1).Draw(t, "part")
			step(rapid.SampledFrom([]basket.Event{
				basket.Answer{Part: i, Expires: now + 20}, basket.Answer{Part: i, Expires: now + 20}, basket.Refuse{Part: i, Code: exchange.CodeInsufficient},
				basket.End{Part: i, State: released}, basket.End{Part: i, State: expired}, basket.Return{Part: i}, basket.GiveUp{}, basket.Release{},
				basket.Expire{}, basket.Order{}, basket.Order{CancelRest: true}, basket.Accept{Part: i}, basket.Reject{Part: i, Code: exchange.CodeExpired},
			}).Draw(t, "event"))
		}
	})
}

// judge holds a step against what must always be.
func judge(t *rapid.T, before, after basket.Basket, e basket.Event, now exchange.Time, returned map[int]int) {
	open := 0
	for i, p := range after.Parts {
		if i < len(before.Parts) {
			if was := before.Parts[i].State; was.Ended() && p.State != was {
				t.Fatalf("part %d had ended, %v, and became %v by %T", i, was, p.State, e)
			}
		}
		if p.State == asked || p.State == held {
			open++
		}
		if p.State == returning && returned[i] == 0 {
			if _, byHand := e.(basket.Return); !byHand {
				t.Fatalf("part %d is returning, and nobody was told by %T", i, e)
			}
			returned[i] = 1
		}
		if p.State != rejected && returned[i] > 1 {
			t.Fatalf("part %d was given back %d times", i, returned[i])
		}
	}
	if before.State.Terminal() && after.State != before.State {
		t.Fatalf("%v became %v by %T", before.State, after.State, e)
	}
	if (after.State.Terminal() || after.State == basket.Releasing) && open > 0 {
		t.Fatalf("the basket is %v, and %d parts are held or asked for", after.State, open)
	}
	if after.State == basket.Held || after.State.IsHeld() && !after.Partial {
		for i, p := range after.Parts {
			if p.State != held {
				t.Fatalf("the basket is %v, and part %d is %v", after.State, i, p.State)
			}
		}
	}
	if before.State.IsHeld() && after.State == basket.Ordering {
		if first := before.Expires(); now >= first {
			t.Fatalf("ordered at %d, past %d", now, first)
		}
		for i, p := range after.Parts {
			if !before.Partial && p.State != ordered || before.Parts[i].State == held && p.State != ordered {
				t.Fatalf("ordered, and part %d is %v", i, p.State)
			}
		}
	}
}
