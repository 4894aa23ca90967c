package hold_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
)

var pair = exchangetest.Lines(exchange.Line{SKU: "shoe-42", Quantity: 2}, exchange.Line{SKU: "lace", Quantity: 1})

// Holds in each state, at the times 100 (placed), 150 (ended) and 200 (expiry).
var (
	none      = hold.Hold{}
	held      = hold.Hold{State: hold.Held, Lines: pair, Issued: 100, Expires: 200}
	committed = endedHold(hold.Committed)
	released  = endedHold(hold.Released)
	expired   = endedHold(hold.Expired)
	refused   = hold.Hold{State: hold.Refused, Issued: 100, Ended: 100, Refusal: exchange.CodeInsufficient}
	asked     = hold.Hold{State: hold.Asked, Lines: pair, Issued: 100, Expires: 200, Deadline: 120}
	tombstone = hold.Hold{State: hold.Released, Issued: 100, Ended: 100}
)

func endedHold(s hold.State) hold.Hold {
	return hold.Hold{State: s, Lines: pair, Issued: 100, Expires: 200, Ended: 150}
}

func TestHoldSteps(t *testing.T) {
	const limit = 500 * time.Millisecond // of a hold's life: until 600
	place := hold.Place{Lines: pair, Expires: 200}
	for _, c := range []struct {
		name  string
		hold  hold.Hold
		event hold.Event
		now   exchange.Time
		want  hold.State // after a refusal: unchanged
		code  exchange.Code
		move  hold.Move // of every line; 0 = no effect on stock
	}{
		{"place", none, place, 100, hold.Held, exchange.CodeOK, hold.MoveHold},
		{"place too late", none, place, 200, hold.None, exchange.CodeExpired, 0},
		{"place nothing", none, hold.Place{Expires: 200}, 100, hold.None, exchange.CodeInvalid, 0},
		{"place again", held, place, 101, hold.Held, exchange.CodeConflict, 0},
		{"place on a committed hold", committed, place, 160, hold.Committed, exchange.CodeOrdered, 0},
		{"place on a released hold", released, place, 160, hold.Released, exchange.CodeReleased, 0},
		{"place on a tombstone", tombstone, place, 160, hold.Released, exchange.CodeReleased, 0},
		{"place on an expired hold", expired, place, 160, hold.Expired, exchange.CodeExpired, 0},
		{"place on a refused hold", refused, place, 160, hold.Refused, exchange.CodeInsufficient, 0},

		{"refuse", none, hold.Refuse{Code: exchange.CodeCountry}, 100, hold.Refused, exchange.CodeOK, 0},
		{"refuse without a reason", none, hold.Refuse{}, 100, hold.None, exchange.CodeInternal, 0},
		{"refuse what is held", held, hold.Refuse{Code: exchange.CodeCountry}, 110, hold.Held, exchange.CodeConflict, 0},
		{"refuse what is refused", refused, hold.Refuse{Code: exchange.CodeCountry}, 110, hold.Refused, exchange.CodeInsufficient, 0},

		{"release", held, hold.Release{}, 150, hold.Released, exchange.CodeOK, hold.MoveRelease},
		{"release before the hold", none, hold.Release{}, 100, hold.Released, exchange.CodeOK, 0},
		{"release after the expiry", held, hold.Release{}, 250, hold.Released, exchange.CodeOK, hold.MoveRelease},
		{"release again", released, hold.Release{}, 160, hold.Released, exchange.CodeReleased, 0},
		{"release what is ordered", committed, hold.Release{}, 160, hold.Committed, exchange.CodeOrdered, 0},
		{"release what expired", expired, hold.Release{}, 160, hold.Expired, exchange.CodeExpired, 0},
		{"release what was refused", refused, hold.Release{}, 160, hold.Refused, exchange.CodeInsufficient, 0},

		{"expire", held, hold.Expire{}, 200, hold.Expired, exchange.CodeOK, hold.MoveRelease},
		{"expire a millisecond early", held, hold.Expire{}, 199, hold.Held, exchange.CodeState, 0},
		{"expire nothing", none, hold.Expire{}, 200, hold.None, exchange.CodeNotFound, 0},
		{"expire again", expired, hold.Expire{}, 300, hold.Expired, exchange.CodeExpired, 0},
		{"expire what is ordered", committed, hold.Expire{}, 300, hold.Committed, exchange.CodeOrdered, 0},
		{"expire what was released", released, hold.Expire{}, 300, hold.Released, exchange.CodeReleased, 0},
		{"expire what was released, before its expiry", released, hold.Expire{}, 160, hold.Released, exchange.CodeReleased, 0},

		{"commit", held, hold.Commit{}, 199, hold.Committed, exchange.CodeOK, hold.MoveCommit},
		{"commit at the expiry", held, hold.Commit{}, 200, hold.Held, exchange.CodeExpired, 0},
		{"commit nothing", none, hold.Commit{}, 100, hold.None, exchange.CodeNotFound, 0},
		{"commit again", committed, hold.Commit{}, 160, hold.Committed, exchange.CodeOrdered, 0},
		{"commit what was released", released, hold.Commit{}, 160, hold.Released, exchange.CodeReleased, 0},
		{"commit what was released, after its expiry", released, hold.Commit{}, 250, hold.Released, exchange.CodeReleased, 0},
		{"commit a tombstone", tombstone, hold.Commit{}, 160, hold.Released, exchange.CodeReleased, 0},
		{"commit what expired", expired, hold.Commit{}, 160, hold.Expired, exchange.CodeExpired, 0},
		{"commit what was refused", refused, hold.Commit{}, 160, hold.Refused, exchange.CodeInsufficient, 0},

		{"extend", held, hold.Extend{Until: 300, Limit: limit}, 199, hold.Held, exchange.CodeOK, 0},
		{"extend to the limit", held, hold.Extend{Until: 600, Limit: limit}, 199, hold.Held, exchange.CodeOK, 0},
		{"extend beyond the limit", held, hold.Extend{Until: 601, Limit: limit}, 199, hold.Held, exchange.CodeLifetime, 0},
		{"extend for ever", held, hold.Extend{Until: math.MaxInt64, Limit: limit}, 199, hold.Held, exchange.CodeLifetime, 0},
		{"extend at the expiry", held, hold.Extend{Until: 300, Limit: limit}, 200, hold.Held, exchange.CodeExpired, 0},
		{"extend nothing", none, hold.Extend{Until: 300, Limit: limit}, 100, hold.None, exchange.CodeNotFound, 0},
		{"extend what is ordered", committed, hold.Extend{Until: 300, Limit: limit}, 160, hold.Committed, exchange.CodeOrdered, 0},
		{"extend what was released", released, hold.Extend{Until: 300, Limit: limit}, 160, hold.Released, exchange.CodeReleased, 0},

		{"ask", none, hold.Ask{Place: place, Deadline: 120}, 100, hold.Asked, exchange.CodeOK, hold.MoveAsk},
		{"ask for nothing", none, hold.Ask{Place: hold.Place{Expires: 200}, Deadline: 120}, 100, hold.None, exchange.CodeInvalid, 0},
		{"ask too late", none, hold.Ask{Place: place, Deadline: 220}, 200, hold.None, exchange.CodeExpired, 0},
		{"ask until now", none, hold.Ask{Place: place, Deadline: 100}, 100, hold.None, exchange.CodeInternal, 0},
		{"ask again", asked, hold.Ask{Place: place, Deadline: 120}, 101, hold.Asked, exchange.CodeConflict, 0},
		{"ask for what is held", held, hold.Ask{Place: place, Deadline: 120}, 101, hold.Held, exchange.CodeConflict, 0},
		{"ask after a tombstone", tombstone, hold.Ask{Place: place, Deadline: 170}, 160, hold.Released, exchange.CodeReleased, 0},
		{"place what is asked for", asked, place, 101, hold.Asked, exchange.CodeConflict, 0},
		{"confirm", asked, hold.Confirm{}, 119, hold.Held, exchange.CodeOK, 0},
		{"confirm at the deadline", asked, hold.Confirm{}, 120, hold.Asked, exchange.CodeUnavailable, 0},
		{"confirm nothing", none, hold.Confirm{}, 100, hold.None, exchange.CodeConflict, 0},
		{"confirm what is held", held, hold.Confirm{}, 101, hold.Held, exchange.CodeConflict, 0},
		{"confirm what was released", released, hold.Confirm{}, 160, hold.Released, exchange.CodeReleased, 0},
		{"confirm what was refused", refused, hold.Confirm{}, 110, hold.Refused, exchange.CodeInsufficient, 0},
		{"refuse what is asked for", asked, hold.Refuse{Code: exchange.CodeUnavailable}, 110, hold.Refused, exchange.CodeOK, hold.MoveRelease},
		{"refuse what is asked for, after the deadline", asked, hold.Refuse{Code: exchange.CodeUnavailable}, 300, hold.Refused, exchange.CodeOK, hold.MoveRelease},
		{"release what is asked for", asked, hold.Release{}, 110, hold.Released, exchange.CodeOK, hold.MoveRelease},
		{"commit what is asked for", asked, hold.Commit{}, 110, hold.Asked, exchange.CodeState, 0},
		{"expire what is asked for", asked, hold.Expire{}, 300, hold.Asked, exchange.CodeState, 0},
		{"extend what is asked for", asked, hold.Extend{Until: 300, Limit: limit}, 110, hold.Asked, exchange.CodeState, 0},

		{"no event", held, nil, 150, hold.Held, exchange.CodeInternal, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			next, fx, err := hold.Step(c.hold, c.event, c.now)
			if exchange.CodeOf(err) != c.code || next.State != c.want {
				t.Errorf("%v, %v; want %v, %v", next.State, err, c.want, c.code)
				return
			}
			if err != nil && !reflect.DeepEqual(next, c.hold) {
				t.Error("refused, but the hold changed")
			}
			var want []hold.Delta
			for _, l := range next.Lines.All() {
				if c.move != 0 {
					want = append(want, hold.Delta{SKU: l.SKU, Stock: exchange.OwnStock(l.SKU), Move: c.move, Units: int64(l.Quantity)})
				}
			}
			if !slices.Equal(fx.Stock, want) {
				t.Errorf("effects %+v, want %+v", fx.Stock, want)
			}
			if (next.Deadline != 0) != (next.State == hold.Asked) {
				t.Errorf("a hold that is %v has the deadline %v", next.State, next.Deadline)
			}
			if err == nil && next.State.Terminal() && next.Ended != c.now {
				t.Errorf("ended at %d, want %d", next.Ended, c.now)
			}
		})
	}
}

