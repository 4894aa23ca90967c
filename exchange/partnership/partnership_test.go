package partnership_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/partnership"
)

const (
	supplier = exchange.Supplier
	retailer = exchange.Retailer
)

func hash(n byte) [32]byte { return [32]byte{31: n} }

// terms are default terms, told apart by their discount.
func terms(discount int) exchange.Terms {
	t := exchange.DefaultTerms("EUR")
	t.Discount = exchange.BasisPoints(discount)
	return t
}

func propose(by exchange.Party, n byte) partnership.Propose {
	return partnership.Propose{By: by, Terms: terms(int(n) * 100), Hash: hash(n)}
}

// after runs events at the times 10, 20, 30 …
func after(t *testing.T, events ...partnership.Event) partnership.State {
	t.Helper()
	var s partnership.State
	for i, e := range events {
		next, _, err := partnership.Step(s, e, exchange.Time(10*(i+1)))
		if err != nil {
			t.Fatalf("%#v: %v", e, err)
		}
		s = next
	}
	return s
}

func TestSteps(t *testing.T) {
	p1, p2 := propose(supplier, 1), propose(supplier, 2)
	accept := func(by exchange.Party, n byte) partnership.Event { return partnership.Accept{By: by, Hash: hash(n)} }
	decline := func(by exchange.Party, n byte) partnership.Event { return partnership.Decline{By: by, Hash: hash(n)} }
	end := func(by exchange.Party) partnership.Event {
		return partnership.End{By: by, Reason: "by the " + by.String()}
	}
	badTerms := partnership.Propose{By: supplier, Hash: hash(9)}

	proposal := func(p partnership.Propose, at exchange.Time) partnership.Proposal {
		return partnership.Proposal{Hash: p.Hash, By: p.By, Terms: p.Terms, At: at}
	}
	closed := func(n byte, by exchange.Party) partnership.Declined {
		return partnership.Declined{Hash: hash(n), Of: supplier, By: by, At: 99}
	}
	ended1 := partnership.State{Version: 1, Terms: terms(100), Since: 20, Ended: 30, EndedBy: retailer, EndReason: "by the retailer"}
	closed1 := ended1
	closed1.Declined = closed(2, supplier)

	for _, c := range []struct {
		name   string
		before []partnership.Event
		event  partnership.Event
		want   partnership.State // after a refusal: unchanged
		fx     partnership.Effects
		code   exchange.Code
	}{
		{name: "propose", event: p1, want: partnership.State{Open: proposal(p1, 99)}},
		{name: "propose bad terms", event: badTerms, code: exchange.CodeInvalid},
		{name: "bad terms leave the open proposal", before: []partnership.Event{p1}, event: badTerms, code: exchange.CodeInvalid},
		{name: "propose as nobody", event: propose(0, 1), code: exchange.CodeInvalid},
		{name: "propose as a third", event: propose(3, 1), code: exchange.CodeInvalid},
		{name: "a newer proposal supersedes", before: []partnership.Event{p1}, event: p2, want: partnership.State{Open: proposal(p2, 99)}},
		{name: "a counter-proposal supersedes", before: []partnership.Event{p1}, event: propose(retailer, 2), want: partnership.State{Open: proposal(propose(retailer, 2), 99)}},
		{name: "propose a change", before: []partnership.Event{p1, accept(retailer, 1)}, event: p2,
			want: partnership.State{Version: 1, Terms: terms(100), Active: true, Since: 20, Open: proposal(p2, 99)}},

		{name: "accept", before: []partnership.Event{p1}, event: accept(retailer, 1),
			want: partnership.State{Version: 1, Terms: terms(100), Active: true, Since: 99}, fx: partnership.Effects{Activated: true}},
		{name: "accept a change", before: []partnership.Event{p1, accept(retailer, 1), propose(retailer, 2)}, event: accept(supplier, 2),
			want: partnership.State{Version: 2, Terms: terms(200), Active: true, Since: 99}, fx: partnership.Effects{Activated: true}},
		{name: "accept after an end", before: []partnership.Event{p1, accept(retailer, 1), end(retailer), p2}, event: accept(retailer, 2),
			want: partnership.State{Version: 2, Terms: terms(200), Active: true, Since: 99}, fx: partnership.Effects{Activated: true}},
		{name: "accept nothing", event: accept(retailer, 0), code: exchange.CodeStale},
		{name: "accept what was superseded", before: []partnership.Event{p1, p2}, event: accept(retailer, 1), code: exchange.CodeStale},
		{name: "accept what is unknown", before: []partnership.Event{p1}, event: accept(retailer, 7), code: exchange.CodeStale},
		{name: "accept again", before: []partnership.Event{p1, accept(retailer, 1)}, event: accept(retailer, 1), code: exchange.CodeStale},
		{name: "accept what was declined", before: []partnership.Event{p1, decline(retailer, 1)}, event: accept(retailer, 1), code: exchange.CodeStale},
		{name: "accept what an end closed", before: []partnership.Event{p1, end(supplier)}, event: accept(retailer, 1), code: exchange.CodeStale},
		{name: "accept one's own", before: []partnership.Event{p1}, event: accept(supplier, 1), code: exchange.CodeState},
		{name: "accept one's own, superseded", before: []partnership.Event{p1, p2}, event: accept(supplier, 1), code: exchange.CodeStale},
		{name: "accept as nobody", before: []partnership.Event{p1}, event: accept(0, 1), code: exchange.CodeInvalid},

		{name: "decline", before: []partnership.Event{p1}, event: decline(retailer, 1), want: partnership.State{Declined: closed(1, retailer)}},
		{name: "withdraw", before: []partnership.Event{p1}, event: decline(supplier, 1), want: partnership.State{Declined: closed(1, supplier)}},
		{name: "decline a change", before: []partnership.Event{p1, accept(retailer, 1), p2}, event: decline(retailer, 2),
			want: partnership.State{Version: 1, Terms: terms(100), Active: true, Since: 20, Declined: closed(2, retailer)}},
		{name: "a newer proposal outdates a decline", before: []partnership.Event{p1, decline(retailer, 1)}, event: p2, want: partnership.State{Open: proposal(p2, 99)}},
		{name: "decline nothing", event: decline(retailer, 0), code: exchange.CodeStale},
		{name: "decline what was superseded", before: []partnership.Event{p1, p2}, event: decline(retailer, 1), code: exchange.CodeStale},
		{name: "decline again", before: []partnership.Event{p1, decline(retailer, 1)}, event: decline(retailer, 1), code: exchange.CodeStale},

		{name: "end", before: []partnership.Event{p1, accept(retailer, 1)}, event: end(supplier),
			want: partnership.State{Version: 1, Terms: terms(100), Since: 20, Ended: 99, EndedBy: supplier, EndReason: "by the supplier"}, fx: partnership.Effects{Ended: true}},
		{name: "end again", before: []partnership.Event{p1, accept(retailer, 1), end(retailer)}, event: end(retailer), want: ended1},
		{name: "both end", before: []partnership.Event{p1, accept(retailer, 1), end(retailer)}, event: end(supplier), want: ended1},
		{name: "end what never was", event: end(retailer), want: partnership.State{}},
		{name: "end closes a proposal", before: []partnership.Event{p1}, event: end(retailer), want: partnership.State{Declined: closed(1, retailer)}},
		{name: "end closes a change", before: []partnership.Event{p1, accept(retailer, 1), p2}, event: end(retailer),
			want: partnership.State{Version: 1, Terms: terms(100), Since: 20, Ended: 99, EndedBy: retailer, EndReason: "by the retailer", Declined: closed(2, retailer)}, fx: partnership.Effects{Ended: true}},
		{name: "end closes a new start", before: []partnership.Event{p1, accept(retailer, 1), end(retailer), p2}, event: end(supplier), want: closed1},
		{name: "end as nobody", before: []partnership.Event{p1, accept(retailer, 1)}, event: end(0), code: exchange.CodeInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := after(t, c.before...)
			next, fx, err := partnership.Step(before, c.event, 99)
			want := c.want
			if c.code != exchange.CodeOK {
				want = before
			}
			if exchange.CodeOf(err) != c.code || fx != c.fx || !reflect.DeepEqual(next, want) {
				t.Errorf("%v, %+v\n got %+v\nwant %+v", err, fx, next, want)
			}
		})
	}
}

