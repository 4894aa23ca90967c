package view

import (
	"time"

	"github.com/souk-market/souk/exchange"
)

// Reserve asks one supplier to set stock aside: all lines or none.
type Reserve struct {
	Lines    []ReserveLine `json:"lines" minItems:"1" maxItems:"64" nullable:"false" doc:"Products of one supplier, or of this shop, each once."`
	Country  string        `json:"country,omitempty" maxLength:"64" doc:"Where the goods will go, ISO 3166-1 alpha-2. Own products need none." example:"SE"`
	MaxTotal *Amount       `json:"max_total,omitempty" doc:"Refuse above this total, shipping included."`
	Seconds  float64       `json:"seconds,omitempty" minimum:"0" maximum:"604800" doc:"Life of the reservation; default: half of the longest that the terms allow, so that it can be extended."`
}

// ReserveLine is a quantity of one product.
type ReserveLine struct {
	Product  exchange.ProductID `json:"product" doc:"ShopID:SKU."`
	Quantity int64              `json:"quantity" minimum:"1" maximum:"1000000"`
}

// Reservation is a hold at a supplier.
type Reservation struct {
	ID           exchange.HoldID `json:"id" doc:"The order that it becomes has the same."`
	Supplier     exchange.ShopID `json:"supplier"`
	SupplierName string          `json:"supplier_name"`
	Own          bool            `json:"own,omitempty" doc:"Of this shop's own products: it is sold (POST /api/v1/sales), not ordered."`
	State        string          `json:"state" enum:"none,held,committed,released,expired,refused" doc:"none: the supplier has not answered yet; committed: it was ordered, or its order is on the way. That the time or the partnership is over shows as expired or released by this shop's clock and ledger; about an order the supplier's decide."`
	Lines        []ReserveLine   `json:"lines" nullable:"false"`
	Country      string          `json:"country"`
	Quote        *Quote          `json:"quote,omitempty"`
	Created      time.Time       `json:"created"`
	Expires      time.Time       `json:"expires,omitzero" doc:"By the supplier's clock, which decides."`
	ReleaseAt    time.Time       `json:"release_at,omitzero" doc:"From then on the supplier is asked to release it, until it answers: its caller left without the answer, or asked for the release. Absent where it is kept."`
	ExtendTo     time.Time       `json:"extend_to,omitzero" doc:"An extension to then was asked for, and the supplier has not answered yet."`
	Refusal      *Refusal        `json:"refusal,omitempty" doc:"Why it was refused or ended by itself, or the supplier's no to the last extension."`
}

// Quote is the supplier's sealed price of a reservation. It binds the supplier
// until it expires.
type Quote struct {
	Format        int         `json:"format" enum:"1,2" doc:"How it was computed. 2: the discount is taken off each line, and each amount is converted as it stands; 1, of older versions: both per unit."`
	Lines         []QuoteLine `json:"lines" nullable:"false"`
	Country       string      `json:"country"`
	DiscountBP    *uint32     `json:"discount_bp,omitempty" doc:"Of every line, in basis points: 1500 is 15%. Absent in format 1."`
	Shipping      Money       `json:"shipping"`
	ShippingUSD   *Money      `json:"shipping_usd,omitempty" doc:"Absent, as every amount in US dollars, where the supplier has no rate."`
	Tax           Tax         `json:"tax"`
	Total         Money       `json:"total" doc:"In the supplier's currency, shipping included."`
	TotalUSD      *Money      `json:"total_usd,omitempty" doc:"Of the total; each amount is converted by itself, so the lines' may add up to some cents more or less."`
	Rate          string      `json:"rate,omitempty" doc:"US dollars for one unit of the currency, by which the dollar amounts were made."`
	RateDate      string      `json:"rate_date,omitempty"`
	RateSource    string      `json:"rate_source,omitempty" doc:"ECB, or fixed where the supplier stated the rate by hand."`
	TermsVersion  uint32      `json:"terms_version"`
	Cancel        string      `json:"cancel" doc:"Until when the order may be cancelled."`
	AcceptSeconds float64     `json:"accept_seconds" doc:"An order not accepted within expires."`
	Issued        time.Time   `json:"issued"`
	Expires       time.Time   `json:"expires_at"`
}

