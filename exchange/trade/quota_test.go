package trade_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/protocol"
)

// request is a framed Submit of one signed act, made without the retailer's desk.
func request(t testing.TB, supplier, retailer *desktest.Shop, number uint64, act message.Act) []byte {
	t.Helper()
	return framed(t, &message.Submit{Requests: []message.SubmittedRequest{signedRequest(t, supplier, retailer, number, act)}})
}

func signedRequest(t testing.TB, supplier, retailer *desktest.Shop, number uint64, act message.Act) message.SubmittedRequest {
	t.Helper()
	payload, err := protocol.Codec{}.Encode(&message.Request{Supplier: supplier.ID, Retailer: retailer.ID, Number: number, At: supplier.W.Now, Act: act})
	desktest.Must(t, err)
	sig, err := protocol.NewSigner(retailer.Key, desktest.Origin, retailer.Random).Sign(message.DomainRequest, payload)
	desktest.Must(t, err)
	return message.SubmittedRequest{Signed: message.SignedRequest{Payload: payload, Signature: sig}}
}

func position(t testing.TB, supplier, retailer *desktest.Shop) uint64 {
	t.Helper()
	p, err := supplier.Desk.Partnerships.Get(retailer.ID, exchange.Supplier)
	desktest.Must(t, err)
	return p.Position
}

// TestStrangerPushesLittle: the same for entries that a member pushes as supplier;
// what was taken stays, and the rest comes on later days.
func TestStrangerPushesLittle(t *testing.T) {
	w := desktest.NewWorld(t, 1, 2)
	acorn, birch := w.Shops[0], w.Shops[1]
	for range trade.StrangerEntries + 50 {
		desktest.Must(t, acorn.Desk.Partnerships.Propose(desktest.Ctx, birch.ID, exchange.Supplier, exchange.DefaultTerms("EUR")))
	}
	for _, want := range []uint64{trade.StrangerEntries, trade.StrangerEntries + 50} {
		for range 3 {
			w.Now = w.Now.Add(10 * time.Second)
			list, _ := acorn.Desk.Outgoing()
			for _, out := range list {
				reply, err := birch.Serve(desktest.Ctx, acorn.ID, out.Raw)
				out.Done(desktest.Ctx, reply, err)
			}
		}
		p, err := birch.Desk.Partnerships.Get(acorn.ID, exchange.Retailer)
		desktest.Must(t, err)
		if p.Position != want || p.Frozen {
			t.Errorf("the retailer has %d entries, want %d; frozen %v", p.Position, want, p.Frozen)
		}
		w.Now = w.Now.Add(24 * time.Hour)
	}
	w.Settle()
	desktest.LedgersEqual(t, acorn, birch)
}

// TestRefusedHoldsAreKeptOnlySoMany: beyond its share a retailer still hears why, but
// leaves no record; what can be held is held as ever.
func TestRefusedHoldsAreKeptOnlySoMany(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	const share = trade.RefusedHolds
	for n := range share + 20 {
		raw, _ := holdRequest(t, windowOf(w.Now), n, exchange.Line{SKU: "shoe", Quantity: 11})
		reply, err := acorn.Desk.Serve(desktest.Ctx, birch.ID, raw)
		switch {
		case n < share && (err != nil || opened(acorn, t, reply).Refusal != exchange.CodeInsufficient):
			t.Fatalf("hold %d: %v", n, err)
		case n >= share && exchange.CodeOf(err) != exchange.CodeInsufficient:
			t.Fatalf("hold %d: %v", n, err)
		}
	}
	if kept := holdRows(t, acorn); kept != share {
		t.Errorf("%d refusals are kept", kept)
	}
	if res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 10}); res.State != hold.Held {
		t.Errorf("a hold that fits is %v", res.State)
	}
}

// holdRows counts a supplier's records of holds, tombstones among them.
func holdRows(t testing.TB, s *desktest.Shop) (n int) {
	t.Helper()
	desktest.Must(t, s.Mem.Scan(kv.Prefix([]byte("h/")), func(_, _ []byte) bool { n++; return true }))
	return n
}

// TestProposalsOfAPartner: 50 a day are answered, the next is refused for that reason
// and changes nothing, and the next day brings as many again.
func TestProposalsOfAPartner(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	propose := func() *record.Partnership {
		t.Helper()
		desktest.Must(t, birch.Desk.Partnerships.Propose(desktest.Ctx, acorn.ID, exchange.Retailer, exchange.DefaultTerms("EUR")))
		w.Settle()
		p, err := birch.Desk.Partnerships.Get(acorn.ID, exchange.Retailer)
		desktest.Must(t, err)
		return &p.Partnership
	}
	for range 2 {
		var last record.Partnership
		for n := range trade.ProposalsADay {
			if last = *propose(); last.Refusal != exchange.CodeOK {
				t.Fatalf("proposal %d of a day: %v", n+1, last.Refusal)
			}
		}
		for range 2 {
			if p := propose(); p.Refusal != exchange.CodeLimit || p.State.Open.Hash != last.State.Open.Hash {
				t.Errorf("a proposal beyond the day's share: %v; the open one is %x", p.Refusal, p.State.Open.Hash)
			}
		}
		w.Now = w.Now.Add(24 * time.Hour)
	}
	desktest.LedgersEqual(t, acorn, birch)
}

