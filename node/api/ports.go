package api

import (
	"context"
	"io"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory"
)

// Members is what the API asks of the member list and the network.
type Members interface {
	// Members lists all shops that are or were members, in the order of joining.
	Members(ctx context.Context) ([]Member, error)
	// Dial reaches a member directly by its ID and measures the way.
	Dial(ctx context.Context, shop exchange.ShopID) (Dialed, error)
	// Departure says how a shop that was a member left the federation: nil of a member, and of a
	// shop that never was a member. Every order that is shown asks, so it must be quick.
	Departure(shop exchange.ShopID) *Departure
}

// Member is one shop of the federation, as this shop sees it.
type Member struct {
	Shop        exchange.ShopID
	Self        bool
	Name        string // by the member list
	Status      string // active, left or revoked
	Joined      exchange.Time
	Departure   *Departure    // nil while it is active
	Fingerprint string        // six words of its key
	Connected   bool          // to this shop; this shop itself is, too
	LastSeen    exchange.Time // connected; 0 = not since this node started
	Addresses   []string
	Transport   string          // of the connection: tcp, quic or relay; "" when there is none
	Relay       exchange.ShopID // through which it is connected; zero where it is directly
	Way         string          // the connection for a person: "directly, by QUIC"; "" when there is none
	// By its own signed profile; empty where none has come yet.
	Sells, Contact, Returns, Web string
	Currency                     exchange.Currency
	Countries                    []string
}

// Dialed is how a member was reached.
type Dialed struct {
	Shop      exchange.ShopID
	Path      string // "open connection", "address book", "dht" or "relay"
	Address   string
	Transport string
	Direct    bool
	Way       string // for a person: "directly, by QUIC", "through hub riverside"
	RTTs      []time.Duration
}

// Importer writes product files and rates into the catalog.
type Importer interface {
	Import(ctx context.Context, r io.Reader, o ImportOptions) (*ImportReport, error)
	// SetRates takes a rates file or a rate stated by hand, which is JSON.
	SetRates(ctx context.Context, r io.Reader, o RatesOptions) (*RatesReport, error)
	// Publish takes back the owner's word that a product is off sale.
	Publish(ctx context.Context, sku exchange.SKU) error
	// Sources are all that products were imported from or that shop.toml names, by name, with the
	// settings with which the next import reads them.
	Sources(ctx context.Context) ([]SourceInfo, error)
}

// SourceInfo is a file or system that tells of products.
type SourceInfo struct {
	record.Source
	Configured bool // shop.toml has a table for it
}

// RatesOptions say which rates are taken.
type RatesOptions struct {
	AllowOlder bool // also those that are older than the ones in force
}

// ImportOptions say how a product file is imported.
type ImportOptions struct {
	Format    inventory.Format
	Currency  exchange.Currency // what the file's prices are in; "" = the shop's
	Untracked inventory.Untracked
	Free      bool // products at a price of 0 are meant to be
	Strict    bool // all or nothing: any bad row, and nothing is written
	DryRun    bool // say what would happen

	// Source names the file or system, whose settings and last file are kept under the name; "" =
	// the file's format.
	Source string
	// What a stock figure means, and how soon that system books Souk's orders; "" and nil = as
	// shop.toml or the last import of the source says.
	Figure       inventory.Figure
	BookedWithin *time.Duration
	ClockSlack   *time.Duration // how far its clock and this shop's may be apart; nil likewise
	AsOf         exchange.Time  // when that system was read; 0 = not known
	Rebase       bool           // figures of a system that knows nothing of Souk were put right there

	Replace      bool // what the file lacks is withdrawn
	Yes          bool // more than a tenth may be
	AllowRenamed bool // another product under a known SKU is the same one, renamed
	QualifySKU   bool // the source's own ID of a product goes before its SKU
	Columns      string
	Locations    []string

	// Progress is called now and then with what has been read.
	Progress func(bytesRead, rows int64)
}

// ImportReport says what became of a file and of the catalog.
type ImportReport struct {
	inventory.Report
	DryRun    bool  `json:"dry_run"`
	Added     int64 `json:"added"`
	Changed   int64 `json:"changed"`
	StockOnly int64 `json:"stock_only"` // only the stock changed
	Unchanged int64 `json:"unchanged"`

	Withdrawn   int64 `json:"withdrawn"`    // were for sale, and are not any more
	Returned    int64 `json:"returned"`     // were withdrawn, and are for sale again
	KeptRemoved int64 `json:"kept_removed"` // for sale by the file; their owner has removed them
	BadOnSale   int64 `json:"bad_on_sale"`  // of Withdrawn: their row cannot be read
	Absent      int64 `json:"absent"`       // of Withdrawn: the file does not name them
	Renamed     int64 `json:"renamed"`      // of Added: variants that took the place of one that went
	Conflicts   int64 `json:"conflicts"`    // of ErrorCount: another product has the SKU
	NotCounted  int64 `json:"not_counted"`  // for sale, and nobody can buy: neither file nor owner counts them
	SoldOut     int64 `json:"sold_out"`     // for sale, counted, and none is available
	Unknown     int64 `json:"unknown"`      // rows that tell the stock of products that the shop does not have
	Shortfalls  int64 `json:"shortfalls"`   // promised more than there is, by the file's figures

	// Older reports that the file is surely older than the last one of its source: nothing was
	// changed.
	Older bool `json:"older"`

	// UnknownSKUs are the first of the unknown ones.
	UnknownSKUs []string `json:"unknown_skus,omitempty"`

	// WithdrawnSKUs are the first of the withdrawn products.
	WithdrawnSKUs []exchange.SKU `json:"withdrawn_skus,omitempty"`

	Stock StockReport `json:"stock"`
	// Of Untracked and of StockUntold: products that keep their earlier stock.
	UntrackedKept int64 `json:"untracked_kept"`
	UntoldKept    int64 `json:"untold_kept"`
}

