package record

import "github.com/souk-market/souk/exchange/message"

// Kinds of records. Numbers are stored: append only.
const (
	KindProduct     message.Kind = 60
	KindStock       message.Kind = 61
	KindHold        message.Kind = 62
	KindOrder       message.Kind = 63
	KindLedger      message.Kind = 64
	KindPartnership message.Kind = 65
	KindOutbox      message.Kind = 66
	KindReservation message.Kind = 67
	KindMeta        message.Kind = 68
	KindEvidence    message.Kind = 69
	KindShipTo      message.Kind = 70
	KindMovement    message.Kind = 71 // from version 2 on, as the next two
	KindReading     message.Kind = 72
	KindSource      message.Kind = 73
	KindToldLine    message.Kind = 74
	KindIntent      message.Kind = 75

	KindOwnSale message.Kind = 76
	KindBasket  message.Kind = 77

	KindBridged message.Kind = 78

	KindEvents message.Kind = 79 // from version 3 on

	KindFeed    message.Kind = 85 // the own feed: epoch, sequence, count, floor
	KindReplica message.Kind = 86 // a partner's feed, in the replicas' own store

	KindAsked message.Kind = 87
)

func (*Product) Kind() message.Kind { return KindProduct }

func (*Stock) Kind() message.Kind { return KindStock }

func (*Hold) Kind() message.Kind { return KindHold }

func (*Order) Kind() message.Kind { return KindOrder }

func (*Ledger) Kind() message.Kind { return KindLedger }

func (*Partnership) Kind() message.Kind { return KindPartnership }

func (*Outbox) Kind() message.Kind { return KindOutbox }

func (*Reservation) Kind() message.Kind { return KindReservation }

func (*Meta) Kind() message.Kind { return KindMeta }

func (*Evidence) Kind() message.Kind { return KindEvidence }

func (*ShipTo) Kind() message.Kind { return KindShipTo }

func (*Movement) Kind() message.Kind { return KindMovement }

func (*Reading) Kind() message.Kind { return KindReading }

func (*Source) Kind() message.Kind { return KindSource }

func (*ToldLine) Kind() message.Kind { return KindToldLine }

func (*Intent) Kind() message.Kind { return KindIntent }

func (*Bridged) Kind() message.Kind { return KindBridged }

func (*Asked) Kind() message.Kind { return KindAsked }

func (*OwnSale) Kind() message.Kind { return KindOwnSale }
