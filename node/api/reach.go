package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// Reach is what the API asks about the ways between this shop and other members.
type Reach interface {
	// Reach says how members reach this shop, and by which way it reaches each partner. It dials nobody.
	Reach(ctx context.Context) (view.Reach, error)
	// Ways tries every way to a member, each by itself, and changes nothing of what is connected.
	Ways(ctx context.Context, shop exchange.ShopID) (view.Ways, error)
	// Online asks hubs and members that relay who is connected to them, and returns for each who says
	// so, by name; and whether anybody answered.
	Online(ctx context.Context) (by map[exchange.ShopID]string, known bool)
}

// reachRoutes tell by which ways this shop is reached, and others are.
type reachRoutes struct {
	reach Reach
}

func (s *reachRoutes) register(r *router) {
	add(r, huma.Operation{
		OperationID: "get-reach", Method: http.MethodGet, Path: "/api/v1/reach", Tags: []string{"operation"},
		Summary: "How members reach this shop, how it reaches its partners, and what it relays for others",
	}, route{}, func(ctx context.Context, _ *struct{}) (*body[view.Reach], error) {
		return answer(s.reach.Reach(ctx))
	})
	add(r, huma.Operation{
		OperationID: "list-ways", Method: http.MethodGet, Path: "/api/v1/members/{shop}/ways", Tags: []string{"members"},
		Summary: "Try each way to a member by itself, and say what it answered; nothing of what is connected changes",
	}, route{may: []exchange.Code{exchange.CodeNotMember, exchange.CodeUnavailable}}, func(ctx context.Context, in *shopInput) (*body[view.Ways], error) {
		return answer(s.reach.Ways(ctx, in.Shop))
	})
}
