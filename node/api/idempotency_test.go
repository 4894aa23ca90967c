package api_test

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// TestKeyOfReservation: a repeat finds the same hold, also after a crash of the
// retailer, and takes no stock twice.
func TestKeyOfReservation(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := client.WithKey(waiting(t), "cart 1")
	wish := reserve(acorn, "shoe", 2)
	first := must(birch.Reserve(ctx, wish))(t)

	var all sync.WaitGroup
	for range 8 { // at once
		all.Go(func() {
			if again, err := birch.Reserve(ctx, wish); err != nil || again.ID != first.ID {
				t.Errorf("repeated: %+v, %v", again, err)
			}
		})
	}
	all.Wait()
	_, err := birch.Reserve(ctx, reserve(acorn, "shoe", 3))
	wantCode(t, "another wish with the same key", err, exchange.CodeConflict)

	birch.open() // forgets what it had in memory
	if again := must(birch.Reserve(ctx, wish))(t); again.ID != first.ID || again.Quote.Expires != first.Quote.Expires {
		t.Errorf("after a restart: %+v", again)
	}
	_, err = birch.Reserve(ctx, reserve(acorn, "shoe", 3))
	wantCode(t, "another wish after a restart", err, exchange.CodeConflict)

	other := must(birch.Reserve(client.WithKey(ctx, "cart 2"), wish))(t)
	if s := must(acorn.desk().Shelf.Stock("shoe"))(t); other.ID == first.ID || s.Held != 4 {
		t.Errorf("two wishes hold %+v", s)
	}
	_, err = birch.Reserve(client.WithKey(ctx, "cart 3"), reserve(acorn, "shoe", 7))
	wantCode(t, "more than there is", err, exchange.CodeInsufficient)
}

// TestKeyOfOrder: a repeat finds the order as it stands then.
func TestKeyOfOrder(t *testing.T) {
	acorn, birch := partners(t, nil)
	held := must(birch.Reserve(waiting(t), reserve(acorn, "hat", 1)))(t)
	ctx := client.WithKey(waiting(t), "checkout 1")
	wish := view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}
	placed := must(birch.PlaceOrder(ctx, wish, patience))(t)
	must(acorn.ShipOrder(waiting(t), placed.ID, view.Ship{}))(t)
	birch.await("the parcel", func() bool { return must(birch.Order(ctx, placed.ID))(t).Status == "shipped" })
	for range 2 {
		if again := must(birch.PlaceOrder(ctx, wish, patience))(t); again.ID != placed.ID || again.Status != "shipped" {
			t.Errorf("repeated: %+v", again)
		}
		birch.open()
	}
	elsewhere := wish
	elsewhere.ShipTo.City = "Lund"
	_, err := birch.PlaceOrder(ctx, elsewhere, patience)
	wantCode(t, "another address with the same key", err, exchange.CodeConflict)
	if s := must(acorn.desk().Shelf.Stock("hat"))(t); s != (hold.Stock{Stocked: 5, Sold: 1, Shipped: 1, Revision: 2}) {
		t.Errorf("stock after repeats: %+v", s)
	}
}

// TestKeyOfShipment: shipping one unit twice would ship two; the repeat does not.
func TestKeyOfShipment(t *testing.T) {
	acorn, birch := partners(t, nil)
	held := must(birch.Reserve(waiting(t), reserve(acorn, "shoe", 4)))(t)
	placed := must(birch.PlaceOrder(waiting(t), view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}, patience))(t)
	target, one := "/api/v1/orders/"+placed.ID.String()+"/ship", `{"lines":[{"sku":"shoe","units":1}]}`

	res, first := acorn.raw(http.MethodPost, target, one, "Idempotency-Key", "parcel 1")
	if res.StatusCode != 200 || res.Header.Get("Idempotency-Replayed") != "" {
		t.Fatalf("%d %s", res.StatusCode, first)
	}
	for range 2 {
		res, again := acorn.raw(http.MethodPost, target, one, "Idempotency-Key", "parcel 1")
		if res.StatusCode != 200 || again != first || res.Header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("repeated: %d %s", res.StatusCode, again)
		}
		acorn.open()
	}
	for _, other := range []string{target + "?x=1", "/api/v1/orders/" + placed.ID.String() + "/deliver"} {
		if res, body := acorn.raw(http.MethodPost, other, one, "Idempotency-Key", "parcel 1"); res.StatusCode != http.StatusConflict {
			t.Errorf("%s with the same key: %d %s", other, res.StatusCode, body)
		}
	}
	// A refusal is an answer, too.
	var refusals [2]view.Problem
	for i := range refusals {
		res, body := acorn.raw(http.MethodPost, target, `{"lines":[{"sku":"shoe","units":9}]}`, "Idempotency-Key", "parcel 2")
		if err := json.Unmarshal([]byte(body), &refusals[i]); err != nil || res.StatusCode != 409 || (res.Header.Get("Idempotency-Replayed") == "true") != (i == 1) {
			t.Errorf("refused: %d %s", res.StatusCode, body)
		}
	}
	if s := must(acorn.desk().Shelf.Stock("shoe"))(t); s.Shipped != 1 {
		t.Errorf("shipped %d", s.Shipped)
	}
}

// TestKeyOfMistake: a request that was at fault has done nothing, and leaves its key
// to the corrected one.
func TestKeyOfMistake(t *testing.T) {
	acorn, birch := partners(t, nil)
	fails := func(t *testing.T, what string, status int, from *shop, target, body string) {
		t.Helper()
		if res, said := from.raw(http.MethodPost, target, body, "Idempotency-Key", what); res.StatusCode != status {
			t.Errorf("%s: %d %s, want %d", what, res.StatusCode, said, status)
		}
	}
	shoe := acorn.product("shoe").String()
	for name, bad := range map[string]string{
		"no lines":        `{"lines":[]}`,
		"no quantity":     `{"lines":[{"product":"` + shoe + `","quantity":0}],"country":"SE"}`,
		"no country":      `{"lines":[{"product":"` + shoe + `","quantity":1}],"country":"Sweden"}`,
		"a product twice": `{"lines":[{"product":"` + shoe + `","quantity":1},{"product":"` + shoe + `","quantity":1}],"country":"SE"}`,
	} {
		t.Run(name, func(t *testing.T) { fails(t, "cart", 422, birch, "/api/v1/reservations", bad) })
	}
	held := must(birch.Reserve(client.WithKey(waiting(t), "cart"), reserve(acorn, "shoe", 4)))(t)
	fails(t, "checkout", 422, birch, "/api/v1/orders", `{"reservation":"`+held.ID.String()+`","ship_to":{"name":"Åsa Berg","lines":["Storgatan 1"],"city":""}}`)
	fails(t, "checkout", 422, birch, "/api/v1/orders", `{"reservation":"`+held.ID.String()+`","ship_to":{"name":"Åsa Berg","lines":[""],"city":"Lund"}}`)
	placed := must(birch.PlaceOrder(client.WithKey(waiting(t), "checkout"), view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}, patience))(t)
	fails(t, "parcel", 422, acorn, "/api/v1/orders/"+placed.ID.String()+"/ship", `{"lines":[{"sku":"shoe","units":0}]}`)
	fails(t, "parcel", 404, acorn, "/api/v1/orders/"+exchange.OrderID{}.String()+"/ship", "")
	must(acorn.ShipOrder(client.WithKey(waiting(t), "parcel"), placed.ID, view.Ship{}))(t)
}
