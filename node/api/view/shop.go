package view

import (
	"time"

	"github.com/souk-market/souk/exchange"
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
	Rate        *Rate             `json:"rate,omitempty" doc:"US dollars for one unit of the currency; absent until one is given."`
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
	Online      bool              `json:"online" doc:"Known to be up now: connected to this shop or, where the list was asked for with online=1, to somebody who says so. False says only that nobody knows."`
	OnlineBy    string            `json:"online_by,omitempty" doc:"Who else says that it is online: hub riverside, the shop Acorn."`
	Connected   bool              `json:"connected" doc:"To this shop, now."`
	Direct      bool              `json:"direct" doc:"Connected, and not through a relay."`
	Relay       exchange.ShopID   `json:"relay,omitzero" doc:"Through which it is connected: a hub's key or a member's ShopID."`
	Way         string            `json:"way,omitempty" doc:"The connection, for a person."`
	LastSeen    time.Time         `json:"last_seen,omitzero" doc:"When it was last connected to this shop; absent: not since this shop started."`
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
	OnlineKnown bool `json:"online_known" doc:"The list was asked for with online=1, and a hub has said who is connected to it. Else nothing is known of members that are not online: a member that relays knows only of those who are connected to it."`

	Members []Member `json:"members" nullable:"false"`
}

// Dialed is how a member was reached.
type Dialed struct {
	Shop      exchange.ShopID `json:"shop"`
	Path      string          `json:"path" doc:"open connection, address book, dht or relay."`
	Address   string          `json:"address"`
	Transport string          `json:"transport"`
	Direct    bool            `json:"direct"`
	Way       string          `json:"way" doc:"For a person: directly, by QUIC; through hub riverside."`
	RTTs      []float64       `json:"rtt_ms" nullable:"false" doc:"Round trips, in milliseconds."`
}

// Readiness says whether the shop may be sent work.
type Readiness struct {
	Ready    bool        `json:"ready"`
	Problems []Condition `json:"problems" nullable:"false" doc:"What keeps it from being ready, and warnings."`
}

// ProblemDefaults is the name of the condition that tells what the owner has left to its default.
const ProblemDefaults = "defaults"

// Condition is one reason not to be ready, or a warning.
type Condition struct {
	Name    string          `json:"name" doc:"Stable: start, store, selling, clock, api, set-aside, membership, member-list, trade, hub, rates, weights, stock-figure, not-counted, partner, config, defaults, network, reach, announce."`
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

// Event says that something changed; its details are read where they are kept.
type Event struct {
	// ID is that of the stream's message, too.
	ID      string            `json:"id,omitempty" doc:"A place in the event log: follow from it with Last-Event-ID or after. Only events that the log keeps have one, and hello, live, gap and ping, which tell how far the stream has come."`
	Type    string            `json:"type" enum:"hello,gap,live,ping,order,basket,partnership,shortfall,listing,bridge,frozen,stopped,started,hold,stock,catalog" doc:"hello comes first on every stream; without an id, kept events follow, then live, and then what happens. gap: events may be missing, and detail says what to do. ping says that the stream lives. The log keeps order, basket (it came into another state), partnership, shortfall (more is promised of own products than is there, or no longer), listing (own products came on sale or went off it), bridge (the shop's own system, where that keeps the stock, is down or up again, denied an order or has lost a hold), frozen, stopped and started (the node's first commit). It does not keep hold (partners' reservations of this shop's products, and as retailer this shop's own that expired, that it lost with a supplier that was revoked or left, or that its supplier has recalled) and stock (counts of own products), which tell together what happened within 100 ms, and catalog."`
	At      time.Time         `json:"at"`
	Partner exchange.ShopID   `json:"partner,omitzero" doc:"The other shop; absent where an event tells of several."`
	Side    string            `json:"side,omitempty" enum:"supplier,retailer" doc:"This shop's."`
	Order   exchange.OrderID  `json:"order,omitzero"`
	Basket  exchange.BasketID `json:"basket,omitzero"`
	Status  string            `json:"status,omitempty" doc:"Of the order, requested until the supplier answers; of basket: its state; of holds: held, released or expired; of listing: offered, withdrawn or removed; of gap: pruned, restored, unknown or damaged; of the partnership, as it is listed: revoked and left come of the shop, not of the ledger. refused: the supplier said no to a request of this shop's."`
	By      string            `json:"by,omitempty" enum:"self,partner" doc:"Of partnership: who ended it, or refused; absent where the shop was revoked or left."`
	Detail  string            `json:"detail,omitempty" doc:"A reason: of the refusal, of the end, of the revocation, of the withdrawal; why a basket was refused or given back; of gap, what to do."`
	Due     *Money            `json:"due,omitempty" doc:"What is owed for the order as it stands."`

	Count       int                  `json:"count,omitempty" doc:"Of hold: how many reservations; absent where some may have expired that are not counted."`
	Reservation exchange.HoldID      `json:"reservation,omitzero" doc:"Of hold, where it is one reservation."`
	Lines       []ReserveLine        `json:"lines,omitempty" nullable:"false" doc:"Of hold: the units by product, all reservations together. Absent where they are of more than 64 products."`
	Products    []exchange.ProductID `json:"products,omitempty" nullable:"false" doc:"Of stock and listing: the products. Absent where they are more than 64: read all again."`
	Missing     []MissingUnits       `json:"missing,omitempty" nullable:"false" doc:"Of shortfall: the products whose shortfall changed. Absent where more than 64 sell from one stock: read all again."`
}

// MissingUnits are units of one of this shop's own products that are promised and not there.
type MissingUnits struct {
	Product exchange.ProductID `json:"product"`
	Units   int64              `json:"units" doc:"0: there is no shortfall any more."`
}
