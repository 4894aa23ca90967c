package protocol

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/reservation"
	"github.com/souk-market/souk/protocol/pb"
)

func holdOut(v *desk.Hold) *pb.Hold {
	return &pb.Hold{
		Id: raw(v.ID[:]), Lines: linesOut(v.Lines), Country: v.Country,
		MaxTotal: v.MaxTotal, LifetimeMs: v.Lifetime,
	}
}

func holdIn(f *fields, m *pb.Hold) *desk.Hold {
	v := &desk.Hold{
		Lines: linesIn(m.GetLines()), Country: m.GetCountry(),
		MaxTotal: m.GetMaxTotal(), Lifetime: m.GetLifetimeMs(),
	}
	f.fixed("id", v.ID[:], m.GetId())
	return v
}

func releaseOut(v *desk.Release) *pb.Release { return &pb.Release{Id: raw(v.ID[:])} }

func releaseIn(f *fields, m *pb.Release) *desk.Release {
	v := new(desk.Release)
	f.fixed("id", v.ID[:], m.Id)
	return v
}

func extendOut(v *desk.Extend) *pb.Extend {
	return &pb.Extend{Id: raw(v.ID[:]), UntilMs: int64(v.Until)}
}

func extendIn(f *fields, m *pb.Extend) *desk.Extend {
	v := &desk.Extend{Until: exchange.Time(m.UntilMs)}
	f.fixed("id", v.ID[:], m.Id)
	return v
}

func statusOut(v *desk.HoldStatus) *pb.HoldStatus { return &pb.HoldStatus{Id: raw(v.ID[:])} }

func statusIn(f *fields, m *pb.HoldStatus) *desk.HoldStatus {
	v := new(desk.HoldStatus)
	f.fixed("id", v.ID[:], m.Id)
	return v
}

func sealedAnswerOut(v *desk.SealedAnswer) *pb.SealedAnswer {
	return &pb.SealedAnswer{Sealed: v.Sealed}
}

func sealedAnswerIn(_ *fields, m *pb.SealedAnswer) *desk.SealedAnswer {
	return &desk.SealedAnswer{Sealed: m.Sealed}
}

func holdAnswerOut(v *desk.HoldAnswer) *pb.Leaf {
	return &pb.Leaf{Kind: &pb.Leaf_HoldAnswer{HoldAnswer: &pb.HoldAnswer{
		Supplier: raw(v.Supplier[:]), Retailer: raw(v.Retailer[:]), Hold: raw(v.Hold[:]),
		Request: raw(v.Request[:]), State: pb.HoldState(v.State), Quote: quoteOut(v.Quote),
		Refusal: pb.Code(v.Refusal), Detail: clip(v.Detail), AtMs: int64(v.At),
	}}}
}

func holdAnswerIn(f *fields, leaf *pb.Leaf) *desk.HoldAnswer {
	m := leaf.GetHoldAnswer()
	if m == nil {
		f.fail("the leaf holds none")
		return nil
	}
	v := &desk.HoldAnswer{
		State: reservation.State(m.State), Quote: f.quote(m.Quote),
		Refusal: exchange.Code(m.Refusal), Detail: m.Detail, At: exchange.Time(m.AtMs),
	}
	f.fixed("supplier", v.Supplier[:], m.Supplier)
	f.fixed("retailer", v.Retailer[:], m.Retailer)
	f.fixed("hold", v.Hold[:], m.Hold)
	f.fixed("request", v.Request[:], m.Request)
	return v
}

func submitOut(v *desk.Submit) *pb.Submit {
	m := &pb.Submit{Have: v.Have}
	for i := range v.Requests {
		r := &v.Requests[i]
		m.Requests = append(m.Requests, &pb.SubmittedRequest{
			Signed: signedOut(r.Signed.Payload, r.Signed.Signature), Salt: raw(r.Salt[:]), ShipTo: r.ShipTo,
		})
	}
	return m
}

