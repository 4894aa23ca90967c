package hold_test

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
)

// checkI1 is the invariant of one tracked product, from its public counts.
func checkI1(t *rapid.T, s hold.Stock) {
	t.Helper()
	if s.Available()+s.Held+s.Sold != s.Stocked-s.Missing+s.Deficit() {
		t.Fatalf("available %d + held %d + sold %d ≠ stocked %d − missing %d + deficit %d", s.Available(), s.Held, s.Sold, s.Stocked, s.Missing, s.Deficit())
	}
	for name, n := range map[string]int64{
		"available": s.Available(), "held": s.Held, "sold": s.Sold, "stocked": s.Stocked, "shortfall": s.Shortfall(),
		"shipped": s.Shipped, "missing": s.Missing, "deficit": s.Deficit(), "unshipped": s.Unshipped(), "shelf": s.Shelf(),
	} {
		if n < 0 {
			t.Fatalf("%s is %d in %+v", name, n, s)
		}
	}
	if s.Available() > 0 && s.Shortfall() > 0 {
		t.Fatalf("%+v is short and available at once", s)
	}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
}

// room is how many units a move may take, by the definition of the move.
func room(s hold.Stock, m hold.Move) int64 {
	switch m {
	case hold.MoveHold:
		if s.Unlimited {
			return math.MaxInt64
		}
		return s.Available()
	case hold.MoveAsk:
		return math.MaxInt64
	case hold.MoveRelease, hold.MoveCommit:
		return s.Held
	case hold.MoveShip, hold.MoveCancel:
		return s.Sold - s.Shipped
	}
	return 0
}

// TestStockInvariant runs random moves and counts on one product. A move is
// taken exactly where there is room for it; I1 holds at every prefix; and while no
// count found units missing, nothing is promised twice.
func TestStockInvariant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s hold.Stock
		counted := false // a count took away, or the product was unlimited
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			before := s
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				shelf := rapid.Int64Range(0, 30).Draw(t, "shelf")
				next, err := s.Count(shelf)
				if err != nil || next.Shelf() != shelf || next.Available() != max(0, shelf-s.Held-s.Unshipped()) {
					t.Fatalf("count %d of %+v: %+v, %v", shelf, s, next, err)
				}
				counted = counted || shelf < s.Shelf() || before.Unlimited
				s = next
			case 1:
				if rapid.IntRange(0, 3).Draw(t, "uncount") == 0 {
					s, counted = s.Uncount(), true
				}
			default:
				m := hold.Move(rapid.SampledFrom([]int{1, 2, 3, 4, 5, 7}).Draw(t, "move"))
				units := rapid.Int64Range(1, 12).Draw(t, "units")
				next, err := s.Step(m, units)
				checkMove(t, s, m, units, next, err)
				counted = counted || m == hold.MoveAsk // what is asked for may not be there
				s = next
			}
			if s.Unlimited {
				if s.Shortfall() != 0 || !s.Availability().Unlimited || s.Check() != nil {
					t.Fatalf("unlimited stock is short: %+v", s)
				}
				continue
			}
			checkI1(t, s)
			if a := s.Availability(); a.Unlimited || a.Units != s.Available() {
				t.Fatalf("the catalog says %+v of %+v", a, s)
			}
			if !counted && s.Shortfall() != 0 {
				t.Fatalf("oversold: %+v after %+v", s, before)
			}
		}
	})
}

func checkMove(t *rapid.T, s hold.Stock, m hold.Move, units int64, next hold.Stock, err error) {
	t.Helper()
	if units > room(s, m) {
		want := exchange.CodeInternal
		if m == hold.MoveHold {
			want = exchange.CodeInsufficient
		}
		if exchange.CodeOf(err) != want || next != s {
			t.Fatalf("move %d of %d units: %v and %+v; want %v and %+v", m, units, err, next, want, s)
		}
		return
	}
	if err != nil {
		t.Fatalf("move %d of %d units from %+v: %v", m, units, s, err)
	}
	d := hold.Stock{Held: next.Held - s.Held, Sold: next.Sold - s.Sold, Shipped: next.Shipped - s.Shipped}
	want := map[hold.Move]hold.Stock{
		hold.MoveHold:    {Held: units},
		hold.MoveAsk:     {Held: units},
		hold.MoveRelease: {Held: -units},
		hold.MoveCommit:  {Held: -units, Sold: units},
		hold.MoveShip:    {Shipped: units},
		hold.MoveCancel:  {Sold: -units},
	}[m]
	if d != want {
		t.Fatalf("move %d of %d units changed %+v, want %+v", m, units, d, want)
	}
	if stocked := max(s.Stocked, next.Shipped); next.Stocked != stocked || next.Unlimited != s.Unlimited {
		t.Fatalf("move %d: stocked %d became %d, want %d", m, s.Stocked, next.Stocked, stocked)
	}
}