func TestProposeCopiesItsCountries(t *testing.T) {
	p := propose(supplier, 1)
	p.Terms.Countries = []string{"FI", "SE"}
	s := after(t, p)
	p.Terms.Countries[0] = "AA"
	if s = afterFrom(t, s, partnership.Accept{By: retailer, Hash: hash(1)}); !slices.Equal(s.Terms.Countries, []string{"FI", "SE"}) {
		t.Errorf("the terms in force became %v", s.Terms.Countries)
	}
}

func afterFrom(t *testing.T, s partnership.State, e partnership.Event) partnership.State {
	t.Helper()
	next, _, err := partnership.Step(s, e, 500)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// TestRandomDealings: whatever two shops do, a version comes into force only by
// an accept of the other side's newest proposal, an end always succeeds, ends an
// active partnership exactly once, and leaves nothing open; and a shop that runs
// the same events has the same state.
func TestRandomDealings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s, copied partnership.State
		var proposed byte
		for step := range rapid.IntRange(1, 50).Draw(t, "steps") {
			now := exchange.Time(step + 1)
			by := exchange.Party(rapid.IntRange(1, 2).Draw(t, "by"))
			named := hash(byte(rapid.IntRange(max(0, int(proposed)-2), int(proposed)).Draw(t, "named")))
			var e partnership.Event
			switch rapid.SampledFrom([]string{"propose", "accept", "accept", "decline", "end"}).Draw(t, "event") {
			case "propose":
				proposed++
				e = propose(by, proposed)
			case "accept":
				e = partnership.Accept{By: by, Hash: named}
			case "decline":
				e = partnership.Decline{By: by, Hash: named}
			case "end":
				e = partnership.End{By: by, Reason: fmt.Sprint("end ", step)}
			}
			before := s
			next, fx, err := partnership.Step(s, e, now)
			if problem := wrong(before, e, next, fx, err, now); problem != "" {
				t.Fatalf("%#v: %s\nfrom %+v\n  to %+v, %+v, %v", e, problem, before, next, fx, err)
			}
			s = next
			if copied, _, _ = partnership.Step(copied, e, now); !reflect.DeepEqual(copied, s) {
				t.Fatal("the same events lead to two states")
			}
		}
	})
}

