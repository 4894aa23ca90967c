package trade_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
)

// forgetful forgets a member after it has opened the seal of that member's entry,
// and before the quote inside it is opened.
type forgetful struct {
	message.Verifier
	w      *desktest.World
	shop   exchange.ShopID
	opened *int
}

func (f forgetful) Open(by exchange.ShopID, sealed []byte) ([]byte, error) {
	payload, err := f.Verifier.Open(by, sealed)
	if *f.opened++; by == f.shop && *f.opened == 1 {
		delete(f.w.Keys, f.shop)
	}
	return payload, err
}

// A supplier that is revoked between the checks of an entry and of the quote in it,
// or whose retailer cannot read a record of its own, is no forger: nothing is frozen,
// and the entry is taken when the fault is gone.
func TestNoLedgerFreezesForFaultsOfOurs(t *testing.T) {
	for _, fault := range []string{"revoked", "order record", "partnership record", "reservation record"} {
		t.Run(fault, func(t *testing.T) {
			w, acorn, birch := desktest.Pair(t)
			res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
			placed, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
			desktest.Must(t, err)
			key, healthy := w.Keys[acorn.ID], birch.Mem.Clone()
			cfg := birch.Config()
			spoiled := ""
			switch fault {
			case "revoked":
				cfg.Verifier = forgetful{w.Verifier(), w, acorn.ID, new(int)}
			case "order record":
				spoiled = "or/"
			case "partnership record":
				spoiled = "t/"
				desktest.Must(t, acorn.Desk.Partnerships.Propose(desktest.Ctx, birch.ID, exchange.Supplier, exchange.DefaultTerms("EUR")))
			case "reservation record":
				spoiled = "r/"
			}
			birch.Desk, err = desk.Open(cfg)
			desktest.Must(t, err)
			if spoiled != "" { // the disk fails while the shop runs
				for _, k := range keysWith(t, birch.Mem, spoiled) {
					desktest.Must(t, birch.Mem.Commit([]kv.Write{{Key: []byte(k), Value: []byte("?")}}))
				}
			}
			sendFrom(birch)
			w.Keys[acorn.ID] = key
			if n := len(keysWith(t, birch.Mem, "v/")); n != 0 {
				t.Errorf("an honest supplier's ledger is frozen")
			}
			birch.Mem = healthy
			birch.Restart()
			w.Greet(acorn, birch)
			w.Settle()
			if got := desktest.BothSee(t, acorn, birch, placed.ID); got != order.Accepted {
				t.Errorf("the order is %v once the fault is gone", got)
			}
			desktest.LedgersEqual(t, acorn, birch)
		})
	}
}
