package desk_test

import (
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/protocol"
)

// twin is a second process with the shop's key, on a copy of its store.
func (s *shop) twin() *shop {
	copied := *s
	copied.mem = s.mem.Clone()
	copied.random = chacha(s.w.seed, 1000)
	copied.open()
	return &copied
}

// deliver carries what a shop has to send at this moment, and the answers.
func (s *shop) deliver() {
	list, _ := s.desk.Outgoing()
	for _, out := range list {
		reply, err := s.w.shopOf(out.To).serve(ctx, s.id, out.Raw)
		out.Done(ctx, reply, err)
	}
}

// A supplier that runs twice seals two entries at one position: the retailer
// freezes the ledger with both as evidence, trades it no more, and keeps it frozen
// over a restart; the supplier learns of it from the next greeting and stops.
func TestForkFreezes(t *testing.T) {
	w, acorn, birch := pair(t)
	res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	placed, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	other := reserve(t, birch, acorn, exchange.Line{SKU: "hat", Quantity: 1})
	w.settle()
	twin := acorn.twin()
	_, err = acorn.desk.ShipOrder(ctx, placed.ID, nil, "PostNord", "")
	must(t, err)
	_, err = twin.desk.CancelSold(ctx, placed.ID, nil, "sold out")
	must(t, err)
	w.settle()
	twin.deliver()

	for range 2 {
		trade, err := birch.desk.Trade(acorn.id, exchange.Retailer)
		must(t, err)
		if !trade.Frozen {
			t.Fatal("the ledger is not frozen")
		}
		if _, err := birch.desk.PlaceOrder(ctx, other.Request.ID, stockholm); exchange.CodeOf(err) != exchange.CodeFrozen {
			t.Errorf("an order on a frozen ledger: %v", err)
		}
		birch.restart()
	}
	if got := orderAt(t, birch, exchange.Retailer, placed.ID); got.Order.Status() != order.Shipped {
		t.Errorf("the first history has the order shipped; it is %v", got.Order.Status())
	}
	books, err := audit.Shop(birch.id, birch.mem, protocol.Codec{}, w.verifier())
	must(t, err)
	ev := books.Chains[audit.ChainID{Supplier: acorn.id, Retailer: birch.id}].Evidence
	if ev == nil {
		t.Fatal("there is no evidence")
	}
	ours, err := w.verifier().Open(acorn.id, ev.Ours)
	must(t, err)
	theirs, err := w.verifier().Open(acorn.id, ev.Theirs)
	must(t, err)
	if string(ours) == string(theirs) {
		t.Error("the evidence does not contradict itself")
	}

	g, err := birch.desk.Greeting(acorn.id)
	must(t, err)
	must(t, twin.desk.Greeted(ctx, birch.id, g))
	if !strings.Contains(twin.desk.Stopped(), "two different entries") {
		t.Errorf("the twin goes on: %q", twin.desk.Stopped())
	}
}

// An end binds its sender before the supplier hears of it: no hold, no order.
func TestEndBindsAtOnce(t *testing.T) {
	w, acorn, birch := pair(t)
	res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	must(t, birch.desk.EndTrade(ctx, acorn.id, exchange.Retailer, ""))
	birch.restart()
	if _, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm); exchange.CodeOf(err) != exchange.CodeNoPartnership {
		t.Errorf("an order after the own end: %v", err)
	}
	if s := stockOf(t, acorn, "shoe"); s.Held != 2 {
		t.Errorf("%d are held before the supplier knows", s.Held)
	}
	w.settle()
	if s := stockOf(t, acorn, "shoe"); s.Held != 0 {
		t.Errorf("%d are held after the end", s.Held)
	}
	audited(t, acorn, birch)
}

