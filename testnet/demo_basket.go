package testnet

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// basket has the retailer hold products of all shops as one, its own among them, and order them after
// the payment.
func (t *demoTrade) basket(ctx context.Context, name string) error {
	want := view.NewBasket{Country: shipCountry, Lines: []view.ReserveLine{{Product: exchange.ProductID{Shop: t.supplier.id, SKU: balm}, Quantity: 1}}}
	shops := []*shopProcess{t.retailer}
	if t.rival != t.retailer {
		shops = append(shops, t.rival)
	}
	for _, shop := range shops {
		product, err := shop.inStock(ctx)
		if err != nil {
			return err
		}
		want.Lines = append(want.Lines, view.ReserveLine{Product: product.ID, Quantity: 1})
	}
	baskets := t.retailer.client.Baskets()
	start := time.Now()
	held, err := baskets.Hold(ctx, want)
	if err != nil {
		return about(&t.retailer.process, err)
	}
	took := time.Since(start)
	basket, err := baskets.Order(ctx, held.ID, view.OrderBasket{ShipTo: shipTo, Reference: "#1002"}, 0)
	if err != nil {
		return about(&t.retailer.process, err)
	}
	err = until(ctx, &t.retailer.process, func(ctx context.Context) (bool, error) {
		basket, err = baskets.Get(ctx, held.ID)
		return err == nil && basket.State == "done", err
	})
	if err != nil {
		return err
	}
	var accepted []string
	for _, p := range basket.Parts {
		if p.State != "accepted" {
			return about(&t.retailer.process, fmt.Errorf("the part of the basket at %s is %s", p.ShopName, p.State))
		}
		accepted = append(accepted, p.ShopName)
	}
	t.say(name, "%s held products of %s as one after %.3f s, its own among them, and ordered them in one step: accepted by all", t.retailer.name, strings.Join(accepted, ", "), took.Seconds())
	return nil
}
