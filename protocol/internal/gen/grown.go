package gen

import (
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/basket"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
)

// Addition is what the kinds gained at one time: fields, or kinds of their own. Each has a file of
// golden vectors of its own.
type Addition struct {
	File  string // of its vectors
	Makes map[message.Kind]*rapid.Generator[message.Value]
}

// Additions are all of them, the oldest first.
var Additions = []Addition{
	{"grown.json", Grown},
	{"owed.json", Owed},
	{"left.json", Left},
	{"moved.json", Moved},
	{"events.json", Logged},
	{"own.json", Own},
	{"basket.json", Baskets},
	{"bridge.json", Bridge},
}

// Grown makes values with the fields that their kinds gained after their golden vectors were
// made. [Value] makes them without, so that the vectors stay as they are; what Grown makes has
// vectors of its own.
var Grown = map[message.Kind]*rapid.Generator[message.Value]{
	message.KindHoldAnswer: grown(func(s source) message.Value {
		v := holdAnswer(s).(*message.HoldAnswer)
		v.Quote, v.Short = nil, s.short()
		return v
	}),
	message.KindShipTo: grown(func(s source) message.Value {
		v := shipTo(s).(*message.ShipTo)
		v.Reference, v.Note = "R"+rapid.StringOfN(letters, 0, 10, exchange.MaxReference-1).Draw(s.t, "reference"), "N"+s.text()+"\n"+s.text()
		return v
	}),
	record.KindReservation: grown(func(s source) message.Value {
		v := reservationRecord(s).(*record.Reservation)
		v.Short = s.short()
		return v
	}),
}

// Owed makes values with the fields that their kinds gained after the vectors of Grown were made.
var Owed = map[message.Kind]*rapid.Generator[message.Value]{
	record.KindReservation: grown(func(s source) message.Value {
		v := reservationRecord(s).(*record.Reservation)
		v.ReleaseAt, v.ExtendTo = s.time(), s.time()
		return v
	}),
}

// Left has the reservations whose caller has left without the answer.
var Left = map[message.Kind]*rapid.Generator[message.Value]{
	record.KindReservation: grown(func(s source) message.Value {
		v := reservationRecord(s).(*record.Reservation)
		v.ReleaseAt, v.Left = s.time(), true
		return v
	}),
}

// Bridge makes the records, and the holds, that came with the stock bridge.
var Bridge = map[message.Kind]*rapid.Generator[message.Value]{
	record.KindBridged: grown(bridged),
	record.KindAsked:   grown(asked),
	record.KindHold: grown(func(s source) message.Value {
		v := holdRecord(s).(*record.Hold)
		v.Hold.State, v.Hold.Deadline = hold.Asked, s.time()
		return v
	}),
}

// Own makes the record, and the values with the fields, that came with the shop's own channels.
var Own = map[message.Kind]*rapid.Generator[message.Value]{
	record.KindOwnSale: grown(ownSale),
	record.KindStock: grown(func(s source) message.Value {
		v := stockRecord(s).(*record.Stock)
		v.Left, v.Keep, v.Share = s.amount(), record.Bound{Set: true, Units: s.amount()}, record.Bound{Set: true, Units: s.amount()}
		v.Shares = &record.Shares{{Partner: s.shop(), Held: s.amount()}, {Partner: s.shop(), Held: s.amount()}}
		return v
	}),
	record.KindHold: grown(func(s source) message.Value {
		v := holdRecord(s).(*record.Hold)
		quote := s.quote()
		v.Own, v.Counted = &quote, s.number()
		return v
	}),
}

// Baskets makes the record that came with baskets.
var Baskets = map[message.Kind]*rapid.Generator[message.Value]{record.KindBasket: grown(basketRecord)}

