package trade_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/trade"
)

// strangers are two shops that have never traded; acorn is the one that would supply.
func strangers(t *testing.T) (w *desktest.World, acorn, birch *desktest.Shop) {
	t.Helper()
	w = desktest.NewWorld(t, 1, 2)
	return w, w.Shops[0], w.Shops[1]
}

// discounted are default terms, told apart by their discount.
func discounted(percent int) exchange.Terms {
	terms := exchange.DefaultTerms("EUR")
	terms.Discount = exchange.BasisPoints(percent * 100)
	return terms
}

func tradeAt(t *testing.T, s, partner *desktest.Shop, side exchange.Party) trade.Partnership {
	t.Helper()
	p, err := s.Desk.Partnerships.Get(partner.ID, side)
	desktest.Must(t, err)
	return p
}

// A retailer takes back what waits for a supplier that is away: it comes into force at no
// time, whatever else was queued, over a restart and over a copy of the folder that has
// lost the request of that number.
func TestWithdrawQueuedProposal(t *testing.T) {
	for _, restored := range []bool{false, true} {
		w, acorn, birch := strangers(t)
		if restored {
			before := birch.Mem.Clone()
			desktest.Must(t, birch.Desk.Partnerships.Propose(desktest.Ctx, acorn.ID, exchange.Retailer, discounted(3)))
			w.Settle()
			birch.Mem = before
			birch.Restart()
		}
		for _, percent := range []int{10, 20} {
			desktest.Must(t, birch.Desk.Partnerships.Propose(desktest.Ctx, acorn.ID, exchange.Retailer, discounted(percent)))
		}
		for range 2 { // the second changes nothing
			desktest.Must(t, birch.Desk.Partnerships.WithdrawTerms(desktest.Ctx, acorn.ID, exchange.Retailer))
		}
		if got := tradeAt(t, birch, acorn, exchange.Retailer); got.Queued != "withdraw" || got.Waiting != 2 || got.Status() != "queued" {
			t.Errorf("withdrawn while the supplier is away: %q, %d waiting, %s", got.Queued, got.Waiting, got.Status())
		}
		birch.Restart()
		w.Settle()
		for s, got := range map[*desktest.Shop]trade.Partnership{
			acorn: tradeAt(t, acorn, birch, exchange.Supplier), birch: tradeAt(t, birch, acorn, exchange.Retailer),
		} {
			d := got.State.Declined
			if got.State.Open.By != 0 || got.State.Active || d.Of != exchange.Retailer || d.By != exchange.Retailer ||
				got.Queued != "" || got.Waiting != 0 || got.Refusal != exchange.CodeOK || got.Status() != "declined" {
				t.Errorf("restored %v, at %s: %+v", restored, s.Name, got)
			}
		}
		audited(t, acorn, birch)
	}
}

// What is proposed after a withdrawal stands.
func TestProposeAfterWithdrawal(t *testing.T) {
	w, acorn, birch := strangers(t)
	desktest.Must(t, birch.Desk.Partnerships.Propose(desktest.Ctx, acorn.ID, exchange.Retailer, discounted(10)))
	desktest.Must(t, birch.Desk.Partnerships.WithdrawTerms(desktest.Ctx, acorn.ID, exchange.Retailer))
	desktest.Must(t, birch.Desk.Partnerships.Propose(desktest.Ctx, acorn.ID, exchange.Retailer, discounted(20)))
	w.Settle()
	got := tradeAt(t, acorn, birch, exchange.Supplier)
	if got.State.Open.By != exchange.Retailer || got.State.Open.Terms.Discount != 2000 {
		t.Errorf("open: %+v", got.State.Open)
	}
}

