package client_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// A shop's own system sells a partner's product: it finds the product, has the supplier set
// two aside at a binding price while the consumer pays, and orders them.
func Example() {
	folder, stop, err := runMarket() // of a retailer that runs, with a supplier beside it
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := sell(ctx, folder); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Acorn Shoes has: Running shoe
	// held: 2 for 173.20 EUR
	// order: accepted
	// one more than there is: insufficient-stock
}

func sell(ctx context.Context, folder string) error {
	shop, err := client.Open(folder)
	if err != nil {
		return err // exchange.CodeNotRunning: no node runs on the folder
	}
	found, err := shop.Products(ctx, replica.Query{Text: "running shoe", InStock: true})
	if err != nil {
		return err
	}
	if len(found.Products) == 0 {
		return errors.New("nothing found")
	}
	shoe := found.Products[0]
	fmt.Printf("%s has: %s\n", shoe.ShopName, shoe.Title)

	// The key makes a repeat harmless: after exchange.CodeUnavailable nobody knows whether
	// the call was done, and the same call with the same key may be made again.
	wish := view.Reserve{Country: "SE", Lines: []view.ReserveLine{{Product: shoe.ID, Quantity: 2}}}
	held, err := shop.Reserve(client.WithKey(ctx, "cart-4711"), wish)
	if err != nil {
		return err
	}
	fmt.Printf("held: %d for %s %s\n", held.Lines[0].Quantity, held.Quote.Total.Amount, held.Quote.Total.Currency)

	order, err := shop.PlaceOrder(client.WithKey(ctx, "order-4711"), view.PlaceOrder{
		Reservation: held.ID,
		ShipTo:      view.ShipTo{Name: "Åsa Berg", Lines: []string{"Storgatan 1"}, City: "Stockholm", PostalCode: "111 22", Country: "SE"},
	}, 30*time.Second) // as long as the caller has patience; the order is on its way all the same
	if err != nil {
		return err
	}
	fmt.Println("order:", order.Status)

	wish.Lines[0].Quantity = 9 // of ten, two are sold
	_, err = shop.Reserve(client.WithKey(ctx, "cart-4712"), wish)
	fmt.Println("one more than there is:", exchange.CodeOf(err))
	return nil
}
