package record

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
)

// What says what an event of the log is about. Numbers are stored: append only.
type What uint32

const (
	EventStarted     What = 1 // the first commit since the shop was opened
	EventOrder       What = 2
	EventPartnership What = 3
	EventShortfall   What = 4
	EventListing     What = 5 // own products came on sale or went off it
	EventFrozen      What = 6 // a ledger, as evidence
	EventStopped     What = 7 // selling
	EventBasket      What = 8 // its id is in Order
	EventBridge      What = 9 // the shop's own system
)

// Events is what one commit told, as a row of the event log. The row's key has the number of the
// first; the others follow it.
type Events struct {
	At   exchange.Time // the writer's, of the commit
	List []Event       // not empty
}

func (*Events) Kind() message.Kind { return KindEvents }

// Event is an event of the log, as it is stored; package event has what each What uses of it.
type Event struct {
	What      What
	At        exchange.Time // 0 = the commit's
	Partner   exchange.ShopID
	Side      exchange.Party
	Order     exchange.OrderID
	Status    string
	Detail    string
	By        exchange.Party
	Due       int64
	Cancelled int64
	Currency  exchange.Currency
	Lines     []EventLine
	Found     exchange.Time
	Previous  uint64
}

// EventLine is a product and units of it.
type EventLine struct {
	SKU   exchange.SKU
	Units int64
}
