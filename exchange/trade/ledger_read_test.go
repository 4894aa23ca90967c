package trade_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/trade"
)

// TestEntries: either side reads the same entries, by position, with whose act each is.
func TestEntries(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	desktest.Buy(t, birch, acorn, "shoe", 2)
	w.Settle()
	all := func(s, partner *desktest.Shop, side exchange.Party, after uint64) (list []trade.LedgerEntry) {
		t.Helper()
		desktest.Must(t, s.Desk.Ledgers.Entries(partner.ID, side, after, func(e trade.LedgerEntry) bool {
			list = append(list, e)
			return true
		}))
		return list
	}
	sold, bought := all(acorn, birch, exchange.Supplier, 0), all(birch, acorn, exchange.Retailer, 0)
	p, err := acorn.Desk.Partnerships.Get(birch.ID, exchange.Supplier)
	desktest.Must(t, err)
	if len(sold) != int(p.Position) || len(bought) != len(sold) || sold[len(sold)-1].Hash != p.Hash {
		t.Fatalf("%d and %d entries, the ledger ends at %d", len(sold), len(bought), p.Position)
	}
	for i := range sold {
		if sold[i].Hash != bought[i].Hash || sold[i].Position != uint64(i+1) || sold[i].Act == nil {
			t.Errorf("entry %d: %+v", i+1, sold[i])
		}
	}
	submit, accept := sold[len(sold)-2], sold[len(sold)-1]
	if _, ok := submit.Act.(message.SubmitOrder); !ok || submit.By != exchange.Retailer || submit.Number == 0 {
		t.Errorf("the order is %+v", submit)
	}
	if _, ok := accept.Act.(message.AcceptOrder); !ok || accept.By != exchange.Supplier || accept.Number != 0 {
		t.Errorf("its acceptance is %+v", accept)
	}
	if rest := all(acorn, birch, exchange.Supplier, p.Position-1); len(rest) != 1 || rest[0].Hash != p.Hash {
		t.Errorf("after the last but one: %+v", rest)
	}
	if none := all(acorn, birch, exchange.Retailer, 0); none != nil {
		t.Errorf("the ledger that there is not: %+v", none)
	}
}

// TestCompare: what two shops find when they compare the ends of their ledgers.
func TestCompare(t *testing.T) {
	// Birch has bought once; then each case changes something.
	for _, c := range []struct {
		name         string
		change       func(w *desktest.World, acorn, birch *desktest.Shop)
		acorn, birch trade.Standing
	}{
		{name: "equal", change: func(*desktest.World, *desktest.Shop, *desktest.Shop) {}, acorn: trade.LedgersEqual, birch: trade.LedgersEqual},
		{name: "an entry is on its way", acorn: trade.LedgerAhead, birch: trade.LedgerBehind, change: func(w *desktest.World, acorn, birch *desktest.Shop) {
			sale, err := firstOrder(acorn)
			desktest.Must(t, err)
			_, err = acorn.Desk.Supplier.ShipOrder(desktest.Ctx, sale, nil, "", "")
			desktest.Must(t, err)
		}},
		{name: "the supplier lost its last entries", acorn: trade.LedgerBehind, birch: trade.LedgerAhead, change: func(w *desktest.World, acorn, birch *desktest.Shop) {
			old := acorn.Mem.Clone()
			desktest.Buy(t, birch, acorn, "hat", 1)
			w.Settle()
			acorn.Mem = old
			acorn.Restart()
		}},
		{name: "and sold on", acorn: trade.LedgersDiverged, birch: trade.LedgersDiverged, change: func(w *desktest.World, acorn, birch *desktest.Shop) {
			old := acorn.Mem.Clone()
			desktest.Buy(t, birch, acorn, "hat", 1)
			w.Settle()
			acorn.Mem = old
			acorn.Restart()
			sale, err := firstOrder(acorn)
			desktest.Must(t, err)
			_, err = acorn.Desk.Supplier.ShipOrder(desktest.Ctx, sale, nil, "", "")
			desktest.Must(t, err)
			_, err = acorn.Desk.Supplier.DeliverOrder(desktest.Ctx, sale, nil)
			desktest.Must(t, err)
		}},
		{name: "out of reach", acorn: trade.LedgerUnreachable, birch: trade.LedgerUnreachable, change: func(w *desktest.World, _, _ *desktest.Shop) {
			w.Fate = func(_, _ *desktest.Shop) desktest.Fate { return desktest.NotSent }
		}},
		{name: "no member any more", acorn: trade.LedgerRefused, birch: trade.LedgerRefused, change: func(w *desktest.World, acorn, birch *desktest.Shop) {
			delete(w.Keys, acorn.ID)
			delete(w.Keys, birch.ID)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, acorn, birch := desktest.Pair(t)
			desktest.Buy(t, birch, acorn, "shoe", 2)
			w.Settle()
			c.change(w, acorn, birch)
			before := [2]int{acorn.Mem.Len(), birch.Mem.Len()}
			for _, of := range []struct {
				at, partner *desktest.Shop
				side        exchange.Party
				want        trade.Standing
			}{{acorn, birch, exchange.Supplier, c.acorn}, {birch, acorn, exchange.Retailer, c.birch}} {
				list, err := of.at.Desk.Ledgers.Compare(desktest.Ctx, of.partner.ID)
				desktest.Must(t, err)
				p, err := of.at.Desk.Partnerships.Get(of.partner.ID, of.side)
				desktest.Must(t, err)
				if len(list) != 1 || list[0].Side != of.side || list[0].Standing != of.want || list[0].Here != (trade.Place{Position: p.Position, Hash: p.Hash}) {
					t.Fatalf("%s found %+v, want %v", of.at.Name, list, of.want)
				}
				if silent := of.want == trade.LedgerUnreachable || of.want == trade.LedgerRefused; silent != (list[0].Refusal != nil) || silent != (list[0].There == trade.Place{}) {
					t.Errorf("%s found %+v", of.at.Name, list[0])
				}
			}
			if after := [2]int{acorn.Mem.Len(), birch.Mem.Len()}; after != before {
				t.Errorf("a comparison changed the stores: %v, %v", before, after)
			}
		})
	}
	_, acorn, _ := desktest.Pair(t)
	_, err := acorn.Desk.Ledgers.Compare(desktest.Ctx, exchange.ShopID{9})
	if exchange.CodeOf(err) != exchange.CodeNoPartnership {
		t.Errorf("a stranger: %v", err)
	}
}

// firstOrder is a shop's first sold order.
func firstOrder(s *desktest.Shop) (id exchange.OrderID, err error) {
	err = s.Desk.Orders.Visit(trade.OrderRange{Sides: []exchange.Party{exchange.Supplier}}, func(r trade.OrderRow) bool {
		id = r.ID
		return false
	})
	return id, err
}
