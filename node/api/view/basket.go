package view

import (
	"time"

	"github.com/souk-market/souk/exchange"
)

// NewBasket asks for products of several shops, this one among them, at once.
type NewBasket struct {
	Lines   []ReserveLine `json:"lines" minItems:"1" maxItems:"128" nullable:"false" doc:"Products of up to 64 shops, each once; those of one shop are a part of the basket, of at most 64 lines."`
	Country string        `json:"country,omitempty" maxLength:"64" doc:"Where the goods will go, ISO 3166-1 alpha-2. A basket of own products alone needs none." example:"SE"`
	Partial bool          `json:"partial,omitempty" doc:"Keep what can be had; else all or none."`
	Seconds float64       `json:"seconds,omitempty" minimum:"0" maximum:"604800" doc:"Life of each part; default: as of a reservation of each shop."`
}

// Basket is reservations at several shops that are made, ordered and given back as one.
type Basket struct {
	ID         exchange.BasketID `json:"id"`
	State      string            `json:"state" enum:"holding,held,partly_held,releasing,refused,ordering,done,released,expired,unknown" doc:"holding: suppliers are being asked; partly_held: of a partial basket; releasing: what was held is given back, and not every supplier has answered; ordering: not every supplier has accepted or refused its order; done: each has."`
	Partial    bool              `json:"partial,omitempty"`
	CancelRest bool              `json:"cancel_rest,omitempty"`
	Country    string            `json:"country,omitempty"`
	Parts      []BasketPart      `json:"parts" nullable:"false"`
	Created    time.Time         `json:"created"`
	ExpiresAt  time.Time         `json:"expires_at,omitzero" doc:"When the first part expires. From then on the basket cannot be ordered."`
	Ended      time.Time         `json:"ended,omitzero"`
	Refund     []BasketRefund    `json:"refund,omitempty" nullable:"false" doc:"What of the ordered basket is not sold after all: pay it back, or void it."`
}

// BasketPart is the reservation at one shop, and the order that it became.
type BasketPart struct {
	Shop        exchange.ShopID `json:"shop"`
	ShopName    string          `json:"shop_name"`
	Own         bool            `json:"own,omitempty" doc:"Of this shop's own products: its order is a sale (GET /api/v1/sales/{id})."`
	Reservation exchange.HoldID `json:"reservation,omitzero" doc:"Its order or sale has the same id. Absent where the supplier could not be asked."`
	State       string          `json:"state" enum:"asked,held,refused,returning,released,expired,ordered,accepted,rejected,unknown" doc:"asked: the supplier has not answered yet; returning: it is being given back, and the supplier has not answered; ordered: the supplier has not accepted or refused the order yet; rejected: it was refused, see refund."`
	Lines       []ReserveLine   `json:"lines" nullable:"false"`
	Expires     time.Time       `json:"expires,omitzero"`
	Quote       *Quote          `json:"quote,omitempty"`
	Refusal     *Refusal        `json:"refusal,omitempty" doc:"Why it is not held, or not accepted; with every line that was short."`
}

// BasketRefund is what is to be paid back of one part.
type BasketRefund struct {
	Shop        exchange.ShopID `json:"shop"`
	Reservation exchange.HoldID `json:"reservation"`
	Amount      Money           `json:"amount" doc:"What this shop does not owe for the part any more, shipping included, in the part's currency."`
	Lines       []RefundLine    `json:"lines" nullable:"false"`
}

// RefundLine is what is to be paid back of one product.
type RefundLine struct {
	Product exchange.ProductID `json:"product"`
	Units   int64              `json:"units"`
	Amount  Money              `json:"amount" doc:"By the quote."`
	List    Money              `json:"list" doc:"At the shop's list price."`
}

// OrderBasket says where a basket goes.
type OrderBasket struct {
	ShipTo     ShipTo `json:"ship_to" doc:"The consumer's address, for every part. Each supplier gets it."`
	Reference  string `json:"reference,omitempty" maxLength:"64" doc:"Your own name of the order, such as your shop's order number, for every part: at most 64 bytes, without invisible characters." example:"#1001"`
	Note       string `json:"note,omitempty" maxLength:"1000" doc:"For the people who pack: at most 1000 bytes, of lines. Each supplier gets it with the address."`
	CancelRest bool   `json:"cancel_rest,omitempty" doc:"Once a supplier refuses its part, cancel the others, as far as their terms allow; else they stay."`
}

// OpenBaskets is the state under which baskets are listed about which a shop owes an answer, or which
// are held.
const OpenBaskets = "open"

// Baskets is one page of baskets, the newest days first.
type Baskets struct {
	Baskets []Basket `json:"baskets" nullable:"false"`
	Next    string   `json:"next,omitempty" doc:"Cursor of the next page; absent at the end. A page may be short, even empty, while there is one."`
}