// A hold takes each line's units from the stock record that it names, for good: a product
// that changes its record meanwhile does not move them.
func TestHoldFrom(t *testing.T) {
	pool, err := exchange.PoolStock("set")
	if err != nil {
		t.Fatal(err)
	}
	own := []exchange.StockID{exchange.OwnStock("shoe-42"), exchange.OwnStock("lace")}
	for name, c := range map[string]struct {
		from, want []exchange.StockID
		code       exchange.Code
	}{
		"none named":       {nil, own, exchange.CodeOK},
		"a pool and a SKU": {[]exchange.StockID{pool, own[1]}, []exchange.StockID{pool, own[1]}, exchange.CodeOK},
		"one for two":      {[]exchange.StockID{pool}, nil, exchange.CodeInternal},
		"three for two":    {[]exchange.StockID{pool, pool, pool}, nil, exchange.CodeInternal},
		"an empty list":    {[]exchange.StockID{}, nil, exchange.CodeInternal},
	} {
		t.Run(name, func(t *testing.T) {
			h, fx, err := hold.Step(none, hold.Place{Lines: pair, From: c.from, Expires: 200}, 100)
			if exchange.CodeOf(err) != c.code || !slices.Equal(stocks(fx), c.want) {
				t.Fatalf("%+v, %v; want %v, %v", fx, err, c.want, c.code)
			}
			if err != nil {
				return
			}
			if _, fx, err = hold.Step(h, hold.Commit{}, 150); err != nil || !slices.Equal(stocks(fx), c.want) {
				t.Errorf("commit: %+v, %v", fx, err)
			}
		})
	}
}

