package protocol

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol/pb"
)

func holdToPB(v *message.Hold) *pb.Hold {
	return &pb.Hold{
		Id: raw(v.ID[:]), Lines: linesToPB(v.Lines), Country: v.Country,
		MaxTotal: v.MaxTotal, LifetimeMs: v.Lifetime, QuoteFormat: uint32(v.Reads),
	}
}

func holdFromPB(f *fields, m *pb.Hold) *message.Hold {
	v := &message.Hold{
		Lines: f.lines(m.GetLines()), Country: m.GetCountry(),
		MaxTotal: m.GetMaxTotal(), Lifetime: m.GetLifetimeMs(), Reads: exchange.QuoteFormat(m.GetQuoteFormat()),
	}
	f.fixed("id", v.ID[:], m.GetId())
	return v
}

func releaseToPB(v *message.Release) *pb.Release { return &pb.Release{Id: raw(v.ID[:])} }

func releaseFromPB(f *fields, m *pb.Release) *message.Release {
	v := new(message.Release)
	f.fixed("id", v.ID[:], m.Id)
	return v
}

func extendToPB(v *message.Extend) *pb.Extend {
	return &pb.Extend{Id: raw(v.ID[:]), UntilMs: int64(v.Until)}
}

func extendFromPB(f *fields, m *pb.Extend) *message.Extend {
	v := &message.Extend{Until: exchange.Time(m.UntilMs)}
	f.fixed("id", v.ID[:], m.Id)
	return v
}

func statusToPB(v *message.HoldStatus) *pb.HoldStatus { return &pb.HoldStatus{Id: raw(v.ID[:])} }

func statusFromPB(f *fields, m *pb.HoldStatus) *message.HoldStatus {
	v := new(message.HoldStatus)
	f.fixed("id", v.ID[:], m.Id)
	return v
}

func sealedAnswerToPB(v *message.SealedAnswer) *pb.SealedAnswer {
	return &pb.SealedAnswer{Sealed: v.Sealed}
}

func sealedAnswerFromPB(_ *fields, m *pb.SealedAnswer) *message.SealedAnswer {
	return &message.SealedAnswer{Sealed: m.Sealed}
}

func holdAnswerToPB(v *message.HoldAnswer) *pb.Leaf {
	return &pb.Leaf{Kind: &pb.Leaf_HoldAnswer{HoldAnswer: &pb.HoldAnswer{
		Supplier: raw(v.Supplier[:]), Retailer: raw(v.Retailer[:]), Hold: raw(v.Hold[:]),
		Request: raw(v.Request[:]), State: pb.HoldState(v.State), Quote: quoteToPB(v.Quote),
		Refusal: pb.Code(v.Refusal), Detail: clip(v.Detail), AtMs: int64(v.At),
		Short: shortToPB(v.Short),
	}}}
}

func holdAnswerFromPB(f *fields, leaf *pb.Leaf) *message.HoldAnswer {
	m := leaf.GetHoldAnswer()
	if m == nil {
		f.fail("the leaf holds none")
		return nil
	}
	v := &message.HoldAnswer{
		State: hold.State(m.State), Quote: f.quote(m.Quote),
		Refusal: exchange.Code(m.Refusal), Detail: m.Detail, At: exchange.Time(m.AtMs),
		Short: shortFromPB(m.Short),
	}
	f.fixed("supplier", v.Supplier[:], m.Supplier)
	f.fixed("retailer", v.Retailer[:], m.Retailer)
	f.fixed("hold", v.Hold[:], m.Hold)
	f.fixed("request", v.Request[:], m.Request)
	return v
}

func shortToPB(short []exchange.Short) []*pb.Short {
	return each(short, func(s exchange.Short) *pb.Short {
		return &pb.Short{Sku: string(s.SKU), Asked: s.Asked, Available: s.Available}
	})
}

func shortFromPB(short []*pb.Short) []exchange.Short {
	return each(short, func(s *pb.Short) exchange.Short {
		return exchange.Short{SKU: exchange.SKU(s.Sku), Asked: s.Asked, Available: s.Available}
	})
}

func submitToPB(v *message.Submit) *pb.Submit {
	m := &pb.Submit{Have: v.Have}
	for i := range v.Requests {
		r := &v.Requests[i]
		m.Requests = append(m.Requests, &pb.SubmittedRequest{
			Signed: signedToPB(r.Signed.Payload, r.Signed.Signature), Salt: raw(r.Salt[:]), ShipTo: r.ShipTo,
		})
	}
	return m
}

