package desk_test

import (
	"slices"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/protocol"
)

// refusedTerms are terms that a supplier in a world refuses: it sells in EUR.
func refusedTerms() exchange.Terms { return exchange.DefaultTerms("USD") }

// noProposal checks that neither shop has a proposal open, or terms in force.
func noProposal(t *testing.T, acorn, birch *shop) {
	t.Helper()
	for s, got := range map[*shop]desk.Trade{
		acorn: tradeAt(t, acorn, birch, exchange.Supplier), birch: tradeAt(t, birch, acorn, exchange.Retailer),
	} {
		if got.State.Open.By != 0 || got.State.Active || got.Queued != "" || got.Waiting != 0 || got.Withdrawn != [32]byte{} {
			t.Errorf("at %s: %+v", s.name, got)
		}
	}
	audited(t, acorn, birch)
}

// What was taken back does not come into force because what was proposed instead of it is
// refused; and the reason of that refusal is there to read.
func TestWithdrawnBeforeRefusedProposal(t *testing.T) {
	w, acorn, birch := strangers(t)
	must(t, birch.desk.Propose(ctx, acorn.id, exchange.Retailer, discounted(10)))
	must(t, birch.desk.WithdrawTerms(ctx, acorn.id, exchange.Retailer))
	must(t, birch.desk.Propose(ctx, acorn.id, exchange.Retailer, refusedTerms()))
	birch.restart()
	w.settle()
	noProposal(t, acorn, birch)
	if got := tradeAt(t, birch, acorn, exchange.Retailer); got.Refusal != exchange.CodeCurrency || got.State.Declined.By != exchange.Retailer {
		t.Errorf("refused: %v; closed: %+v", got.Refusal, got.State.Declined)
	}
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
				must(t, birch.desk.Propose(ctx, acorn.id, exchange.Retailer, discounted(n)))
				w.settle()
			}
			must(t, birch.desk.Propose(ctx, acorn.id, exchange.Retailer, last.terms))
			must(t, birch.desk.WithdrawTerms(ctx, acorn.id, exchange.Retailer))
			birch.restart()
			w.settle()
			noProposal(t, acorn, birch)
			if got := tradeAt(t, birch, acorn, exchange.Retailer); got.Refusal != exchange.CodeOK {
				t.Errorf("withdrawn, and told of a refusal: %v %s", got.Refusal, got.Detail)
			}
		})
	}
}

// Requests that move up behind those that a copy of the folder has lost stay what they
// are: withdrawn, or the end that binds.
func TestWithdrawnMovesUp(t *testing.T) {
	w, acorn, birch := strangers(t)
	before := birch.mem.Clone()
	must(t, birch.desk.Propose(ctx, acorn.id, exchange.Retailer, discounted(3)))
	w.settle()
	birch.mem = before
	birch.restart()
	must(t, birch.desk.Propose(ctx, acorn.id, exchange.Retailer, discounted(10)))
	must(t, birch.desk.WithdrawTerms(ctx, acorn.id, exchange.Retailer))
	must(t, birch.desk.Propose(ctx, acorn.id, exchange.Retailer, refusedTerms()))
	w.settle()
	noProposal(t, acorn, birch)
	if got := tradeAt(t, birch, acorn, exchange.Retailer); got.WithdrawnTo != 2 || got.Refusal != exchange.CodeCurrency {
		t.Errorf("%+v", got.Partnership)
	}
}

// What a withdrawal does not cover stands: what is proposed after it, and after several.
func TestProposeAfterWithdrawals(t *testing.T) {
	w, acorn, birch := strangers(t)
	for n := range 3 {
		must(t, birch.desk.Propose(ctx, acorn.id, exchange.Retailer, discounted(n)))
		must(t, birch.desk.WithdrawTerms(ctx, acorn.id, exchange.Retailer))
	}
	must(t, birch.desk.Propose(ctx, acorn.id, exchange.Retailer, discounted(20)))
	w.settle()
	if got := tradeAt(t, acorn, birch, exchange.Supplier); got.State.Open.Terms.Discount != 2000 {
		t.Errorf("open: %+v", got.State.Open)
	}
	must(t, birch.desk.Propose(ctx, acorn.id, exchange.Retailer, refusedTerms()))
	w.settle()
	if got := tradeAt(t, acorn, birch, exchange.Supplier); got.State.Open.Terms.Discount != 2000 {
		t.Errorf("never taken back: %+v", got.State.Open)
	}
}

