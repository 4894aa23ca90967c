package message

import "github.com/souk-market/souk/exchange"

// Frame puts a value's kind before its encoded bytes: a request or reply of the trade
// protocol.
func Frame(codec Codec, v Value) ([]byte, error) {
	raw, err := codec.Encode(v)
	if err != nil {
		return nil, err
	}
	return append([]byte{byte(v.Kind())}, raw...), nil
}

// Unframe reads a request or reply. Kinds are below 128, one varint byte; anything else is
// CodeInvalid.
func Unframe(codec Codec, b []byte) (Value, error) {
	if len(b) == 0 || b[0] >= 0x80 {
		return nil, exchange.Errorf(exchange.CodeInvalid, "an empty or unknown message")
	}
	return codec.Decode(Kind(b[0]), b[1:])
}

// Reply is the reply of type T to a request; CodeInvalid where the partner answered with
// something else.
func Reply[T any, P ValueOf[T]](codec Codec, b []byte) (P, error) {
	v, err := Unframe(codec, b)
	if err != nil {
		return nil, err
	}
	reply, ok := v.(P)
	if !ok {
		return nil, exchange.Errorf(exchange.CodeInvalid, "the partner answered with a %T", v)
	}
	return reply, nil
}

// ValueOf is a pointer to T that is a [Value]: what is read by its type, which knows its kind.
type ValueOf[T any] interface {
	*T
	Value
}

// Decode is the value of type T that b encodes. Its error is the codec's: CodeInvalid for
// bytes that are no T.
func Decode[T any, P ValueOf[T]](codec Codec, b []byte) (P, error) {
	v, err := codec.Decode(P(nil).Kind(), b)
	if err != nil {
		return nil, err
	}
	return v.(P), nil
}
