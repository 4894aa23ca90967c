package desk_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/reservation"
	"github.com/souk-market/souk/protocol"
)

// request is a framed Submit of one signed act, made without the retailer's desk.
func request(t testing.TB, supplier, retailer *shop, number uint64, act desk.Act) []byte {
	t.Helper()
	payload, err := protocol.Codec{}.Encode(&desk.Request{Supplier: supplier.id, Retailer: retailer.id, Number: number, At: supplier.w.now, Act: act})
	must(t, err)
	sig, err := protocol.NewSigner(retailer.key, origin, retailer.random).Sign(desk.DomainRequest, payload)
	must(t, err)
	return framed(t, &desk.Submit{Requests: []desk.SubmittedRequest{{Signed: desk.SignedRequest{Payload: payload, Signature: sig}}}})
}

func position(t testing.TB, supplier, retailer *shop) uint64 {
	t.Helper()
	trade, err := supplier.desk.Trade(retailer.id, exchange.Supplier)
	must(t, err)
	return trade.Position
}

// TestStrangerLeavesLittle: a member without a partnership enters nothing but what
// leads to one, and of that so much a day; afterwards it can become a partner.
func TestStrangerLeavesLittle(t *testing.T) {
	w := newWorld(t, 1, 2)
	acorn, birch := w.shops[0], w.shops[1]
	order := desk.SubmitOrder{Order: exchange.NewHoldID(windowOf(w.now), [12]byte{1}), Quote: make([]byte, 48<<10)}
	if _, err := acorn.desk.Serve(ctx, birch.id, request(t, acorn, birch, 1, order)); exchange.CodeOf(err) != exchange.CodeNoPartnership {
		t.Errorf("a stranger's order: %v", err)
	}
	if n := position(t, acorn, birch); n != 0 {
		t.Fatalf("a stranger's order is entry %d", n)
	}
	propose := desk.ProposeTerms{Terms: exchange.DefaultTerms("EUR")}
	number := uint64(1)
	for ; number <= 100; number++ {
		_, err := acorn.desk.Serve(ctx, birch.id, request(t, acorn, birch, number, propose))
		must(t, err)
	}
	for range 3 {
		if _, err := acorn.desk.Serve(ctx, birch.id, request(t, acorn, birch, number, propose)); exchange.CodeOf(err) != exchange.CodeLimit {
			t.Errorf("proposal %d of a day: %v", number, err)
		}
	}
	if n := position(t, acorn, birch); n != 100 {
		t.Errorf("a stranger has %d entries after a day", n)
	}
	w.now = w.now.Add(24 * time.Hour)
	_, err := acorn.desk.Serve(ctx, birch.id, request(t, acorn, birch, number, propose))
	must(t, err)
	trade, err := acorn.desk.Trade(birch.id, exchange.Supplier)
	must(t, err)
	must(t, acorn.desk.AcceptTerms(ctx, birch.id, exchange.Supplier, trade.State.Open.Hash))
	if trade, err = acorn.desk.Trade(birch.id, exchange.Supplier); err != nil || !trade.State.Active {
		t.Errorf("the next day's proposal is not in force: %v", err)
	}
}

// TestStrangerPushesLittle: the same for entries that a member pushes as supplier;
// what was taken stays, and the rest comes on later days.
func TestStrangerPushesLittle(t *testing.T) {
	w := newWorld(t, 1, 2)
	acorn, birch := w.shops[0], w.shops[1]
	for range 150 {
		must(t, acorn.desk.Propose(ctx, birch.id, exchange.Supplier, exchange.DefaultTerms("EUR")))
	}
	for _, want := range []uint64{100, 150} {
		for range 3 {
			w.now = w.now.Add(10 * time.Second)
			list, _ := acorn.desk.Outgoing()
			for _, out := range list {
				reply, err := birch.serve(ctx, acorn.id, out.Raw)
				out.Done(ctx, reply, err)
			}
		}
		trade, err := birch.desk.Trade(acorn.id, exchange.Retailer)
		must(t, err)
		if trade.Position != want || trade.Frozen {
			t.Errorf("the retailer has %d entries, want %d; frozen %v", trade.Position, want, trade.Frozen)
		}
		w.now = w.now.Add(24 * time.Hour)
	}
	w.settle()
	ledgersEqual(t, acorn, birch)
}

// TestRefusedHoldsAreKeptOnlySoMany: beyond its share a retailer still hears why, but
// leaves no record; what can be held is held as ever.
func TestRefusedHoldsAreKeptOnlySoMany(t *testing.T) {
	w, acorn, birch := pair(t)
	const share = 1000
	for n := range share + 20 {
		raw, _ := holdRequest(t, windowOf(w.now), n, exchange.Line{SKU: "shoe", Quantity: 11})
		reply, err := acorn.desk.Serve(ctx, birch.id, raw)
		switch {
		case n < share && (err != nil || acorn.opened(t, reply).Refusal != exchange.CodeInsufficient):
			t.Fatalf("hold %d: %v", n, err)
		case n >= share && exchange.CodeOf(err) != exchange.CodeInsufficient:
			t.Fatalf("hold %d: %v", n, err)
		}
	}
	kept := 0
	must(t, acorn.mem.Scan(desk.Prefix([]byte("h/")), func(_, _ []byte) bool { kept++; return true }))
	if kept != share {
		t.Errorf("%d refusals are kept", kept)
	}
	if res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 10}); res.State != reservation.Held {
		t.Errorf("a hold that fits is %v", res.State)
	}
}
