package protocol_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol"
)

// TestTimesAreBounded: a time that JSON cannot say is in no message, so that no
// partner can break a page that lists it.
func TestTimesAreBounded(t *testing.T) {
	a, b := exchange.ShopID{1}, exchange.ShopID{2}
	id := exchange.NewHoldID(20000, [12]byte{1})
	for name, at := range map[string]func(exchange.Time) message.Value{
		"entry": func(at exchange.Time) message.Value {
			return &message.Entry{Link: ledger.Link{Supplier: a, Retailer: b, Position: 1, At: at}, Own: message.EndTrade{}}
		},
		"request": func(at exchange.Time) message.Value {
			return &message.Request{Supplier: a, Retailer: b, Number: 1, At: at, Act: message.EndTrade{}}
		},
		"hold answer": func(at exchange.Time) message.Value {
			return &message.HoldAnswer{Supplier: a, Retailer: b, Hold: id, State: hold.Released, At: at}
		},
		"extension":    func(at exchange.Time) message.Value { return &message.Extend{ID: id, Until: at} },
		"stock answer": func(at exchange.Time) message.Value { return &message.StockAnswer{At: at} },
		"feed head":    func(at exchange.Time) message.Value { return &message.FeedHead{Shop: a, Feed: "main", At: at} },
	} {
		t.Run(name, func(t *testing.T) {
			for _, when := range []exchange.Time{-1, 1 << 62, exchange.MaxTime + 1} {
				if _, err := (protocol.Codec{}).Encode(at(when)); exchange.CodeOf(err) != exchange.CodeInvalid {
					t.Errorf("at %d: %v", when, err)
				}
			}
			raw, err := protocol.Codec{}.Encode(at(exchange.MaxTime))
			if err == nil {
				_, err = protocol.Codec{}.Decode(at(0).Kind(), raw)
			}
			if err != nil {
				t.Errorf("at the end of the year 9999: %v", err)
			}
		})
	}
}
