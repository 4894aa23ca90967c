package desk_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// A stopped supplier can end: it holds and shows its catalog no more, releases what
// is held, also over a restart, and writes nothing into its ledger.
func TestStoppedSupplierEnds(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	backup := acorn.Mem.Clone()
	desktest.Must(t, acorn.Desk.Propose(desktest.Ctx, birch.Id, exchange.Supplier, exchange.DefaultTerms("EUR")))
	w.Settle()
	acorn.Mem = backup
	acorn.Restart()
	w.Greet(acorn, birch)
	if acorn.Desk.Stopped() == "" {
		t.Fatal("the restored shop goes on")
	}
	before, err := acorn.Desk.Trade(birch.Id, exchange.Supplier)
	desktest.Must(t, err)
	for range 2 { // a second end changes nothing
		desktest.Must(t, acorn.Desk.EndTrade(desktest.Ctx, birch.Id, exchange.Supplier, "bye"))
	}
	for _, restarted := range []bool{false, true} {
		if restarted {
			acorn.Restart()
		}
		desktest.Must(t, acorn.Desk.Tick())
		after, err := acorn.Desk.Trade(birch.Id, exchange.Supplier)
		desktest.Must(t, err)
		if !after.Ending || after.Position != before.Position {
			t.Errorf("restarted %v: ending %v, position %d; it was %d", restarted, after.Ending, after.Position, before.Position)
		}
		if len(acorn.Desk.Retailers()) != 0 {
			t.Errorf("restarted %v: the catalog is still shown", restarted)
		}
		if s := desktest.StockOf(t, acorn, "shoe"); s.Held != 0 {
			t.Errorf("restarted %v: %d are held after the end", restarted, s.Held)
		}
	}
}

// Any member can have its ledger frozen here: it proposes, and seals another first
// entry. That keeps nobody from ending, and so from leaving.
func TestFrozenLedgerEnds(t *testing.T) {
	w := desktest.NewWorld(t, 1, 2)
	evil, birch := w.Shops[0], w.Shops[1]
	for i := range 2 {
		terms := exchange.DefaultTerms("EUR")
		terms.Discount = exchange.BasisPoints(i)
		payload, err := protocol.Codec{}.Encode(&message.Entry{
			Link: ledger.Link{Supplier: evil.Id, Retailer: birch.Id, Position: 1, At: w.Now}, Own: message.ProposeTerms{Terms: terms},
		})
		desktest.Must(t, err)
		sealed, err := protocol.NewSigner(evil.Key, desktest.Origin, nil).Seal([][]byte{payload})
		desktest.Must(t, err)
		if _, err = birch.Desk.Serve(desktest.Ctx, evil.Id, framed(t, &message.Push{Entries: sealed})); i == 0 {
			desktest.Must(t, err)
		}
	}
	if trade, err := birch.Desk.Trade(evil.Id, exchange.Retailer); err != nil || !trade.Frozen || trade.State.Open.By == 0 {
		t.Fatalf("the ledger is not frozen with a proposal open: %+v, %v", trade, err)
	}
	for range 2 {
		desktest.Must(t, birch.Desk.EndTrade(desktest.Ctx, evil.Id, exchange.Retailer, "leaving"))
		trade, err := birch.Desk.Trade(evil.Id, exchange.Retailer)
		desktest.Must(t, err)
		if !trade.Ending || trade.Waiting != 0 {
			t.Errorf("ending %v, %d waiting", trade.Ending, trade.Waiting)
		}
		birch.Restart()
	}
}

// A full outbox takes an end, once, and nothing else.
func TestFullOutboxTakesAnEnd(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	w.Fate = func(from, to *desktest.Shop) desktest.Fate { return desktest.Lost }
	for n := range desk.MaxOutbox {
		err := birch.Desk.Propose(desktest.Ctx, acorn.Id, exchange.Retailer, exchange.DefaultTerms("EUR"))
		if n < desk.MaxOutbox-1 {
			desktest.Must(t, err)
		} else if exchange.CodeOf(err) != exchange.CodeLimit {
			t.Fatalf("the last place went to a proposal: %v", err)
		}
	}
	for range 3 {
		desktest.Must(t, birch.Desk.EndTrade(desktest.Ctx, acorn.Id, exchange.Retailer, "bye"))
	}
	trade, err := birch.Desk.Trade(acorn.Id, exchange.Retailer)
	desktest.Must(t, err)
	if trade.Waiting != desk.MaxOutbox || !trade.Ending || trade.Queued != "end" {
		t.Errorf("%d waiting, ending %v, queued %q", trade.Waiting, trade.Ending, trade.Queued)
	}
}

// A hold of a partnership that ended cannot be ordered, though another
// partnership is in force by then, and is released, also across a restart.
func TestEndReleasesHolds(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	desktest.Must(t, acorn.Desk.EndTrade(desktest.Ctx, birch.Id, exchange.Supplier, "pause"))
	desktest.Must(t, acorn.Desk.Propose(desktest.Ctx, birch.Id, exchange.Supplier, exchange.DefaultTerms("EUR")))
	acorn.Mem.FailNext(store.FaultBefore)
	acorn.Desk.Tick() // the release is lost in a crash
	acorn.Restart()
	w.Settle()
	trade, err := birch.Desk.Trade(acorn.Id, exchange.Retailer)
	desktest.Must(t, err)
	desktest.Must(t, birch.Desk.AcceptTerms(desktest.Ctx, acorn.Id, exchange.Retailer, trade.State.Open.Hash))
	w.Settle()
	if s := desktest.StockOf(t, acorn, "shoe"); s.Held != 0 {
		t.Errorf("%d are still held", s.Held)
	}
	placed, err := birch.Desk.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	w.Settle()
	if got := desktest.OrderAt(t, birch, exchange.Retailer, placed.ID); got.Refusal != exchange.CodeReleased {
		t.Errorf("an order of a released hold: %v %v", got.Order.Status(), got.Refusal)
	}
	audited(t, acorn, birch)
}
