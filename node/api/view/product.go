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
	PriceUSD    *USDPrice          `json:"price_usd,omitempty" doc:"Absent where the supplier has no rate."`
	Cost        *Money             `json:"cost,omitempty" doc:"Of a partner's product: what one unit costs this shop, after the discount of the terms in force, rounded as a quote rounds it. Shipping comes with the quote."`
	DiscountBP  uint32             `json:"discount_bp,omitempty" doc:"The discount in cost, in basis points."`
	Here        *HerePrice         `json:"here,omitempty" doc:"Price and cost in this shop's currency, by its own newest rates, to compare by; a quote is in the supplier's. Absent where that is this shop's, or no rate is known."`
	Available   Availability       `json:"available" doc:"As of the last news of the supplier's catalog; of one's own product, exactly and now."`
	Sellable    bool               `json:"sellable" doc:"In stock, and the supplier is reachable now."`
	Why         string             `json:"why,omitempty" doc:"Why it is not sellable now."`
	Shortfall   int64              `json:"shortfall,omitempty" doc:"Of one's own product: units that are held or sold and not there. It stands until they are counted, or until so many are cancelled, released or given up."`
	AsOf        time.Time          `json:"as_of,omitzero" doc:"When the catalog copy was last known equal to the supplier's; of one's own product, now."`
	Updated     time.Time          `json:"updated,omitzero" doc:"When this shop learned of the product as it is; a catalog that came as a whole is of that moment."`
	Live        *LiveStock         `json:"live,omitempty" doc:"With live=1: what the supplier just said."`
	Stock       *Stock             `json:"stock,omitempty" doc:"Of one's own product, on the product's own page and in the catalog's list."`
	Listing     *Listing           `json:"listing,omitempty" doc:"Likewise: whether one's own product is for sale, and what tells of it."`

	Summary        string   `json:"summary,omitempty" doc:"A short description."`
	Tags           []string `json:"tags,omitempty" nullable:"false"`
	MoreCategories []string `json:"more_categories,omitempty" nullable:"false" doc:"Beside category."`
	MoreImages     []string `json:"more_images,omitempty" nullable:"false" doc:"Beside image: http or https URLs."`
	CompareAt      *Money   `json:"compare_at,omitempty" doc:"The price before a reduction."`
	NoShipping     bool     `json:"no_shipping,omitempty" doc:"Nothing is sent of it: it pays no shipping."`
}

// States of a shop's own product.
const (
	StateListed    = "listed"
	StateWithdrawn = "withdrawn"
	StateRemoved   = "removed"
	StateOffSale   = "off-sale" // as a filter: withdrawn or removed
)

// Listing says whether one of the shop's own products is for sale, and what tells of it.
type Listing struct {
	State    string       `json:"state" enum:"listed,withdrawn,removed" doc:"withdrawn: the shop's own system takes it off sale, and brings it back. removed: the owner has, and only publish brings it back."`
	Reason   string       `json:"reason,omitempty" doc:"Of a product that the shop's own system takes off sale: draft, archived, unpublished, bad-row, price-zero, absent, not-a-variant, …"`
	Since    time.Time    `json:"since,omitzero" doc:"Since when it is off sale."`
	Source   string       `json:"source,omitempty" doc:"The file or system that tells of it."`
	SourceID string       `json:"source_id,omitempty" doc:"That source's own name of it."`
	Pool     string       `json:"pool,omitempty" doc:"Where it sells from a stock that it shares: the pool's name after ~, or the SKU whose stock it is."`
	Regular  *Money       `json:"regular,omitempty" doc:"Where a sale is set: the price without it."`
	Sale     *SaleListing `json:"sale,omitempty" doc:"A reduced price for a time."`
}

// SaleListing is a reduced price for a time.
type SaleListing struct {
	Price Money     `json:"price"`
	From  time.Time `json:"from,omitzero" doc:"Absent: since ever."`
	Until time.Time `json:"until,omitzero" doc:"Exclusive; absent: for ever."`
}

// Removal is what removing a product did.
type Removal struct {
	Product  Product `json:"product"`
	Again    bool    `json:"again" doc:"It was removed before."`
	Released int     `json:"released" doc:"With release_holds: open reservations of partners that were ended."`
}

// SetPrice is a new list price.
type SetPrice struct {
	Price Amount `json:"price" doc:"In the shop's currency, more than 0."`
}

// Movements is one page of a stock's journal, the newest first.
type Movements struct {
	SKU       exchange.SKU `json:"sku"`
	Pool      string       `json:"pool,omitempty" doc:"The shared stock whose journal it is."`
	Movements []Movement   `json:"movements" nullable:"false"`
	Next      string       `json:"next,omitempty" doc:"Cursor of the next page; absent at the end."`
}

