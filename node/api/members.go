package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// memberRoutes tell of the federation's members.
type memberRoutes struct {
	members Members
	reach   Reach
}

type membersInput struct {
	Online bool `query:"online" doc:"Ask the hub, and connected members that relay, who is online."`
}

func (s *memberRoutes) register(r *router) {
	members := []string{"members"}
	add(r, huma.Operation{
		OperationID: "list-members", Method: http.MethodGet, Path: "/api/v1/members", Tags: members,
		Summary: "All shops that are or were members, in the order of joining",
	}, route{}, s.listMembers)
	add(r, huma.Operation{
		OperationID: "dial", Method: http.MethodPost, Path: "/api/v1/members/{shop}/dial", Tags: members,
		Summary: "Reach a member directly by its ID, and measure the way",
	}, route{may: mayAsk, relays: true, formerly: "/api/v1/dial/{shop}"}, s.dial)
}

func (s *memberRoutes) listMembers(ctx context.Context, in *membersInput) (*body[view.Members], error) {
	list, err := s.members.Members(ctx)
	if err != nil {
		return nil, err
	}
	out := view.Members{Members: make([]view.Member, len(list))}
	var online map[exchange.ShopID]string
	if in.Online {
		online, out.OnlineKnown = s.reach.Online(ctx)
	}
	for i, m := range list {
		out.Members[i] = view.Member{
			Shop: m.Shop, Self: m.Self, Name: m.Name, Status: m.Status, Joined: view.Time(m.Joined), Gone: departureView(m.Departure), Fingerprint: m.Fingerprint,
			Online: m.Connected || online[m.Shop] != "", OnlineBy: online[m.Shop], Connected: m.Connected, Direct: m.Connected && !m.Self && m.Transport != "relay",
			Relay: m.Relay, Way: m.Way, LastSeen: view.Time(m.LastSeen), Addresses: append([]string{}, m.Addresses...), Transport: m.Transport,
			Sells: m.Sells, Contact: m.Contact, Returns: m.Returns, Web: m.Web, Currency: m.Currency, Countries: m.Countries,
		}
	}
	return answer(out, nil)
}

type shopInput struct {
	Shop exchange.ShopID `path:"shop"`
}

func (s *memberRoutes) dial(ctx context.Context, in *shopInput) (*body[view.Dialed], error) {
	d, err := s.members.Dial(ctx, in.Shop)
	if err != nil {
		return nil, err
	}
	out := view.Dialed{Shop: d.Shop, Path: d.Path, Address: d.Address, Transport: d.Transport, Direct: d.Direct, Way: d.Way, RTTs: []float64{}}
	for _, rtt := range d.RTTs {
		out.RTTs = append(out.RTTs, float64(rtt)/float64(time.Millisecond))
	}
	return answer(out, nil)
}