func basketRecord(s source) message.Value {
	state := func(most uint32) uint32 { return rapid.Uint32Range(0, most).Draw(s.t, "state") }
	return &record.Basket{
		ID: s.holdID(), Content: s.hash(), Country: country.Draw(s.t, "country"),
		Basket: basket.Basket{
			State: basket.State(state(uint32(basket.Expired))), End: basket.State(state(uint32(basket.Expired))),
			Partial: s.flag(), CancelRest: s.flag(), Began: s.time(), Ended: s.time(),
			Parts: list(s, 3, func() basket.Part {
				return basket.Part{
					Supplier: s.shop(), Hold: s.holdID(), Lines: s.lines(), State: basket.PartState(state(uint32(basket.PartRejected))),
					Expires: s.time(), Refusal: s.code(), Detail: s.text(), Short: s.short(),
				}
			}),
		},
	}
}

func ownSale(s source) message.Value {
	return &record.OwnSale{
		Sale: *orderRecord(s).(*record.Order), Reference: s.text(), Late: s.flag(),
		Returned: list(s, 3, func() order.Units { return order.Units{SKU: s.sku(), Units: s.amount()} }),
	}
}

func bridged(s source) message.Value {
	return &record.Bridged{
		ID: s.holdID(), Commit: s.flag(), Reference: s.text(), Seq: uint32(s.small()), Reason: s.text(), At: s.time(),
		Lines: list(s, 3, func() order.Units { return order.Units{SKU: s.sku(), Units: s.amount()} }),
	}
}

func asked(s source) message.Value {
	return &record.Asked{Retailer: s.shop(), At: s.time(), Seq: uint32(s.small()), Sure: s.flag(), Denied: s.flag()}
}

// Logged makes the event log's rows, and its fields of the Meta record.
var Logged = map[message.Kind]*rapid.Generator[message.Value]{
	record.KindEvents: grown(events),
	record.KindMeta: grown(func(s source) message.Value {
		v := meta(s).(*record.Meta)
		v.LastEvent, v.LastStart, v.PrunedEvent, v.PrunedAt = s.number(), s.number(), s.number(), s.time()
		return v
	}),
}

func events(s source) message.Value {
	return &record.Events{At: s.time(), List: list(s, 4, func() record.Event {
		return record.Event{
			What: record.What(s.small()), At: s.time(), Partner: s.shop(), Side: s.party(), Order: s.holdID(), Status: s.text(),
			Detail: s.text(), By: s.party(), Due: s.amount(), Cancelled: s.amount(), Currency: currency.Draw(s.t, "currency"),
			Lines: list(s, 3, func() record.EventLine { return record.EventLine{SKU: s.sku(), Units: -s.amount()} }),
			Found: s.time(), Previous: s.number(),
		}
	})}
}

func grown(make func(source) message.Value) *rapid.Generator[message.Value] {
	return rapid.Custom(func(t *rapid.T) message.Value { return make(source{t: t}) })
}

// short are 1 to 3 lines that are short.
func (s source) short() []exchange.Short {
	out := make([]exchange.Short, 1+s.upTo(2))
	for i := range out {
		out[i] = exchange.Short{SKU: s.sku(), Asked: s.amount(), Available: s.amount()}
	}
	return out
}

// Moved makes values of the kinds that tell of movements of the owner's other channels.
var Moved = map[message.Kind]*rapid.Generator[message.Value]{
	record.KindStock: grown(func(s source) message.Value {
		v := stockRecord(s).(*record.Stock)
		v.Gone = s.amount()
		return v
	}),
	record.KindMovement: grown(func(s source) message.Value {
		v := movement(s).(*record.Movement)
		v.Slack, v.Told, v.Contained = time.Duration(s.upTo(1e6))*time.Millisecond, s.time(), s.flag()
		v.Channel, v.Reference, v.Note = s.text(), s.text(), s.text()
		return v
	}),
	record.KindReading: grown(func(s source) message.Value {
		v := reading(s).(*record.Reading)
		v.CountedFrom = s.time()
		return v
	}),
	record.KindToldLine: grown(toldLine),
	record.KindIntent:   grown(intent),
}