// A push whose predecessors were lost is not taken, and what is missing is asked for.
func TestPushWithAGap(t *testing.T) {
	w, acorn, birch := pair(t)
	must(t, acorn.desk.Propose(ctx, birch.id, exchange.Supplier, exchange.DefaultTerms("EUR")))
	must(t, acorn.desk.Propose(ctx, birch.id, exchange.Supplier, exchange.DefaultTerms("EUR")))
	trade, err := acorn.desk.Trade(birch.id, exchange.Supplier)
	must(t, err)
	raw, err := acorn.desk.Serve(ctx, birch.id, framed(t, &message.Pull{After: trade.Position - 1}))
	must(t, err)
	v, err := protocol.Codec{}.Decode(message.KindEntries, raw[1:])
	must(t, err)
	_, err = birch.desk.Serve(ctx, acorn.id, framed(t, &message.Push{Entries: v.(*message.Entries).Entries}))
	must(t, err)
	if at, _ := birch.desk.Trade(acorn.id, exchange.Retailer); at.Position != trade.Position-2 {
		t.Fatalf("the retailer is at %d of %d after a push with a gap", at.Position, trade.Position)
	}
	birch.deliver()
	if at, _ := birch.desk.Trade(acorn.id, exchange.Retailer); at.Position != trade.Position {
		t.Errorf("the retailer asked and is at %d of %d", at.Position, trade.Position)
	}
	w.settle()
	audited(t, acorn, birch)
}

// A supplier that claims entries and sends none, or answers nothing, is asked
// after 1, 2, 4, 8, 8 … seconds, not as fast as it answers.
func TestNoBusyLoop(t *testing.T) {
	w, acorn, birch := pair(t)
	res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	placed, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	for _, lie := range []message.Value{&message.Entries{Head: 1 << 40}, &message.Entries{}} {
		reply, asked := framed(t, lie), 0
		for range 60_000 / 50 {
			list, _ := birch.desk.Outgoing()
			for _, out := range list {
				out.Done(ctx, reply, nil)
				asked++
			}
			w.now = w.now.Add(50 * time.Millisecond)
		}
		if asked < 6 || asked > 12 {
			t.Errorf("a lying supplier was asked %d times in a minute", asked)
		}
	}
	w.settle()
	if got := bothSee(t, acorn, birch, placed.ID); got != order.Accepted {
		t.Errorf("the order is %v once the supplier is honest", got)
	}
	audited(t, acorn, birch)
}

// The books of a healthy shop pass; each damage done to them is found.
func TestAuditFindsDamage(t *testing.T) {
	w, acorn, birch := pair(t)
	res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	_, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	reserve(t, birch, acorn, exchange.Line{SKU: "hat", Quantity: 1})
	w.settle()
	audited(t, acorn, birch)
	for _, s := range w.shops {
		for key, value := range contents(t, s.mem) {
			switch {
			case strings.HasPrefix(key, "p/"), strings.HasPrefix(key, "d/"), strings.HasPrefix(key, "c/"), key == "m":
				continue // says nothing about trade
			case strings.HasPrefix(key, "r/"), strings.HasPrefix(key, "a/"):
				continue // may be pruned, or erased
			}
			damaged := s.mem.Clone()
			must(t, damaged.Commit([]kv.Write{{Key: []byte(key), Delete: true}}))
			_, err := audit.Shop(s.id, damaged, protocol.Codec{}, w.verifier())
			if err == nil {
				t.Errorf("%s: the loss of %q was not found", s.name, key)
			}
			if len(value) == 0 {
				continue
			}
			if s == acorn && strings.HasPrefix(key, "e/") {
				value[len(value)/2] ^= 1
				must(t, damaged.Commit([]kv.Write{{Key: []byte(key), Value: value}}))
				if _, err := audit.Shop(s.id, damaged, protocol.Codec{}, w.verifier()); err == nil {
					t.Errorf("a flipped bit in %q was not found", key)
				}
			}
		}
	}
}

// A shop that is revoked, while this one runs or before it starts, loses its
// holds and can neither hold nor order.
func TestRevokedLosesHolds(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		w, acorn, birch := pair(t)
		reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
		delete(w.keys, birch.id)
		if restarted {
			acorn.restart()
		} else {
			acorn.desk.ReleaseAll(birch.id)
		}
		must(t, acorn.desk.Tick())
		if s := stockOf(t, acorn, "shoe"); s.Held != 0 {
			t.Errorf("restarted %v: %d are held for a revoked shop", restarted, s.Held)
		}
		raw, _ := holdRequest(t, windowOf(w.now), 1, exchange.Line{SKU: "shoe", Quantity: 1})
		if _, err := acorn.desk.Serve(ctx, birch.id, raw); exchange.CodeOf(err) != exchange.CodeNotMember {
			t.Errorf("restarted %v: a hold by a revoked shop: %v", restarted, err)
		}
	}
}
