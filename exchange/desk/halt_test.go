package desk_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
)

// halted is a member list too old for the shop's owner to trade on.
type halted struct{ memberKeys }

func (halted) MayTrade() error {
	return exchange.Errorf(exchange.CodeFreshness, "the member list is too old")
}

// TestHaltedTrade: at the age that an owner has set, either side's holds and orders
// stop; what was ordered before goes on.
func TestHaltedTrade(t *testing.T) {
	w, acorn, birch := pair(t)
	before, open := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1}), reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	_, err := birch.desk.PlaceOrder(ctx, before.Request.ID, stockholm)
	must(t, err)
	w.settle()
	ask := desk.ReserveRequest{Supplier: acorn.id, Lines: []exchange.Line{{SKU: "hat", Quantity: 1}}, Country: "SE"}
	for _, s := range []*shop{acorn, birch} {
		cfg := s.config()
		cfg.Members = halted{w.keys}
		s.desk, err = desk.Open(cfg)
		must(t, err)
		w.greet(acorn, birch)
		if _, err := birch.desk.Reserve(ctx, ask); err == nil {
			t.Error("a hold on a list that is too old")
		}
	}
	if _, err := birch.desk.PlaceOrder(ctx, open.Request.ID, stockholm); exchange.CodeOf(err) != exchange.CodeFreshness {
		t.Errorf("an order on a list that is too old: %v", err)
	}
	_, err = acorn.desk.ShipOrder(ctx, before.Request.ID, nil, "PostNord", "P1")
	must(t, err)
	if s := stockOf(t, acorn, "hat"); s.Held != 0 {
		t.Errorf("hat: %+v", s)
	}
}
