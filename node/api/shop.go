package api

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

func (s *Server) shopRoutes(api huma.API) {
	members, operation := []string{"members"}, []string{"operation"}
	add(s, api, huma.Operation{
		OperationID: "list-members", Method: http.MethodGet, Path: "/api/v1/members", Tags: members,
		Summary: "All shops that are or were members, in the order of joining",
	}, route{}, s.listMembers)
	add(s, api, huma.Operation{
		OperationID: "dial", Method: http.MethodPost, Path: "/api/v1/dial/{shop}", Tags: members,
		Summary: "Reach a member directly by its ID, and measure the way",
	}, route{}, s.dial)
	add(s, api, huma.Operation{
		OperationID: "get-shop", Method: http.MethodGet, Path: "/api/v1/shop", Tags: operation, Summary: "This shop",
	}, route{}, s.getShop)
	add(s, api, huma.Operation{
		OperationID: "leave", Method: http.MethodPost, Path: "/api/v1/leave", Tags: operation,
		Summary: "Leave the federation, or with preview=1 see what that would do",
	}, route{key: keyOnce}, s.leave)
	add(s, api, huma.Operation{
		OperationID: "health", Method: http.MethodGet, Path: "/healthz", Tags: operation, Summary: "The server runs",
	}, route{open: true}, func(context.Context, *struct{}) (*body[view.Health], error) {
		return answer(view.Health{Status: "ok"}, nil)
	})
	add(s, api, huma.Operation{
		OperationID: "ready", Method: http.MethodGet, Path: "/readyz", Tags: operation, Summary: "The shop may be sent work",
		Responses: map[string]*huma.Response{"503": {Description: "Not ready.", Content: map[string]*huma.MediaType{
			"application/json": {Schema: api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[view.Readiness](), true, "")},
		}}},
	}, route{open: s.cfg.OpenMetrics}, s.ready)
}

func (s *Server) listMembers(ctx context.Context, _ *struct{}) (*body[view.Members], error) {
	list, err := s.cfg.Members.Members(ctx)
	if err != nil {
		return nil, err
	}
	out := view.Members{Members: make([]view.Member, len(list))}
	for i, m := range list {
		out.Members[i] = view.Member{
			Shop: m.Shop, Self: m.Self, Name: m.Name, Status: m.Status, Joined: view.Time(m.Joined), Gone: goneView(m.Gone), Fingerprint: m.Fingerprint,
			Online: m.Online, LastSeen: view.Time(m.LastSeen), Addresses: append([]string{}, m.Addresses...), Transport: m.Transport,
			Sells: m.Sells, Contact: m.Contact, Returns: m.Returns, Web: m.Web, Currency: m.Currency, Countries: m.Countries,
		}
	}
	return answer(out, nil)
}

type shopInput struct {
	Shop exchange.ShopID `path:"shop"`
}

func (s *Server) dial(ctx context.Context, in *shopInput) (*body[view.Dialed], error) {
	d, err := s.cfg.Members.Dial(ctx, in.Shop)
	if err != nil {
		return nil, err
	}
	out := view.Dialed{Shop: d.Shop, Path: d.Path, Address: d.Address, Transport: d.Transport, Direct: d.Direct, RTTs: []float64{}}
	for _, rtt := range d.RTTs {
		out.RTTs = append(out.RTTs, float64(rtt)/float64(time.Millisecond))
	}
	return answer(out, nil)
}

func (s *Server) getShop(ctx context.Context, _ *struct{}) (*body[view.Shop], error) {
	i, err := s.cfg.Shop.Info(ctx)
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

func (s *Server) leave(ctx context.Context, in *leaveInput) (*body[view.Leaving], error) {
	l, err := s.cfg.Shop.Leave(ctx, in.Preview)
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

func (s *Server) ready(ctx context.Context, _ *struct{}) (*readiness, error) {
	out := &readiness{Status: http.StatusOK, Body: view.Readiness{Ready: true, Problems: []view.Condition{}}}
	for _, p := range s.cfg.Shop.Problems(ctx) {
		out.Body.Problems = append(out.Body.Problems, view.Condition{Name: p.Name, Blocks: p.Blocks, Detail: p.Detail, Partner: p.Partner})
		if p.Blocks {
			out.Status, out.Body.Ready = http.StatusServiceUnavailable, false
		}
	}
	return out, nil
}