// A queued end binds while another one, of before a new proposal, gets its entry, and the
// supplier accepts that proposal.
func TestQueuedEndBinds(t *testing.T) {
	w, acorn, birch := pair(t)
	must(t, birch.desk.EndTrade(ctx, acorn.id, exchange.Retailer, "first"))
	must(t, birch.desk.Propose(ctx, acorn.id, exchange.Retailer, discounted(20)))
	carried, _ := birch.desk.Outgoing() // the first end and the proposal
	must(t, birch.desk.EndTrade(ctx, acorn.id, exchange.Retailer, "second"))
	must(t, birch.desk.Propose(ctx, acorn.id, exchange.Retailer, discounted(30)))
	send := func(from, to *shop, list []desk.Outgoing) {
		for _, out := range list {
			reply, err := to.serve(ctx, from.id, out.Raw)
			out.Done(ctx, reply, err)
		}
	}
	send(birch, acorn, carried)
	must(t, acorn.desk.AcceptTerms(ctx, birch.id, exchange.Supplier, tradeAt(t, acorn, birch, exchange.Supplier).State.Open.Hash))
	for range 2 {
		list, _ := acorn.desk.Outgoing()
		send(acorn, birch, list)
		w.now = w.now.Add(3 * time.Second) // entries that went out in an answer are pushed after 2 s
	}
	birch.restart()
	got := tradeAt(t, birch, acorn, exchange.Retailer)
	if !got.State.Active || got.State.Version != 2 || got.Waiting != 2 {
		t.Fatalf("the terms of the first proposal are not in force here, with two requests queued: %+v", got)
	}
	_, err := birch.desk.Reserve(ctx, desk.ReserveRequest{Supplier: acorn.id, Lines: []exchange.Line{{SKU: "shoe", Quantity: 1}}, Country: "SE"})
	if !got.Ending || exchange.CodeOf(err) != exchange.CodeNoPartnership {
		t.Errorf("ending %v; a reservation behind the queued end: %v", got.Ending, err)
	}
	w.settle()
	if got := tradeAt(t, birch, acorn, exchange.Retailer); got.Ending || got.EndNumber != 0 || got.State.EndReason != "second" || got.Status() != "proposed" {
		t.Errorf("at rest: %s, %+v", got.Status(), got.Partnership)
	}
	audited(t, acorn, birch)
}

// A supplier whose end stands in its records alone, for it could not be entered when it was
// made, enters that end when its own proposal is taken back: it closes the proposal too.
func TestWithdrawEntersMarkedEnd(t *testing.T) {
	w, acorn, birch := pair(t)
	must(t, acorn.desk.Propose(ctx, birch.id, exchange.Supplier, discounted(10)))
	w.settle()
	rec := tradeAt(t, acorn, birch, exchange.Supplier).Partnership
	rec.Ending, rec.EndingAt, rec.EndingReason = true, w.now, "pause"
	raw, err := protocol.Codec{}.Encode(&rec)
	must(t, err)
	must(t, acorn.mem.Commit([]kv.Write{{Key: slices.Concat([]byte("t/"), acorn.id[:], birch.id[:]), Value: raw}}))
	acorn.restart()
	w.greet(acorn, birch)
	must(t, acorn.desk.WithdrawTerms(ctx, birch.id, exchange.Supplier))
	w.settle()
	for s, got := range map[*shop]desk.Trade{
		acorn: tradeAt(t, acorn, birch, exchange.Supplier), birch: tradeAt(t, birch, acorn, exchange.Retailer),
	} {
		if got.Ending || got.State.Active || got.State.EndReason != "pause" || got.State.Declined.By != exchange.Supplier {
			t.Errorf("at %s: %+v", s.name, got.Partnership)
		}
	}
	audited(t, acorn, birch)
}