func TestStockRefuses(t *testing.T) {
	s := hold.Stock{Stocked: 10, Held: 3, Sold: 4, Shipped: 1}
	for name, c := range map[string]struct {
		stock hold.Stock
		move  hold.Move
		units int64
		code  exchange.Code
	}{
		"hold all":            {s, hold.MoveHold, 3, exchange.CodeOK},
		"hold one more":       {s, hold.MoveHold, 4, exchange.CodeInsufficient},
		"release one more":    {s, hold.MoveRelease, 4, exchange.CodeInternal},
		"commit one more":     {s, hold.MoveCommit, 4, exchange.CodeInternal},
		"ship one more":       {s, hold.MoveShip, 4, exchange.CodeInternal},
		"cancel shipped ones": {s, hold.MoveCancel, 4, exchange.CodeInternal},
		"nothing":             {s, hold.MoveHold, 0, exchange.CodeInternal},
		"less than nothing":   {s, hold.MoveRelease, -1, exchange.CodeInternal},
		"the least number":    {s, hold.MoveCommit, math.MinInt64, exchange.CodeInternal},
		"no move":             {s, 0, 1, exchange.CodeInternal},
		"leave one more":      {s, hold.MoveLeave, 4, exchange.CodeInternal},
		"unknown move":        {s, 8, 1, exchange.CodeInternal},
		"unlimited wraps":     {hold.Stock{Unlimited: true, Held: 1}, hold.MoveHold, math.MaxInt64, exchange.CodeInternal},
		"greatest number":     {s, hold.MoveHold, math.MaxInt64, exchange.CodeInsufficient},
	} {
		t.Run(name, func(t *testing.T) {
			next, err := c.stock.Step(c.move, c.units)
			if exchange.CodeOf(err) != c.code || (err != nil && next != c.stock) {
				t.Errorf("%+v, %v; want %v", next, err, c.code)
			}
		})
	}
}

// What leaves with an own sale is in no count any more; the shelf, what is promised of it and what is
// free are as if it had been shipped. More than the shelf has is missing from then on.
func TestLeave(t *testing.T) {
	for _, s := range []hold.Stock{
		{Stocked: 10, Held: 3, Sold: 4, Shipped: 1},
		{Stocked: 3, Held: 3, Sold: 4, Shipped: 1, Missing: 0},
		{Stocked: 1, Sold: 4, Shipped: 1, Missing: 2},
	} {
		left, err := s.Step(hold.MoveLeave, 3)
		if err != nil {
			t.Fatal(err)
		}
		shipped, err := s.Step(hold.MoveShip, 3)
		if err != nil {
			t.Fatal(err)
		}
		if left.Sold != s.Sold-3 || left.Shipped != s.Shipped || left.Net() != shipped.Net() || left.Free() != shipped.Free() || left.Promised() != shipped.Promised() || left.Revision != shipped.Revision {
			t.Errorf("%+v left as %+v, and would ship as %+v", s, left, shipped)
		}
	}
}

// A count below what is promised is a shortfall; it shrinks as promises end, as
// a later count finds more, and as units are shipped that were there after all.
func TestShortfall(t *testing.T) {
	s := hold.Stock{Stocked: 10, Held: 3, Sold: 5}
	s = count(t, s, 2)
	expect := func(step string, available, shortfall, shelf int64) {
		t.Helper()
		if s.Available() != available || s.Shortfall() != shortfall || s.Shelf() != shelf {
			t.Errorf("%s: available %d, short %d, shelf %d; want %d, %d, %d",
				step, s.Available(), s.Shortfall(), s.Shelf(), available, shortfall, shelf)
		}
	}
	expect("2 counted, 8 promised", 0, 6, 2)
	s = move(t, s, hold.MoveRelease, 3)
	expect("the hold released", 0, 3, 2)
	s = move(t, s, hold.MoveShip, 2)
	expect("2 shipped", 0, 3, 0)
	s = move(t, s, hold.MoveShip, 1)
	expect("a third found and shipped", 0, 2, 0)
	s = move(t, s, hold.MoveCancel, 1)
	expect("one cancelled", 0, 1, 0)
	s = count(t, s, 4)
	expect("4 delivered and counted", 3, 0, 4)
	s = move(t, s, hold.MoveShip, 1)
	expect("the last shipped", 3, 0, 3)
}

func TestCountBounds(t *testing.T) {
	for shelf, ok := range map[int64]bool{
		math.MinInt64: false, -1: false, 0: true, hold.MaxShelf: true, hold.MaxShelf + 1: false, math.MaxInt64: false,
	} {
		t.Run(fmt.Sprint(shelf), func(t *testing.T) {
			s := hold.Stock{Unlimited: true, Stocked: 7, Held: 1, Sold: 6, Shipped: 5}
			next, err := s.Count(shelf)
			if (err == nil) != ok || (!ok && (exchange.CodeOf(err) != exchange.CodeInvalid || next != s)) {
				t.Errorf("%+v, %v", next, err)
			}
			if ok && (next.Unlimited || next.Shelf() != shelf) {
				t.Errorf("%+v", next)
			}
		})
	}
}

