package view

import (
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/inventory"
)

// Shop describes the running shop.
type Shop struct {
	Shop        exchange.ShopID   `json:"shop"`
	Name        string            `json:"name"`
	Fingerprint string            `json:"fingerprint" doc:"Words of the key, to compare by telephone."`
	Currency    exchange.Currency `json:"currency"`
	Federation  string            `json:"federation"`
	Version     string            `json:"version"`
	Addresses   []string          `json:"addresses" nullable:"false"`
	Started     time.Time         `json:"started"`
	Stopped     string            `json:"stopped,omitempty" doc:"Why selling is stopped."`
	MemberList  MemberList        `json:"member_list"`
	Rate        *Rate             `json:"rate,omitempty" doc:"US dollars for one unit of the currency; absent until a rates file is given."`
	FreeBytes   int64             `json:"free_bytes" doc:"Of the disk the store is on; -1: unknown."`
}

// MemberList is the status of the shop's copy of the member list.
type MemberList struct {
	Members   int       `json:"members"`
	Entries   uint64    `json:"entries"`
	Signed    time.Time `json:"signed" doc:"When the hub signed the newest checkpoint."`
	Freshness string    `json:"freshness" doc:"fresh; ageing after a day; stale after a week: no new partners."`
	Frozen    bool      `json:"frozen" doc:"The hub signed contradicting lists."`
	HubOnline bool      `json:"hub_online"`
}

// Rate is an exchange rate to the US dollar.
type Rate struct {
	Currency exchange.Currency `json:"currency"`
	Rate     string            `json:"rate"`
	Source   string            `json:"source"`
	Date     string            `json:"date"`
}

// Rates says what a new rates file did.
type Rates struct {
	Rate      Rate `json:"rate" doc:"Of the shop's currency."`
	Rewritten int  `json:"rewritten" doc:"Products whose dollar price moved by 1% or more."`
}

// Member is one shop of the federation.
type Member struct {
	Shop        exchange.ShopID   `json:"shop"`
	Self        bool              `json:"self"`
	Name        string            `json:"name"`
	Status      string            `json:"status" doc:"active, left or revoked."`
	Joined      time.Time         `json:"joined"`
	Gone        *Gone             `json:"gone,omitempty" doc:"How it went; absent while it is active."`
	Fingerprint string            `json:"fingerprint" doc:"Words of its key, to compare by telephone."`
	Online      bool              `json:"online"`
	LastSeen    time.Time         `json:"last_seen,omitzero" doc:"Absent: not since this shop started."`
	Addresses   []string          `json:"addresses" nullable:"false"`
	Transport   string            `json:"transport,omitempty" doc:"Of the connection: tcp, quic or relay."`
	Sells       string            `json:"sells,omitempty" doc:"This and what follows is the shop's own word."`
	Contact     string            `json:"contact,omitempty"`
	Returns     string            `json:"returns,omitempty"`
	Web         string            `json:"web,omitempty"`
	Currency    exchange.Currency `json:"currency,omitempty"`
	Countries   []string          `json:"countries,omitempty" nullable:"false"`
}

// Status of a shop that departed.
const (
	Revoked = "revoked"
	Left    = "left"
)

// Gone says how a shop that was a member left the federation: its departure.
type Gone struct {
	Status string    `json:"status" enum:"revoked,left"`
	Since  time.Time `json:"since"`
	Why    string    `json:"why,omitempty" doc:"Of a revocation, as the hub's operator said it."`
}

// Members lists all shops that are or were members, in the order of joining.
type Members struct {
	Members []Member `json:"members" nullable:"false"`
}

// Dialed is how a member was reached.
type Dialed struct {
	Shop      exchange.ShopID `json:"shop"`
	Path      string          `json:"path" doc:"open connection, address book, dht or relay."`
	Address   string          `json:"address"`
	Transport string          `json:"transport"`
	Direct    bool            `json:"direct"`
	RTTs      []float64       `json:"rtt_ms" nullable:"false" doc:"Round trips, in milliseconds."`
}

// Readiness says whether the shop may be sent work.
type Readiness struct {
	Ready    bool        `json:"ready"`
	Problems []Condition `json:"problems" nullable:"false" doc:"What keeps it from being ready, and warnings."`
}