func stocks(fx hold.Effects) []exchange.StockID {
	var ids []exchange.StockID
	for _, d := range fx.Stock {
		ids = append(ids, d.Stock)
	}
	return ids
}

func TestExtendNeverShortens(t *testing.T) {
	for until, want := range map[exchange.Time]exchange.Time{-5: 200, 0: 200, 199: 200, 200: 200, 201: 201, 600: 600} {
		t.Run(fmt.Sprintf("to %d", until), func(t *testing.T) {
			next, _, err := hold.Step(held, hold.Extend{Until: until, Limit: 500 * time.Millisecond}, 150)
			if err != nil || next.Expires != want {
				t.Errorf("expires %d, %v; want %d", next.Expires, err, want)
			}
		})
	}
}

func TestTerminal(t *testing.T) {
	for s, want := range map[hold.State]bool{
		hold.None: false, hold.Held: false, hold.Committed: true, hold.Released: true, hold.Expired: true, hold.Refused: true,
		hold.Asked: false,
	} {
		if s.Terminal() != want {
			t.Errorf("%v is terminal: %v", s, !want)
		}
	}
}

func TestStateNames(t *testing.T) {
	for s, want := range map[hold.State]string{
		hold.None: "none", hold.Held: "held", hold.Committed: "committed", hold.Released: "released",
		hold.Expired: "expired", hold.Refused: "refused", hold.Asked: "asked", 7: "unknown", math.MaxUint32: "unknown",
	} {
		t.Run(fmt.Sprint(uint32(s)), func(t *testing.T) {
			if s.String() != want {
				t.Errorf("%q, want %q", s, want)
			}
		})
	}
}

