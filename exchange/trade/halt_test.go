package trade_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/trade"
)

// halted is a member list too old for the shop's owner to trade on.
type halted struct{ desktest.MemberKeys }

func (halted) MayTrade() error {
	return exchange.Errorf(exchange.CodeFreshness, "the member list is too old")
}

// TestHaltedTrade: at the age that an owner has set, either side's holds and orders
// stop; what was ordered before goes on.
func TestHaltedTrade(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	before, open := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1}), desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, before.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	w.Settle()
	ask := trade.ReserveRequest{Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "hat", Quantity: 1}), Country: "SE"}
	for _, s := range []*desktest.Shop{acorn, birch} {
		cfg := s.Config()
		cfg.Members = halted{w.Keys}
		s.Desk, err = desk.Open(cfg)
		desktest.Must(t, err)
		w.Greet(acorn, birch)
		if _, err := birch.Desk.Retailer.Reserve(desktest.Ctx, ask); err == nil {
			t.Error("a hold on a list that is too old")
		}
	}
	if _, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, open.Request.ID, desktest.Stockholm); exchange.CodeOf(err) != exchange.CodeFreshness {
		t.Errorf("an order on a list that is too old: %v", err)
	}
	_, err = acorn.Desk.Supplier.ShipOrder(desktest.Ctx, before.Request.ID, nil, "PostNord", "P1")
	desktest.Must(t, err)
	if s := desktest.StockOf(t, acorn, "hat"); s.Held != 0 {
		t.Errorf("hat: %+v", s)
	}
}
