package trade_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/exchange/writer"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// crowd is a supplier of socks with two retailers: cedar with one hold, and birch with
// more live holds than one batch releases, and some that were given back.
func crowd(t testing.TB, given int) (w *desktest.World, acorn, birch, cedar *desktest.Shop, live int64) {
	t.Helper()
	w = desktest.NewWorld(t, 1, 3)
	acorn, birch, cedar = w.Shops[0], w.Shops[1], w.Shops[2]
	acorn.Stock("sock", 10_000, 500)
	w.Partner(acorn, birch, exchange.DefaultTerms("EUR"))
	w.Partner(acorn, cedar, exchange.DefaultTerms("EUR"))
	for n := range given { // in between the live ones
		raw, id := holdRequest(t, windowOf(w.Now), 2*n, exchange.Line{SKU: "sock", Quantity: 1})
		ask(acorn, t, birch, raw)
		ask(acorn, t, birch, framed(t, &message.Release{ID: id}))
	}
	for n := range 2*trade.ExpiriesPerBatch + 40 {
		raw, _ := holdRequest(t, windowOf(w.Now), 2*n+1, exchange.Line{SKU: "sock", Quantity: 1})
		ask(acorn, t, birch, raw)
		live++
	}
	desktest.Reserve(t, cedar, acorn, exchange.Line{SKU: "sock", Quantity: 7})
	if s := desktest.StockOf(t, acorn, "sock"); s.Held != live+7 {
		t.Fatalf("%d are held, not %d", s.Held, live+7)
	}
	return w, acorn, birch, cedar, live
}

// The holds of an ended partnership are released in several batches, whatever commit is
// refused and wherever the process dies; those of others, and those made under later
// terms while it goes on, stay.
func TestEndReleasesInSteps(t *testing.T) {
	for _, again := range []bool{false, true} {
		t.Run(fmt.Sprintf("again %v", again), func(t *testing.T) {
			given := 0
			if !again {
				given = trade.ReleaseLook / 2 // with the live ones more than one batch reads
			}
			w, acorn, birch, _, live := crowd(t, given)
			desktest.Must(t, acorn.Desk.Partnerships.EndTrade(desktest.Ctx, birch.ID, exchange.Supplier, ""))
			want := int64(7)
			if again {
				w.Partner(acorn, birch, exchange.DefaultTerms("EUR"))
				desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "sock", Quantity: 5})
				want += 5
			}
			before := desktest.StockOf(t, acorn, "sock").Held
			if !again && before != live+7 {
				t.Errorf("the end itself released %d", live+7-before)
			}
			ticks := 0
			for ; desktest.StockOf(t, acorn, "sock").Held > want && ticks < 20; ticks++ {
				switch ticks {
				case 1:
					acorn.Mem.FailNext(store.FaultRefuse)
				case 2:
					acorn.Restart()
				}
				w.Now = w.Now.Add(2 * time.Second)
				desktest.Must(t, acorn.Desk.Tick())
			}
			for range 5 { // and nothing more
				w.Now = w.Now.Add(2 * time.Second)
				desktest.Must(t, acorn.Desk.Tick())
			}
			if s := desktest.StockOf(t, acorn, "sock"); s.Held != want || !again && ticks < 4 {
				t.Errorf("%d are held after %d batches, not %d", s.Held, ticks, want)
			}
			audited(t, acorn)
		})
	}
}

