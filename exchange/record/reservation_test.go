package record

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
)

// TestTakeOfOneLeft: a hold that its supplier ended was not given back for want of its caller, whatever
// the supplier's words.
func TestTakeOfOneLeft(t *testing.T) {
	const words = "nobody came back"
	rec := Reservation{State: hold.Held, Detail: words, Left: true}
	same := rec
	if same.Left = false; rec.Same(&same) {
		t.Error("that its caller has left is no news")
	}
	err := rec.Take(&message.HoldAnswer{State: hold.Released, Refusal: exchange.CodeReleased, Detail: words}, nil)
	if exchange.CodeOf(err) != exchange.CodeReleased || rec.Left {
		t.Errorf("%v; left: %v", err, rec.Left)
	}
}
