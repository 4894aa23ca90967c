package node

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/node/api"
)

// Info describes the running shop.
func (s *Shop) Info(context.Context) (api.Info, error) {
	state := s.roster.State()
	active := 0
	for _, m := range state.Members() {
		if m.Status == membership.Active {
			active++
		}
	}
	s.mu.Lock()
	rate := s.policy.Rate
	s.mu.Unlock()
	return api.Info{
		Shop: s.me, Name: s.nameOf(s.me), Fingerprint: fingerprint(s.me), Currency: s.desk.Shelf.Currency(),
		Federation: s.parts.Federation.Label(), Version: s.parts.Version, Addresses: s.net.Addresses(), Started: s.started,
		Stopped: s.desk.Selling.Stopped(), Rate: rate, FreeBytes: s.free(),
		List: api.ListInfo{
			Members: active, Entries: state.Size(), Signed: state.Checkpoint().Time, Freshness: s.roster.Freshness().String(),
			Frozen: state.Evidence() != nil, HubOnline: s.net.Connected(s.parts.Hub.Closed.Peer),
		},
	}, nil
}

func (s *Shop) free() int64 {
	if s.parts.FreeBytes == nil {
		return -1
	}
	return s.parts.FreeBytes()
}

// Problems lists what keeps the shop from being ready, and what will.
func (s *Shop) Problems(context.Context) []api.Problem {
	var list []api.Problem
	add := func(name string, blocks bool, detail string) {
		list = append(list, api.Problem{Name: name, Blocks: blocks, Detail: detail})
	}
	select {
	case <-s.ready:
	default:
		add("start", true, "the shop is still starting")
	}
	if s.parts.Healthy != nil {
		if err := s.parts.Healthy(); err != nil {
			add("store", true, err.Error())
		}
	}
	list = append(list, s.FolderProblems()...)
	if !s.roster.IsMember(s.me) && s.Departed() == nil {
		add("membership", true, "the member list that this shop has does not name it; a newer one is asked of the hub")
	}
	if err := s.roster.MayTakeOn(); err != nil {
		add("member-list", false, err.Error())
	}
	halted := s.roster.MayTrade()
	if halted != nil {
		add("trade", true, halted.Error())
	}
	if s.roster.Freshness() == membership.Ageing {
		detail := "the member list is over a day old; see whether the hub runs"
		if halted == nil {
			detail += ". Its age alone stops no trade"
		}
		add("member-list", false, detail)
	}
	list = append(list, s.reach.problems()...)
	trades, err := s.desk.Partnerships.List()
	if err != nil {
		add("store", true, err.Error())
	}
	offline := s.net.Offline()                 // a problem of its own, and the cause of these
	reported := make(map[exchange.ShopID]bool) // two partnerships with one shop are one connection
	for _, t := range trades {
		partner := t.Supplier
		if partner == s.me {
			partner = t.Retailer
		}
		p := api.Problem{Name: "partner", Partner: partner}
		switch {
		case t.Frozen:
			p.Detail = "the ledger with " + s.nameOf(partner) + " is frozen as evidence: it showed two different histories"
		case s.Departure(partner) != nil:
			if t.Over() || t.Ending || reported[partner] {
				continue
			}
			reported[partner] = true
			p.Detail = s.nameOf(partner) + " is out of the federation: " + s.Departure(partner).String() + ". Nothing is sold to it or bought from it any more; finish the open orders by hand (souk order list --open), then: souk partner end"
		case t.State.Active && !reported[partner] && !offline && !s.net.Connected(partner):
			reported[partner] = true
			p.Detail = s.nameOf(partner) + " is not connected: " + s.reach.whyAway(partner, s.reach.away(partner))
		default:
			continue
		}
		list = append(list, p)
	}
	list = append(list, s.overdueProblems()...)
	list = append(list, shortfallProblems(s.desk.Shelf)...)
	list = append(list, s.weightProblems()...)
	list = append(list, bridgeProblems(s.desk.Bridged.Status())...)
	return list
}

// FolderProblems are the problems that the folder alone shows, whether the shop runs or not.
func (s *Shop) FolderProblems() []api.Problem {
	var list []api.Problem
	if err := s.Departed(); err != nil {
		list = append(list, api.Problem{Name: "membership", Blocks: true, Detail: err.Error()})
	}
	if why := s.StoppedWhy(); why != "" {
		list = append(list, api.Problem{Name: "selling", Blocks: true, Detail: why})
	}
	list = append(list, s.configProblems()...)
	if exposed := s.parts.Config.exposed(); exposed != "" {
		list = append(list, api.Problem{Name: "api", Detail: exposed})
	}
	if behind := s.desk.Selling.ClockBehind(); behind > trade.MaxClockBehind {
		list = append(list, api.Problem{Name: "clock", Detail: "the machine's clock is " + behind.Truncate(time.Second).String() + " behind this shop's newest record: it was wrong then, or is now. Set it right; until it has caught up, no reservation or order expires"})
	}
	list = append(list, figureProblems(s.Sources(context.Background()))...)
	list = append(list, s.counted.problems(s.desk.Shelf, s.now())...)
	return append(append(list, s.quarantineProblems()...), s.rateProblems()...)
}

// overdueProblems lists overdue orders that wait for partners who do not greet: the first order of
// each partner.
func (s *Shop) overdueProblems() []api.Problem {
	list, err := s.desk.Supplier.Ungreeted()
	if err != nil {
		return []api.Problem{{Name: "store", Blocks: true, Detail: err.Error()}}
	}
	var problems []api.Problem
	reported := make(map[exchange.ShopID]bool)
	for _, o := range list {
		if reported[o.Retailer] {
			continue // once the first order is rejected, the next is shown
		}
		reported[o.Retailer] = true
		until := "until that shop connects, which may know more of it than this shop"
		if g := s.Departure(o.Retailer); g != nil {
			until = "though nothing more is heard of that shop: " + g.String()
		}
		problems = append(problems, api.Problem{Name: "overdue-order", Partner: o.Retailer, Detail: "order " + o.ID.String() + " of " + s.nameOf(o.Retailer) +
			" was to be accepted by " + o.Due.String() + " and keeps its units off sale " + until + ". If you have not shipped it, reject by hand: souk order reject " + o.ID.String()})
	}
	return problems
}

// StoppedWhy says why this shop has stopped selling, which partner proved it and what
// to do; "" where it sells.
func (s *Shop) StoppedWhy() string {
	why := s.desk.Selling.Stopped()
	if why == "" {
		return ""
	}
	for _, m := range s.roster.State().Members() {
		why = strings.ReplaceAll(why, m.Shop.String(), m.Name+" ("+m.Shop.String()+")")
	}
	return why + ". " + trade.RollbackAdvice
}

// quarantineProblems names the first hold or order in quarantine, and how many there are.
func (s *Shop) quarantineProblems() []api.Problem {
	list, err := s.desk.Supplier.Quarantined()
	if err != nil {
		return []api.Problem{{Name: "store", Blocks: true, Detail: err.Error()}}
	}
	if len(list) == 0 {
		return nil
	}
	many := strconv.Itoa(len(list))
	if len(list) >= trade.MaxQuarantined {
		many += " or more"
	}
	first := list[0]
	return []api.Problem{{Name: "set-aside", Detail: many + " damaged holds or orders could not end when their time had come, and their units stay off sale; the first is " +
		first.ID.String() + " of " + s.nameOf(first.Retailer) + ", due " + first.Due.String() + ": " + first.Why +
		". Stop the node, keep a copy of its folder, and put a newer copy back if there is one; settle those orders with the partner by hand"}}
}