// Condition is one reason not to be ready, or a warning.
type Condition struct {
	Name    string          `json:"name" doc:"Stable: start, store, selling, clock, api, set-aside, membership, member-list, trade, hub, rates, weights, partner."`
	Blocks  bool            `json:"blocks" doc:"Readiness fails by it."`
	Detail  string          `json:"detail" doc:"The cause and the next step."`
	Partner exchange.ShopID `json:"partner,omitzero"`
}

// Health is the answer of a running server.
type Health struct {
	Status string `json:"status" enum:"ok"`
}

// Leaving is what leaving the federation does.
type Leaving struct {
	Preview    bool              `json:"preview" doc:"Nothing was done."`
	OpenOrders []OpenOrder       `json:"open_orders" nullable:"false" doc:"Unfinished; the two shops may finish them between themselves."`
	Partners   []exchange.ShopID `json:"partners" nullable:"false" doc:"Whose partnerships end."`
	Archive    string            `json:"archive" doc:"Path of the readable archive."`
}

// OpenOrder is an order that leaving leaves unfinished.
type OpenOrder struct {
	Order   exchange.OrderID `json:"order"`
	Partner exchange.ShopID  `json:"partner"`
	Role    string           `json:"role" enum:"bought,sold"`
	Status  string           `json:"status"`
}

// ImportReport says what became of a product file and of the catalog.
type ImportReport struct {
	inventory.Report
	DryRun    bool  `json:"dry_run"`
	Added     int64 `json:"added"`
	Changed   int64 `json:"changed"`
	StockOnly int64 `json:"stock_only" doc:"Only the stock changed."`
	Unchanged int64 `json:"unchanged"`

	UntrackedKept int64 `json:"untracked_kept" doc:"Of untracked: those that keep stock they have from before."`
	UntoldKept    int64 `json:"untold_kept" doc:"Of stock_untold: those that keep stock they have from before."`
}

// ImportRecord is one line of a streamed import: progress, again and again, then
// the report or the problem.
type ImportRecord struct {
	Progress *ImportProgress `json:"progress,omitempty"`
	Report   *ImportReport   `json:"report,omitempty"`
	Problem  *Problem        `json:"problem,omitempty"`
}

// ImportProgress is how far an import has read.
type ImportProgress struct {
	Bytes int64 `json:"bytes"`
	Rows  int64 `json:"rows"`
}

// Event says that something changed; its details are read where they are kept.
type Event struct {
	Type    string           `json:"type" enum:"hello,ping,hold,stock,order,partnership,catalog,frozen,stopped" doc:"hello comes first on every stream: read again what you show. ping says that the stream lives. hold: partners' reservations of this shop's products, and as retailer this shop's own that expired, or that it lost with a supplier that was revoked or left; stock: counts of own products; both tell together what happened within 100 ms."`
	At      time.Time        `json:"at"`
	Partner exchange.ShopID  `json:"partner,omitzero" doc:"The other shop; absent where an event tells of several."`
	Side    string           `json:"side,omitempty" enum:"supplier,retailer" doc:"This shop's."`
	Order   exchange.OrderID `json:"order,omitzero"`
	Status  string           `json:"status,omitempty" doc:"Of the order; of holds: held, released or expired; of the partnership, as it is listed: revoked and left come of the shop, not of the ledger. refused: the supplier said no to a request of this shop's."`
	By      string           `json:"by,omitempty" enum:"self,partner" doc:"Of partnership: who ended it, or refused; absent where the shop was revoked or left."`
	Detail  string           `json:"detail,omitempty" doc:"A reason: of the refusal, of the end, of the revocation."`
	Due     *Money           `json:"due,omitempty" doc:"What is owed for the order as it stands."`

	Count       int                  `json:"count,omitempty" doc:"Of hold: how many reservations; absent where some may have expired that are not counted."`
	Reservation exchange.HoldID      `json:"reservation,omitzero" doc:"Of hold, where it is one reservation."`
	Lines       []ReserveLine        `json:"lines,omitempty" nullable:"false" doc:"Of hold: the units by product, all reservations together. Absent where they are of more than 64 products."`
	Products    []exchange.ProductID `json:"products,omitempty" nullable:"false" doc:"Of stock: the products. Absent where they are more than 64: read all again."`
}
