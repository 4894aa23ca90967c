package protocol

import (
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/pb"
)

// MaxError bounds an encoded error: a detail, a code and a flag.
const MaxError = MaxDetail + 32

// EncodeError is err as it is told to another shop: its code, its message, and
// whether the same request may work later. A fault of ours (CodeInternal) is told
// without its message, which may name files, addresses or other shops.
func EncodeError(err error) []byte {
	code := exchange.CodeOf(err)
	m := pb.Error{Code: pb.Code(code), Retry: code.Retry()}
	switch {
	case code == exchange.CodeInternal:
		m.Message = "a fault of the other shop's; its log says more"
	case err != nil:
		m.Message = clip(err.Error())
	}
	b, _ := proto.Marshal(&m) // cannot fail: the message is UTF-8
	return b
}

// DecodeError reads what EncodeError made. A code that this version does not know
// becomes CodeUnavailable where the sender says "try again", and else stays as it is.
// Bytes that are no error are CodeInvalid, and so is an error that says "no error".
func DecodeError(b []byte) *exchange.Error {
	var m pb.Error
	if len(b) > MaxError || proto.Unmarshal(b, &m) != nil || m.Code == pb.Code_CODE_OK {
		return exchange.Errorf(exchange.CodeInvalid, "the other shop answered with an error that cannot be read")
	}
	code := exchange.Code(m.Code)
	if _, known := pb.Code_name[int32(m.Code)]; !known && m.Retry {
		code = exchange.CodeUnavailable
	}
	return &exchange.Error{Code: code, Message: clip(m.Message)}
}

// clip makes an explanation fit: valid UTF-8 of at most MaxDetail bytes.
func clip(s string) string {
	if len(s) <= MaxDetail && utf8.ValidString(s) {
		return s
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= MaxDetail {
		return s
	}
	const ellipsis = "…"
	end := MaxDetail - len(ellipsis)
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}
