package trade_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/protocol"
)

// Terms to sell and terms to buy are proposed in one commit: whatever keeps one of the two from
// being proposed, the other is not proposed either.
func TestProposeBoth(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, w *desktest.World, acorn, birch *desktest.Shop, sell, buy *exchange.Terms)
		want  exchange.Code
	}{
		{"both", nil, exchange.CodeOK},
		{"terms to buy that nobody may propose", func(_ *testing.T, _ *desktest.World, _, _ *desktest.Shop, _, buy *exchange.Terms) {
			buy.OpenQuantity = 0
		}, exchange.CodeInvalid},
		{"a currency in which this shop does not sell", func(_ *testing.T, _ *desktest.World, _, _ *desktest.Shop, sell, _ *exchange.Terms) {
			sell.Currency = "SEK"
		}, exchange.CodeCurrency},
		{"a frozen ledger with the supplier", func(t *testing.T, w *desktest.World, acorn, birch *desktest.Shop, _, _ *exchange.Terms) {
			desktest.Must(t, acorn.Desk.Partnerships.Propose(desktest.Ctx, birch.ID, exchange.Retailer, exchange.DefaultTerms("EUR")))
			w.Settle()
			freeze(t, acorn, birch)
		}, exchange.CodeFrozen},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := desktest.NewWorld(t, 1, 2)
			acorn, birch := w.Shops[0], w.Shops[1]
			sell, buy := exchange.DefaultTerms("EUR"), exchange.DefaultTerms("EUR")
			if c.spoil != nil {
				c.spoil(t, w, acorn, birch, &sell, &buy)
			}
			before := both(t, acorn, birch)
			err := acorn.Desk.Partnerships.ProposeBoth(desktest.Ctx, birch.ID, sell, buy)
			if exchange.CodeOf(err) != c.want {
				t.Fatalf("proposed: %v", err)
			}
			after := both(t, acorn, birch)
			if made := after[0].Position - before[0].Position; made != after[1].Waiting-before[1].Waiting || (made == 1) != (err == nil) {
				t.Errorf("%d proposals to sell and %d to buy; %v", made, after[1].Waiting-before[1].Waiting, err)
			}
			w.Settle()
			if err == nil {
				desktest.LedgersEqual(t, acorn, birch)
				desktest.LedgersEqual(t, birch, acorn)
			}
		})
	}
}

// both are the partnerships to sell and to buy.
func both(t *testing.T, at, with *desktest.Shop) (list [2]trade.Partnership) {
	t.Helper()
	for i, side := range []exchange.Party{exchange.Supplier, exchange.Retailer} {
		var err error
		list[i], err = at.Desk.Partnerships.Get(with.ID, side)
		desktest.Must(t, err)
	}
	return list
}

// freeze freezes a retailer's ledger with a supplier.
func freeze(t *testing.T, retailer, supplier *desktest.Shop) {
	t.Helper()
	key := record.LedgerKey(ledger.ID{Supplier: supplier.ID, Retailer: retailer.ID})
	rec, err := record.Get[record.Ledger](retailer.Mem, protocol.Codec{}, key)
	desktest.Must(t, err)
	rec.Chain.Frozen = true
	raw, err := protocol.Codec{}.Encode(rec)
	desktest.Must(t, err)
	desktest.Must(t, retailer.Mem.Commit([]kv.Write{{Key: key, Value: raw}}))
	retailer.Open()
}
