package desk_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/audit"
	"github.com/souk-market/souk/protocol"
)

// FuzzServe sends a supplier whatever a partner may: it answers or refuses, and
// its books stay in order.
func FuzzServe(f *testing.F) {
	w, acorn, birch := pair(f)
	res := reserve(f, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	_, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(f, err)
	list, _ := birch.desk.Outgoing()
	f.Add(list[0].Raw)
	raw, id := holdRequest(f, windowOf(w.now), 1, exchange.Line{SKU: "shoe", Quantity: 1}, exchange.Line{SKU: "hat", Quantity: 2})
	f.Add(raw)
	for _, v := range []desk.Value{
		&desk.Release{ID: id}, &desk.Release{ID: res.Request.ID}, &desk.Extend{ID: res.Request.ID, Until: w.now.Add(1 << 40)},
		&desk.HoldStatus{ID: id}, &desk.HoldStatus{ID: res.Request.ID}, &desk.Pull{}, &desk.Pull{After: 1 << 63},
		&desk.Submit{Have: 1}, &desk.StockQuery{SKUs: []exchange.SKU{"shoe", "none"}},
	} {
		f.Add(framed(f, v))
	}
	pushed, err := acorn.desk.Serve(ctx, birch.id, framed(f, &desk.Pull{}))
	must(f, err)
	v, err := protocol.Codec{}.Decode(desk.KindEntries, pushed[1:])
	must(f, err)
	f.Add(framed(f, &desk.Push{Entries: v.(*desk.Entries).Entries}))
	day := acorn.mem
	f.Fuzz(func(t *testing.T, raw []byte) {
		acorn.mem = day.Clone()
		acorn.w.t = t
		acorn.open()
		for range 2 {
			reply, err := acorn.desk.Serve(ctx, birch.id, raw)
			if exchange.CodeOf(err) == exchange.CodeInternal {
				t.Fatalf("an internal error for a partner's bytes: %v", err)
			}
			if err == nil && len(reply) == 0 {
				t.Fatal("no answer and no refusal")
			}
		}
		_, err := audit.Counts(acorn.id, acorn.mem, protocol.Codec{})
		must(t, err)
	})
}
