package gen

import (
	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
)

func (s source) holdRequest() message.Hold {
	h := message.Hold{
		ID: s.holdID(), Lines: s.lines(), Country: country.Draw(s.t, "country"), MaxTotal: s.amount(), Lifetime: s.amount(),
	}
	if !s.first {
		h.Reads = exchange.QuoteFormat(s.small())
	}
	return h
}

func submit(s source) message.Value {
	return &message.Submit{Have: s.number(), Requests: list(s, 3, func() message.SubmittedRequest {
		r := message.SubmittedRequest{Signed: s.signed()}
		if s.flag() {
			r.Salt, r.ShipTo = s.salt(), s.blob()
		}
		return r
	})}
}

func stockQuery(s source) message.Value {
	q := &message.StockQuery{SKUs: []exchange.SKU{s.sku()}}
	q.SKUs = append(q.SKUs, list(s, 3, s.sku)...)
	return q
}

func stockAnswer(s source) message.Value {
	return &message.StockAnswer{At: s.time(), Lines: list(s, 3, func() message.StockLine {
		l := message.StockLine{SKU: s.sku(), Known: s.flag()}
		if l.Known {
			l.Available, l.Price = s.availability(), s.money()
		}
		return l
	})}
}

func hello(s source) message.Value {
	return &message.Hello{Agent: "souk/1.0.0", Members: s.optional(), Profile: s.optional(), Greeting: message.Greeting{
		Window: exchange.Window(s.small()),
		Ledgers: list(s, 2, func() message.LedgerGreeting {
			return message.LedgerGreeting{Head: s.head(), Proof: s.optional()}
		}),
		FeedHead: maybe(s, s.signedFeed), FeedKey: maybe(s, s.feedKey),
	}}
}

func holdAnswer(s source) message.Value {
	v := &message.HoldAnswer{
		Hold: s.holdID(), Request: s.hash(), State: s.state(), Quote: maybe(s, s.quote),
		Refusal: s.code(), Detail: s.text(), At: s.time(),
	}
	v.Supplier, v.Retailer = s.parties()
	return v
}

func request(s source) message.Value {
	v := &message.Request{Number: s.positive(), At: s.time(), Act: s.act()}
	v.Supplier, v.Retailer = s.parties()
	return v
}

func entry(s source) message.Value {
	v := &message.Entry{Outcome: s.code(), Detail: s.text(), Terms: s.small()}
	v.Supplier, v.Retailer = s.parties()
	v.Position, v.At = s.positive(), s.time()
	if v.Position > 1 {
		v.Prev = s.hash()
	}
	if s.flag() {
		v.Own = s.act()
		return v
	}
	signed := s.signed()
	v.Request, v.Number = &signed, s.positive()
	return v
}

// act is any of the acts, so that a forgotten one is found.
func (s source) act() message.Act {
	acts := []func() message.Act{
		func() message.Act { return message.ProposeTerms{Terms: s.terms()} },
		func() message.Act { return message.AcceptTerms{Proposal: s.hash()} },
		func() message.Act { return message.DeclineTerms{Proposal: s.hash()} },
		func() message.Act { return message.EndTrade{Reason: s.text()} },
		func() message.Act { return message.SubmitOrder{Order: s.holdID(), Quote: s.blob(), ShipTo: s.hash()} },
		func() message.Act { return message.CancelOrder{Order: s.holdID(), Lines: s.units(), Reason: s.text()} },
		func() message.Act { return message.AcceptOrder{Order: s.holdID()} },
		func() message.Act { return message.RejectOrder{Order: s.holdID(), Reason: s.text()} },
		func() message.Act {
			return message.ShipOrder{Order: s.holdID(), Lines: s.units(), Carrier: s.text(), Tracking: s.text()}
		},
		func() message.Act { return message.DeliverOrder{Order: s.holdID(), Lines: s.units()} },
		func() message.Act { return message.ExpireOrder{Order: s.holdID()} },
	}
	return rapid.SampledFrom(acts).Draw(s.t, "act")()
}

func shipTo(s source) message.Value {
	v := exchange.ShipTo{
		Name: "N" + s.text(), Lines: []string{"1 " + s.text()}, City: "C" + s.text(), Region: s.text(),
		PostalCode: s.text(), Country: country.Draw(s.t, "country"), Email: s.text(), Phone: s.text(),
	}
	v.Lines = append(v.Lines, list(s, 3, s.text)...)
	return &message.ShipTo{Delivery: exchange.Delivery{ShipTo: v}}
}

func feedHead(s source) message.Value {
	return &message.FeedHead{
		Shop: s.shop(), Feed: exchange.MainFeed, Epoch: s.number(), Sequence: s.number(),
		Count: s.number(), Digest: s.hash(), At: s.time(),
	}
}

func (s source) item() message.FeedItem {
	return message.FeedItem{Sequence: s.positive(), SKU: s.sku(), Record: s.optional()}
}

func feedUpdate(s source) message.Value {
	return &message.FeedUpdate{Head: s.signedFeed(), After: s.number(), Items: list(s, 4, s.item)}
}

func feedPull(s source) message.Value {
	v := &message.FeedPull{
		Feed: exchange.MainFeed, Epoch: s.number(), After: s.number(),
		BucketDigests: s.flag(), Have: maybe(s, s.signedFeed),
	}
	for b := uint32(s.upTo(1000)); b < 4096 && s.flag(); b += 1 + uint32(s.upTo(1000)) {
		v.Buckets = append(v.Buckets, b)
	}
	return v
}

func feedChunk(s source) message.Value {
	return &message.FeedChunk{
		Head: maybe(s, s.signedFeed), Key: maybe(s, s.feedKey), Full: s.flag(),
		Items: list(s, 4, s.item), Digests: list(s, 4, s.hash), Last: s.flag(),
	}
}
