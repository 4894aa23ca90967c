package record

import (
	"bytes"
	"slices"

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
	Short    []exchange.Short // of the refusal: every line that was short
	Created  exchange.Time
	Expires  exchange.Time
	// ReleaseAt is from when on the supplier is asked to release the hold, until it has answered;
	// 0 = the shop keeps the hold. It is set where a caller has left without the answer, or has
	// asked for a release that is not answered.
	ReleaseAt exchange.Time
	// ExtendTo is the expiry that an extension asked for whose answer is missing; 0 = none is.
	ExtendTo exchange.Time
	// Left says that the caller has left without the answer: Detail says so in words, and a hold that is
	// given back is given back for that.
	Left bool
}

// Settled reports that the supplier owes no answer about rec: its state is the supplier's word, and
// no change of it waits. A reservation that this shop has refused, since it did not believe the
// quote, is settled when the hold is given back.
func (rec *Reservation) Settled() bool {
	switch rec.State {
	case hold.None:
		return false
	case hold.Held:
		return rec.ReleaseAt == 0 && rec.ExtendTo == 0
	case hold.Refused:
		return rec.ReleaseAt == 0
	}
	return true
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
	return rec.State == other.State && rec.Expires == other.Expires && rec.ReleaseAt == other.ReleaseAt && rec.ExtendTo == other.ExtendTo && rec.Refusal == other.Refusal && rec.Detail == other.Detail && rec.Left == other.Left &&
		slices.Equal(rec.Short, other.Short) && rec.Created <= other.Created && bytes.Equal(rec.Answer, other.Answer)
}

// Take notes an answer that the codec has read, so its sums add up; it returns the refusal
// where it is one. A refusal quotes nothing: the answer with the quote stays, whatever comes
// beside the refusal.
func (rec *Reservation) Take(answer *message.HoldAnswer, sealed []byte) error {
	rec.State, rec.Refusal, rec.Detail, rec.Left, rec.Short = answer.State, answer.Refusal, answer.Detail, false, rec.asked(answer)
	if answer.Refusal != exchange.CodeOK {
		return &exchange.Error{Code: answer.Refusal, Message: answer.Detail, Short: rec.Short}
	}
	if answer.Quote != nil {
		rec.Answer, rec.Expires = sealed, answer.Quote.Expires
	}
	return nil
}

// asked are the short lines of an answer that can be and were asked for in that quantity. The
// others are dropped: the refusal stands without them.
func (rec *Reservation) asked(answer *message.HoldAnswer) (short []exchange.Short) {
	if answer.Refusal != exchange.CodeInsufficient {
		return nil
	}
	for _, s := range answer.Short {
		asked := false
		for _, l := range rec.Request.Lines.All() {
			asked = asked || l.SKU == s.SKU && int64(l.Quantity) == s.Asked
		}
		if with := append(short, s); asked && exchange.CheckShort(with) == nil {
			short = with
		}
	}
	return short
}
