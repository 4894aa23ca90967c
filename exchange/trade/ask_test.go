package trade_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol"
)

// What tests send to a shop without a retailer's desk, and how they read its answers.

// holdRequest is a framed hold with a chosen id.
func holdRequest(t testing.TB, w exchange.Window, n int, lines ...exchange.Line) ([]byte, exchange.HoldID) {
	t.Helper()
	var tail [12]byte
	copy(tail[:], fmt.Sprintf("%012d", n))
	id := exchange.NewHoldID(w, tail)
	return framed(t, &message.Hold{ID: id, Lines: exchangetest.Lines(lines...), Country: "SE"}), id
}

func framed(t testing.TB, v message.Value) []byte {
	t.Helper()
	raw, err := protocol.Codec{}.Encode(v)
	desktest.Must(t, err)
	return append([]byte{byte(v.Kind())}, raw...)
}

func windowOf(at exchange.Time) exchange.Window {
	return exchange.Window(at / exchange.Time(24*time.Hour/time.Millisecond))
}

// opened is the supplier's sealed answer in a reply.
func opened(s *desktest.Shop, t testing.TB, reply []byte) *message.HoldAnswer {
	t.Helper()
	v, err := protocol.Codec{}.Decode(message.KindSealedAnswer, reply[1:])
	desktest.Must(t, err)
	payload, err := s.W.Verifier().Open(s.ID, v.(*message.SealedAnswer).Sealed)
	desktest.Must(t, err)
	v, err = protocol.Codec{}.Decode(message.KindHoldAnswer, payload)
	desktest.Must(t, err)
	return v.(*message.HoldAnswer)
}

// ask serves a request of a partner that must be answered.
func ask(s *desktest.Shop, t testing.TB, from *desktest.Shop, raw []byte) []byte {
	t.Helper()
	reply, err := s.Desk.Serve(desktest.Ctx, from.ID, raw)
	desktest.Must(t, err)
	return reply
}

// audited checks the shops' books, each alone and each two healed.
func audited(t testing.TB, shops ...*desktest.Shop) {
	t.Helper()
	var books []*audit.Books
	for _, s := range shops {
		b, err := audit.Shop(s.ID, s.Mem, protocol.Codec{}, s.W.Verifier())
		desktest.Must(t, err)
		for _, other := range books {
			desktest.Must(t, audit.Healed(b, other))
		}
		books = append(books, b)
	}
}
