package node

import (
	"context"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/membership"
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
		Shop: s.me, Name: s.nameOf(s.me), Fingerprint: fingerprint(s.me), Currency: s.desk.Currency(),
		Federation: s.parts.Federation.Label(), Version: s.parts.Version, Addresses: s.net.Addresses(), Started: s.started,
		Stopped: s.desk.Stopped(), Rate: rate, FreeBytes: s.free(),
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
	if why := s.desk.Stopped(); why != "" {
		add("selling", true, why)
	}
	if behind := s.desk.ClockBehind(); behind > desk.MaxClockBehind {
		add("clock", false, "the machine's clock is "+behind.Truncate(time.Second).String()+" behind this shop's newest record: it was wrong then, or is now. Set it right; until it has caught up, no reservation or order expires")
	}
	if !s.roster.IsMember(s.me) {
		add("membership", true, "this shop is not in the member list any more: "+s.goneWhy())
	}
	if err := s.roster.MayTakeOn(); err != nil {
		add("member-list", false, err.Error())
	}
	if err := s.roster.MayTrade(); err != nil {
		add("trade", true, err.Error())
	}
	if s.roster.Freshness() == membership.Ageing {
		add("member-list", false, "the member list is over a day old; see whether the hub runs. Trade goes on")
	}
	if !s.net.Connected(s.parts.Hub.Closed.Peer) {
		add("hub", false, "the hub is not connected. Trade with known partners goes on")
	}
	trades, err := s.desk.Trades()
	if err != nil {
		add("store", true, err.Error())
	}
	for _, t := range trades {
		partner := t.Supplier
		if partner == s.me {
			partner = t.Retailer
		}
		p := api.Problem{Name: "partner", Partner: partner}
		switch {
		case t.Frozen:
			p.Detail = "the ledger with " + s.nameOf(partner) + " is frozen as evidence: it showed two different histories"
		case t.State.Active && !s.net.Connected(partner):
			p.Detail = s.nameOf(partner) + " is not connected"
		default:
			continue
		}
		list = append(list, p)
	}
	list = append(list, s.rateProblems()...)
	return list
}

func (s *Shop) rateProblems() []api.Problem {
	s.mu.Lock()
	rate := s.policy.Rate
	s.mu.Unlock()
	switch {
	case rate.From == "":
		return []api.Problem{{Name: "rates", Detail: "there is no US dollar rate for " + string(s.desk.Currency()) + " yet; run souk catalog rates FILE"}}
	case rate.Date != "" && s.desk.Currency() != exchange.USD && s.now().Sub(dateOf(rate.Date)) > ratesOld:
		return []api.Problem{{Name: "rates", Detail: "the US dollar rate is of " + rate.Date + "; run souk catalog rates with a newer file"}}
	}
	return nil
}
