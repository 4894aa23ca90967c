package trade_test

import (
	"slices"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/protocol"
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

// partnershipAt is the partnership with a partner in which s has the given side, as s sees it.
func partnershipAt(t *testing.T, s, partner *desktest.Shop, side exchange.Party) trade.Partnership {
	t.Helper()
	p, err := s.Desk.Partnerships.Get(partner.ID, side)
	desktest.Must(t, err)
	return p
}

// refusedTerms are terms that a supplier in a world refuses: it sells in EUR.
func refusedTerms() exchange.Terms { return exchange.DefaultTerms("USD") }

// noProposal checks that neither shop has a proposal open, or terms in force.
func noProposal(t *testing.T, acorn, birch *desktest.Shop) {
	t.Helper()
	for s, got := range map[*desktest.Shop]trade.Partnership{
		acorn: partnershipAt(t, acorn, birch, exchange.Supplier), birch: partnershipAt(t, birch, acorn, exchange.Retailer),
	} {
		if got.State.Open.By != 0 || got.State.Active || got.Queued != "" || got.Waiting != 0 || got.Withdrawn != [32]byte{} {
			t.Errorf("at %s: %+v", s.Name, got)
		}
	}
	audited(t, acorn, birch)
}

// A withdrawal takes back what the supplier has and what is on its way to replace that,
// whether or not the supplier takes the latter: for the currency, or for one proposal too
// many in a day.
func TestWithdrawDeliveredAndRefused(t *testing.T) {
	for name, last := range map[string]struct {
		delivered int
		terms     exchange.Terms
	}{
		"entered":  {1, discounted(20)},
		"currency": {1, refusedTerms()},
		"limit":    {50, discounted(90)},
	} {
		t.Run(name, func(t *testing.T) {
			w, acorn, birch := strangers(t)
			for n := range last.delivered {
				desktest.Must(t, birch.Desk.Partnerships.Propose(desktest.Ctx, acorn.ID, exchange.Retailer, discounted(n)))
				w.Settle()
			}
			desktest.Must(t, birch.Desk.Partnerships.Propose(desktest.Ctx, acorn.ID, exchange.Retailer, last.terms))
			desktest.Must(t, birch.Desk.Partnerships.WithdrawTerms(desktest.Ctx, acorn.ID, exchange.Retailer))
			birch.Restart()
			w.Settle()
			noProposal(t, acorn, birch)
			if got := partnershipAt(t, birch, acorn, exchange.Retailer); got.Refusal != exchange.CodeOK {
				t.Errorf("withdrawn, and told of a refusal: %v %s", got.Refusal, got.Detail)
			}
		})
	}
}

// Requests that move up behind those that a copy of the folder has lost stay what they
// are: withdrawn, or the end that binds.
func TestWithdrawnMovesUp(t *testing.T) {
	w, acorn, birch := strangers(t)
	before := birch.Mem.Clone()
	desktest.Must(t, birch.Desk.Partnerships.Propose(desktest.Ctx, acorn.ID, exchange.Retailer, discounted(3)))
	w.Settle()
	birch.Mem = before
	birch.Restart()
	desktest.Must(t, birch.Desk.Partnerships.Propose(desktest.Ctx, acorn.ID, exchange.Retailer, discounted(10)))
	desktest.Must(t, birch.Desk.Partnerships.WithdrawTerms(desktest.Ctx, acorn.ID, exchange.Retailer))
	desktest.Must(t, birch.Desk.Partnerships.Propose(desktest.Ctx, acorn.ID, exchange.Retailer, refusedTerms()))
	w.Settle()
	noProposal(t, acorn, birch)
	if got := partnershipAt(t, birch, acorn, exchange.Retailer); got.WithdrawnTo != 2 || got.Refusal != exchange.CodeCurrency {
		t.Errorf("%+v", got.Partnership)
	}
}

// A queued end binds while another one, of before a new proposal, gets its entry, and the
// supplier accepts that proposal.
func TestQueuedEndBinds(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	desktest.Must(t, birch.Desk.Partnerships.EndTrade(desktest.Ctx, acorn.ID, exchange.Retailer, "first"))
	desktest.Must(t, birch.Desk.Partnerships.Propose(desktest.Ctx, acorn.ID, exchange.Retailer, discounted(20)))
	carried, _ := birch.Desk.Outgoing() // the first end and the proposal
	desktest.Must(t, birch.Desk.Partnerships.EndTrade(desktest.Ctx, acorn.ID, exchange.Retailer, "second"))
	desktest.Must(t, birch.Desk.Partnerships.Propose(desktest.Ctx, acorn.ID, exchange.Retailer, discounted(30)))
	send := func(from, to *desktest.Shop, list []trade.Outgoing) {
		for _, out := range list {
			reply, err := to.Serve(desktest.Ctx, from.ID, out.Raw)
			out.Done(desktest.Ctx, reply, err)
		}
	}
	send(birch, acorn, carried)
	desktest.Must(t, acorn.Desk.Partnerships.AcceptTerms(desktest.Ctx, birch.ID, exchange.Supplier, partnershipAt(t, acorn, birch, exchange.Supplier).State.Open.Hash))
	for range 2 {
		list, _ := acorn.Desk.Outgoing()
		send(acorn, birch, list)
		w.Now = w.Now.Add(3 * time.Second) // entries that went out in an answer are pushed after 2 s
	}
	birch.Restart()
	got := partnershipAt(t, birch, acorn, exchange.Retailer)
	if !got.State.Active || got.State.Version != 2 || got.Waiting != 2 {
		t.Fatalf("the terms of the first proposal are not in force here, with two requests queued: %+v", got)
	}
	_, err := birch.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 1}), Country: "SE"})
	if !got.Ending || exchange.CodeOf(err) != exchange.CodeNoPartnership {
		t.Errorf("ending %v; a reservation behind the queued end: %v", got.Ending, err)
	}
	w.Settle()
	if got := partnershipAt(t, birch, acorn, exchange.Retailer); got.Ending || got.EndNumber != 0 || got.State.EndReason != "second" || got.Status() != "proposed" {
		t.Errorf("at rest: %s, %+v", got.Status(), got.Partnership)
	}
	audited(t, acorn, birch)
}