func submitIn(f *fields, m *pb.Submit) *desk.Submit {
	return &desk.Submit{Have: m.Have, Requests: each(m.Requests, func(m *pb.SubmittedRequest) desk.SubmittedRequest {
		r := desk.SubmittedRequest{Signed: requestSignedIn(m.Signed), ShipTo: m.ShipTo}
		f.fixed("salt", r.Salt[:], m.Salt)
		return r
	})}
}

func pushOut(v *desk.Push) *pb.Push { return &pb.Push{Entries: v.Entries} }

func pushIn(_ *fields, m *pb.Push) *desk.Push { return &desk.Push{Entries: m.Entries} }

func pullOut(v *desk.Pull) *pb.Pull { return &pb.Pull{After: v.After} }

func pullIn(_ *fields, m *pb.Pull) *desk.Pull { return &desk.Pull{After: m.After} }

func entriesOut(v *desk.Entries) *pb.Entries { return &pb.Entries{Entries: v.Entries, Head: v.Head} }

func entriesIn(_ *fields, m *pb.Entries) *desk.Entries {
	return &desk.Entries{Entries: m.Entries, Head: m.Head}
}

func stockQueryOut(v *desk.StockQuery) *pb.StockQuery {
	return &pb.StockQuery{Skus: each(v.SKUs, func(s exchange.SKU) string { return string(s) })}
}

func stockQueryIn(_ *fields, m *pb.StockQuery) *desk.StockQuery {
	return &desk.StockQuery{SKUs: each(m.Skus, func(s string) exchange.SKU { return exchange.SKU(s) })}
}

func stockAnswerOut(v *desk.StockAnswer) *pb.StockAnswer {
	return &pb.StockAnswer{AtMs: int64(v.At), Lines: each(v.Lines, func(l desk.StockLine) *pb.StockLine {
		return &pb.StockLine{
			Sku: string(l.SKU), Known: l.Known, Available: availabilityOut(l.Available), Price: moneyOut(l.Price),
		}
	})}
}

func stockAnswerIn(_ *fields, m *pb.StockAnswer) *desk.StockAnswer {
	return &desk.StockAnswer{At: exchange.Time(m.AtMs), Lines: each(m.Lines, func(l *pb.StockLine) desk.StockLine {
		return desk.StockLine{
			SKU: exchange.SKU(l.Sku), Known: l.Known, Available: availabilityIn(l.Available), Price: moneyIn(l.Price),
		}
	})}
}

func helloOut(v *desk.Hello) *pb.Hello {
	g := &v.Greeting
	m := &pb.Hello{
		Agent: v.Agent, Members: v.Members, Profile: v.Profile,
		Greeting: &pb.Greeting{Window: uint32(g.Window)},
	}
	for i := range g.Chains {
		c := &g.Chains[i]
		m.Greeting.Chains = append(m.Greeting.Chains, &pb.ChainGreeting{Head: headOut(&c.Head), Proof: c.Proof})
	}
	if g.FeedHead != nil {
		m.Greeting.FeedHead = signedOut(g.FeedHead.Payload, g.FeedHead.Signature)
	}
	if g.FeedKey != nil {
		m.Greeting.FeedKey = feedKeyOut(g.FeedKey)
	}
	return m
}

func helloIn(f *fields, m *pb.Hello) *desk.Hello {
	g := m.GetGreeting()
	v := &desk.Hello{Agent: m.Agent, Members: m.Members, Profile: m.Profile, Greeting: desk.Greeting{
		Window: exchange.Window(g.GetWindow()),
		Chains: each(g.GetChains(), func(c *pb.ChainGreeting) desk.ChainGreeting {
			return desk.ChainGreeting{Head: *headIn(f, c.Head), Proof: c.Proof}
		}),
	}}
	if g.GetFeedHead() != nil {
		head := feedSignedIn(g.FeedHead)
		v.Greeting.FeedHead = &head
	}
	if g.GetFeedKey() != nil {
		key := f.feedKey(g.FeedKey)
		v.Greeting.FeedKey = &key
	}
	return v
}