// QuoteLine prices one line.
type QuoteLine struct {
	Product  exchange.ProductID `json:"product"`
	SKU      exchange.SKU       `json:"sku"`
	Title    string             `json:"title"`
	Quantity int64              `json:"quantity"`
	List     Money              `json:"list" doc:"Catalog price of one unit."`
	Unit     Money              `json:"unit" doc:"The same less your discount, rounded for people: what is paid is the total."`
	Total    Money              `json:"total"`
	UnitUSD  *Money             `json:"unit_usd,omitempty" doc:"Of unit, rounded."`
	TotalUSD *Money             `json:"total_usd,omitempty"`
	Snapshot
}

// Snapshot is what the supplier said of a product when it quoted: what to pack. Absent in quotes of
// format 1.
type Snapshot struct {
	Options []Option `json:"options,omitempty" doc:"As they were when it was quoted."`
	Barcode string   `json:"barcode,omitempty"`
	Image   string   `json:"image,omitempty"`
	Cut     bool     `json:"cut,omitempty" doc:"The product has more, which a quote of so many lines has no room for: look it up by its SKU."`
}

// Tax says how tax stands in the supplier's prices. Souk computes no tax.
type Tax struct {
	Treatment string `json:"treatment" enum:"included,excluded,reverse-charge,none,unknown"`
	RateBP    uint32 `json:"rate_bp" doc:"In basis points: 2500 is 25%."`
}

// Extend moves a reservation's expiry.
type Extend struct {
	Until time.Time `json:"until" doc:"At most the terms' longest life after the reservation was made. An earlier moment than the present expiry changes nothing."`
}

// PlaceOrder commits a reservation.
type PlaceOrder struct {
	Reservation exchange.HoldID `json:"reservation"`
	ShipTo      ShipTo          `json:"ship_to" doc:"The consumer's address. Only the supplier gets it."`
	Reference   string          `json:"reference,omitempty" maxLength:"64" doc:"Your own name of the order, such as your shop's order number: at most 64 bytes, without invisible characters. The supplier gets it with the address; the list of orders finds it." example:"#1001"`
	Note        string          `json:"note,omitempty" maxLength:"1000" doc:"For the people who pack: at most 1000 bytes, of lines. The supplier gets it with the address."`
}

// ShipTo is a consumer's address; it converts to and from exchange.ShipTo.
type ShipTo struct {
	Name       string   `json:"name" minLength:"1" maxLength:"255"`
	Lines      []string `json:"lines" minItems:"1" maxItems:"4" nullable:"false" doc:"Street address."`
	City       string   `json:"city" minLength:"1" maxLength:"255"`
	Region     string   `json:"region,omitempty" maxLength:"255"`
	PostalCode string   `json:"postal_code,omitempty" maxLength:"255"`
	Country    string   `json:"country,omitempty" maxLength:"64" doc:"The one that was quoted for; default: that one."`
	Email      string   `json:"email,omitempty" maxLength:"255"`
	Phone      string   `json:"phone,omitempty" maxLength:"255"`
}

// Roles of this shop in an order.
const (
	Bought = "bought" // retailer: a consumer's order, passed on to a supplier
	Sold   = "sold"   // supplier
)

// OpenOrders is the status under which orders are listed that somebody still has to do something about.
const OpenOrders = "open"

// OpenOrderStatuses are the statuses of such orders.
var OpenOrderStatuses = []string{"requested", "submitted", "accepted", "partly_shipped", "shipped"}

