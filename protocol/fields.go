package protocol

import (
	"crypto/ed25519"
	"math"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol/pb"
)

// fields reads what protobuf does not check: sizes. It keeps the first error, so
// that a reader can go on and look once, at the end.
type fields struct{ err error }

func (f *fields) fail(format string, args ...any) {
	f.keep(exchange.Errorf(exchange.CodeInvalid, format, args...))
}

func (f *fields) keep(err error) {
	if f.err == nil {
		f.err = err
	}
}

// fixed copies a field of fixed size; an absent one leaves zeros.
func (f *fields) fixed(name string, dst, b []byte) {
	if len(b) != len(dst) && len(b) != 0 {
		f.fail("%s has %d bytes, not %d", name, len(b), len(dst))
		return
	}
	copy(dst, b)
}

// duration reads milliseconds; more than a Duration holds is an error.
func (f *fields) duration(name string, ms int64) time.Duration {
	const longest = math.MaxInt64 / int64(time.Millisecond)
	if ms > longest || ms < -longest {
		f.fail("%s of %d ms is too long", name, ms)
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}

// raw is a field of fixed size, absent where it is all zeros.
func raw(b []byte) []byte {
	for _, c := range b {
		if c != 0 {
			return b
		}
	}
	return nil
}

// clip makes an explanation fit: valid UTF-8 of at most MaxDetail bytes.
func clip(s string) string { return exchange.Clip(s, MaxDetail) }

// each converts a list; an empty one is nil.
func each[A, B any](list []A, convert func(A) B) []B {
	if len(list) == 0 {
		return nil
	}
	out := make([]B, len(list))
	for i := range list {
		out[i] = convert(list[i])
	}
	return out
}

func linesToPB(lines exchange.Lines) []*pb.Line {
	if lines.IsZero() {
		return nil
	}
	backing, out := make([]pb.Line, lines.Len()), make([]*pb.Line, lines.Len())
	for i, l := range lines.All() {
		backing[i].Sku, backing[i].Quantity = string(l.SKU), int64(l.Quantity)
		out[i] = &backing[i]
	}
	return out
}

// lines reads the lines of a hold; none are none, where the message allows that.
func (f *fields) lines(lines []*pb.Line) exchange.Lines {
	if len(lines) == 0 {
		return exchange.Lines{}
	}
	list := make([]exchange.Line, 0, exchange.MaxLines) // on the stack
	for _, l := range lines {
		list = append(list, exchange.Line{SKU: exchange.SKU(l.Sku), Quantity: exchange.Quantity(l.Quantity)})
	}
	out, err := exchange.NewLines(list)
	f.keep(err)
	return out
}

// A signed statement is a type of its own in package message, by what is signed. All have
// the same two fields, and all are pb.Signed.

func signedToPB(payload, signature []byte) *pb.Signed {
	if len(payload) == 0 && len(signature) == 0 {
		return nil
	}
	return &pb.Signed{Payload: payload, Signature: signature}
}

func feedSignedFromPB(m *pb.Signed) message.SignedFeedHead {
	return message.SignedFeedHead{Payload: m.GetPayload(), Signature: m.GetSignature()}
}

func requestSignedFromPB(m *pb.Signed) message.SignedRequest {
	return message.SignedRequest{Payload: m.GetPayload(), Signature: m.GetSignature()}
}

func headSignedFromPB(m *pb.Signed) message.SignedHead {
	return message.SignedHead{Payload: m.GetPayload(), Signature: m.GetSignature()}
}

func feedKeyToPB(k *message.FeedKey) *pb.FeedKey {
	return &pb.FeedKey{Id: raw(k.ID[:]), Key: raw(k.Key[:])}
}

func (f *fields) feedKey(m *pb.FeedKey) (k message.FeedKey) {
	f.fixed("feed key's id", k.ID[:], m.GetId())
	f.fixed("feed key", k.Key[:], m.GetKey())
	return k
}

// checkSignature reports a signed statement of a wrong form.
func checkSignature(what string, payload, signature []byte, limit int) error {
	if len(payload) == 0 || len(payload) > limit {
		return exchange.Errorf(exchange.CodeInvalid, "%s has %d bytes; 1 to %d are allowed", what, len(payload), limit)
	}
	if len(signature) != ed25519.SignatureSize {
		return exchange.Errorf(exchange.CodeInvalid, "the signature of %s has %d bytes, not %d", what, len(signature), ed25519.SignatureSize)
	}
	return nil
}