func submitFromPB(f *fields, m *pb.Submit) *message.Submit {
	return &message.Submit{Have: m.Have, Requests: each(m.Requests, func(m *pb.SubmittedRequest) message.SubmittedRequest {
		r := message.SubmittedRequest{Signed: requestSignedFromPB(m.Signed), ShipTo: m.ShipTo}
		f.fixed("salt", r.Salt[:], m.Salt)
		return r
	})}
}

func pushToPB(v *message.Push) *pb.Push { return &pb.Push{Entries: v.Entries} }

func pushFromPB(_ *fields, m *pb.Push) *message.Push { return &message.Push{Entries: m.Entries} }

func pullToPB(v *message.Pull) *pb.Pull { return &pb.Pull{After: v.After} }

func pullFromPB(_ *fields, m *pb.Pull) *message.Pull { return &message.Pull{After: m.After} }

func entriesToPB(v *message.Entries) *pb.Entries {
	return &pb.Entries{Entries: v.Entries, Head: v.Head}
}

func entriesFromPB(_ *fields, m *pb.Entries) *message.Entries {
	return &message.Entries{Entries: m.Entries, Head: m.Head}
}

func stockQueryToPB(v *message.StockQuery) *pb.StockQuery {
	return &pb.StockQuery{Skus: each(v.SKUs, func(s exchange.SKU) string { return string(s) })}
}

func stockQueryFromPB(_ *fields, m *pb.StockQuery) *message.StockQuery {
	return &message.StockQuery{SKUs: each(m.Skus, func(s string) exchange.SKU { return exchange.SKU(s) })}
}

func stockAnswerToPB(v *message.StockAnswer) *pb.StockAnswer {
	return &pb.StockAnswer{AtMs: int64(v.At), Lines: each(v.Lines, func(l message.StockLine) *pb.StockLine {
		return &pb.StockLine{
			Sku: string(l.SKU), Known: l.Known, Available: availabilityToPB(l.Available), Price: moneyToPB(l.Price),
		}
	})}
}

func stockAnswerFromPB(_ *fields, m *pb.StockAnswer) *message.StockAnswer {
	return &message.StockAnswer{At: exchange.Time(m.AtMs), Lines: each(m.Lines, func(l *pb.StockLine) message.StockLine {
		return message.StockLine{
			SKU: exchange.SKU(l.Sku), Known: l.Known, Available: availabilityFromPB(l.Available), Price: moneyFromPB(l.Price),
		}
	})}
}

func helloToPB(v *message.Hello) *pb.Hello {
	g := &v.Greeting
	m := &pb.Hello{
		Agent: v.Agent, Members: v.Members, Profile: v.Profile,
		Greeting: &pb.Greeting{Window: uint32(g.Window)},
	}
	for i := range g.Ledgers {
		c := &g.Ledgers[i]
		m.Greeting.Chains = append(m.Greeting.Chains, &pb.ChainGreeting{Head: headToPB(&c.Head), Proof: c.Proof})
	}
	if g.FeedHead != nil {
		m.Greeting.FeedHead = signedToPB(g.FeedHead.Payload, g.FeedHead.Signature)
	}
	if g.FeedKey != nil {
		m.Greeting.FeedKey = feedKeyToPB(g.FeedKey)
	}
	return m
}

func helloFromPB(f *fields, m *pb.Hello) *message.Hello {
	g := m.GetGreeting()
	v := &message.Hello{Agent: m.Agent, Members: m.Members, Profile: m.Profile, Greeting: message.Greeting{
		Window: exchange.Window(g.GetWindow()),
		Ledgers: each(g.GetChains(), func(c *pb.ChainGreeting) message.LedgerGreeting {
			return message.LedgerGreeting{Head: *headFromPB(f, c.Head), Proof: c.Proof}
		}),
	}}
	if g.GetFeedHead() != nil {
		head := feedSignedFromPB(g.FeedHead)
		v.Greeting.FeedHead = &head
	}
	if g.GetFeedKey() != nil {
		key := f.feedKey(g.FeedKey)
		v.Greeting.FeedKey = &key
	}
	return v
}