// Order is a committed purchase, in one of the two roles.
type Order struct {
	ID          exchange.OrderID `json:"id"`
	Role        string           `json:"role" enum:"bought,sold"`
	Partner     exchange.ShopID  `json:"partner" doc:"The other shop."`
	PartnerName string           `json:"partner_name"`
	PartnerGone *Gone            `json:"partner_gone,omitempty" doc:"How the other shop went, where it is out of the federation. The order stands as the two shops' ledger last had it."`
	Status      string           `json:"status" enum:"requested,refused,submitted,accepted,partly_shipped,shipped,delivered,cancelled,rejected,expired,none,unknown" doc:"requested: the supplier has not answered yet; refused: it answered no."`
	Lines       []OrderLine      `json:"lines" nullable:"false"`
	Quote       Quote            `json:"quote" doc:"The price paid is the price quoted."`
	Parcels     []Parcel         `json:"parcels" nullable:"false"`
	Due         Money            `json:"due" doc:"What is owed for the order as it stands: each line priced anew for the units that are not cancelled, at its list price and discount, and the quoted shipping while there are any."`
	DueUSD      *Money           `json:"due_usd,omitempty"`
	Cancelled   time.Time        `json:"cancelled,omitzero" doc:"When units were last cancelled, by themselves or with the order (rejected, expired)."`
	CancelledBy string           `json:"cancelled_by,omitempty" enum:"supplier,retailer"`
	Reason      string           `json:"reason,omitempty" doc:"Of that cancellation or rejection."`
	Refusal     *Refusal         `json:"refusal,omitempty" doc:"The supplier's no to the order or to the last cancellation asked for."`
	Requested   time.Time        `json:"requested,omitzero" doc:"When this shop, the retailer, signed the order."`
	Submitted   time.Time        `json:"submitted,omitzero"`
	AcceptBy    time.Time        `json:"accept_by,omitzero"`
	Accepted    time.Time        `json:"accepted,omitzero"`
	Closed      time.Time        `json:"closed,omitzero"`
	Cancelling  time.Time        `json:"cancelling,omitzero" doc:"A cancellation was asked for then, and is not answered yet. With partner_gone nobody answers it: the order was closed then in this shop's own records alone."`
	FirstEntry  uint64           `json:"first_entry,omitempty" doc:"Position in the two shops' ledger of the order's first entry."`
	LastEntry   uint64           `json:"last_entry,omitempty"`
	ShipTo      *ShipTo          `json:"ship_to,omitempty" doc:"In the list and on the order's own page, until it is erased; a bought order that was placed with an older version has none."`
	Reference   string           `json:"reference,omitempty" doc:"The retailer's own name of the order; shown and erased with ship_to."`
	Note        string           `json:"note,omitempty" doc:"The retailer's note; shown and erased with ship_to."`
}

// OrderLine counts the units of one product.
type OrderLine struct {
	Product   exchange.ProductID `json:"product"`
	SKU       exchange.SKU       `json:"sku"`
	Title     string             `json:"title"`
	Ordered   int64              `json:"ordered"`
	Shipped   int64              `json:"shipped"`
	Delivered int64              `json:"delivered"`
	Cancelled int64              `json:"cancelled"`
	Snapshot
	Short int64 `json:"short,omitempty" doc:"Of a sold order: so many of the line's unshipped units cannot be shipped from what is there. Where several orders wait for one product, each shows what is missing for all of them."`
}

// Parcel is one shipment.
type Parcel struct {
	At       time.Time `json:"at"`
	Lines    []Units   `json:"lines" nullable:"false"`
	Carrier  string    `json:"carrier,omitempty"`
	Tracking string    `json:"tracking,omitempty"`
}

// Units is a quantity of one of an order's products.
type Units struct {
	SKU   exchange.SKU `json:"sku"`
	Units int64        `json:"units" minimum:"1" maximum:"1000000"`
}

// Orders is one page of orders, the newest days first.
type Orders struct {
	Orders []Order `json:"orders" nullable:"false"`
	Next   string  `json:"next,omitempty" doc:"Cursor of the next page; absent at the end. A page may be short, even empty, while there is one."`
}

// Reject turns an order down.
type Reject struct {
	Reason string `json:"reason,omitempty" maxLength:"255" doc:"The retailer reads it."`
}

// Ship sends units on their way.
type Ship struct {
	Lines    []Units `json:"lines,omitempty" maxItems:"64" nullable:"false" doc:"None: everything open."`
	Carrier  string  `json:"carrier,omitempty" maxLength:"255"`
	Tracking string  `json:"tracking,omitempty" maxLength:"255"`
}

// Deliver marks units as arrived.
type Deliver struct {
	Lines []Units `json:"lines,omitempty" maxItems:"64" nullable:"false" doc:"None: everything shipped."`
}

// Cancel cancels unshipped units.
type Cancel struct {
	Lines  []Units `json:"lines,omitempty" maxItems:"64" nullable:"false" doc:"None: everything open."`
	Reason string  `json:"reason,omitempty" maxLength:"255" doc:"The other shop reads it."`
}