// A proposal that the other shop has and has not answered is taken back by either side
// that made it; one that there is not, is refused.
func TestWithdrawDelivered(t *testing.T) {
	for _, by := range []exchange.Party{exchange.Supplier, exchange.Retailer} {
		w, acorn, birch := strangers(t)
		from, to := acorn, birch
		if by == exchange.Retailer {
			from, to = birch, acorn
		}
		if err := from.Desk.Partnerships.WithdrawTerms(desktest.Ctx, to.ID, by); exchange.CodeOf(err) != exchange.CodeStale {
			t.Errorf("by the %v, nothing proposed: %v", by, err)
		}
		desktest.Must(t, from.Desk.Partnerships.Propose(desktest.Ctx, to.ID, by, discounted(10)))
		w.Settle()
		if err := to.Desk.Partnerships.WithdrawTerms(desktest.Ctx, from.ID, by.Other()); exchange.CodeOf(err) != exchange.CodeStale {
			t.Errorf("by the %v, withdrawn by the other: %v", by, err)
		}
		for range 2 {
			desktest.Must(t, from.Desk.Partnerships.WithdrawTerms(desktest.Ctx, to.ID, by)) // the second changes nothing
		}
		w.Settle()
		at := tradeAt(t, from, to, by).Position
		desktest.Must(t, from.Desk.Partnerships.WithdrawTerms(desktest.Ctx, to.ID, by))
		w.Settle()
		if got := tradeAt(t, from, to, by).Position; got != at {
			t.Errorf("by the %v: a repeat made %d entries", by, got-at)
		}
		if got := tradeAt(t, to, from, by.Other()); got.State.Open.By != 0 || got.State.Declined.By != by {
			t.Errorf("by the %v, at the other: %+v", by, got.State)
		}
		audited(t, acorn, birch)
	}
}

// The supplier has the proposal though its answer was lost: what it does before it hears
// of the withdrawal counts.
func TestWithdrawRacesAccept(t *testing.T) {
	for _, accepted := range []bool{false, true} {
		w, acorn, birch := strangers(t)
		desktest.Must(t, birch.Desk.Partnerships.Propose(desktest.Ctx, acorn.ID, exchange.Retailer, discounted(10)))
		list, _ := birch.Desk.Outgoing()
		for _, out := range list { // it arrives; the answer does not come back
			_, err := acorn.Serve(desktest.Ctx, birch.ID, out.Raw)
			desktest.Must(t, err)
			out.Done(desktest.Ctx, nil, desktest.ErrLost)
		}
		if accepted {
			desktest.Must(t, acorn.Desk.Partnerships.AcceptTerms(desktest.Ctx, birch.ID, exchange.Supplier, tradeAt(t, acorn, birch, exchange.Supplier).State.Open.Hash))
		}
		desktest.Must(t, birch.Desk.Partnerships.WithdrawTerms(desktest.Ctx, acorn.ID, exchange.Retailer))
		w.Settle()
		got := tradeAt(t, birch, acorn, exchange.Retailer)
		if got.State.Active != accepted || got.State.Open.By != 0 || (got.Refusal == exchange.CodeStale) != accepted {
			t.Errorf("accepted %v: %+v", accepted, got)
		}
		audited(t, acorn, birch)
	}
}

// A proposal on its way replaces the one that it answers: to accept that one is refused
// at once, and not by the supplier later.
func TestAcceptBehindOwnProposal(t *testing.T) {
	w, acorn, birch := strangers(t)
	desktest.Must(t, acorn.Desk.Partnerships.Propose(desktest.Ctx, birch.ID, exchange.Supplier, discounted(10)))
	w.Settle()
	theirs := tradeAt(t, birch, acorn, exchange.Retailer).State.Open.Hash
	desktest.Must(t, birch.Desk.Partnerships.Propose(desktest.Ctx, acorn.ID, exchange.Retailer, discounted(20)))
	desktest.Must(t, birch.Desk.Partnerships.WithdrawTerms(desktest.Ctx, acorn.ID, exchange.Retailer))
	if err := birch.Desk.Partnerships.AcceptTerms(desktest.Ctx, acorn.ID, exchange.Retailer, theirs); exchange.CodeOf(err) != exchange.CodeStale {
		t.Errorf("accepting: %v", err)
	}
	w.Settle()
	if got := tradeAt(t, birch, acorn, exchange.Retailer); got.State.Open.By != 0 || got.State.Active {
		t.Errorf("at rest: %+v", got.State)
	}
}

