package api

import (
	"context"
	"encoding/hex"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/node/api/view"
)

// partnerRoutes are the operations on partnerships, in both directions.
type partnerRoutes struct {
	desk    *desk.Desk
	shops   *shops
	clock   exchange.Clock
	started exchange.Time // of the API
}

func (s *partnerRoutes) register(r *router) {
	answers := route{key: keyOnce, may: also(mayAct, exchange.CodeStale)}
	tags := []string{"partners"}
	add(r, huma.Operation{
		OperationID: "list-partners", Method: http.MethodGet, Path: "/api/v1/partners", Tags: tags,
		Summary: "All partnerships that are in force, were, or are proposed",
	}, route{}, s.listPartners)
	add(r, huma.Operation{
		OperationID: "propose", Method: http.MethodPost, Path: "/api/v1/partners", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Offer a member terms",
		Description: "A newer proposal supersedes an older one. One to buy waits here until the supplier is reached. " +
			"Right after a start of the shop, what it must know of the partner may be on its way; it is waited for, a few seconds.",
	}, route{key: keyOnce, may: also(mayAct, exchange.CodeStale, exchange.CodeCurrency)}, s.propose)
	act := func(name, summary string) huma.Operation {
		return huma.Operation{OperationID: name + "-partner", Method: http.MethodPost, Path: "/api/v1/partners/{shop}/" + name, Tags: tags, Summary: summary}
	}
	add(r, act("accept", "Put a partner's proposal into force"), answers, s.acceptTerms)
	add(r, act("decline", "Decline a partner's proposal, or withdraw one's own"), answers, s.declineTerms)
	withdraw := act("withdraw", "Take back this shop's own proposals")
	withdraw.Description = "One to buy that the supplier does not have yet is withdrawn as soon as it has; what the supplier answers before that counts. Without any to take back the problem is stale."
	add(r, withdraw, answers, s.withdrawTerms)
	end := act("end", "End trade with a partner")
	end.Description = "It binds this shop at once: no new reservation or order. Submitted orders finish. What has ended already is answered as it stands: the first end counts, with its time and reason."
	add(r, end, answers, s.endTrade)
}

func (s *partnerRoutes) listPartners(ctx context.Context, _ *struct{}) (*body[view.Partnerships], error) {
	trades, err := s.desk.Partnerships.List()
	return s.partnershipsAnswer(ctx, trades, err)
}

func sidesOf(direction string) []exchange.Party {
	switch direction {
	case view.Sell:
		return []exchange.Party{exchange.Supplier}
	case view.Buy:
		return []exchange.Party{exchange.Retailer}
	}
	return []exchange.Party{exchange.Supplier, exchange.Retailer}
}

type answerInput struct {
	Shop exchange.ShopID `path:"shop"`
	Body view.Answer
}

func (s *partnerRoutes) acceptTerms(ctx context.Context, in *answerInput) (*body[view.Partnerships], error) {
	if err := s.shops.present(ctx, in.Shop); err != nil {
		return nil, err
	}
	return s.answerTerms(ctx, in, s.desk.Partnerships.AcceptTerms)
}

func (s *partnerRoutes) declineTerms(ctx context.Context, in *answerInput) (*body[view.Partnerships], error) {
	return s.answerTerms(ctx, in, s.desk.Partnerships.DeclineTerms)
}

// answerTerms finds the partnership of the proposal: the proposal's id is the hash of
// the one ledger entry that carries it.
func (s *partnerRoutes) answerTerms(ctx context.Context, in *answerInput, act func(context.Context, exchange.ShopID, exchange.Party, ledger.Hash) error) (*body[view.Partnerships], error) {
	var proposal ledger.Hash
	b, err := hex.DecodeString(in.Body.Proposal)
	if err != nil || copy(proposal[:], b) != len(proposal) {
		return nil, exchange.Errorf(exchange.CodeInvalid, "%.80q is not a proposal's id; copy it from GET /api/v1/partners", in.Body.Proposal)
	}
	for _, side := range sidesOf(view.Both) {
		p, err := s.desk.Partnerships.Get(in.Shop, side)
		if err != nil {
			return nil, err
		}
		if p.State.Open.By == 0 || p.State.Open.Hash != proposal {
			continue
		}
		if err := act(ctx, in.Shop, side, proposal); err != nil {
			return nil, err
		}
		return s.tradesWith(ctx, in.Shop, []exchange.Party{side})
	}
	return nil, exchange.Errorf(exchange.CodeStale, "%s has no such open proposal: it was answered, withdrawn or superseded. Look at GET /api/v1/partners", s.shops.nameOf(ctx, in.Shop))
}

type withdrawInput struct {
	Shop exchange.ShopID `path:"shop"`
	Body *view.Withdraw
}