// A second end overtakes the release that the first began: the holds in between are
// released too, those that the first had passed by already among them.
func TestSecondEndReleasesFromTheStart(t *testing.T) {
	w, acorn, birch, _, live := crowd(t, 0)
	desktest.Must(t, acorn.Desk.Partnerships.EndTrade(desktest.Ctx, birch.ID, exchange.Supplier, ""))
	desktest.Must(t, acorn.Desk.Tick()) // a part of them
	if s := desktest.StockOf(t, acorn, "sock"); s.Held >= live+7 || s.Held <= 7 {
		t.Fatalf("%d are held after one batch", s.Held)
	}
	desktest.Must(t, acorn.Desk.Partnerships.Propose(desktest.Ctx, birch.ID, exchange.Supplier, exchange.DefaultTerms("EUR")))
	list, _ := acorn.Desk.Outgoing()
	for _, out := range list {
		reply, err := birch.Serve(desktest.Ctx, acorn.ID, out.Raw)
		out.Done(desktest.Ctx, reply, err)
	}
	p, err := birch.Desk.Partnerships.Get(acorn.ID, exchange.Retailer)
	desktest.Must(t, err)
	desktest.Must(t, birch.Desk.Partnerships.AcceptTerms(desktest.Ctx, acorn.ID, exchange.Retailer, p.State.Open.Hash))
	sendFrom(birch)
	raw, _ := holdRequest(t, windowOf(w.Now)-1, 1, exchange.Line{SKU: "sock", Quantity: 3}) // before all others
	if a := opened(acorn, t, ask(acorn, t, birch, raw)); a.State != hold.Held {
		t.Fatalf("a hold under the new terms: %v", a.Refusal)
	}
	desktest.Must(t, acorn.Desk.Partnerships.EndTrade(desktest.Ctx, birch.ID, exchange.Supplier, ""))
	for range 10 {
		desktest.Must(t, acorn.Desk.Tick())
	}
	if s := desktest.StockOf(t, acorn, "sock"); s.Held != 7 {
		t.Errorf("%d are held, not cedar's 7", s.Held)
	}
	audited(t, acorn)
}

// A revoked shop's holds are released though the queue of the writer is full, and though
// the store refuses the first commit.
func TestReleaseAllIsNotLost(t *testing.T) {
	m := newMarket(t, kv.Limits{}, asIs)
	birch := m.retailers[0]
	raw, _ := m.hold(t, 1, exchange.Line{SKU: "shoe", Quantity: 4})
	results, err := m.together(m.serve(birch, raw))
	desktest.Must(t, err)
	desktest.Must(t, results[0].err)
	delete(m.supplier.W.Keys, birch.ID)
	m.desk.Writer.FillWriteBehind()
	m.desk.Supplier.ReleaseAll(birch.ID)
	m.mem.FailNext(store.FaultRefuse)
	for range 2 {
		desktest.Must(t, m.desk.Writer.Together(nil))
		m.supplier.W.Now = m.supplier.W.Now.Add(2 * time.Second)
	}
	if s, err := m.desk.Shelf.Stock("shoe"); err != nil || s.Held != 0 {
		t.Errorf("%d are held by a shop that is no member: %v", s.Held, err)
	}
}

// A hold that a shop asked for before it was revoked, and that waited for the writer's
// turn, is not placed behind the release of its holds.
func TestRevokedShopHoldsNothing(t *testing.T) {
	m := newMarket(t, kv.Limits{}, asIs)
	birch := m.retailers[0]
	raw, _ := m.hold(t, 1, exchange.Line{SKU: "shoe", Quantity: 4})
	answered := make(chan error, 1)
	go func() {
		_, err := m.serve(birch, raw)()
		answered <- err
	}()
	asked := m.desk.Writer.Next()
	delete(m.supplier.W.Keys, birch.ID)
	m.desk.Supplier.ReleaseAll(birch.ID)
	desktest.Must(t, m.desk.Writer.Together([]*writer.Operation{asked}))
	if err := <-answered; exchange.CodeOf(err) != exchange.CodeNotMember {
		t.Errorf("the hold: %v", err)
	}
	if s, err := m.desk.Shelf.Stock("shoe"); err != nil || s.Held != 0 {
		t.Errorf("%d are held by a shop that was revoked: %v", s.Held, err)
	}
}