// Movement is a line of a stock's journal.
type Movement struct {
	Number    uint64           `json:"number"`
	At        time.Time        `json:"at"`
	Told      *time.Time       `json:"told,omitempty" doc:"When this shop heard of it, if later."`
	Kind      string           `json:"kind" enum:"shipped,counted,set,figure,ordered,cancelled,sold,returned,received,damaged,own-sold,own-shipped,own-cancelled,own-returned,unknown" doc:"figure: a file told it. set: a count or sum of a revision. own: of the shop's own sales. ordered, cancelled, own-sold and own-cancelled leave the shelf as it is."`
	Units     int64            `json:"units" doc:"By how much the shelf changed, or would have; of ordered and cancelled, how many units they concern."`
	Contained bool             `json:"contained,omitempty" doc:"A count or file had it when it was told, or the product is not counted: it changed nothing."`
	Shelf     int64            `json:"shelf" doc:"After it; below zero, units are missing that were sold."`
	SKU       exchange.SKU     `json:"sku,omitempty" doc:"In a pool: the product that moved."`
	Source    string           `json:"source,omitempty" doc:"Of figure: whose."`
	Channel   string           `json:"channel,omitempty"`
	Reference string           `json:"reference,omitempty"`
	Note      string           `json:"note,omitempty"`
	Partner   exchange.ShopID  `json:"partner,omitzero" doc:"Of the order; this shop itself of its own sale."`
	Order     exchange.OrderID `json:"order,omitzero" doc:"Or the own sale."`
}

// Sources are all files and systems that tell of products.
type Sources struct {
	Sources []Source `json:"sources" nullable:"false"`
}

