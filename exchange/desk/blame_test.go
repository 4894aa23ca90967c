package desk_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
)

// forgetful forgets a member after it has opened the seal of that member's entry,
// and before the quote inside it is opened.
type forgetful struct {
	message.Verifier
	w      *world
	shop   exchange.ShopID
	opened *int
}

func (f forgetful) Open(by exchange.ShopID, sealed []byte) ([]byte, error) {
	payload, err := f.Verifier.Open(by, sealed)
	if *f.opened++; by == f.shop && *f.opened == 1 {
		delete(f.w.keys, f.shop)
	}
	return payload, err
}

// A supplier that is revoked between the checks of an entry and of the quote in it,
// or whose retailer cannot read a record of its own, is no forger: nothing is frozen,
// and the entry is taken when the fault is gone.
func TestNoLedgerFreezesForFaultsOfOurs(t *testing.T) {
	for _, fault := range []string{"revoked", "order record", "partnership record", "reservation record"} {
		w, acorn, birch := pair(t)
		res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
		placed, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
		must(t, err)
		key, healthy := w.keys[acorn.id], birch.mem.Clone()
		cfg := birch.config()
		spoiled := ""
		switch fault {
		case "revoked":
			cfg.Verifier = forgetful{w.verifier(), w, acorn.id, new(int)}
		case "order record":
			spoiled = "or/"
		case "partnership record":
			spoiled = "t/"
			must(t, acorn.desk.Propose(ctx, birch.id, exchange.Supplier, exchange.DefaultTerms("EUR")))
		case "reservation record":
			spoiled = "r/"
		}
		birch.desk, err = desk.Open(cfg)
		must(t, err)
		if spoiled != "" { // the disk fails while the shop runs
			for _, k := range keysWith(t, birch.mem, spoiled) {
				must(t, birch.mem.Commit([]kv.Write{{Key: []byte(k), Value: []byte("?")}}))
			}
		}
		birch.deliver()
		w.keys[acorn.id] = key
		if n := len(keysWith(t, birch.mem, "v/")); n != 0 {
			t.Errorf("%s: an honest supplier's ledger is frozen", fault)
		}
		birch.mem = healthy
		birch.restart()
		w.greet(acorn, birch)
		w.settle()
		if got := bothSee(t, acorn, birch, placed.ID); got != order.Accepted {
			t.Errorf("%s: the order is %v once the fault is gone", fault, got)
		}
		ledgersEqual(t, acorn, birch)
	}
}
