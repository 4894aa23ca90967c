package view

import (
	"time"

	"github.com/souk-market/souk/exchange"
)

// Reach says how members reach this shop, and how this shop reaches its partners.
type Reach struct {
	How      string         `json:"how" enum:"direct,relay,network,untried,none,offline" doc:"direct: a dial from outside has reached it. relay: hubs or members take calls for it. network: within its own network, in which the hub is, too. untried: it tells an address that nobody has tried from outside. none: nobody can connect to it. offline: this machine's own network seems to be down."`
	OK       bool           `json:"ok" doc:"Nothing is to be mended; a relay suffices."`
	Summary  string         `json:"summary" doc:"The same for a person, with who proved it and when."`
	Next     string         `json:"next,omitempty" doc:"What the owner may do about it."`
	Hub      bool           `json:"hub_connected"`
	Told     []string       `json:"told" nullable:"false" doc:"The addresses that members are told, best first."`
	Tried    []AddressTried `json:"tried" nullable:"false" doc:"What the latest dials from outside found."`
	Relays   []RelayWay     `json:"relays" nullable:"false" doc:"Hubs and members that take calls for this shop."`
	Partners []PartnerWay   `json:"partners" nullable:"false" doc:"Partners under terms in force, and the way to each."`
	Relaying Relaying       `json:"relaying"`
}

// AddressTried is what a dial from outside found at an address of this shop.
type AddressTried struct {
	Address   string          `json:"address"`
	Announced bool            `json:"announced" doc:"By shop.toml."`
	Reached   bool            `json:"reached"`
	Why       string          `json:"why,omitempty" doc:"Of one not reached, as the dialer saw it."`
	By        exchange.ShopID `json:"by" doc:"A hub, or a member that is reached directly itself."`
	ByName    string          `json:"by_name"`
	At        time.Time       `json:"at"`
}

// RelayWay is a relay at which this shop has a reservation.
type RelayWay struct {
	Shop  exchange.ShopID `json:"shop" doc:"The hub's key or a member's ShopID."`
	Name  string          `json:"name"`
	Hub   bool            `json:"hub"`
	Since time.Time       `json:"since"`
	Until time.Time       `json:"until" doc:"It is renewed before."`
}

// PartnerWay is by which way a partner is reached now.
type PartnerWay struct {
	Shop      exchange.ShopID `json:"shop"`
	Name      string          `json:"name"`
	Connected bool            `json:"connected"`
	Transport string          `json:"transport,omitempty" doc:"Of the connection: tcp, quic or relay."`
	Relay     exchange.ShopID `json:"relay,omitzero" doc:"Through which it is connected; absent where it is directly."`
	Away      bool            `json:"away" doc:"It is known to be out of reach."`
	Way       string          `json:"way" doc:"For a person: the way, or why there is none."`
}

// Relaying is what this shop carries for other members, sealed.
type Relaying struct {
	Allowed      bool       `json:"allowed" doc:"By shop.toml; it begins when a dial from outside has reached this shop."`
	Serving      bool       `json:"serving"`
	Reservations int        `json:"reservations" doc:"Members that keep a way in through this shop."`
	Circuits     int        `json:"circuits" doc:"Open connections of two members each."`
	Bytes        int64      `json:"bytes" doc:"Carried today."`
	MaxBytes     int64      `json:"max_bytes" doc:"Of a day."`
	Until        *time.Time `json:"full_until,omitempty" doc:"Where the day's bytes are used up: when it carries on."`
}

// Ways are all ways to a member, each tried by itself.
type Ways struct {
	Shop      exchange.ShopID `json:"shop"`
	Name      string          `json:"name"`
	Connected bool            `json:"connected"`
	Transport string          `json:"transport,omitempty" doc:"Of the connection in use: tcp, quic or relay."`
	Summary   string          `json:"summary" doc:"For a person: how this shop reaches it now."`
	Ways      []Way           `json:"ways" nullable:"false" doc:"Open connections, then addresses by where they were found."`
}

// Way is one way to a member, and what it answered.
type Way struct {
	Path      string          `json:"path" doc:"open connection, address book, dht or relay."`
	Address   string          `json:"address"`
	Relay     exchange.ShopID `json:"relay,omitzero" doc:"Of a way through a relay: whose it is."`
	RelayName string          `json:"relay_name,omitempty"`
	Reached   bool            `json:"reached"`
	TookMS    float64         `json:"took_ms" doc:"Until the member had proven its key, or until the failure; of an open connection, the round trip."`
	Why       string          `json:"why,omitempty" doc:"Of one that failed, for a person."`
}
