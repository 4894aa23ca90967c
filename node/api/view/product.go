package view

import (
	"time"

	"github.com/souk-market/souk/exchange"
)

// Product is one product of this shop or of a partner, as its catalog says.
type Product struct {
	ID          exchange.ProductID `json:"id" doc:"ShopID:SKU."`
	Shop        exchange.ShopID    `json:"shop" doc:"The supplier."`
	ShopName    string             `json:"shop_name"`
	Own         bool               `json:"own" doc:"It is this shop's own product."`
	SKU         exchange.SKU       `json:"sku"`
	Title       string             `json:"title"`
	Group       string             `json:"group,omitempty" doc:"Products of one group are variants of one thing."`
	Options     []Option           `json:"options,omitempty" nullable:"false"`
	Description string             `json:"description,omitempty"`
	Vendor      string             `json:"vendor,omitempty"`
	Category    string             `json:"category,omitempty"`
	Barcode     string             `json:"barcode,omitempty"`
	Image       string             `json:"image,omitempty" doc:"An http or https URL."`
	Grams       int64              `json:"grams,omitempty" doc:"Shipping weight."`
	Price       Money              `json:"price" doc:"List price of one unit, before your terms' discount."`
	PriceUSD    USDPrice           `json:"price_usd"`
	Available   Availability       `json:"available" doc:"As of the last news of the supplier's catalog; of one's own product, exactly and now."`
	Sellable    bool               `json:"sellable" doc:"In stock, and the supplier is, or was within minutes, reachable."`
	Why         string             `json:"why,omitempty" doc:"Why it is not sellable now."`
	AsOf        time.Time          `json:"as_of,omitzero" doc:"When the catalog copy was last known equal to the supplier's; of one's own product, now."`
	Live        *LiveStock         `json:"live,omitempty" doc:"With live=1: what the supplier just said."`
	Stock       *Stock             `json:"stock,omitempty" doc:"Of one's own product, on the product's own page."`
}

// Option is one axis on which variants differ.
type Option struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// USDPrice is a price in US dollars, converted by the supplier.
type USDPrice struct {
	Money
	Rate   string `json:"rate" doc:"US dollars for one unit of the native currency."`
	Source string `json:"source"`
	Date   string `json:"date" doc:"Of the rate, YYYY-MM-DD."`
}

// Availability is how much can be had now.
type Availability struct {
	Unlimited bool  `json:"unlimited"`
	Units     int64 `json:"units" doc:"0 where unlimited."`
}

// AvailabilityOf shows a.
func AvailabilityOf(a exchange.Availability) Availability {
	if a.Unlimited {
		return Availability{Unlimited: true}
	}
	return Availability{Units: a.Units}
}

// LiveStock is what a supplier answered when asked now. Nothing is held by it.
type LiveStock struct {
	Known     bool         `json:"known" doc:"false: the supplier has no such product any more."`
	Available Availability `json:"available"`
	Price     *Money       `json:"price,omitempty"`
}

// Products is one page of a search.
type Products struct {
	Products []Product `json:"products" nullable:"false"`
	Next     string    `json:"next,omitempty" doc:"Cursor of the next page; absent at the end. A page may be short, even empty, while there is one."`
	Partial  bool      `json:"partial,omitempty" doc:"A word is too common; add words."`
}

// Stock is the counts of one of the shop's own products.
type Stock struct {
	Unlimited bool  `json:"unlimited"`
	Shelf     int64 `json:"shelf" doc:"What a count should find: held and unshipped units included."`
	Held      int64 `json:"held"`
	Unshipped int64 `json:"unshipped" doc:"Sold, still on the shelf."`
	Available int64 `json:"available"`
	Shortfall int64 `json:"shortfall" doc:"Promised, and not there by the last count."`
}

// CountShelves counts several shelves at once, all or none.
type CountShelves struct {
	Counts []ShelfCount `json:"counts" minItems:"1" maxItems:"1000" nullable:"false"`
}

// ShelfCount is what a count of one product found.
type ShelfCount struct {
	SKU string `json:"sku" maxLength:"128"`
	SetStock
}

// Shelves are the counts after CountShelves, in its order.
type Shelves struct {
	Shelves []Shelf `json:"shelves" nullable:"false"`
}

// Shelf is the counts of one product.
type Shelf struct {
	SKU exchange.SKU `json:"sku"`
	Stock
}

// SetStock counts a shelf. Exactly one of its fields is given.
type SetStock struct {
	Units     *int64 `json:"units,omitempty" minimum:"0" maximum:"1000000000" doc:"What the shelf holds now, held and unshipped units included."`
	Unlimited bool   `json:"unlimited,omitempty" doc:"Not counted any more: never short."`
}
