package api_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// TestBaskets: the whole checkout over the API: hold at a supplier and of the own shelf, extend,
// order, and what is told of it; a refusal that names every line; everything as the document says.
func TestBaskets(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	acorn.stock("boot", "Boot", 10, 9900)
	birch.stock("tube", "Tube", 5, 900)
	wish := view.NewBasket{Country: "SE", Lines: []view.ReserveLine{
		{Product: acorn.product("boot"), Quantity: 3}, {Product: birch.product("tube"), Quantity: 2},
	}}
	keyed := client.WithKey(ctx, "basket-1")
	held := must(birch.Baskets().Hold(keyed, wish))(t)
	if again := must(birch.Baskets().Hold(keyed, wish))(t); again.ID != held.ID || held.State != "held" || len(held.Parts) != 2 || !held.Parts[1].Own || held.Parts[0].Quote == nil {
		t.Fatalf("%+v, then %+v", held, again)
	}
	for _, p := range held.Parts {
		if held.ExpiresAt.IsZero() || p.Expires.Before(held.ExpiresAt) {
			t.Errorf("a part expires at %v, the basket at %v", p.Expires, held.ExpiresAt)
		}
	}
	until := held.ExpiresAt.Add(5 * time.Minute)
	if later := must(birch.Baskets().Extend(client.WithKey(ctx, "longer"), held.ID, until))(t); !later.ExpiresAt.Equal(until) {
		t.Errorf("extended to %v, it expires at %v", until, later.ExpiresAt)
	}
	greedy := wish
	greedy.Lines = []view.ReserveLine{{Product: acorn.product("boot"), Quantity: 8}, {Product: birch.product("tube"), Quantity: 4}}
	_, err := birch.Baskets().Hold(client.WithKey(ctx, "greedy"), greedy)
	var p *view.Problem
	if !errors.As(err, &p) || p.Status != http.StatusConflict || p.Basket == nil || len(p.Lines) != 2 {
		t.Fatalf("a basket of too much: %v, %+v", err, p)
	}
	for i, available := range []int64{7, 3} {
		if lines := p.Basket.Parts[i].Refusal.Lines; len(lines) != 1 || lines[0].Available != available {
			t.Errorf("part %d is refused with %+v", i, lines)
		}
	}
	order := view.OrderBasket{ShipTo: view.ShipTo{Name: "Maja", Lines: []string{"Storgatan 1"}, City: "Malmö"}, Reference: "#1"}
	done := must(birch.Baskets().Order(client.WithKey(ctx, "pay-1"), held.ID, order, 30*time.Second))(t)
	if again := must(birch.Baskets().Order(client.WithKey(ctx, "pay-1"), held.ID, order, 30*time.Second))(t); again.State != "done" || done.State != "done" || len(done.Refund) > 0 {
		t.Errorf("%+v, then %+v", done, again)
	}
	for _, part := range done.Parts {
		if part.State != "accepted" {
			t.Errorf("%+v", part)
		}
	}
	other := must(birch.Baskets().Hold(client.WithKey(ctx, "basket-2"), wish))(t)
	must(birch.Baskets().Release(ctx, other.ID))(t)
	if got := must(birch.Baskets().Get(ctx, other.ID))(t); got.State != "released" {
		t.Errorf("%+v", got)
	}
	if _, err := birch.Baskets().Order(ctx, other.ID, order, 0); exchange.CodeOf(err) != exchange.CodeReleased {
		t.Errorf("ordered after its release: %v", err)
	}
	first := must(birch.Baskets().List(ctx, "", 1, ""))(t)
	rest := must(birch.Baskets().List(ctx, "", 50, first.Next))(t)
	if len(first.Baskets) != 1 || len(rest.Baskets) != 2 {
		t.Errorf("%d baskets, then %d", len(first.Baskets), len(rest.Baskets))
	}
	answered(t, []*shop{birch}, "hold-basket", "list-baskets", "get-basket", "extend-basket", "order-basket", "release-basket")
}