func (s *partnerRoutes) withdrawTerms(ctx context.Context, in *withdrawInput) (*body[view.Partnerships], error) {
	var withdrawn []exchange.Party
	for _, side := range sidesOf(orDefault(orZero(in.Body).Direction, view.Both)) {
		err := s.desk.Partnerships.WithdrawTerms(ctx, in.Shop, side)
		if exchange.CodeOf(err) == exchange.CodeStale {
			continue // no partnership in this direction
		}
		if err != nil {
			return nil, err
		}
		withdrawn = append(withdrawn, side)
	}
	if len(withdrawn) == 0 {
		return nil, exchange.Errorf(exchange.CodeStale, "no proposal of yours to %s is open; it was answered, withdrawn or replaced. Look at GET /api/v1/partners", s.shops.nameOf(ctx, in.Shop))
	}
	return s.tradesWith(ctx, in.Shop, withdrawn)
}

type endInput struct {
	Shop exchange.ShopID `path:"shop"`
	Body *view.End
}

func (s *partnerRoutes) endTrade(ctx context.Context, in *endInput) (*body[view.Partnerships], error) {
	b := orZero(in.Body)
	var ended []exchange.Party
	for _, side := range sidesOf(orDefault(b.Direction, view.Both)) {
		p, err := s.desk.Partnerships.Get(in.Shop, side)
		if err != nil {
			return nil, err
		}
		if st := p.Status(); st == "none" || st == "declined" {
			continue // the two shops have no partnership in this direction
		}
		if err := s.desk.Partnerships.EndTrade(ctx, in.Shop, side, b.Reason); err != nil {
			return nil, err
		}
		ended = append(ended, side)
	}
	if len(ended) == 0 {
		return nil, exchange.Errorf(exchange.CodeNoPartnership, "there is no partnership with %s to end", s.shops.nameOf(ctx, in.Shop))
	}
	return s.tradesWith(ctx, in.Shop, ended)
}

func (s *partnerRoutes) tradesWith(ctx context.Context, partner exchange.ShopID, sides []exchange.Party) (*body[view.Partnerships], error) {
	trades := make([]trade.Partnership, len(sides))
	for i, side := range sides {
		var err error
		if trades[i], err = s.desk.Partnerships.Get(partner, side); err != nil {
			return nil, err
		}
	}
	return s.partnershipsAnswer(ctx, trades, nil)
}

func (s *partnerRoutes) partnershipsAnswer(ctx context.Context, trades []trade.Partnership, err error) (*body[view.Partnerships], error) {
	out := view.Partnerships{Partnerships: make([]view.Partnership, len(trades))}
	for i, t := range trades {
		out.Partnerships[i] = s.partnershipView(ctx, t)
	}
	return answer(out, err)
}

func (s *partnerRoutes) partnershipView(ctx context.Context, t trade.Partnership) view.Partnership {
	partner, side, direction := t.Retailer, exchange.Supplier, view.Sell
	if t.Retailer == s.desk.Shop() {
		partner, side, direction = t.Supplier, exchange.Retailer, view.Buy
	}
	who := func(by exchange.Party) string { return whoIs(by, side) }
	end := t.LastEnd(side)
	departure, status := s.shops.departure(partner), t.Status()
	if departure != nil && !t.Over() {
		status = departure.Status
	}
	v := view.Partnership{
		Partner: partner, PartnerName: s.shops.nameOf(ctx, partner), Direction: direction, Status: status, Gone: departureView(departure),
		Version: t.State.Version, Since: view.Time(t.State.Since), Ended: view.Time(end.At), EndedBy: who(end.By), EndReason: end.Reason,
		Queued: t.Queued, Refusal: view.RefusalOf(t.Refusal, t.Detail), OpenUnits: t.Open,
		Ledger: view.Ledger{Position: t.Position, Hash: hex.EncodeToString(t.Hash[:]), Acked: t.Acked, Waiting: t.Waiting, Frozen: t.Frozen},
	}
	if t.State.Version > 0 {
		v.Terms = ptr(termsView(t.State.Terms))
	}
	if p := t.State.Open; p.By != 0 {
		v.Proposal = &view.Proposal{ID: hex.EncodeToString(p.Hash[:]), By: who(p.By), Terms: termsView(p.Terms), At: view.Time(p.At)}
	}
	if d := t.State.Declined; d.By != 0 {
		v.Declined = &view.Declined{ID: hex.EncodeToString(d.Hash[:]), Of: who(d.Of), By: who(d.By), At: view.Time(d.At)}
	}
	return v
}

// whoIs names a party from where this shop has side.
func whoIs(by, side exchange.Party) string {
	switch by {
	case 0:
		return ""
	case side:
		return "self"
	}
	return "partner"
}

func termsView(t exchange.Terms) view.Terms {
	return view.Terms{
		DiscountBP: uint32(t.Discount), Currency: t.Currency, HoldSeconds: t.HoldLifetime.Seconds(), OpenQuantity: t.OpenQuantity,
		AcceptSeconds: t.AcceptWithin.Seconds(), Cancel: t.Cancel.String(), Countries: append([]string{}, t.Countries...),
		Feed: t.Feed, SettlementDays: t.SettlementDays,
	}
}