// WithNet remembers units below zero as missing, and refuses what sums could not carry.
func TestWithNet(t *testing.T) {
	s := hold.Stock{Unlimited: true, Stocked: 7, Held: 1, Sold: 6, Shipped: 5, Missing: 4}
	for _, c := range []struct {
		net, shelf, missing int64
		code                exchange.Code
	}{
		{net: math.MinInt64, code: exchange.CodeOverflow},
		{net: -hold.MaxShelf - 1, code: exchange.CodeOverflow},
		{net: -hold.MaxShelf, missing: hold.MaxShelf},
		{net: -1, missing: 1},
		{net: 0},
		{net: 1, shelf: 1},
		{net: hold.MaxShelf, shelf: hold.MaxShelf},
		{net: hold.MaxShelf + 1, code: exchange.CodeOverflow},
		{net: math.MaxInt64, code: exchange.CodeOverflow},
	} {
		t.Run(fmt.Sprint(c.net), func(t *testing.T) {
			next, err := s.WithNet(c.net)
			if exchange.CodeOf(err) != c.code {
				t.Fatalf("%v, want %v", err, c.code)
			}
			want := s
			if err == nil {
				want.Unlimited, want.Stocked, want.Missing, want.Revision = false, s.Shipped+c.shelf, c.missing, 1
			}
			if next != want {
				t.Errorf("%+v, want %+v", next, want)
			}
		})
	}
}

// A unit that is shipped and was not on the shelf is missing from what the next figure
// says, unless nobody counts the product.
func TestShipBeyondTheShelf(t *testing.T) {
	for name, c := range map[string]struct {
		stock   hold.Stock
		missing int64
	}{
		"all on the shelf":  {hold.Stock{Stocked: 5, Sold: 4, Missing: 1}, 1},
		"one on the shelf":  {hold.Stock{Stocked: 1, Sold: 4, Missing: 1}, 4},
		"none on the shelf": {hold.Stock{Sold: 4}, 4},
		"unlimited":         {hold.Stock{Sold: 4, Unlimited: true}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			next := move(t, c.stock, hold.MoveShip, 4)
			if next.Missing != c.missing || next.Shipped != 4 || next.Stocked != max(c.stock.Stocked, 4) {
				t.Errorf("%+v, want %d missing", next, c.missing)
			}
		})
	}
}

// Revision tells a reader of the shelf that what it read is old: it moves with what is on the
// shelf, and with nothing else.
func TestRevision(t *testing.T) {
	s := hold.Stock{Stocked: 9, Held: 3, Sold: 4, Shipped: 1, Revision: 7}
	for name, c := range map[string]struct {
		next hold.Stock
		want uint64
	}{
		"hold":               {move(t, s, hold.MoveHold, 1), 7},
		"release":            {move(t, s, hold.MoveRelease, 1), 7},
		"commit":             {move(t, s, hold.MoveCommit, 1), 7},
		"cancel":             {move(t, s, hold.MoveCancel, 1), 7},
		"ship":               {move(t, s, hold.MoveShip, 1), 8},
		"another count":      {count(t, s, 3), 8},
		"the same count":     {count(t, s, 8), 7},
		"not counted":        {s.Uncount(), 8},
		"not counted, again": {s.Uncount().Uncount(), 8},
		"counted again":      {count(t, s.Uncount(), 8), 9},
	} {
		t.Run(name, func(t *testing.T) {
			if c.next.Revision != c.want {
				t.Errorf("revision %d, want %d", c.next.Revision, c.want)
			}
		})
	}
}

func TestUncount(t *testing.T) {
	s := hold.Stock{Stocked: 7, Held: 1, Sold: 6, Shipped: 5, Missing: 2}
	want := s
	want.Unlimited, want.Missing, want.Revision = true, 0, 1
	if got := s.Uncount(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestCheck has counts that no step makes: they come from a store that was damaged.
func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		stock hold.Stock
		ok    bool
	}{
		"nothing":                 {hold.Stock{}, true},
		"all shipped":             {hold.Stock{Stocked: 3, Sold: 3, Shipped: 3}, true},
		"short":                   {hold.Stock{Stocked: 1, Held: 2, Sold: 3, Shipped: 1}, true},
		"units missing":           {hold.Stock{Missing: 2}, true},
		"held below zero":         {hold.Stock{Stocked: 3, Held: -1}, false},
		"missing below zero":      {hold.Stock{Stocked: 3, Missing: -1}, false},
		"shipped below zero":      {hold.Stock{Stocked: 3, Shipped: -1}, false},
		"more shipped than sold":  {hold.Stock{Stocked: 3, Sold: 1, Shipped: 2}, false},
		"more shipped than there": {hold.Stock{Stocked: 1, Sold: 2, Shipped: 2}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.stock.Check(); (err == nil) != c.ok {
				t.Errorf("%+v: %v", c.stock, err)
			}
		})
	}
}

func count(t *testing.T, s hold.Stock, shelf int64) hold.Stock {
	t.Helper()
	next, err := s.Count(shelf)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func move(t *testing.T, s hold.Stock, m hold.Move, units int64) hold.Stock {
	t.Helper()
	next, err := s.Step(m, units)
	if err != nil {
		t.Fatal(err)
	}
	return next
}
