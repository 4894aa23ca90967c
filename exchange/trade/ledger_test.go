package trade_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/protocol"
)

// sendFrom carries what a shop has to send at this moment, and the answers.
func sendFrom(s *desktest.Shop) {
	list, _ := s.Desk.Outgoing()
	for _, out := range list {
		reply, err := s.W.ShopOf(out.To).Serve(desktest.Ctx, s.ID, out.Raw)
		out.Done(desktest.Ctx, reply, err)
	}
}

// A push whose predecessors were lost is not taken, and what is missing is asked for.
func TestPushWithAGap(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	desktest.Must(t, acorn.Desk.Partnerships.Propose(desktest.Ctx, birch.ID, exchange.Supplier, exchange.DefaultTerms("EUR")))
	desktest.Must(t, acorn.Desk.Partnerships.Propose(desktest.Ctx, birch.ID, exchange.Supplier, exchange.DefaultTerms("EUR")))
	trade, err := acorn.Desk.Partnerships.Get(birch.ID, exchange.Supplier)
	desktest.Must(t, err)
	raw, err := acorn.Desk.Serve(desktest.Ctx, birch.ID, framed(t, &message.Pull{After: trade.Position - 1}))
	desktest.Must(t, err)
	v, err := protocol.Codec{}.Decode(message.KindEntries, raw[1:])
	desktest.Must(t, err)
	_, err = birch.Desk.Serve(desktest.Ctx, acorn.ID, framed(t, &message.Push{Entries: v.(*message.Entries).Entries}))
	desktest.Must(t, err)
	if at, _ := birch.Desk.Partnerships.Get(acorn.ID, exchange.Retailer); at.Position != trade.Position-2 {
		t.Fatalf("the retailer is at %d of %d after a push with a gap", at.Position, trade.Position)
	}
	sendFrom(birch)
	if at, _ := birch.Desk.Partnerships.Get(acorn.ID, exchange.Retailer); at.Position != trade.Position {
		t.Errorf("the retailer asked and is at %d of %d", at.Position, trade.Position)
	}
	w.Settle()
	audited(t, acorn, birch)
}

// A supplier that claims entries and sends none, or answers nothing, is asked
// after 1, 2, 4, 8, 8 … seconds, not as fast as it answers.
func TestNoBusyLoop(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	placed, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	for _, lie := range []message.Value{&message.Entries{Head: 1 << 40}, &message.Entries{}} {
		reply, asked := framed(t, lie), 0
		for range 60_000 / 50 {
			list, _ := birch.Desk.Outgoing()
			for _, out := range list {
				out.Done(desktest.Ctx, reply, nil)
				asked++
			}
			w.Now = w.Now.Add(50 * time.Millisecond)
		}
		if asked < 6 || asked > 12 {
			t.Errorf("a lying supplier was asked %d times in a minute", asked)
		}
	}
	w.Settle()
	if got := desktest.BothSee(t, acorn, birch, placed.ID); got != order.Accepted {
		t.Errorf("the order is %v once the supplier is honest", got)
	}
	audited(t, acorn, birch)
}

// The books of a healthy shop pass; each damage done to them is found.
func TestAuditFindsDamage(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "hat", Quantity: 1})
	w.Settle()
	audited(t, acorn, birch)
	for _, s := range w.Shops {
		for key, value := range contents(t, s.Mem) {
			switch {
			case strings.HasPrefix(key, "p/"), strings.HasPrefix(key, "d/"), strings.HasPrefix(key, "c/"), strings.HasPrefix(key, "sn/"), key == "m":
				continue // says nothing about trade
			case strings.HasPrefix(key, "r/"), strings.HasPrefix(key, "a/"):
				continue // may be pruned, or erased
			}
			damaged := s.Mem.Clone()
			desktest.Must(t, damaged.Commit([]kv.Write{{Key: []byte(key), Delete: true}}))
			_, err := audit.Shop(s.ID, damaged, protocol.Codec{}, w.Verifier())
			if err == nil {
				t.Errorf("%s: the loss of %q was not found", s.Name, key)
			}
			if len(value) == 0 {
				continue
			}
			if s == acorn && strings.HasPrefix(key, "e/") {
				value[len(value)/2] ^= 1
				desktest.Must(t, damaged.Commit([]kv.Write{{Key: []byte(key), Value: value}}))
				if _, err := audit.Shop(s.ID, damaged, protocol.Codec{}, w.Verifier()); err == nil {
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
		t.Run(fmt.Sprintf("restarted %v", restarted), func(t *testing.T) {
			w, acorn, birch := desktest.Pair(t)
			desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
			delete(w.Keys, birch.ID)
			if restarted {
				acorn.Restart()
			} else {
				acorn.Desk.Supplier.ReleaseAll(birch.ID)
			}
			desktest.Must(t, acorn.Desk.Tick())
			if s := desktest.StockOf(t, acorn, "shoe"); s.Held != 0 {
				t.Errorf("%d are held for a revoked shop", s.Held)
			}
			raw, _ := holdRequest(t, windowOf(w.Now), 1, exchange.Line{SKU: "shoe", Quantity: 1})
			if _, err := acorn.Desk.Serve(desktest.Ctx, birch.ID, raw); exchange.CodeOf(err) != exchange.CodeNotMember {
				t.Errorf("a hold by a revoked shop: %v", err)
			}
		})
	}
}
