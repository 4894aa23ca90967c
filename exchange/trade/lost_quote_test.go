package trade_test

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/protocol"
)

// sealedOf is the sealed answer in a reply to a hold or its extension.
func sealedOf(t testing.TB, reply []byte) []byte {
	t.Helper()
	v, err := protocol.Codec{}.Decode(message.KindSealedAnswer, reply[1:])
	desktest.Must(t, err)
	return v.(*message.SealedAnswer).Sealed
}

// submitted is a framed Submit of one order, made by hand: a retailer's own desk
// would not send most of these.
func submitted(t testing.TB, sup, ret *desktest.Shop, number uint64, id exchange.OrderID, quote []byte) []byte {
	t.Helper()
	trade, err := ret.Desk.Partnerships.Get(sup.ID, exchange.Retailer)
	desktest.Must(t, err)
	to, err := protocol.Codec{}.Encode(&message.ShipTo{Delivery: desktest.Stockholm})
	desktest.Must(t, err)
	payload, err := protocol.Codec{}.Encode(&message.Request{
		Supplier: sup.ID, Retailer: ret.ID, Number: number, At: sup.W.Now,
		Act: message.SubmitOrder{Order: id, Quote: quote, ShipTo: sha256.Sum256(append(make([]byte, 16), to...))},
	})
	desktest.Must(t, err)
	sig, err := protocol.NewSigner(ret.Key, desktest.Origin, nil).Sign(message.DomainRequest, payload)
	desktest.Must(t, err)
	return framed(t, &message.Submit{Have: trade.Position, Requests: []message.SubmittedRequest{
		{Signed: message.SignedRequest{Payload: payload, Signature: sig}, ShipTo: to},
	}})
}

// firstNumber is the first request that follows pair's acceptance of terms.
const firstNumber = 2

// A supplier is restored from a backup, and its retailer uses a lost hold's id
// again, for less. The lost hold's quote is no quote of the new one: ordering with it
// proves the loss, and nothing is sold.
func TestQuoteOfALostHoldStops(t *testing.T) {
	for name, again := range map[string]exchange.Line{
		"other lines":    {SKU: "hat", Quantity: 1},
		"fewer units":    {SKU: "shoe", Quantity: 1},
		"another price":  {SKU: "shoe", Quantity: 10},
		"refused":        {SKU: "shoe", Quantity: 11},
		"only a release": {},
	} {
		t.Run(name, func(t *testing.T) {
			w, acorn, birch := desktest.Pair(t)
			backup := acorn.Mem.Clone()
			raw, id := holdRequest(t, windowOf(w.Now), 1, exchange.Line{SKU: "shoe", Quantity: 10})
			old := sealedOf(t, ask(acorn, t, birch, raw))
			acorn.Mem = backup
			acorn.Restart()
			if name == "another price" {
				acorn.Stock("shoe", 10, 5000)
			}
			if again.Quantity == 0 {
				raw = framed(t, &message.Release{ID: id})
			} else {
				raw, _ = holdRequest(t, windowOf(w.Now), 1, again)
			}
			ask(acorn, t, birch, raw)
			before := desktest.StockOf(t, acorn, "shoe")
			if _, err := acorn.Desk.Serve(desktest.Ctx, birch.ID, submitted(t, acorn, birch, firstNumber, id, old)); exchange.CodeOf(err) != exchange.CodeRestored {
				t.Errorf("an order with the lost hold's quote: %v", err)
			}
			if acorn.Desk.Selling.Stopped() == "" {
				t.Errorf("the shop goes on")
			}
			if _, err := acorn.Desk.Orders.Find(exchange.Supplier, id); exchange.CodeOf(err) != exchange.CodeNotFound {
				t.Errorf("there is an order: %v", err)
			}
			if after := desktest.StockOf(t, acorn, "shoe"); after != before {
				t.Errorf("stock moved from %+v to %+v", before, after)
			}
			w.Now = w.Now.Add(30 * 24 * time.Hour)
			desktest.Must(t, acorn.Desk.Tick())
		})
	}
}

// Each answer that a hold's retailer was given orders it: the first, that of an
// extension whose successor's answer was lost, and the last.
func TestEveryQuoteOfAHoldOrders(t *testing.T) {
	for given := range 3 {
		t.Run(fmt.Sprintf("quote %d", given), func(t *testing.T) {
			w, acorn, birch := desktest.Pair(t)
			raw, err := protocol.Codec{}.Encode(&message.Hold{
				ID: exchange.NewHoldID(windowOf(w.Now), [12]byte{1}), Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 2}),
				Country: "SE", Lifetime: time.Minute.Milliseconds(),
			})
			desktest.Must(t, err)
			id := exchange.NewHoldID(windowOf(w.Now), [12]byte{1})
			quotes := [][]byte{sealedOf(t, ask(acorn, t, birch, append([]byte{byte(message.KindHold)}, raw...)))}
			for _, more := range []time.Duration{2 * time.Minute, 3 * time.Minute} {
				reply := ask(acorn, t, birch, framed(t, &message.Extend{ID: id, Until: w.Now.Add(more)}))
				if a := opened(acorn, t, reply); a.State != hold.Held || a.Quote == nil {
					t.Fatalf("the extension: %+v", a)
				}
				quotes = append(quotes, sealedOf(t, reply))
			}
			_, err = acorn.Desk.Serve(desktest.Ctx, birch.ID, submitted(t, acorn, birch, firstNumber, id, quotes[given]))
			desktest.Must(t, err)
			if got := desktest.OrderAt(t, acorn, exchange.Supplier, id); got.Order.Status() != order.Accepted {
				t.Errorf("the order is %v", got.Order.Status())
			}
		})
	}
}
