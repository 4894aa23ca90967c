package record

import (
	"bytes"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
)

// Reservation is a hold at its retailer.
type Reservation struct {
	Supplier exchange.ShopID
	Request  message.Hold
	Raw      []byte // the request's exact bytes, sent again on a retry
	State    hold.State
	Answer   []byte // the sealed answer, with the quote
	Refusal  exchange.Code
	Detail   string
	Created  exchange.Time
	Expires  exchange.Time
}

// After reports whether rec knows more of the hold than other does: answers come
// in any order, and the one that placed a hold is repeated after it ended.
func (rec *Reservation) After(other *Reservation) bool {
	switch {
	case rec.State.Terminal() != other.State.Terminal():
		return rec.State.Terminal()
	case other.State == hold.None:
		return rec.State != hold.None
	}
	return rec.State == other.State && rec.Expires > other.Expires
}

// Same reports whether rec says nothing of the hold that other does not.
func (rec *Reservation) Same(other *Reservation) bool {
	return rec.State == other.State && rec.Expires == other.Expires && rec.Refusal == other.Refusal && rec.Detail == other.Detail &&
		rec.Created <= other.Created && bytes.Equal(rec.Answer, other.Answer)
}

// Take notes an answer that the codec has read, so its sums add up; it returns the refusal
// where it is one.
func (rec *Reservation) Take(answer *message.HoldAnswer, sealed []byte) error {
	rec.State, rec.Refusal, rec.Detail = answer.State, answer.Refusal, answer.Detail
	if answer.Quote != nil {
		rec.Answer, rec.Expires = sealed, answer.Quote.Expires
	}
	if answer.Refusal != exchange.CodeOK {
		return exchange.Errorf(answer.Refusal, "%s", answer.Detail)
	}
	return nil
}