// An end is entered once, however often it is made, and at both shops says who made it,
// when and why.
func TestEndOnce(t *testing.T) {
	for _, by := range []exchange.Party{exchange.Supplier, exchange.Retailer} {
		w, acorn, birch := desktest.Pair(t)
		from, to := acorn, birch
		if by == exchange.Retailer {
			from, to = birch, acorn
		}
		before, at := tradeAt(t, from, to, by).Position, w.Now
		for _, why := range []string{"closing down", "changed my mind"} {
			desktest.Must(t, from.Desk.Partnerships.EndTrade(desktest.Ctx, to.ID, by, why))
			from.Restart()
			own := tradeAt(t, from, to, by)
			end := own.LastEnd(by)
			if end.At < at || end.By != by || end.Reason != "closing down" {
				t.Errorf("by the %v, before the other knows: %+v", by, end)
			}
		}
		w.Settle()
		desktest.Must(t, from.Desk.Partnerships.EndTrade(desktest.Ctx, to.ID, by, "once more"))
		desktest.Must(t, to.Desk.Partnerships.EndTrade(desktest.Ctx, from.ID, by.Other(), "me too"))
		w.Settle()
		for s, got := range map[*desktest.Shop]trade.Partnership{from: tradeAt(t, from, to, by), to: tradeAt(t, to, from, by.Other())} {
			side := exchange.Supplier
			if s == birch {
				side = exchange.Retailer
			}
			end := got.LastEnd(side)
			if got.Position != before+1 || got.Status() != "ended" || end.By != by || end.Reason != "closing down" || end.At < at {
				t.Errorf("by the %v, at %s: %d entries after %d, %s, %+v", by, s.Name, got.Position, before, got.Status(), end)
			}
		}
		audited(t, acorn, birch)
	}
}

// An end after a new proposal is one of its own: this shop stays bound until the last of
// its ends is entered.
func TestEndAfterQueuedProposal(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	desktest.Must(t, birch.Desk.Partnerships.EndTrade(desktest.Ctx, acorn.ID, exchange.Retailer, "first"))
	desktest.Must(t, birch.Desk.Partnerships.Propose(desktest.Ctx, acorn.ID, exchange.Retailer, discounted(20)))
	desktest.Must(t, birch.Desk.Partnerships.EndTrade(desktest.Ctx, acorn.ID, exchange.Retailer, "second"))
	if got := tradeAt(t, birch, acorn, exchange.Retailer); got.Waiting != 3 || !got.Ending {
		t.Errorf("queued: %d, ending %v", got.Waiting, got.Ending)
	}
	w.Settle()
	if got := tradeAt(t, acorn, birch, exchange.Supplier); got.State.Active || got.State.Open.By != 0 || got.State.EndReason != "first" {
		t.Errorf("at the supplier: %+v", got.State)
	}
	if got := tradeAt(t, birch, acorn, exchange.Retailer); got.Ending || got.EndingAt != 0 || got.Status() != "ended" {
		t.Errorf("at the retailer: %+v", got.Partnership)
	}
	audited(t, acorn, birch)
}

// Watchers of both shops are told who ended trade, and why.
func TestEndEvents(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	watch := func(s *desktest.Shop) func() []event.Partnership {
		events, stop := s.Desk.Events.Watch()
		t.Cleanup(stop)
		return func() (list []event.Partnership) {
			for len(events) > 0 {
				if e, ok := (<-events).(event.Partnership); ok {
					list = append(list, e)
				}
			}
			return list
		}
	}
	atAcorn, atBirch := watch(acorn), watch(birch)
	desktest.Must(t, birch.Desk.Partnerships.EndTrade(desktest.Ctx, acorn.ID, exchange.Retailer, "closing down"))
	w.Settle()
	own, other := atBirch(), atAcorn()
	if len(own) != 2 || own[0].Status != "ending" || own[1].Status != "ended" || len(other) != 1 || other[0].Status != "ended" {
		t.Fatalf("told %+v\nand %+v", own, other)
	}
	for _, e := range append(own, other...) {
		if e.By != exchange.Retailer || e.Detail != "closing down" {
			t.Errorf("%+v", e)
		}
	}
}

// An end that closes nothing but a proposal says so at both shops: the one whose proposal
// it was is not left to guess what became of it.
func TestEndClosesProposal(t *testing.T) {
	w, acorn, birch := strangers(t)
	desktest.Must(t, birch.Desk.Partnerships.Propose(desktest.Ctx, acorn.ID, exchange.Retailer, discounted(10)))
	w.Settle()
	desktest.Must(t, acorn.Desk.Partnerships.EndTrade(desktest.Ctx, birch.ID, exchange.Supplier, ""))
	w.Settle()
	for _, got := range []trade.Partnership{tradeAt(t, acorn, birch, exchange.Supplier), tradeAt(t, birch, acorn, exchange.Retailer)} {
		if d := got.State.Declined; got.Status() != "declined" || d.Of != exchange.Retailer || d.By != exchange.Supplier {
			t.Errorf("%s, %+v", got.Status(), d)
		}
	}
	audited(t, acorn, birch)
}