// shop is a supplier's whole stock and its holds, driven as package trade does it:
// a step's deltas all apply, or the step is dropped.
type shop struct {
	stock map[exchange.SKU]hold.Stock
	holds []hold.Hold
	ends  []int // how often each hold became terminal
	asked bool  // for something: what is asked for may not be there
}

// try steps one hold; it reports whether the step was taken.
func (s *shop) try(t *rapid.T, i int, e hold.Event, now exchange.Time) bool {
	before := s.holds[i]
	next, fx, err := hold.Step(before, e, now)
	if err != nil {
		if !reflect.DeepEqual(next, before) || len(fx.Stock) > 0 {
			t.Fatalf("%T was refused, but changed the hold", e)
		}
		return false
	}
	changed := make(map[exchange.SKU]hold.Stock)
	for _, d := range fx.Stock {
		stock, err := s.stock[d.SKU].Step(d.Move, d.Units)
		if d.Move == hold.MoveHold && exchange.CodeOf(err) == exchange.CodeInsufficient {
			return false // all or none
		}
		if err != nil {
			t.Fatalf("%T: %v", e, err)
		}
		changed[d.SKU] = stock
	}
	for sku, stock := range changed {
		s.stock[sku] = stock
	}
	if before.State.Terminal() {
		t.Fatalf("%T moved a hold that was %v", e, before.State)
	}
	s.asked = s.asked || next.State == hold.Asked
	if next.State.Terminal() {
		s.ends[i]++
	}
	s.holds[i] = next
	return true
}

