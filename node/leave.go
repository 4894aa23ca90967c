package node

import (
	"context"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/node/api"
	"github.com/souk-market/souk/protocol/members"
	"github.com/souk-market/souk/protocol/p2p"
)

// Leave ends every partnership, publishes the leave entry through the hub, and
// writes a readable archive of all trade; with preview it only says what that would
// do. Submitted orders stay as they are: the two shops finish them between
// themselves, with the archive as their record.
func (s *Shop) Leave(ctx context.Context, preview bool) (*api.Leaving, error) {
	trades, err := s.desk.Partnerships.List()
	if err != nil {
		return nil, err
	}
	out := &api.Leaving{Preview: preview, Archive: s.archivePath()}
	for _, side := range []exchange.Party{exchange.Supplier, exchange.Retailer} {
		err := s.desk.Orders.List(side, exchange.OrderID{}, func(r *record.Order) bool {
			if st := r.Order.Status(); !st.Terminal() && r.Refusal == exchange.CodeOK {
				partner := r.Supplier
				if side == exchange.Supplier {
					partner = r.Retailer
				}
				out.OpenOrders = append(out.OpenOrders, api.OpenOrder{Order: r.ID, Shop: partner, Side: side, Status: st.String()})
			}
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	for _, t := range trades {
		if !t.State.Active && t.State.Open.By == 0 {
			continue
		}
		partner, side := t.Retailer, exchange.Supplier
		if t.Retailer == s.me {
			partner, side = t.Supplier, exchange.Retailer
		}
		out.Partners = append(out.Partners, partner)
		if preview {
			continue
		}
		if err := s.desk.Partnerships.EndTrade(ctx, partner, side, "leaving the federation"); ctx.Err() != nil {
			return nil, ctx.Err()
		} else if err != nil { // a departed shop trades with nobody: one ledger must not keep a shop in
			s.log.Error("a partnership could not be ended before leaving", "partner", partner, "err", err)
		}
	}
	if preview {
		return out, nil
	}
	if err := s.writeArchive(out.Archive); err != nil {
		return nil, err
	}
	me, _ := s.roster.Member(s.me)
	statement, err := membership.NewLeave(s.parts.Federation.Origin, s.parts.Key, me.Index)
	if err != nil {
		return nil, err
	}
	s.leaving.Store(true)
	err = members.Leave(ctx, s.net, s.parts.Hub.Closed.Peer, s.roster, statement)
	if exchange.CodeOf(err) == exchange.CodeUnavailable {
		// The hub's open host takes the statement from anybody: it is signed.
		err = members.Submit(ctx, statement, s.askHub)
	}
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeOf(err), "the partnerships are ended, but the hub did not enter the leave (%w); run souk node leave again when it is online", err)
	}
	if s.left != nil {
		time.AfterFunc(leaveDelay, s.left)
	}
	return out, nil
}

// askHub carries one request to the hub's open host.
func (s *Shop) askHub(ctx context.Context, request []byte) ([]byte, error) {
	if s.parts.AskHub == nil {
		return nil, exchange.Errorf(exchange.CodeUnavailable, "this shop knows no way to its hub's open host")
	}
	return s.parts.AskHub(ctx, request)
}

// openHost is where a hub's open host is asked.
func openHost(fed membership.Federation, hub membership.Hub) p2p.AskConfig {
	ask := p2p.AskConfig{Federation: fed.Label()}
	for _, a := range hub.Open.Addrs {
		ask.Addrs = append(ask.Addrs, a+"/p2p/"+hub.Open.Peer.String())
	}
	return ask
}

// leaveDelay lets the answer reach the owner, and the ends of partnerships reach the partners.
const leaveDelay = 3 * time.Second
