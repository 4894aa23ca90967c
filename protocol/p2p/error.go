package p2p

import (
	"encoding/binary"
	"errors"

	"github.com/souk-market/souk/exchange"
)

// internalDetail is all that a partner is told of a fault of ours: its text may name
// files, addresses or other shops.
const internalDetail = "a fault of the other shop's; its log says more"

// answered marks an error that the partner itself sent.
type answered struct{ detail string }

func (a answered) Error() string { return a.detail }

// IsAnswer reports whether err is the partner's own answer to a request. Any other error leaves the
// request's outcome unknown, unless IsUnsent holds of it.
func IsAnswer(err error) bool {
	var a answered
	return errors.As(err, &a)
}

// unsent marks an error of a request of which nothing was sent.
type unsent struct{ error }

func (u unsent) Unwrap() error { return u.error }

// IsUnsent reports whether err is about a request of which nothing was sent: its outcome is known,
// for the member has not heard of it.
func IsUnsent(err error) bool {
	var u unsent
	return errors.As(err, &u)
}

// appendError appends the payload of an error frame, whose layout is in doc.go. Of an
// error around an exchange.Error only the latter crosses the wire.
func appendError(dst []byte, err error) []byte {
	code, detail := exchange.CodeInternal, internalDetail
	var e *exchange.Error
	if errors.As(err, &e) && e.Code != exchange.CodeInternal && e.Code != exchange.CodeOK {
		code, detail = e.Code, exchange.Clip(e.Error(), MaxErrorText)
	}
	return append(binary.AppendUvarint(dst, uint64(code)), detail...)
}

// parseError reads the payload of an error frame into an error for which IsAnswer
// holds. It returns errFrame for a payload without a code, with CodeOK or one beyond
// 32 bits, or with a detail longer than MaxErrorText. A detail that is not UTF-8,
// which versions before this one may send, is made so.
func parseError(b []byte) error {
	code, n := binary.Uvarint(b)
	if n <= 0 || code == uint64(exchange.CodeOK) || code > 1<<32-1 || len(b)-n > MaxErrorText {
		return errFrame
	}
	return exchange.Errorf(exchange.Code(code), "%w", answered{exchange.Clip(string(b[n:]), MaxErrorText)})
}