// A partnership ends and is renewed in the very batch in which one of its holds is
// extended or ordered: neither can be done under the new terms.
func TestRenewalRevivesNoHold(t *testing.T) {
	m := newMarket(t, kv.Limits{}, asIs)
	birch, terms := m.retailers[0], exchange.DefaultTerms("EUR")
	end := func(m *market) func() ([]byte, error) {
		return func() ([]byte, error) {
			return nil, m.desk.Partnerships.EndTrade(desktest.Ctx, birch.ID, exchange.Supplier, "")
		}
	}
	propose := func(m *market) func() ([]byte, error) {
		return func() ([]byte, error) {
			return nil, m.desk.Partnerships.Propose(desktest.Ctx, birch.ID, exchange.Supplier, terms)
		}
	}
	trial := m.again(t, kv.Limits{}, asIs) // tells the hash that the proposal will have
	_, err := trial.together(end(trial), propose(trial))
	desktest.Must(t, err)
	p, err := trial.desk.Partnerships.Get(birch.ID, exchange.Supplier)
	desktest.Must(t, err)

	raw, id := m.hold(t, 1, exchange.Line{SKU: "shoe", Quantity: 4})
	held, err := m.together(m.serve(birch, raw))
	desktest.Must(t, err)
	v, err := protocol.Codec{}.Decode(message.KindSealedAnswer, held[0].reply[1:])
	desktest.Must(t, err)
	results, err := m.together(end(m), propose(m),
		m.serve(birch, request(t, m.supplier, birch, 2, message.AcceptTerms{Proposal: p.State.Open.Hash})),
		m.serve(birch, framed(t, &message.Extend{ID: id, Until: m.supplier.W.Now.Add(15 * time.Minute)})),
		m.serve(birch, request(t, m.supplier, birch, 3, message.SubmitOrder{Order: id, Quote: v.(*message.SealedAnswer).Sealed})))
	desktest.Must(t, err)
	for i, r := range results {
		if r.err != nil {
			t.Fatalf("call %d: %v", i, r.err)
		}
	}
	if p, err = m.desk.Partnerships.Get(birch.ID, exchange.Supplier); err != nil || !p.State.Active || p.State.Version != 2 {
		t.Fatalf("the partnership is not renewed: %+v, %v", p.State, err)
	}
	if a := opened(m.supplier, t, results[3].reply); a.Refusal != exchange.CodeReleased {
		t.Errorf("the extension: %v", a.Refusal)
	}
	desktest.Must(t, m.desk.Writer.Together(nil))
	if s, err := m.desk.Shelf.Stock("shoe"); err != nil || s != (hold.Stock{Stocked: 10, Revision: 1}) {
		t.Errorf("stock after the end: %+v, %v", s, err)
	}
}

// An end makes a new key for the catalog's gossip, so that the former partner is blind,
// and gives it to those that stay.
func TestEndChangesTheFeedKey(t *testing.T) {
	for _, by := range []exchange.Party{exchange.Supplier, exchange.Retailer} {
		t.Run(by.String(), func(t *testing.T) {
			w := desktest.NewWorld(t, 1, 3)
			acorn, birch, cedar := w.Shops[0], w.Shops[1], w.Shops[2]
			acorn.Stock("shoe", 10, 9900)
			w.Partner(acorn, birch, exchange.DefaultTerms("EUR"))
			w.Partner(acorn, cedar, exchange.DefaultTerms("EUR"))
			desktest.Must(t, acorn.Desk.Feed.Publish(desktest.Ctx))
			key := func(of *desktest.Shop) *message.FeedKey {
				g, err := acorn.Desk.Ledgers.Greeting(of.ID)
				desktest.Must(t, err)
				return g.FeedKey
			}
			before := key(birch)
			if before == nil || key(cedar) == nil || *before != *key(cedar) {
				t.Fatalf("the partners have keys %v and %v", before, key(cedar))
			}
			if by == exchange.Supplier {
				desktest.Must(t, acorn.Desk.Partnerships.EndTrade(desktest.Ctx, birch.ID, exchange.Supplier, ""))
			} else {
				desktest.Must(t, birch.Desk.Partnerships.EndTrade(desktest.Ctx, acorn.ID, exchange.Retailer, ""))
				w.Settle()
			}
			if key(birch) != nil {
				t.Errorf("the former partner is told a key")
			}
			if after := key(cedar); after == nil || *after == *before {
				t.Errorf("the key of the gossip stays")
			}
		})
	}
}
