package trade_test

import (
	"bytes"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol"
)

// lastEntry is the newest entry of a reply to a Submit.
func lastEntry(t testing.TB, supplier *desktest.Shop, reply []byte) *message.Entry {
	t.Helper()
	v, err := protocol.Codec{}.Decode(message.KindEntries, reply[1:])
	desktest.Must(t, err)
	entries := v.(*message.Entries).Entries
	payload, err := supplier.W.Verifier().Open(supplier.ID, entries[len(entries)-1])
	desktest.Must(t, err)
	v, err = protocol.Codec{}.Decode(message.KindEntry, payload)
	desktest.Must(t, err)
	return v.(*message.Entry)
}

// An order commits its hold at the price that the supplier sealed for it, and at no
// other: what a retailer makes of a quote is refused, in the ledger, and sells nothing.
func TestForgedQuoteIsRefused(t *testing.T) {
	cheaper := func(t *testing.T, acorn *desktest.Shop, sealed []byte) *message.HoldAnswer {
		a := opened(acorn, t, framed(t, &message.SealedAnswer{Sealed: sealed}))
		a.Quote.Lines[0].Unit, a.Quote.Lines[0].Total = 1, 2
		a.Quote.Total = 2 + a.Quote.Shipping
		return a
	}
	for name, forge := range map[string]struct {
		quote func(t *testing.T, acorn, birch *desktest.Shop, sealed []byte) []byte
		want  exchange.Code
	}{
		"sealed by the retailer": {func(t *testing.T, acorn, birch *desktest.Shop, sealed []byte) []byte {
			return sealedOf(t, sealedReply(t, birch, cheaper(t, acorn, sealed)))
		}, exchange.CodeSignature},
		"another payload under the seal": {func(t *testing.T, acorn, birch *desktest.Shop, sealed []byte) []byte {
			honest, err := protocol.Peek(sealed)
			desktest.Must(t, err)
			a := opened(acorn, t, framed(t, &message.SealedAnswer{Sealed: sealed}))
			a.Quote.Shipping++
			a.Quote.Total++
			forged, err := protocol.Codec{}.Encode(a)
			desktest.Must(t, err)
			if len(forged) != len(honest) {
				t.Fatal("the forged payload has another length")
			}
			return bytes.Replace(sealed, honest, forged, 1)
		}, exchange.CodeSignature},
		"of another hold": {func(t *testing.T, acorn, birch *desktest.Shop, sealed []byte) []byte {
			raw, _ := holdRequest(t, windowOf(acorn.W.Now), 2, exchange.Line{SKU: "hat", Quantity: 1})
			return sealedOf(t, ask(acorn, t, birch, raw))
		}, exchange.CodeInvalid},
		"none": {func(*testing.T, *desktest.Shop, *desktest.Shop, []byte) []byte { return []byte{1} }, exchange.CodeSignature},
	} {
		w, acorn, birch := desktest.Pair(t)
		raw, id := holdRequest(t, windowOf(w.Now), 1, exchange.Line{SKU: "shoe", Quantity: 2})
		sealed := sealedOf(t, ask(acorn, t, birch, raw))
		forged := forge.quote(t, acorn, birch, sealed)
		reply, err := acorn.Desk.Serve(desktest.Ctx, birch.ID, submitted(t, acorn, birch, firstNumber, id, forged))
		desktest.Must(t, err)
		if e := lastEntry(t, acorn, reply); e.Outcome != forge.want {
			t.Errorf("%s: entered as %v (%s), want %v", name, e.Outcome, e.Detail, forge.want)
		}
		if s := desktest.StockOf(t, acorn, "shoe"); s.Sold != 0 || s.Held != 2 {
			t.Errorf("%s: %d sold, %d held", name, s.Sold, s.Held)
		}
		reply, err = acorn.Desk.Serve(desktest.Ctx, birch.ID, submitted(t, acorn, birch, firstNumber+1, id, sealed))
		desktest.Must(t, err)
		if s := desktest.StockOf(t, acorn, "shoe"); s.Sold != 2 {
			t.Errorf("%s: the honest quote after it: %v", name, lastEntry(t, acorn, reply).Outcome)
		}
	}
}

// A supplier that seals an entry with a request which its retailer has not signed breaks
// the rules, and the ledger is frozen: also where the request is one the retailer has
// queued, under a signature that is not the retailer's.
func TestForgedRequestFreezes(t *testing.T) {
	for _, queued := range []bool{false, true} {
		w, acorn, birch := desktest.Pair(t)
		res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
		w.Fate = func(from, to *desktest.Shop) desktest.Fate { return desktest.Lost }
		var request message.SignedRequest
		if queued {
			_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
			desktest.Must(t, err)
			raw, ok, err := birch.Mem.Get([]byte(keysWith(t, birch.Mem, "x/")[0]))
			if err != nil || !ok {
				t.Fatalf("nothing is queued: %v", err)
			}
			v, err := protocol.Codec{}.Decode(record.KindOutbox, raw)
			desktest.Must(t, err)
			request = v.(*record.Outbox).Signed
		} else {
			request = signedRequest(t, acorn, birch, firstNumber, message.EndTrade{}).Signed
		}
		var err error
		request.Signature, err = protocol.NewSigner(acorn.Key, desktest.Origin, nil).Sign(message.DomainRequest, request.Payload)
		desktest.Must(t, err)
		trade, err := birch.Desk.Partnerships.Get(acorn.ID, exchange.Retailer)
		desktest.Must(t, err)
		payload, err := protocol.Codec{}.Encode(&message.Entry{
			Link: ledger.Link{
				Supplier: acorn.ID, Retailer: birch.ID, Position: trade.Position + 1, Prev: trade.Hash, At: w.Now, Number: firstNumber,
			},
			Request: &request, Terms: trade.State.Version,
		})
		desktest.Must(t, err)
		sealed, err := protocol.NewSigner(acorn.Key, desktest.Origin, nil).Seal([][]byte{payload})
		desktest.Must(t, err)
		if _, err := birch.Desk.Serve(desktest.Ctx, acorn.ID, framed(t, &message.Push{Entries: sealed})); exchange.CodeOf(err) != exchange.CodeSignature {
			t.Errorf("queued %v: the forged request: %v", queued, err)
		}
		trade, err = birch.Desk.Partnerships.Get(acorn.ID, exchange.Retailer)
		desktest.Must(t, err)
		if !trade.Frozen || !trade.State.Active {
			t.Errorf("queued %v: frozen %v, active %v", queued, trade.Frozen, trade.State.Active)
		}
	}
}
