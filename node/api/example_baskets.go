package api

import (
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// baskets are of Birch's checkout: Acorn's shoes and a tube of its own.
func (s *story) baskets(all exampleSet) {
	const tube = exchange.SKU("BB-TUBE-28")
	id := exchange.NewHoldID(s.order.Window(), [12]byte{0xba, 0x5c, 0xe7, 0x01, 0x22, 0x84, 0x2d, 0xf6, 0x90, 0x1b, 0xe7, 0x43})
	sale := exchange.NewHoldID(s.order.Window(), [12]byte{0x5a, 0x1e, 0xe7, 0x01, 0x22, 0x84, 0x2d, 0xf6, 0x90, 0x1b, 0xe7, 0x44})
	own := view.ReserveLine{Product: exchange.ProductID{Shop: s.birch, SKU: tube}, Quantity: 1}
	held := view.Basket{
		ID: id, State: "held", Country: "SE", Created: s.start, ExpiresAt: s.quote.Expires,
		Parts: []view.BasketPart{
			{Shop: s.acorn, ShopName: "Acorn Shoes", Reservation: s.order, State: "held", Lines: s.held.Lines, Expires: s.quote.Expires, Quote: &s.quote},
			{Shop: s.birch, ShopName: "Birch Bikes", Own: true, Reservation: sale, State: "held", Lines: []view.ReserveLine{own}, Expires: s.at(time.Hour)},
		},
	}
	changed := func(state, part string, change func(*view.Basket)) view.Basket {
		v := held
		v.State, v.Parts = state, []view.BasketPart{held.Parts[0], held.Parts[1]}
		for i := range v.Parts {
			v.Parts[i].State = part
		}
		v.ExpiresAt = time.Time{}
		if change != nil {
			change(&v)
		}
		return v
	}
	one := map[string]any{"id": id.String()}
	all["hold-basket"] = example{
		params: map[string]any{KeyHeader: "basket-4712"},
		body:   view.NewBasket{Lines: []view.ReserveLine{s.held.Lines[0], own}, Country: "SE"}, answer: held,
	}
	all["list-baskets"] = example{params: map[string]any{"state": view.OpenBaskets, "limit": 50}, answer: view.Baskets{Baskets: []view.Basket{held}}}
	done := changed("done", "accepted", func(v *view.Basket) {
		v.Parts[0].State, v.Parts[0].Refusal = "rejected", view.RefusalOf(exchange.CodeState, "the supplier rejected the order: the last pair is damaged")
		v.Ended = s.at(5 * time.Minute)
		v.Refund = []view.BasketRefund{{
			Shop: s.acorn, Reservation: s.order, Amount: s.quote.Total,
			Lines: []view.RefundLine{{Product: s.shoe, Units: 2, Amount: s.quote.Lines[0].Total, List: euros(2 * s.quote.Lines[0].List.Minor)}},
		}}
	})
	all["get-basket"] = example{params: one, answer: done}
	later := held
	later.ExpiresAt = s.at(30*time.Minute + 30*time.Second)
	all["extend-basket"] = example{
		params: map[string]any{"id": id.String(), KeyHeader: "basket-4712-extend"}, body: view.Extend{Until: later.ExpiresAt}, answer: later,
	}
	all["order-basket"] = example{
		params: map[string]any{"id": id.String(), KeyHeader: "paid-4712", "wait": 10},
		body: view.OrderBasket{ShipTo: view.ShipTo{
			Name: "Maja Berg", Lines: []string{"Storgatan 1"}, City: "Malmö", PostalCode: "211 34", Country: "SE", Email: "maja@example.org",
		}, Reference: "#1003"},
		answer: changed("done", "accepted", func(v *view.Basket) { v.Ended = s.at(5 * time.Minute) }),
		also:   map[int]any{202: changed("ordering", "ordered", func(v *view.Basket) { v.Parts[1].State = "accepted" })},
	}
	all["release-basket"] = example{params: one, answer: changed("released", "released", func(v *view.Basket) { v.Ended = s.at(2 * time.Minute) })}
}