// A supplier whose end stands in its records alone, for it could not be entered when it was
// made, enters that end when its own proposal is taken back: it closes the proposal too.
func TestWithdrawEntersMarkedEnd(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	desktest.Must(t, acorn.Desk.Partnerships.Propose(desktest.Ctx, birch.ID, exchange.Supplier, discounted(10)))
	w.Settle()
	rec := partnershipAt(t, acorn, birch, exchange.Supplier).Partnership
	rec.Ending, rec.EndingAt, rec.EndingReason = true, w.Now, "pause"
	raw, err := protocol.Codec{}.Encode(&rec)
	desktest.Must(t, err)
	desktest.Must(t, acorn.Mem.Commit([]kv.Write{{Key: slices.Concat([]byte("t/"), acorn.ID[:], birch.ID[:]), Value: raw}}))
	acorn.Restart()
	w.Greet(acorn, birch)
	desktest.Must(t, acorn.Desk.Partnerships.WithdrawTerms(desktest.Ctx, birch.ID, exchange.Supplier))
	w.Settle()
	for s, got := range map[*desktest.Shop]trade.Partnership{
		acorn: partnershipAt(t, acorn, birch, exchange.Supplier), birch: partnershipAt(t, birch, acorn, exchange.Retailer),
	} {
		if got.Ending || got.State.Active || got.State.EndReason != "pause" || got.State.Declined.By != exchange.Supplier {
			t.Errorf("at %s: %+v", s.Name, got.Partnership)
		}
	}
	audited(t, acorn, birch)
}

// An owner who answers a proposal twice before the supplier is told has answered once: the
// supplier would refuse the second as an answer to nothing. The other answer is refused at once.
func TestAnswerTwice(t *testing.T) {
	accept := func(s *desktest.Shop, of exchange.ShopID, hash [32]byte) error {
		return s.Desk.Partnerships.AcceptTerms(desktest.Ctx, of, exchange.Retailer, hash)
	}
	decline := func(s *desktest.Shop, of exchange.ShopID, hash [32]byte) error {
		return s.Desk.Partnerships.DeclineTerms(desktest.Ctx, of, exchange.Retailer, hash)
	}
	for _, c := range []struct {
		name        string
		first, then func(*desktest.Shop, exchange.ShopID, [32]byte) error
		want        exchange.Code
		status      string
	}{
		{"accepted twice", accept, accept, exchange.CodeOK, "active"},
		{"declined twice", decline, decline, exchange.CodeOK, "declined"},
		{"accepted, then declined", accept, decline, exchange.CodeStale, "active"},
		{"declined, then accepted", decline, accept, exchange.CodeStale, "declined"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, acorn, birch := strangers(t)
			propose := func(percent int) [32]byte {
				t.Helper()
				desktest.Must(t, acorn.Desk.Partnerships.Propose(desktest.Ctx, birch.ID, exchange.Supplier, discounted(percent)))
				w.Settle()
				return partnershipAt(t, birch, acorn, exchange.Retailer).State.Open.Hash
			}
			hash := propose(10)
			desktest.Must(t, c.first(birch, acorn.ID, hash))
			birch.Restart()
			if err := c.then(birch, acorn.ID, hash); exchange.CodeOf(err) != c.want {
				t.Errorf("the second answer: %v", err)
			}
			if got := partnershipAt(t, birch, acorn, exchange.Retailer); got.Waiting != 1 {
				t.Errorf("%d requests wait for the supplier", got.Waiting)
			}
			w.Settle()
			if got := partnershipAt(t, birch, acorn, exchange.Retailer); got.Status() != c.status || got.Refusal != exchange.CodeOK {
				t.Errorf("%s, refused %v %s", got.Status(), got.Refusal, got.Detail)
			}
			audited(t, acorn, birch)
		})
	}
}

// An accept that waits is for the proposal that its owner has read: one that has come since is
// accepted by itself.
func TestAcceptReplaced(t *testing.T) {
	w, acorn, birch := strangers(t)
	propose := func(percent int) {
		t.Helper()
		desktest.Must(t, acorn.Desk.Partnerships.Propose(desktest.Ctx, birch.ID, exchange.Supplier, discounted(percent)))
	}
	accept := func() {
		t.Helper()
		desktest.Must(t, birch.Desk.Partnerships.AcceptTerms(desktest.Ctx, acorn.ID, exchange.Retailer, partnershipAt(t, birch, acorn, exchange.Retailer).State.Open.Hash))
	}
	propose(10)
	w.Settle()
	accept()
	propose(20)
	w.Now = w.Now.Add(3 * time.Second)
	list, _ := acorn.Desk.Outgoing()
	for _, out := range list {
		reply, err := birch.Serve(desktest.Ctx, acorn.ID, out.Raw)
		out.Done(desktest.Ctx, reply, err)
	}
	accept()
	if got := partnershipAt(t, birch, acorn, exchange.Retailer); got.Waiting != 2 {
		t.Errorf("%d requests wait for the supplier", got.Waiting)
	}
	w.Settle()
	if got := partnershipAt(t, birch, acorn, exchange.Retailer); !got.State.Active || got.State.Terms.Discount != 2000 || got.Refusal != exchange.CodeOK {
		t.Errorf("%+v", got.Partnership)
	}
	audited(t, acorn, birch)
}
