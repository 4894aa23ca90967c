package order_test

import (
	"fmt"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/order"
)

// An order of three shoes: two are shipped, and the retailer cancels what is not. Supplier
// and retailer run the same steps, so both see the same order.
func ExampleStep() {
	noon := exchange.TimeOf(time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC))
	events := []order.Event{
		order.Submit{
			Lines:  exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 3}),
			Cancel: exchange.CancelUntilShipped, AcceptBy: noon.Add(48 * time.Hour),
		},
		order.Accept{},
		order.Ship{Lines: []order.Units{{SKU: "shoe", Units: 2}}},
		order.Cancel{By: exchange.Retailer, Lines: []order.Units{{SKU: "shoe", Units: 2}}}, // one is left
		order.Cancel{By: exchange.Retailer},                                                // whatever is left
		order.Deliver{},
	}
	var o order.Order // not submitted yet
	for i, e := range events {
		next, effects, err := order.Step(o, e, noon.Add(time.Duration(i)*time.Hour))
		if err != nil {
			fmt.Printf("%T is refused: %v: %v\n", e, exchange.CodeOf(err), err)
			continue
		}
		o = next
		fmt.Printf("%T: %v", e, o.Status().Text())
		for _, u := range effects.Shipped {
			fmt.Printf(", %d %s leave the shelf", u.Units, u.SKU)
		}
		for _, u := range effects.Freed {
			fmt.Printf(", %d %s available again", u.Units, u.SKU)
		}
		fmt.Println()
	}
	// Output:
	// order.Submit: submitted
	// order.Accept: accepted
	// order.Ship: partly shipped, 2 shoe leave the shelf
	// order.Cancel is refused: already-shipped: shoe: 2 asked, 1 not yet shipped
	// order.Cancel: shipped, 1 shoe available again
	// order.Deliver: delivered
}
