package api

import (
	"context"
	"encoding/hex"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/node/api/view"
)

// ledgerRoutes show the ledgers with a partner.
type ledgerRoutes struct {
	desk  *desk.Desk
	shops *shops
}

func (s *ledgerRoutes) register(r *router) {
	tags := []string{"partners"}
	add(r, huma.Operation{
		OperationID: "list-ledger", Method: http.MethodGet, Path: "/api/v1/partners/{shop}/ledger", Tags: tags,
		Summary: "The entries of a ledger, by position",
		Description: "What the two shops have signed of their partnership and its orders. No consumer's address stands in it. " +
			"There is one ledger for each direction of trade; direction says which.",
	}, route{may: []exchange.Code{exchange.CodeNoPartnership}}, s.listLedger)
	add(r, huma.Operation{
		OperationID: "compare-ledger", Method: http.MethodPost, Path: "/api/v1/partners/{shop}/ledger/compare", Tags: tags,
		Summary:     "Ask the partner now where its ledgers end, and compare",
		Description: "It changes nothing at either shop. There is a result for each ledger with the partner; a partner that does not answer is one, too.",
	}, route{time: partnerTime, may: []exchange.Code{exchange.CodeNoPartnership, exchange.CodeSignature, exchange.CodeVersion}}, s.compareLedger)
}

type ledgerInput struct {
	Shop      exchange.ShopID `path:"shop"`
	Direction string          `query:"direction" enum:"sell,buy" doc:"Needed where this shop both sells to the partner and buys from it."`
	After     uint64          `query:"after" doc:"The position after which the entries begin; next of the page before."`
	Limit     int             `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

func (s *ledgerRoutes) listLedger(_ context.Context, in *ledgerInput) (*body[view.LedgerEntries], error) {
	p, side, err := s.ledgerOf(in.Shop, in.Direction)
	if err != nil {
		return nil, err
	}
	out := view.LedgerEntries{
		Partner: in.Shop, Direction: directionOf(side), Position: p.Position, Hash: hex.EncodeToString(p.Hash[:]), Entries: []view.LedgerEntry{},
	}
	err = s.desk.Ledgers.Entries(in.Shop, side, in.After, func(e trade.LedgerEntry) bool {
		if len(out.Entries) == in.Limit {
			out.Next = out.Entries[in.Limit-1].Position
			return false
		}
		out.Entries = append(out.Entries, entryView(e, side))
		return true
	})
	return answer(out, err)
}

// ledgerOf is the one ledger with a partner, or that of a direction.
func (s *ledgerRoutes) ledgerOf(shop exchange.ShopID, direction string) (found trade.Partnership, side exchange.Party, err error) {
	n := 0
	for _, of := range sidesOf(orDefault(direction, view.Both)) {
		p, err := s.desk.Partnerships.Get(shop, of)
		if err != nil {
			return found, 0, err
		}
		if p.Position > 0 {
			n, found, side = n+1, p, of
		}
	}
	switch n {
	case 0:
		return found, 0, exchange.Errorf(exchange.CodeNoPartnership, "there is no ledger with %s that has an entry; see GET /api/v1/partners", shop.Short())
	case 1:
		return found, side, nil
	}
	return found, 0, exchange.Errorf(exchange.CodeInvalid, "this shop sells to %s and buys from it; say which ledger with direction=sell or direction=buy", shop.Short())
}

func directionOf(side exchange.Party) string {
	if side == exchange.Supplier {
		return view.Sell
	}
	return view.Buy
}

func (s *ledgerRoutes) compareLedger(ctx context.Context, in *struct {
	Shop exchange.ShopID `path:"shop"`
}) (*body[view.LedgerComparisons], error) {
	list, err := s.desk.Ledgers.Compare(ctx, in.Shop)
	if err != nil {
		return nil, err
	}
	out := view.LedgerComparisons{Partner: in.Shop}
	for _, c := range list {
		v := view.LedgerComparison{Direction: directionOf(c.Side), State: string(c.Standing), Here: placeView(c.Here)}
		if c.Refusal != nil {
			v.Refusal = view.RefusalOf(exchange.CodeOf(c.Refusal), c.Refusal.Error())
		} else {
			v.There = ptr(placeView(c.There))
		}
		out.Ledgers = append(out.Ledgers, v)
	}
	return answer(out, nil)
}

func placeView(p trade.Place) view.LedgerPlace {
	v := view.LedgerPlace{Position: p.Position}
	if p.Hash != (ledger.Hash{}) {
		v.Hash = hex.EncodeToString(p.Hash[:])
	}
	return v
}

func entryView(e trade.LedgerEntry, side exchange.Party) view.LedgerEntry {
	v := view.LedgerEntry{
		Position: e.Position, At: view.Time(e.At), By: whoIs(e.By, side), Hash: hex.EncodeToString(e.Hash[:]), Number: e.Number,
		Refusal: view.RefusalOf(e.Outcome, e.Detail), Version: e.Terms,
	}
	units := func(list []order.Units) {
		for _, u := range list {
			v.Lines = append(v.Lines, view.Units{SKU: u.SKU, Units: u.Units})
		}
	}
	switch act := e.Act.(type) {
	case message.ProposeTerms:
		v.Kind, v.Terms = "propose", ptr(termsView(act.Terms))
	case message.AcceptTerms:
		v.Kind, v.Proposal = "accept-terms", hex.EncodeToString(act.Proposal[:])
	case message.DeclineTerms:
		v.Kind, v.Proposal = "decline", hex.EncodeToString(act.Proposal[:])
	case message.EndTrade:
		v.Kind, v.Reason = "end", act.Reason
	case message.SubmitOrder:
		v.Kind, v.Order = "order", act.Order
		if q := e.Quote; q != nil {
			v.Total = ptr(view.MoneyOf(exchange.Money{Minor: q.Total, Currency: q.Currency}))
			for _, l := range q.Lines {
				v.Lines = append(v.Lines, view.Units{SKU: l.SKU, Units: int64(l.Quantity)})
			}
		}
	case message.AcceptOrder:
		v.Kind, v.Order = "accept", act.Order
	case message.RejectOrder:
		v.Kind, v.Order, v.Reason = "reject", act.Order, act.Reason
	case message.ShipOrder:
		v.Kind, v.Order, v.Carrier, v.Tracking = "ship", act.Order, act.Carrier, act.Tracking
		units(act.Lines)
	case message.DeliverOrder:
		v.Kind, v.Order = "deliver", act.Order
		units(act.Lines)
	case message.CancelOrder:
		v.Kind, v.Order, v.Reason = "cancel", act.Order, act.Reason
		units(act.Lines)
	case message.ExpireOrder:
		v.Kind, v.Order = "expire", act.Order
	}
	return v
}
