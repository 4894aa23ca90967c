package record

import (
	"iter"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
)

// Getter reads one key: a store, or a batch that is being written.
type Getter interface {
	Get(key []byte) (value []byte, ok bool, err error)
}

// Get reads the record of type T under key, in a copy of the caller's; nil where there is
// none. A record that cannot be read is a fault of this shop's own (CodeInternal),
// whatever the codec calls it: no partner is refused, or frozen as a forger, for it.
func Get[T any, P message.ValueOf[T]](from Getter, codec message.Codec, key []byte) (P, error) {
	raw, ok, err := from.Get(key)
	if err != nil || !ok {
		return nil, err
	}
	return Decode[T, P](codec, raw)
}

// Decode is the stored record of type T that raw encodes.
func Decode[T any, P message.ValueOf[T]](codec message.Codec, raw []byte) (P, error) {
	v, err := message.Decode[T, P](codec, raw)
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInternal, "a stored record (kind %d) is damaged: %w", P(nil).Kind(), err)
	}
	return v, nil
}

// Encode is the bytes under which v is stored.
func Encode(codec message.Codec, v message.Value) ([]byte, error) {
	raw, err := codec.Encode(v)
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInternal, "a record (kind %d) cannot be stored: %w", v.Kind(), err)
	}
	return raw, nil
}

// Row is one stored record and its key. The key is valid only within the loop's step.
type Row[P any] struct {
	Key    []byte
	Record P
}

// Rows visits the records of type T in a range, in the order of their keys, over one
// consistent snapshot. An error of the store ends the loop as its last step. A record that
// is damaged is a step with an error and its key; the loop goes on where its body does.
func Rows[T any, P message.ValueOf[T]](store kv.Store, codec message.Codec, r kv.Range) iter.Seq2[Row[P], error] {
	return func(yield func(Row[P], error) bool) {
		for row, err := range kv.Rows(store, r) {
			out := Row[P]{Key: row.Key}
			if err == nil {
				out.Record, err = Decode[T, P](codec, row.Value)
			}
			if !yield(out, err) {
				return
			}
		}
	}
}

// Putter takes rows: a batch that is being written.
type Putter interface{ Put(key, value []byte) }

// Put writes v under key.
func Put(to Putter, codec message.Codec, key []byte, v message.Value) error {
	raw, err := Encode(codec, v)
	if err == nil {
		to.Put(key, raw)
	}
	return err
}