// wrong says what a step must not have done, or "".
func wrong(s partnership.State, e partnership.Event, next partnership.State, fx partnership.Effects, err error, now exchange.Time) string {
	open := s.Open.By != 0
	switch e := e.(type) {
	case partnership.Propose:
		if err != nil || next.Open.Hash != e.Hash || next.Version != s.Version || next.Active != s.Active || fx != (partnership.Effects{}) {
			return "a proposal changes what is open and nothing else"
		}
	case partnership.Accept:
		may := open && s.Open.Hash == e.Hash && s.Open.By == e.By.Other()
		if (err == nil) != may || fx.Activated != may || fx.Ended {
			return fmt.Sprintf("accepted %v, want %v", err == nil, may)
		}
		if may && (next.Version != s.Version+1 || !next.Active || next.Since != now || next.Open.By != 0 || !reflect.DeepEqual(next.Terms, s.Open.Terms)) {
			return "an accept puts the next version into force"
		}
	case partnership.Decline:
		may := open && s.Open.Hash == e.Hash
		if (err == nil) != may || fx != (partnership.Effects{}) || next.Version != s.Version || next.Active != s.Active {
			return fmt.Sprintf("declined %v, want %v", err == nil, may)
		}
	case partnership.End:
		if err != nil || next.Active || next.Open.By != 0 || fx.Ended != s.Active || fx.Activated {
			return "an end cannot be refused and ends once"
		}
		if open && (next.Declined != partnership.Declined{Hash: s.Open.Hash, Of: s.Open.By, By: e.By, At: now}) || !open && next.Declined != s.Declined {
			return "an end closes the open proposal, and says who did"
		}
		if s.Active && next.EndReason != e.Reason || !s.Active && next.EndReason != s.EndReason {
			return "the reason is not that of the end that counts"
		}
	}
	if err != nil && !reflect.DeepEqual(next, s) {
		return "a refusal changed the state"
	}
	if next.Active && (next.Version == 0 || next.Ended != 0 || next.EndedBy != 0 || next.EndReason != "") {
		return "active and ended at once"
	}
	return ""
}
