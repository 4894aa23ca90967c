// Package client talks to a running shop's local API, in Go: the command line and
// the testnet use it, and so may a shop's own system.
//
//	c, err := client.Open("/srv/acorn")          // the shop's folder
//	found, err := c.Products(ctx, replica.Query{Text: "running shoes", InStock: true})
//	held, err := c.Reserve(client.WithKey(ctx, "cart-4711"), view.Reserve{…})
//	order, err := c.PlaceOrder(ctx, view.PlaceOrder{Reservation: held.ID, ShipTo: to}, 10*time.Second)
//
// There is a method for each route; what it takes and gives is in package view. An
// error is an *exchange.Error with the code that the server met; errors.As finds the
// whole *view.Problem in it. [exchange.CodeNotRunning] means that no node runs on
// the folder. After [exchange.CodeUnavailable] nobody knows whether
// the call was done: one that was made with a key ([WithKey]) can be made again.
//
// Events follow what happens; see [Client.Follow] and [Client.Changes].
package client
