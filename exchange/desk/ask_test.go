package desk_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol"
)

// What tests send to a shop without a retailer's desk, and how they read its answers.

var ctx = context.Background()

// holdRequest is a framed hold with a chosen id.
func holdRequest(t testing.TB, w exchange.Window, n int, lines ...exchange.Line) ([]byte, exchange.HoldID) {
	t.Helper()
	var tail [12]byte
	copy(tail[:], fmt.Sprintf("%012d", n))
	id := exchange.NewHoldID(w, tail)
	return framed(t, &message.Hold{ID: id, Lines: lines, Country: "SE"}), id
}

func framed(t testing.TB, v message.Value) []byte {
	t.Helper()
	raw, err := protocol.Codec{}.Encode(v)
	must(t, err)
	return append([]byte{byte(v.Kind())}, raw...)
}

func windowOf(at exchange.Time) exchange.Window {
	return exchange.Window(at / exchange.Time(24*time.Hour/time.Millisecond))
}

// opened is the supplier's sealed answer in a reply.
func (s *shop) opened(t testing.TB, reply []byte) *message.HoldAnswer {
	t.Helper()
	v, err := protocol.Codec{}.Decode(message.KindSealedAnswer, reply[1:])
	must(t, err)
	payload, err := s.w.verifier().Open(s.id, v.(*message.SealedAnswer).Sealed)
	must(t, err)
	v, err = protocol.Codec{}.Decode(message.KindHoldAnswer, payload)
	must(t, err)
	return v.(*message.HoldAnswer)
}

// ask serves a request of a partner that must be answered.
func (s *shop) ask(t testing.TB, from *shop, raw []byte) []byte {
	t.Helper()
	reply, err := s.desk.Serve(ctx, from.id, raw)
	must(t, err)
	return reply
}

// audited checks the shops' books, each alone and each two healed.
func audited(t testing.TB, shops ...*shop) {
	t.Helper()
	var books []*audit.Books
	for _, s := range shops {
		b, err := audit.Shop(s.id, s.mem, protocol.Codec{}, s.w.verifier())
		must(t, err)
		for _, other := range books {
			must(t, audit.Healed(b, other))
		}
		books = append(books, b)
	}
}
