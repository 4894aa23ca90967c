package desk_test

import (
	"bytes"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol"
)

// lastEntry is the newest entry of a reply to a Submit.
func lastEntry(t testing.TB, supplier *shop, reply []byte) *message.Entry {
	t.Helper()
	v, err := protocol.Codec{}.Decode(message.KindEntries, reply[1:])
	must(t, err)
	entries := v.(*message.Entries).Entries
	payload, err := supplier.w.verifier().Open(supplier.id, entries[len(entries)-1])
	must(t, err)
	v, err = protocol.Codec{}.Decode(message.KindEntry, payload)
	must(t, err)
	return v.(*message.Entry)
}

// An order commits its hold at the price that the supplier sealed for it, and at no
// other: what a retailer makes of a quote is refused, in the ledger, and sells nothing.
func TestForgedQuoteIsRefused(t *testing.T) {
	cheaper := func(t *testing.T, acorn *shop, sealed []byte) *message.HoldAnswer {
		a := acorn.opened(t, framed(t, &message.SealedAnswer{Sealed: sealed}))
		a.Quote.Lines[0].Unit, a.Quote.Lines[0].Total = 1, 2
		a.Quote.Total = 2 + a.Quote.Shipping
		return a
	}
	for name, forge := range map[string]struct {
		quote func(t *testing.T, acorn, birch *shop, sealed []byte) []byte
		want  exchange.Code
	}{
		"sealed by the retailer": {func(t *testing.T, acorn, birch *shop, sealed []byte) []byte {
			return sealedOf(t, sealedReply(t, birch, cheaper(t, acorn, sealed)))
		}, exchange.CodeSignature},
		"another payload under the seal": {func(t *testing.T, acorn, birch *shop, sealed []byte) []byte {
			honest, err := protocol.Peek(sealed)
			must(t, err)
			a := acorn.opened(t, framed(t, &message.SealedAnswer{Sealed: sealed}))
			a.Quote.Shipping++
			a.Quote.Total++
			forged, err := protocol.Codec{}.Encode(a)
			must(t, err)
			if len(forged) != len(honest) {
				t.Fatal("the forged payload has another length")
			}
			return bytes.Replace(sealed, honest, forged, 1)
		}, exchange.CodeSignature},
		"of another hold": {func(t *testing.T, acorn, birch *shop, sealed []byte) []byte {
			raw, _ := holdRequest(t, windowOf(acorn.w.now), 2, exchange.Line{SKU: "hat", Quantity: 1})
			return sealedOf(t, acorn.ask(t, birch, raw))
		}, exchange.CodeInvalid},
		"none": {func(*testing.T, *shop, *shop, []byte) []byte { return []byte{1} }, exchange.CodeSignature},
	} {
		w, acorn, birch := pair(t)
		raw, id := holdRequest(t, windowOf(w.now), 1, exchange.Line{SKU: "shoe", Quantity: 2})
		sealed := sealedOf(t, acorn.ask(t, birch, raw))
		forged := forge.quote(t, acorn, birch, sealed)
		reply, err := acorn.desk.Serve(ctx, birch.id, submitted(t, acorn, birch, firstNumber, id, forged))
		must(t, err)
		if e := lastEntry(t, acorn, reply); e.Outcome != forge.want {
			t.Errorf("%s: entered as %v (%s), want %v", name, e.Outcome, e.Detail, forge.want)
		}
		if s := stockOf(t, acorn, "shoe"); s.Sold != 0 || s.Held != 2 {
			t.Errorf("%s: %d sold, %d held", name, s.Sold, s.Held)
		}
		reply, err = acorn.desk.Serve(ctx, birch.id, submitted(t, acorn, birch, firstNumber+1, id, sealed))
		must(t, err)
		if s := stockOf(t, acorn, "shoe"); s.Sold != 2 {
			t.Errorf("%s: the honest quote after it: %v", name, lastEntry(t, acorn, reply).Outcome)
		}
	}
}

// A supplier that seals an entry with a request which its retailer has not signed breaks
// the rules, and the ledger is frozen: also where the request is one the retailer has
// queued, under a signature that is not the retailer's.
func TestForgedRequestFreezes(t *testing.T) {
	for _, queued := range []bool{false, true} {
		w, acorn, birch := pair(t)
		res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
		w.fate = func(from, to *shop) fate { return lost }
		var request message.SignedRequest
		if queued {
			_, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
			must(t, err)
			raw, ok, err := birch.mem.Get([]byte(keysWith(t, birch.mem, "x/")[0]))
			if err != nil || !ok {
				t.Fatalf("nothing is queued: %v", err)
			}
			v, err := protocol.Codec{}.Decode(record.KindOutbox, raw)
			must(t, err)
			request = v.(*record.Outbox).Signed
		} else {
			request = signedRequest(t, acorn, birch, firstNumber, message.EndTrade{}).Signed
		}
		var err error
		request.Signature, err = protocol.NewSigner(acorn.key, origin, nil).Sign(message.DomainRequest, request.Payload)
		must(t, err)
		trade, err := birch.desk.Trade(acorn.id, exchange.Retailer)
		must(t, err)
		payload, err := protocol.Codec{}.Encode(&message.Entry{
			Link: ledger.Link{
				Supplier: acorn.id, Retailer: birch.id, Position: trade.Position + 1, Prev: trade.Hash, At: w.now, Number: firstNumber,
			},
			Request: &request, Terms: trade.State.Version,
		})
		must(t, err)
		sealed, err := protocol.NewSigner(acorn.key, origin, nil).Seal([][]byte{payload})
		must(t, err)
		if _, err := birch.desk.Serve(ctx, acorn.id, framed(t, &message.Push{Entries: sealed})); exchange.CodeOf(err) != exchange.CodeSignature {
			t.Errorf("queued %v: the forged request: %v", queued, err)
		}
		trade, err = birch.desk.Trade(acorn.id, exchange.Retailer)
		must(t, err)
		if !trade.Frozen || !trade.State.Active {
			t.Errorf("queued %v: frozen %v, active %v", queued, trade.Frozen, trade.State.Active)
		}
	}
}
