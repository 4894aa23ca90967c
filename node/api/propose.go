package api

import (
	"context"
	"slices"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/node/api/view"
)

// What is proposed where the owner leaves parts of the terms out, and what must be known before.

const (
	// newsWithin bounds how long a proposal waits for what this shop must know of its partner.
	// Shops that have just started meet within a few round trips and the verification of the
	// member list, and dial again after 1 s where a first dial failed: 5 s are enough.
	newsWithin = 5 * time.Second
	newsLook   = 50 * time.Millisecond
	// youngFor is how long after its start a shop's member list may be about to come. Later, a
	// shop that the list does not name is refused at once.
	youngFor = time.Minute
	// totalledAtMost bounds the products whose units are added up for an open quantity: 1 s.
	totalledAtMost = 100_000
)

type proposeInput struct {
	Body view.Propose
}

func (s *partnerRoutes) propose(ctx context.Context, in *proposeInput) (*body[view.Partnerships], error) {
	partner := in.Body.Partner
	if partner.IsZero() {
		return nil, exchange.Errorf(exchange.CodeInvalid, "partner is empty; give the shop's ID, as in GET /api/v1/members")
	}
	if in.Body.BuyTerms != nil && in.Body.Direction != view.Both {
		return nil, exchange.Errorf(exchange.CodeInvalid, "buy_terms belong to direction both; to %s, give terms", in.Body.Direction)
	}
	if err := s.shops.present(ctx, partner); err != nil {
		return nil, err
	}
	sides := sidesOf(in.Body.Direction)
	s.awaitNews(ctx, partner, sides, &in.Body)
	terms := make([]exchange.Terms, len(sides))
	for i, side := range sides { // all checked before any is proposed
		said := in.Body.Terms
		if side == exchange.Retailer && in.Body.BuyTerms != nil {
			said = *in.Body.BuyTerms
		}
		var err error
		if terms[i], err = s.terms(ctx, partner, side, said); err != nil {
			return nil, err
		}
	}
	var err error
	if len(sides) == 2 {
		err = s.desk.Partnerships.ProposeBoth(ctx, partner, terms[0], terms[1])
	} else {
		err = s.desk.Partnerships.Propose(ctx, partner, sides[0], terms[0])
	}
	if err != nil {
		return nil, err
	}
	return s.tradesWith(ctx, partner, sides)
}

// awaitNews waits, newsWithin at most, while this shop lacks news without which it cannot
// propose: a fresh member list that names the partner, while this shop is young, and the
// partner's currency, for which it dials the partner.
func (s *partnerRoutes) awaitNews(ctx context.Context, partner exchange.ShopID, sides []exchange.Party, in *view.Propose) {
	ctx, cancel := context.WithTimeout(ctx, newsWithin)
	defer cancel()
	met := false
	for {
		m, known := s.shops.fresh(ctx, partner)
		listed := known && m.Status == membership.Active.String() && s.desk.Partnerships.MayTakeOn() == nil
		needs := slices.Contains(sides, exchange.Retailer) && in.Terms.Currency == "" && (in.BuyTerms == nil || in.BuyTerms.Currency == "")
		if (listed || s.clock.Now().Sub(s.started) > youngFor) && (!needs || m.Currency != "" || !known) {
			return
		}
		if listed && !met {
			// A shop that this one is connected to tells its profile in its greeting; over others
			// it may take seconds.
			met = true
			go func() { _, _ = s.shops.members.Dial(ctx, partner) }()
		}
		select {
		case <-time.After(newsLook):
		case <-ctx.Done():
			return // what is missing is said by whoever needs it
		}
	}
}

// terms fills what the owner left out. Trade is in the supplier's currency.
func (s *partnerRoutes) terms(ctx context.Context, partner exchange.ShopID, side exchange.Party, in view.ProposedTerms) (exchange.Terms, error) {
	currency := in.Currency
	if currency == "" && side == exchange.Supplier {
		currency = s.desk.Shelf.Currency()
	}
	if currency == "" {
		m, _ := s.shops.member(ctx, partner)
		if currency = m.Currency; currency == "" {
			return exchange.Terms{}, exchange.Errorf(exchange.CodeCurrency,
				"the currency of %s is not known here: this shop has not met it yet, and nothing was proposed. Give the currency in the terms, or propose again when the two have met", s.shops.nameOf(ctx, partner))
		}
	}
	if side == exchange.Supplier && currency != s.desk.Shelf.Currency() {
		return exchange.Terms{}, exchange.Errorf(exchange.CodeCurrency, "this shop sells in %s, not in %s", s.desk.Shelf.Currency(), currency)
	}
	t := exchange.DefaultTerms(currency)
	t.Discount = exchange.BasisPoints(in.DiscountBP)
	if in.HoldSeconds != 0 {
		t.HoldLifetime = seconds(in.HoldSeconds)
	}
	switch {
	case in.OpenQuantity != 0:
		t.OpenQuantity = in.OpenQuantity
	case side == exchange.Supplier:
		total, err := s.desk.Shelf.Total(totalledAtMost)
		if err != nil {
			return t, err
		}
		t.OpenQuantity = openQuantity(total.Units, total.Unlimited || !total.Whole, t.OpenQuantity)
	}
	if in.AcceptSeconds != 0 {
		t.AcceptWithin = seconds(in.AcceptSeconds)
	}
	for _, rule := range []exchange.CancelRule{exchange.CancelUntilShipped, exchange.CancelUntilAccepted, exchange.CancelNever} {
		if rule.String() == in.Cancel {
			t.Cancel = rule
		}
	}
	for i, c := range in.Countries {
		var err error
		if in.Countries[i], err = view.ParseCountry(c); err != nil {
			return t, err
		}
	}
	if len(in.Countries) > 0 {
		t.Countries = slices.Compact(slices.Sorted(slices.Values(in.Countries)))
	}
	if in.SettlementDays != nil {
		t.SettlementDays = *in.SettlementDays
	}
	return t, t.Check()
}

// openQuantity is the open quantity of proposed terms where the owner gives none: the units that
// the shop has available, so that one partner may hold all of them and no partner more than
// there are. standard is for a shop with nothing to count, and the least of one that has more
// than units says.
func openQuantity(units int64, more bool, standard int64) int64 {
	if units == 0 || more {
		return max(units, standard)
	}
	return units
}
