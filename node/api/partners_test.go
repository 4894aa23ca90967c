package api_test

import (
	"context"
	"slices"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// between is one direction of trade as a shop with one partner lists it.
func (s *shop) between(direction string) (found view.Partnership) {
	s.t.Helper()
	for _, p := range must(s.Partnerships(waiting(s.t)))(s.t).Partnerships {
		if p.Direction == direction {
			found = p
		}
	}
	return found
}

// TestWithdraw: a proposal each way, one declined, one withdrawn; then one that waits for
// a supplier that is away.
func TestWithdraw(t *testing.T) {
	acorn, birch := pair(t, nil)
	ctx := waiting(t)
	both := must(birch.Propose(ctx, view.Propose{Partner: acorn.id(), Direction: view.Both, Terms: view.ProposedTerms{Currency: "EUR", Countries: []string{"SE", "FI", "SE"}}}))(t)
	if len(both.Partnerships) != 2 {
		t.Fatalf("proposed: %+v", both)
	}
	open := func(s *shop, direction string) *view.Proposal { return s.between(direction).Proposal }
	birch.await("both proposals", func() bool { return open(birch, view.Sell) != nil && open(birch, view.Buy) != nil })
	if terms := open(birch, view.Buy).Terms; !slices.Equal(terms.Countries, []string{"FI", "SE"}) {
		t.Errorf("terms: %+v", terms)
	}
	if out := must(birch.WithdrawTerms(ctx, acorn.id(), view.Withdraw{Direction: view.Sell}))(t).Partnerships; len(out) != 1 || out[0].Direction != view.Sell {
		t.Errorf("withdrawn: %+v", out)
	}
	must(acorn.DeclineTerms(ctx, birch.id(), view.Answer{Proposal: open(acorn, view.Sell).ID}))(t)
	birch.await("no proposals", func() bool { return open(birch, view.Sell) == nil && open(birch, view.Buy) == nil })
	must(birch.WithdrawTerms(ctx, acorn.id(), view.Withdraw{Direction: view.Sell}))(t) // a repeat
	_, err := birch.WithdrawTerms(ctx, acorn.id(), view.Withdraw{Direction: view.Buy})
	wantCode(t, "withdrawing what was declined", err, exchange.CodeStale)

	acorn.stop()
	must(birch.Propose(ctx, view.Propose{Partner: acorn.id(), Direction: view.Buy, Terms: view.ProposedTerms{Currency: "EUR"}}))(t)
	out := must(birch.WithdrawTerms(ctx, acorn.id(), view.Withdraw{Direction: view.Buy}))(t).Partnerships
	if len(out) != 1 || out[0].Direction != view.Buy || out[0].Queued != "withdraw" || out[0].Status != "queued" {
		t.Errorf("withdrawn while the supplier is away: %+v", out)
	}
	answered(t, []*shop{acorn, birch}, "withdraw-partner", "decline-partner")
}

// TestEnded: both shops see who ended trade, when and why, in the list and as an event; a
// second end is answered with the first.
func TestEnded(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx, stop := context.WithCancel(waiting(t))
	var told view.Event
	err := acorn.Follow(ctx, client.EventsFrom{}, func(e view.Event) error {
		switch {
		case e.Type == "hello":
			must(birch.EndTrade(ctx, acorn.id(), view.End{Reason: "closing for the season"}))(t)
		case e.Type == "partnership" && e.Status == "ended":
			told = e
			stop()
		}
		return nil
	})
	if err != nil || told.By != "partner" || told.Detail != "closing for the season" || told.Side != "supplier" || told.Partner != birch.id() {
		t.Errorf("told %+v: %v", told, err)
	}
	birch.await("the end", func() bool { return birch.between(view.Buy).Status == "ended" })
	again := must(birch.EndTrade(waiting(t), acorn.id(), view.End{Reason: "again"}))(t).Partnerships
	if len(again) != 1 {
		t.Fatalf("ended again: %+v", again)
	}
	for who, p := range map[string]view.Partnership{"self": again[0], "partner": acorn.between(view.Sell)} {
		if p.Status != "ended" || p.EndedBy != who || p.EndReason != "closing for the season" || p.Ended.IsZero() || p.Ledger.Position != again[0].Ledger.Position {
			t.Errorf("by %s: %+v", who, p)
		}
	}
}

// TestProposeBoth: one request proposes both ways, under one key, with other terms to buy where
// they are given; an open quantity that nobody gives is what the supplier has.
func TestProposeBoth(t *testing.T) {
	acorn, birch := pair(t, nil)
	ctx := client.WithKey(waiting(t), "both")
	p := view.Propose{
		Partner: birch.id(), Direction: view.Both, Terms: view.ProposedTerms{DiscountBP: 1500},
		BuyTerms: &view.ProposedTerms{DiscountBP: 1000, Currency: "EUR", OpenQuantity: 77},
	}
	must(acorn.Propose(ctx, p))(t)
	acorn.await("both proposals", func() bool {
		return acorn.between(view.Sell).Proposal != nil && acorn.between(view.Buy).Proposal != nil
	})
	sell, buy := acorn.between(view.Sell).Proposal.Terms, acorn.between(view.Buy).Proposal.Terms
	if sell.DiscountBP != 1500 || sell.OpenQuantity != 15 || buy.DiscountBP != 1000 || buy.OpenQuantity != 77 {
		t.Errorf("10 shoes and 5 hats: to sell %+v, to buy %+v", sell, buy)
	}
	must(acorn.Propose(ctx, p))(t)
	if again := acorn.between(view.Sell).Ledger.Position; again != 1 {
		t.Errorf("a repeat proposed again: %d entries", again)
	}
	p.Direction = view.Sell
	_, err := acorn.Propose(waiting(t), p)
	wantCode(t, "terms to buy beside an offer to sell", err, exchange.CodeInvalid)
	// Nothing is counted at the other shop.
	must(birch.Propose(waiting(t), view.Propose{Partner: acorn.id(), Direction: view.Sell}))(t)
	if got := birch.between(view.Sell).Proposal.Terms.OpenQuantity; got != 1000 {
		t.Errorf("an empty shop offers %d", got)
	}
}