// TestRefusedRequestsOfAPartner: 10,000 an hour are entered; the next is not, and its
// number stays free, but an end is. The next hour takes it.
func TestRefusedRequestsOfAPartner(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	first := position(t, acorn, birch)
	stale := message.AcceptTerms{Proposal: [32]byte{1}}
	number := uint64(2) // 1 accepted the terms
	for entered := 0; entered < trade.RefusedRequests; {
		var submit message.Submit
		for range min(100, trade.RefusedRequests-entered) {
			submit.Requests = append(submit.Requests, signedRequest(t, acorn, birch, number, stale))
			number++
		}
		_, err := acorn.Desk.Serve(desktest.Ctx, birch.ID, framed(t, &submit))
		desktest.Must(t, err)
		entered += len(submit.Requests)
	}
	full := position(t, acorn, birch)
	if n := full - first; n != trade.RefusedRequests {
		t.Fatalf("%d refusals are entered, not %d", n, trade.RefusedRequests)
	}
	for range 2 {
		if _, err := acorn.Desk.Serve(desktest.Ctx, birch.ID, request(t, acorn, birch, number, stale)); exchange.CodeOf(err) != exchange.CodeLimit || position(t, acorn, birch) != full {
			t.Fatalf("a request beyond the hour's share: %v", err)
		}
	}
	_, err := acorn.Desk.Serve(desktest.Ctx, birch.ID, request(t, acorn, birch, number, message.EndTrade{}))
	desktest.Must(t, err)
	if n := position(t, acorn, birch); n != full+1 {
		t.Errorf("an end beyond the hour's share is not entered: %d", n)
	}
	w.Now = w.Now.Add(time.Hour)
	_, err = acorn.Desk.Serve(desktest.Ctx, birch.ID, request(t, acorn, birch, number+1, stale))
	desktest.Must(t, err)
	if n := position(t, acorn, birch); n != full+2 {
		t.Errorf("the next hour takes nothing: %d", n)
	}
}

// TestRefusedHoldsComeBack: the share of kept refusals is a retailer's own, is that of
// tombstones too, and is whole again in the next hour.
func TestRefusedHoldsComeBack(t *testing.T) {
	w := desktest.NewWorld(t, 1, 3)
	acorn, birch, cedar := w.Shops[0], w.Shops[1], w.Shops[2]
	acorn.Stock("shoe", 10, 9900)
	w.Partner(acorn, birch, exchange.DefaultTerms("EUR"))
	w.Partner(acorn, cedar, exchange.DefaultTerms("EUR"))
	n := 0
	refused := func(from *desktest.Shop) bool { // and kept: a refusal that is not is no sealed answer
		raw, _ := holdRequest(t, windowOf(w.Now), n, exchange.Line{SKU: "shoe", Quantity: 11})
		n++
		_, err := acorn.Desk.Serve(desktest.Ctx, from.ID, raw)
		if err != nil && exchange.CodeOf(err) != exchange.CodeInsufficient {
			t.Fatal(err)
		}
		return err == nil
	}
	tombstone := func(from *desktest.Shop) error {
		_, id := holdRequest(t, windowOf(w.Now), n, exchange.Line{SKU: "shoe", Quantity: 1})
		n++
		_, err := acorn.Desk.Serve(desktest.Ctx, from.ID, framed(t, &message.Release{ID: id}))
		return err
	}
	for range 2 {
		for range trade.RefusedHolds - 1 {
			if !refused(birch) {
				t.Fatalf("refusal %d is not kept", n)
			}
		}
		desktest.Must(t, tombstone(birch))
		if refused(birch) {
			t.Error("a refusal beyond the hour's share is kept")
		}
		rows := holdRows(t, acorn)
		desktest.Must(t, tombstone(birch)) // a release is always answered
		if n := holdRows(t, acorn); n != rows {
			t.Errorf("a tombstone beyond the hour's share is kept")
		}
		if !refused(cedar) {
			t.Error("another retailer pays for it")
		}
		w.Now = w.Now.Add(time.Hour)
	}
}

// TestFailedRequestsCostNoShare: what is undone with the operation it came in is not
// counted.
func TestFailedRequestsCostNoShare(t *testing.T) {
	w := desktest.NewWorld(t, 1, 2)
	acorn, birch := w.Shops[0], w.Shops[1]
	propose := message.ProposeTerms{Terms: exchange.DefaultTerms("EUR")}
	gap := framed(t, &message.Submit{Requests: []message.SubmittedRequest{
		signedRequest(t, acorn, birch, 1, propose), signedRequest(t, acorn, birch, 3, propose),
	}})
	for range trade.StrangerEntries + 1 {
		if _, err := acorn.Desk.Serve(desktest.Ctx, birch.ID, gap); exchange.CodeOf(err) != exchange.CodeBehind {
			t.Fatalf("requests with a gap: %v", err)
		}
	}
	_, err := acorn.Desk.Serve(desktest.Ctx, birch.ID, request(t, acorn, birch, 1, propose))
	desktest.Must(t, err)
	if n := position(t, acorn, birch); n != 1 {
		t.Errorf("%d entries", n)
	}
}