// StockReport says how the file's stock figures were read.
type StockReport struct {
	Source       string           `json:"source"`
	Figure       inventory.Figure `json:"figure"` // "" = not chosen: the least of the three was taken
	AsOf         *time.Time       `json:"as_of,omitempty"`
	BookedWithin string           `json:"booked_within"`
	ClockSlack   string           `json:"clock_slack"`
	Older        int64            `json:"older"`   // products whose figure is older than what is known, and changed nothing
	Doubted      int64            `json:"doubted"` // may be older, and could only lower
	Differ       int64            `json:"differ"`  // products for which it matters what the figure means
	Lowered      int64            `json:"lowered"` // of them: less is available than another meaning would leave
	Ordered      int64            `json:"ordered"` // units ordered through Souk that the file may not know
	// Readings are the first products for which it matters.
	Readings []StockReading `json:"readings,omitempty"`
}

// StockReading is what each meaning of one figure makes available.
type StockReading struct {
	SKU         exchange.SKU `json:"sku"`
	Units       int64        `json:"units"` // the figure
	OnHand      int64        `json:"on_hand"`
	Free        int64        `json:"free"`
	FreeUnaware int64        `json:"free_unaware"`
	Taken       int64        `json:"taken"`
}

// RatesReport says what a new rates file did.
type RatesReport struct {
	Rate      exchange.Rate // of the shop's currency
	Rewritten int           // products whose US dollar price came, or moved by 1% or more
}

// Catalog searches own and partners' products.
type Catalog interface {
	Search(ctx context.Context, q replica.Query) (Found, error)
	// Count counts what a search finds, whatever its page.
	Count(ctx context.Context, q replica.Query) (replica.Total, error)
	// Removals names the shops whose products are seen, and since when removals of their products
	// are known.
	Removals(ctx context.Context) map[exchange.ShopID]exchange.Time
	Product(ctx context.Context, id exchange.ProductID) (FoundProduct, error)
	// Live asks the product's supplier what is available now.
	Live(ctx context.Context, id exchange.ProductID) (message.StockLine, error)
}

// Found is one page of a search.
type Found struct {
	Products []FoundProduct
	Removed  []replica.Removal
	Next     string // cursor; "" = the end
	Partial  bool   // a word was too common: add words
}

// FoundProduct is a product and whether it can be sold.
type FoundProduct struct {
	replica.Hit
	ShopName string
	Own      bool
	// Sellable: in stock, and its supplier is reachable now; just after a start, not yet known not to be.
	Sellable bool
	Why      string // not sellable: "out of stock", "the supplier is not reachable since …"
	AsOf     exchange.Time
	// Shortfall is how many units of an own product are promised and not there.
	Shortfall int64
	// Of a partner's product: what one unit costs by the terms in force, and their discount; nil
	// where there are none.
	Cost     *exchange.Money
	Discount exchange.BasisPoints
	Here     *HerePrice // nil where it is this shop's currency, or there is no rate
}

// HerePrice is a partner's price in this shop's currency.
type HerePrice struct {
	Price  exchange.Money
	Cost   *exchange.Money // nil where the product has none
	Rate   string          // units of this shop's currency for one of the partner's
	Source string
	Date   string // YYYY-MM-DD
}

// Shop is what the API asks of the shop as a whole.
type Shop interface {
	Info(ctx context.Context) (Info, error)
	// Problems lists what keeps the shop from being ready; none = ready.
	Problems(ctx context.Context) []Problem
	// Leave ends all partnerships and leaves the federation; then the node stops by itself. With
	// preview it only says what leaving would do.
	Leave(ctx context.Context, preview bool) (*Leaving, error)
}

// Info describes the running shop.
type Info struct {
	Shop        exchange.ShopID
	Name        string
	Fingerprint string
	Currency    exchange.Currency
	Federation  string // "riverside-1a2b3c4d"
	Version     string
	Addresses   []string
	Started     exchange.Time
	Stopped     string // why selling is stopped; "" = it is not
	List        ListInfo
	Rate        exchange.Rate // zero = none yet
	FreeBytes   int64         // of the disk the store is on; -1 = unknown
}

// ListInfo describes the member list.
type ListInfo struct {
	Members   int
	Entries   uint64
	Signed    exchange.Time // of the newest checkpoint
	Freshness string        // fresh, ageing or stale
	Frozen    bool          // the hub signed contradicting lists
	HubOnline bool
}

// ProblemDefaults is the name of the note that the owner has left to its defaults what costs
// whoever does not know it.
const ProblemDefaults = view.ProblemDefaults

// Problem is one reason not to be ready, or a warning.
type Problem struct {
	Name    string // stable: see view.Condition
	Blocks  bool   // readiness fails
	Detail  string // the cause and the next step
	Partner exchange.ShopID
}

// Leaving is what Leave does, or with preview would do.
type Leaving struct {
	Preview    bool
	OpenOrders []OpenOrder       // unfinished, in both roles; they may be finished locally
	Partners   []exchange.ShopID // whose partnerships end
	Archive    string            // path of the readable archive
}

// OpenOrder is an order that leaving leaves unfinished.
type OpenOrder struct {
	Order  exchange.OrderID
	Shop   exchange.ShopID // the partner
	Side   exchange.Party  // ours
	Status string
}