// Source is one of them, as its next import will be read.
type Source struct {
	Name         string    `json:"name"`
	StockFigure  string    `json:"stock_figure" enum:",on-hand,free,free-unaware" doc:"What its stock figure means; empty = nobody has said, and the least of the three is taken."`
	BookedWithin string    `json:"booked_within" doc:"How soon that system books Souk's orders."`
	ClockSlack   string    `json:"clock_slack" doc:"How far its clock and this shop's may be apart."`
	Columns      string    `json:"columns,omitempty"`
	Locations    []string  `json:"locations,omitempty" nullable:"false"`
	QualifySKU   bool      `json:"qualify_sku,omitempty"`
	Configured   bool      `json:"configured" doc:"shop.toml has a table for it."`
	Imported     time.Time `json:"imported,omitzero" doc:"When its last import ended; absent: there was none."`
	AsOf         time.Time `json:"as_of,omitzero" doc:"Its last file was read at this time at the latest."`
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

// HerePrice is a partner's price in this shop's currency.
type HerePrice struct {
	Price  Money  `json:"price"`
	Cost   *Money `json:"cost,omitempty"`
	Rate   string `json:"rate" doc:"Units of this shop's currency for one of the supplier's."`
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
	Total    *Total    `json:"total,omitempty" doc:"With count=1: how many there are, on all pages."`
	Facets   *Facets   `json:"facets,omitempty" doc:"With facets=1: of which kinds they are."`
	// Of a search with updated_since:
	Removed []Removed     `json:"removed,omitempty" nullable:"false" doc:"With updated_since: products that are gone. Of the conditions only shop applies to them."`
	AsOf    time.Time     `json:"as_of,omitzero" doc:"With updated_since: what to give as the next one. Keep that of the first page. It is a few seconds old, so that nothing falls between two: a product may be told twice."`
	Shops   []SeenCatalog `json:"shops,omitempty" nullable:"false" doc:"With updated_since: whose products are seen at all. Forget those of others."`
}

// Total is how many products a search finds.
type Total struct {
	Count   int  `json:"count"`
	AtLeast bool `json:"at_least" doc:"There may be more: not all products were looked at."`
}

// Facets say of which kinds the products are that a search finds; at most 50 values each, the most
// frequent first.
type Facets struct {
	Shops      []Facet `json:"shops" nullable:"false" doc:"value is a ShopID."`
	Categories []Facet `json:"categories" nullable:"false"`
	Vendors    []Facet `json:"vendors" nullable:"false"`
	InStock    int     `json:"in_stock"`
	AtLeast    bool    `json:"at_least" doc:"There may be more of each: not all products were looked at."`
}

// Facet is how many products have a value.
type Facet struct {
	Value string `json:"value"`
	Name  string `json:"name,omitempty" doc:"Of a shop."`
	Count int    `json:"count"`
}

// Removed is a product that its supplier has taken down.
type Removed struct {
	ID exchange.ProductID `json:"id"`
	At time.Time          `json:"at" doc:"When this shop learned of it."`
}

// SeenCatalog is a catalog that this shop sees.
type SeenCatalog struct {
	Shop  exchange.ShopID `json:"shop"`
	Name  string          `json:"name"`
	Since time.Time       `json:"removals_since" doc:"Since when its removals are known. Where that is later than the updated_since asked for, take the shop's products anew: those that are not told are gone."`
}

// Stock is the counts of one of the shop's own products.
type Stock struct {
	Unlimited bool  `json:"unlimited"`
	Shelf     int64 `json:"shelf" doc:"What a count should find: held and unshipped units included."`
	Held      int64 `json:"held"`
	Unshipped int64 `json:"unshipped" doc:"Sold, still on the shelf."`
	Available int64 `json:"available"`
	Shortfall int64 `json:"shortfall" doc:"Promised, and not there by the last count."`

	Missing  int64  `json:"missing" doc:"Taken though the shelf had none; what comes next pays it, and a count clears it."`
	Deficit  int64  `json:"deficit" doc:"What is promised or has left and is not there: shortfall, and what left unpaid."`
	Revision uint64 `json:"revision" doc:"Counts the changes of the shelf: shipments, counts, movements, and the files that were read; not holds and orders."`
}

// TellMovements tells what the shop's other channels have done.
type TellMovements struct {
	Atomic    bool           `json:"atomic,omitempty" doc:"All of them or none: the first that is refused refuses the call. Otherwise each by itself."`
	Movements []ToldMovement `json:"movements" minItems:"1" maxItems:"10000" nullable:"false"`
}

// ToldMovement is what a channel tells of one product.
type ToldMovement struct {
	SKU        string  `json:"sku" maxLength:"128"`
	Kind       string  `json:"kind" enum:"sold,returned,received,damaged,counted" doc:"sold is never refused for want of stock: the goods are gone."`
	Units      int64   `json:"units" minimum:"0" maximum:"1000000000" doc:"1 to 1,000,000; of counted, what lies there, held and unshipped units included."`
	At         string  `json:"at,omitempty" maxLength:"40" example:"-10m" doc:"When it happened: RFC 3339 by the channel's clock, so long before now as in -10m, or now. Default: now; a count says it, or if_revision."`
	IfRevision *uint64 `json:"if_revision,omitempty" doc:"Of counted: the stock's revision as it was read; another one is stale (409)."`
	ID         string  `json:"id,omitempty" maxLength:"128" doc:"The channel's own name of the movement. A repeat within 90 days is known by it; without one, only the call's Idempotency-Key guards."`
	Reference  string  `json:"reference,omitempty" maxLength:"200" doc:"The receipt, delivery note or sale."`
	Channel    string  `json:"channel,omitempty" maxLength:"64" example:"till"`
	Note       string  `json:"note,omitempty" maxLength:"500"`
}

// MovementResults says what became of each movement, in their order.
type MovementResults struct {
	Movements []MovementResult `json:"movements" nullable:"false"`
}

// MovementResult is what became of one movement.
type MovementResult struct {
	SKU      exchange.SKU     `json:"sku"`
	ID       string           `json:"id,omitempty"`
	Result   string           `json:"result" enum:"applied,contained,repeated,refused" doc:"contained: the last count or file has it, so nothing changed. repeated: it was told before."`
	Revision uint64           `json:"revision" doc:"Of the stock."`
	Stock    *Stock           `json:"stock,omitempty" doc:"After it; absent of a product that the shop does not have."`
	Problem  *MovementProblem `json:"problem,omitempty" doc:"Why it is refused."`
}

// MovementProblem is why a movement is refused.
type MovementProblem struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// CountShelves counts several shelves at once, all or none.
type CountShelves struct {
	Counts []ShelfCount `json:"counts" minItems:"1" maxItems:"1000" nullable:"false"`
}

// ShelfCount is what a count of one product found.
type ShelfCount struct {
	SKU string `json:"sku" maxLength:"128"`
	SetStock
	IfRevision *uint64 `json:"if_revision,omitempty" doc:"The stock's revision as it was read; another one is stale (409)."`
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

// SetStock counts a shelf: units or unlimited.
type SetStock struct {
	Units     *int64 `json:"units,omitempty" minimum:"0" maximum:"1000000000" doc:"What the shelf holds now, held and unshipped units included."`
	Unlimited bool   `json:"unlimited,omitempty" doc:"Not counted any more: never short."`
	CountedAt string `json:"counted_at,omitempty" maxLength:"40" example:"-10m" doc:"When it was counted: RFC 3339, so long before now as in -10m, or now. Needed, unless the revision is told or nothing has ever told of the stock. What was told of the time since is taken off."`
}
