package view

import (
	"time"

	"github.com/souk-market/souk/exchange"
)

// NewSale is a sale of the shop's own channels: of a reservation of own products, or of lines.
type NewSale struct {
	Reservation  *exchange.HoldID `json:"reservation,omitempty" doc:"A reservation of own products. Give this or lines."`
	Lines        []Units          `json:"lines,omitempty" maxItems:"64" nullable:"false" doc:"Own products, held and sold in one step, all or none."`
	Reference    string           `json:"reference,omitempty" maxLength:"64" doc:"Your own name of the sale, such as your shop's order number: at most 64 bytes, without invisible characters." example:"#1001"`
	ShipTo       *ShipTo          `json:"ship_to,omitempty" doc:"Where it goes; a sale over the counter has none."`
	Note         string           `json:"note,omitempty" maxLength:"1000" doc:"For the people who pack, with ship_to: at most 1000 bytes, of lines."`
	Left         bool             `json:"left,omitempty" doc:"The goods have gone: shipped at once, as at a till."`
	IfStillThere bool             `json:"if_still_there,omitempty" doc:"Where the reservation has expired, take its units again in the same step; where they are not there any more the problem is gone."`
}

// Sale is what one of the shop's own channels sold.
type Sale struct {
	ID          exchange.OrderID `json:"id" doc:"Of a reservation that was sold, the same."`
	Status      string           `json:"status" enum:"sold,partly_shipped,shipped,cancelled,unknown"`
	Lines       []SaleLine       `json:"lines" nullable:"false"`
	Total       Money            `json:"total" doc:"At list price, without shipping."`
	Due         Money            `json:"due" doc:"The total less the units that are cancelled. Returned units are not taken off: what is paid back is yours to say."`
	Tax         Tax              `json:"tax"`
	Sold        time.Time        `json:"sold"`
	Late        bool             `json:"late,omitempty" doc:"Its reservation had expired; the units were taken again with the sale."`
	Parcels     []Parcel         `json:"parcels" nullable:"false"`
	CancelledAt time.Time        `json:"cancelled_at,omitzero" doc:"When units were last cancelled."`
	Reason      string           `json:"reason,omitempty" doc:"Of that cancellation."`
	Reference   string           `json:"reference,omitempty"`
	ShipTo      *ShipTo          `json:"ship_to,omitempty" doc:"In the list and on the sale's own page, until it is erased."`
	Note        string           `json:"note,omitempty" doc:"Shown and erased with ship_to."`
}

// SaleLine counts the units of one product.
type SaleLine struct {
	SKU       exchange.SKU `json:"sku"`
	Title     string       `json:"title"`
	Price     Money        `json:"price" doc:"Of one unit."`
	Total     Money        `json:"total"`
	Sold      int64        `json:"sold"`
	Shipped   int64        `json:"shipped"`
	Cancelled int64        `json:"cancelled"`
	Returned  int64        `json:"returned" doc:"Of the shipped ones."`
	Snapshot
	Short int64 `json:"short,omitempty" doc:"So many of the line's unshipped units cannot be shipped from what is there."`
}

// OpenSales is the status under which sales are listed of which something is to be shipped.
const OpenSales = "open"

// Sales is one page of sales, the newest days first.
type Sales struct {
	Sales []Sale `json:"sales" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"Cursor of the next page; absent at the end. A page may be short, even empty, while there is one."`
}

// Return says which units of a sale came back.
type Return struct {
	Lines   []Units `json:"lines,omitempty" maxItems:"64" nullable:"false" doc:"Default: all that were shipped and did not come back before."`
	Damaged bool    `json:"damaged,omitempty" doc:"They do not go onto the shelf."`
}

// Limits is what partners are not offered of a product's stock.
type Limits struct {
	SKU          exchange.SKU `json:"sku"`
	Keep         int64        `json:"keep" doc:"Units kept back: partners are offered what is left when they are taken off; the shop's own channels sell all."`
	KeepDefault  bool         `json:"keep_default" doc:"keep is the shop's default."`
	Share        int64        `json:"share" doc:"The most units that one partner may hold; 0 = as many as there are."`
	ShareDefault bool         `json:"share_default" doc:"share is the shop's default."`
}

// SetLimits changes them; what is not given stays as it is.
type SetLimits struct {
	Keep  *int64 `json:"keep,omitempty" minimum:"-1" maximum:"1000000000" doc:"Units to keep back; -1: the shop's default."`
	Share *int64 `json:"share,omitempty" minimum:"-1" maximum:"1000000000" doc:"The most units that one partner may hold; 0: as many as there are; -1: the shop's default."`
}
