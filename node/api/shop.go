package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// shopRoutes tell of the shop as a whole: what it is, whether it runs, and its leaving.
type shopRoutes struct {
	shop Shop
	open bool // readiness is told without a token
}

func (s *shopRoutes) register(r *router) {
	operation := []string{"operation"}
	add(r, huma.Operation{
		OperationID: "get-shop", Method: http.MethodGet, Path: "/api/v1/shop", Tags: operation, Summary: "This shop",
	}, route{}, s.getShop)
	add(r, huma.Operation{
		OperationID: "leave", Method: http.MethodPost, Path: "/api/v1/leave", Tags: operation,
		Summary: "Leave the federation, or with preview=1 see what that would do",
	}, route{key: keyAgain, may: mayRelay, relays: true}, s.leave)
	add(r, huma.Operation{
		OperationID: "health", Method: http.MethodGet, Path: "/healthz", Tags: operation, Summary: "The server runs",
	}, route{open: true}, func(context.Context, *struct{}) (*body[view.Health], error) {
		return answer(view.Health{Status: "ok"}, nil)
	})
	add(r, huma.Operation{
		OperationID: "ready", Method: http.MethodGet, Path: "/readyz", Tags: operation, Summary: "The shop may be sent work",
		Responses: map[string]*huma.Response{"503": {Description: "Not ready.", Content: map[string]*huma.MediaType{
			"application/json": {Schema: schemaOf[view.Readiness](r)},
		}}},
	}, route{open: s.open}, s.ready)
}

func (s *shopRoutes) getShop(ctx context.Context, _ *struct{}) (*body[view.Shop], error) {
	i, err := s.shop.Info(ctx)
	if err != nil {
		return nil, err
	}
	out := view.Shop{
		Shop: i.Shop, Name: i.Name, Fingerprint: i.Fingerprint, Currency: i.Currency, Federation: i.Federation, Version: i.Version,
		Addresses: append([]string{}, i.Addresses...), Started: view.Time(i.Started), Stopped: i.Stopped, FreeBytes: i.FreeBytes,
		MemberList: view.MemberList{
			Members: i.List.Members, Entries: i.List.Entries, Signed: view.Time(i.List.Signed),
			Freshness: i.List.Freshness, Frozen: i.List.Frozen, HubOnline: i.List.HubOnline,
		},
	}
	if i.Rate.From != "" {
		out.Rate = ptr(rateView(i.Rate))
	}
	return answer(out, nil)
}

func rateView(r exchange.Rate) view.Rate {
	return view.Rate{Currency: r.From, Rate: r.Text, Source: r.Source, Date: r.Date}
}

type leaveInput struct {
	Preview bool `query:"preview" doc:"Do nothing, only say what leaving would do."`
}

func (s *shopRoutes) leave(ctx context.Context, in *leaveInput) (*body[view.Leaving], error) {
	l, err := s.shop.Leave(ctx, in.Preview)
	if err != nil {
		return nil, err
	}
	out := view.Leaving{
		Preview: l.Preview, OpenOrders: make([]view.OpenOrder, len(l.OpenOrders)),
		Partners: append([]exchange.ShopID{}, l.Partners...), Archive: l.Archive,
	}
	for i, o := range l.OpenOrders {
		out.OpenOrders[i] = view.OpenOrder{Order: o.Order, Partner: o.Shop, Role: roleOf(o.Side), Status: o.Status}
	}
	return answer(out, nil)
}

type readiness struct {
	Status int
	Body   view.Readiness
}

func (s *shopRoutes) ready(ctx context.Context, _ *struct{}) (*readiness, error) {
	out := &readiness{Status: http.StatusOK, Body: view.Readiness{Ready: true, Problems: []view.Condition{}}}
	for _, p := range s.shop.Problems(ctx) {
		out.Body.Problems = append(out.Body.Problems, view.Condition{Name: p.Name, Blocks: p.Blocks, Detail: p.Detail, Partner: p.Partner})
		if p.Blocks {
			out.Status, out.Body.Ready = http.StatusServiceUnavailable, false
		}
	}
	return out, nil
}
