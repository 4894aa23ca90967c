package desk_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// A stopped supplier can end: it holds and shows its catalog no more, releases what
// is held, also over a restart, and writes nothing into its ledger.
func TestStoppedSupplierEnds(t *testing.T) {
	w, acorn, birch := pair(t)
	reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	backup := acorn.mem.Clone()
	must(t, acorn.desk.Propose(ctx, birch.id, exchange.Supplier, exchange.DefaultTerms("EUR")))
	w.settle()
	acorn.mem = backup
	acorn.restart()
	w.greet(acorn, birch)
	if acorn.desk.Stopped() == "" {
		t.Fatal("the restored shop goes on")
	}
	before, err := acorn.desk.Trade(birch.id, exchange.Supplier)
	must(t, err)
	for range 2 { // a second end changes nothing
		must(t, acorn.desk.EndTrade(ctx, birch.id, exchange.Supplier, "bye"))
	}
	for _, restarted := range []bool{false, true} {
		if restarted {
			acorn.restart()
		}
		must(t, acorn.desk.Tick())
		after, err := acorn.desk.Trade(birch.id, exchange.Supplier)
		must(t, err)
		if !after.Ending || after.Position != before.Position {
			t.Errorf("restarted %v: ending %v, position %d; it was %d", restarted, after.Ending, after.Position, before.Position)
		}
		if len(acorn.desk.Retailers()) != 0 {
			t.Errorf("restarted %v: the catalog is still shown", restarted)
		}
		if s := stockOf(t, acorn, "shoe"); s.Held != 0 {
			t.Errorf("restarted %v: %d are held after the end", restarted, s.Held)
		}
	}
}

// Any member can have its ledger frozen here: it proposes, and seals another first
// entry. That keeps nobody from ending, and so from leaving.
func TestFrozenLedgerEnds(t *testing.T) {
	w := newWorld(t, 1, 2)
	evil, birch := w.shops[0], w.shops[1]
	for i := range 2 {
		terms := exchange.DefaultTerms("EUR")
		terms.Discount = exchange.BasisPoints(i)
		payload, err := protocol.Codec{}.Encode(&message.Entry{
			Link: ledger.Link{Supplier: evil.id, Retailer: birch.id, Position: 1, At: w.now}, Own: message.ProposeTerms{Terms: terms},
		})
		must(t, err)
		sealed, err := protocol.NewSigner(evil.key, origin, nil).Seal([][]byte{payload})
		must(t, err)
		if _, err = birch.desk.Serve(ctx, evil.id, framed(t, &message.Push{Entries: sealed})); i == 0 {
			must(t, err)
		}
	}
	if trade, err := birch.desk.Trade(evil.id, exchange.Retailer); err != nil || !trade.Frozen || trade.State.Open.By == 0 {
		t.Fatalf("the ledger is not frozen with a proposal open: %+v, %v", trade, err)
	}
	for range 2 {
		must(t, birch.desk.EndTrade(ctx, evil.id, exchange.Retailer, "leaving"))
		trade, err := birch.desk.Trade(evil.id, exchange.Retailer)
		must(t, err)
		if !trade.Ending || trade.Waiting != 0 {
			t.Errorf("ending %v, %d waiting", trade.Ending, trade.Waiting)
		}
		birch.restart()
	}
}

// A full outbox takes an end, once, and nothing else.
func TestFullOutboxTakesAnEnd(t *testing.T) {
	w, acorn, birch := pair(t)
	w.fate = func(from, to *shop) fate { return lost }
	for n := range desk.MaxOutbox {
		err := birch.desk.Propose(ctx, acorn.id, exchange.Retailer, exchange.DefaultTerms("EUR"))
		if n < desk.MaxOutbox-1 {
			must(t, err)
		} else if exchange.CodeOf(err) != exchange.CodeLimit {
			t.Fatalf("the last place went to a proposal: %v", err)
		}
	}
	for range 3 {
		must(t, birch.desk.EndTrade(ctx, acorn.id, exchange.Retailer, "bye"))
	}
	trade, err := birch.desk.Trade(acorn.id, exchange.Retailer)
	must(t, err)
	if trade.Waiting != desk.MaxOutbox || !trade.Ending || trade.Queued != "end" {
		t.Errorf("%d waiting, ending %v, queued %q", trade.Waiting, trade.Ending, trade.Queued)
	}
}

// A hold of a partnership that ended cannot be ordered, though another
// partnership is in force by then, and is released, also across a restart.
func TestEndReleasesHolds(t *testing.T) {
	w, acorn, birch := pair(t)
	res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	must(t, acorn.desk.EndTrade(ctx, birch.id, exchange.Supplier, "pause"))
	must(t, acorn.desk.Propose(ctx, birch.id, exchange.Supplier, exchange.DefaultTerms("EUR")))
	acorn.mem.FailNext(store.FaultBefore)
	acorn.desk.Tick() // the release is lost in a crash
	acorn.restart()
	w.settle()
	trade, err := birch.desk.Trade(acorn.id, exchange.Retailer)
	must(t, err)
	must(t, birch.desk.AcceptTerms(ctx, acorn.id, exchange.Retailer, trade.State.Open.Hash))
	w.settle()
	if s := stockOf(t, acorn, "shoe"); s.Held != 0 {
		t.Errorf("%d are still held", s.Held)
	}
	placed, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	w.settle()
	if got := orderAt(t, birch, exchange.Retailer, placed.ID); got.Refusal != exchange.CodeReleased {
		t.Errorf("an order of a released hold: %v %v", got.Order.Status(), got.Refusal)
	}
	audited(t, acorn, birch)
}