func (s *shop) check(t *rapid.T) {
	promised := make(map[exchange.SKU]int64)
	sold := make(map[exchange.SKU]int64)
	for i, h := range s.holds {
		for _, l := range h.Lines.All() {
			switch h.State {
			case hold.Held, hold.Asked:
				promised[l.SKU] += int64(l.Quantity)
			case hold.Committed:
				sold[l.SKU] += int64(l.Quantity)
			}
		}
		if want := map[bool]int{true: 1}[h.State.Terminal()]; s.ends[i] != want {
			t.Fatalf("hold %d is %v and ended %d times", i, h.State, s.ends[i])
		}
	}
	for sku, stock := range s.stock {
		checkI1(t, stock)
		if stock.Held != promised[sku] || stock.Sold != sold[sku] || stock.Shortfall() > 0 && !s.asked {
			t.Fatalf("%s: %+v; the holds have %d held and %d sold", sku, stock, promised[sku], sold[sku])
		}
	}
}

// TestHoldsEndOnce runs many holds of few products against each other, with
// repeats, races at the expiry and releases before their holds: I1 and I6.
func TestHoldsEndOnce(t *testing.T) {
	skus := []exchange.SKU{"a", "b", "c"}
	rapid.Check(t, func(t *rapid.T) {
		s := shop{stock: make(map[exchange.SKU]hold.Stock), holds: make([]hold.Hold, 6), ends: make([]int, 6)}
		for _, sku := range skus {
			s.stock[sku] = hold.Stock{Stocked: rapid.Int64Range(0, 10).Draw(t, fmt.Sprint("stock of ", sku))}
		}
		now := exchange.Time(1000)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += exchange.Time(rapid.Int64Range(0, 3).Draw(t, "ms"))
			i := rapid.IntRange(0, len(s.holds)-1).Draw(t, "hold")
			before := s.holds[i]
			e := drawEvent(t, skus, now)
			taken := s.try(t, i, e, now)
			late := before.State == hold.Held && now >= before.Expires
			switch e.(type) {
			case hold.Commit:
				if taken != (before.State == hold.Held && !late) {
					t.Fatalf("commit of a %v hold at %d, expiry %d: taken %v", before.State, now, before.Expires, taken)
				}
			case hold.Confirm:
				if want := before.State == hold.Asked && now < min(before.Deadline, before.Expires); taken != want {
					t.Fatalf("confirmation of a %v hold at %d, deadline %d: taken %v", before.State, now, before.Deadline, taken)
				}
			case hold.Expire:
				if taken != late {
					t.Fatalf("expiry of a %v hold at %d, expiry %d: taken %v", before.State, now, before.Expires, taken)
				}
			}
			s.check(t)
		}
	})
}

func drawEvent(t *rapid.T, skus []exchange.SKU, now exchange.Time) hold.Event {
	switch rapid.IntRange(0, 8).Draw(t, "event") {
	case 0, 1, 7:
		var lines []exchange.Line
		for _, sku := range skus {
			if q := rapid.IntRange(0, 5).Draw(t, "quantity"); q > 0 {
				lines = append(lines, exchange.Line{SKU: sku, Quantity: exchange.Quantity(q)})
			}
		}
		place := hold.Place{Expires: now + exchange.Time(rapid.Int64Range(0, 8).Draw(t, "life"))}
		if len(lines) > 0 { // else refused
			place.Lines = exchangetest.Lines(lines...)
		}
		if rapid.Bool().Draw(t, "ask") {
			return hold.Ask{Place: place, Deadline: now + exchange.Time(rapid.Int64Range(1, 4).Draw(t, "deadline"))}
		}
		return place
	case 8:
		return hold.Confirm{}
	case 2:
		return hold.Commit{}
	case 3:
		return hold.Expire{}
	case 4:
		return hold.Release{}
	case 5:
		return hold.Extend{Until: now + exchange.Time(rapid.Int64Range(-2, 20).Draw(t, "until")), Limit: 12 * time.Millisecond}
	}
	return hold.Refuse{Code: exchange.CodeInsufficient}
}
