package gen

import (
	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
)

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

func ownSale(s source) message.Value {
	return &record.OwnSale{
		Sale: *orderRecord(s).(*record.Order), Reference: s.text(), Late: s.flag(),
		Returned: list(s, 3, func() order.Units { return order.Units{SKU: s.sku(), Units: s.amount()} }),
	}
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
