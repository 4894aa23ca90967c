package trade_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol"
)

// forge sends what a shop's own program would not send, under the shop's real key, at once
// and without a record of it; the answer is told, and whether it has the same bytes as
// that to the same message before.
//
//	NAME forge hold ID SUPPLIER shoe=2 … [max=100]
//	NAME forge release ID SUPPLIER
//	NAME forge request SUPPLIER propose|accept|end number=3     accept names no proposal there is;
//	                                                            times=98 sends so many together
//	NAME forge order ID SUPPLIER number=3 quote=KIND            of a hold that was forged: honest, own
//	                                                            (sealed by NAME), bent (other bytes
//	                                                            under the seal), none, or another hold's ID
//	NAME forge entry RETAILER propose position=1 [discount=10]  the first entry, or the next
//	NAME forge entry RETAILER request number=2                  with a request that NAME signed itself
func (s *scenario) forge(shop *desktest.Shop, c command) string {
	what := c.word(0)
	c.args = c.args[1:]
	var to *desktest.Shop
	var raw []byte
	switch what {
	case "hold":
		to = s.shop(c.word(1))
		raw = framed(s.t, &message.Hold{ID: s.newID(c.word(0)), Lines: exchangetest.Lines(c.lines()...), Country: "SE", MaxTotal: c.number("max")})
	case "release":
		to = s.shop(c.word(1))
		raw = framed(s.t, &message.Release{ID: s.newID(c.word(0))})
	case "request":
		to = s.shop(c.word(0))
		act := map[string]message.Act{
			"propose": message.ProposeTerms{Terms: termsOf(c)}, "accept": message.AcceptTerms{Proposal: ledger.Hash{1}}, "end": message.EndTrade{},
		}[c.word(1)]
		if act == nil {
			panic(nonsense("nobody requests to " + c.word(1)))
		}
		var list []message.SubmittedRequest
		for n := c.number("number"); len(list) < max(1, int(c.number("times"))); n++ {
			list = append(list, signedRequest(s.t, to, shop, uint64(n), act))
		}
		raw = submitOf(s.t, to, shop, list...)
	case "order":
		to = s.shop(c.word(1))
		quote, _ := c.option("quote")
		raw = s.forgedOrder(shop, to, s.id(c.word(0)), uint64(c.number("number")), quote)
	case "entry":
		to = s.shop(c.word(0))
		raw = s.forgedEntry(shop, to, c)
	default:
		panic(nonsense("nobody forges a " + what))
	}
	reply, err := to.Serve(desktest.Ctx, shop.ID, raw)
	text := s.reply(to, reply, err)
	if raw[0] == byte(message.KindHold) && err == nil {
		if id := opened(to, s.t, reply).Hold; s.quotes[id] == nil {
			s.quotes[id] = sealedOf(s.t, reply)
		}
	}
	if what == "order" && err == nil {
		e := s.answering(to, shop, uint64(c.number("number")))
		text = fmt.Sprintf("entry %d says %v", e.Position, e.Outcome) // its detail may be a library's
	}
	key := to.Name + string(raw)
	if first, again := s.firstTold[key]; again && err == nil && bytes.Equal(first, reply) {
		text += ", in the same bytes as before"
	} else if !again {
		s.firstTold[key] = reply
	}
	return text
}

// forgedOrder is a signed order with a quote of a kind.
func (s *scenario) forgedOrder(shop, to *desktest.Shop, id exchange.HoldID, number uint64, kind string) []byte {
	sealed := s.quotes[id]
	bent := func() *message.HoldAnswer {
		a := opened(to, s.t, framed(s.t, &message.SealedAnswer{Sealed: sealed}))
		a.Quote.Shipping++
		resum(s.t, a.Quote)
		return a
	}
	cheap := func() *message.HoldAnswer {
		a := opened(to, s.t, framed(s.t, &message.SealedAnswer{Sealed: sealed}))
		a.Quote.Lines[0].List = 1
		resum(s.t, a.Quote)
		return a
	}
	switch kind {
	case "honest":
	case "own":
		sealed = sealedOf(s.t, sealedReply(s.t, shop, cheap()))
	case "bent":
		honest, err := protocol.Peek(sealed)
		desktest.Must(s.t, err)
		payload, err := protocol.Codec{}.Encode(bent())
		desktest.Must(s.t, err)
		if len(payload) != len(honest) {
			panic(nonsense("the bent payload has another length"))
		}
		sealed = bytes.Replace(sealed, honest, payload, 1)
	case "none":
		sealed = []byte{1}
	default:
		sealed = s.quotes[s.id(kind)]
	}
	shipTo, err := protocol.Codec{}.Encode(&message.ShipTo{Delivery: desktest.Stockholm})
	desktest.Must(s.t, err)
	r := signedRequest(s.t, to, shop, number, message.SubmitOrder{
		Order: id, Quote: sealed, ShipTo: sha256.Sum256(append(make([]byte, 16), shipTo...)),
	})
	r.ShipTo = shipTo
	return submitOf(s.t, to, shop, r)
}

// submitOf is a framed Submit of a shop that has all entries there are.
func submitOf(t testing.TB, supplier, retailer *desktest.Shop, list ...message.SubmittedRequest) []byte {
	t.Helper()
	return framed(t, &message.Submit{Have: position(t, supplier, retailer), Requests: list})
}

// answering is the entry in a supplier's ledger that answers a request.
func (s *scenario) answering(supplier, retailer *desktest.Shop, number uint64) *audit.Entry {
	for _, e := range s.books(supplier).Ledgers[ledger.ID{Supplier: supplier.ID, Retailer: retailer.ID}].Entries {
		if e.Number == number {
			return e
		}
	}
	panic(nonsense("the request is not answered"))
}

// forgedEntry is a sealed entry that no honest supplier seals, where the retailer's copy ends
// or at the position given.
func (s *scenario) forgedEntry(shop, to *desktest.Shop, c command) []byte {
	p, err := to.Desk.Partnerships.Get(shop.ID, exchange.Retailer)
	desktest.Must(s.t, err)
	e := message.Entry{
		Link: ledger.Link{Supplier: shop.ID, Retailer: to.ID, Position: p.Position + 1, Prev: p.Hash, At: s.w.Now}, Terms: p.State.Version,
	}
	switch c.word(1) {
	case "propose":
		e.Own = message.ProposeTerms{Terms: termsOf(c)}
		if c.number("position") == 1 {
			e.Position, e.Prev = 1, ledger.Hash{}
		}
	case "request":
		e.Number = uint64(c.number("number"))
		payload, err := protocol.Codec{}.Encode(&message.Request{Supplier: shop.ID, Retailer: to.ID, Number: e.Number, At: s.w.Now, Act: message.EndTrade{}})
		desktest.Must(s.t, err)
		sig, err := protocol.NewSigner(shop.Key, desktest.Origin, nil).Sign(message.DomainRequest, payload)
		desktest.Must(s.t, err)
		e.Request = &message.SignedRequest{Payload: payload, Signature: sig}
	}
	payload, err := protocol.Codec{}.Encode(&e)
	desktest.Must(s.t, err)
	sealed, err := protocol.NewSigner(shop.Key, desktest.Origin, nil).Seal([][]byte{payload})
	desktest.Must(s.t, err)
	return framed(s.t, &message.Push{Entries: sealed})
}
