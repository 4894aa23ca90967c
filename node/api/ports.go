package api

import (
	"context"
	"io"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/replica"
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
	Departure   *Departure // nil while it is active
	Fingerprint string     // six words of its key
	Online      bool
	LastSeen    exchange.Time // 0 = not since this node started
	Addresses   []string
	Transport   string // of the connection: tcp, quic or relay; "" when offline
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
	RTTs      []time.Duration
}

// Importer writes product files and rates into the catalog.
type Importer interface {
	Import(ctx context.Context, r io.Reader, o ImportOptions) (*ImportReport, error)
	SetRates(ctx context.Context, r io.Reader) (*RatesReport, error)
}

// ImportOptions say how a product file is imported.
type ImportOptions struct {
	Format    inventory.Format
	Currency  exchange.Currency // what the file's prices are in; "" = the shop's
	Untracked inventory.Untracked
	Free      bool // products at a price of 0 are meant to be
	Strict    bool // all or nothing: any bad row, and nothing is written
	DryRun    bool // say what would happen
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
	// Of Untracked and of StockUntold: products that keep their earlier stock.
	UntrackedKept int64 `json:"untracked_kept"`
	UntoldKept    int64 `json:"untold_kept"`
}

// RatesReport says what a new rates file did.
type RatesReport struct {
	Rate      exchange.Rate // of the shop's currency
	Rewritten int           // products whose US dollar price moved by 1% or more
}

// Catalog searches own and partners' products.
type Catalog interface {
	Search(ctx context.Context, q replica.Query) (Found, error)
	Product(ctx context.Context, id exchange.ProductID) (FoundProduct, error)
	// Live asks the product's supplier what is available now.
	Live(ctx context.Context, id exchange.ProductID) (message.StockLine, error)
}

// Found is one page of a search.
type Found struct {
	Products []FoundProduct
	Next     string // cursor; "" = the end
	Partial  bool   // a word was too common: add words
}

// FoundProduct is a product and whether it can be sold.
type FoundProduct struct {
	replica.Hit
	ShopName string
	Own      bool
	// Sellable: in stock, and its supplier is reachable or was within the last minutes.
	Sellable bool
	Why      string // not sellable: "out of stock", "the supplier is offline since …"
	AsOf     exchange.Time
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

// Problem is one reason not to be ready, or a warning.
type Problem struct {
	Name    string // stable: "store", "selling", "member-list", "hub", "rates", "partner"
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
