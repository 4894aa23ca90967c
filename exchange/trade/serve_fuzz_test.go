package trade_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol"
)

// FuzzServe sends a supplier whatever a partner may: it answers or refuses, and
// its books stay in order.
func FuzzServe(f *testing.F) {
	w, acorn, birch := desktest.Pair(f)
	res := desktest.Reserve(f, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(f, err)
	list, _ := birch.Desk.Outgoing()
	f.Add(list[0].Raw)
	raw, id := holdRequest(f, windowOf(w.Now), 1, exchange.Line{SKU: "shoe", Quantity: 1}, exchange.Line{SKU: "hat", Quantity: 2})
	f.Add(raw)
	for _, v := range []message.Value{
		&message.Release{ID: id}, &message.Release{ID: res.Request.ID}, &message.Extend{ID: res.Request.ID, Until: w.Now.Add(1 << 40)},
		&message.HoldStatus{ID: id}, &message.HoldStatus{ID: res.Request.ID}, &message.Pull{}, &message.Pull{After: 1 << 63},
		&message.Submit{Have: 1}, &message.StockQuery{SKUs: []exchange.SKU{"shoe", "none"}},
	} {
		f.Add(framed(f, v))
	}
	pushed, err := acorn.Desk.Serve(desktest.Ctx, birch.ID, framed(f, &message.Pull{}))
	desktest.Must(f, err)
	v, err := protocol.Codec{}.Decode(message.KindEntries, pushed[1:])
	desktest.Must(f, err)
	f.Add(framed(f, &message.Push{Entries: v.(*message.Entries).Entries}))
	day := acorn.Mem
	f.Fuzz(func(t *testing.T, raw []byte) {
		acorn.Mem = day.Clone()
		acorn.W.T = t
		acorn.Open()
		for range 2 {
			reply, err := acorn.Desk.Serve(desktest.Ctx, birch.ID, raw)
			if exchange.CodeOf(err) == exchange.CodeInternal {
				t.Fatalf("an internal error for a partner's bytes: %v", err)
			}
			if err == nil && len(reply) == 0 {
				t.Fatal("no answer and no refusal")
			}
		}
		_, err := audit.Counts(acorn.ID, acorn.Mem, protocol.Codec{})
		desktest.Must(t, err)
	})
}
