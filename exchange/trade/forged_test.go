package trade_test

import (
	"fmt"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol"
)

// A supplier that seals an entry with a request which its retailer has not signed breaks
// the rules, and the ledger is frozen: also where the request is one the retailer has
// queued, under a signature that is not the retailer's.
func TestForgedRequestFreezes(t *testing.T) {
	for _, queued := range []bool{false, true} {
		t.Run(fmt.Sprintf("queued %v", queued), func(t *testing.T) {
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
				t.Errorf("the forged request: %v", err)
			}
			trade, err = birch.Desk.Partnerships.Get(acorn.ID, exchange.Retailer)
			desktest.Must(t, err)
			if !trade.Frozen || !trade.State.Active {
				t.Errorf("frozen %v, active %v", trade.Frozen, trade.State.Active)
			}
		})
	}
}
