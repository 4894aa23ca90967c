package protocol_test

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/internal/gen"
)

// forEachKind runs a test of every kind under the name of its native type.
func forEachKind(t *testing.T, run func(t *testing.T, k message.Kind)) {
	for _, k := range gen.Kinds {
		name := reflect.TypeOf(gen.Value(k).Example(1)).Elem().Name()
		t.Run(name, func(t *testing.T) { run(t, k) })
	}
}

// What Encode accepts, Decode accepts and returns equal.
func TestRoundTrip(t *testing.T) {
	forEachKind(t, func(t *testing.T, k message.Kind) {
		rapid.Check(t, func(t *rapid.T) {
			v := drawValue(t, k)
			b, err := protocol.Codec{}.Encode(v)
			if err != nil {
				t.Fatalf("encode: %v", err)
			}
			again, err := protocol.Codec{}.Encode(v)
			if err != nil || !bytes.Equal(b, again) {
				t.Fatalf("the same value encodes to other bytes: %v", err)
			}
			got, err := protocol.Codec{}.Decode(k, b)
			if err != nil {
				t.Fatalf("decode: %v", err)
			}
			if !reflect.DeepEqual(got, v) {
				t.Fatalf("got  %+v\nwant %+v", got, v)
			}
		})
	})
}

// drawValue is any value of a kind, with or without the fields that the kind gained.
func drawValue(t *rapid.T, k message.Kind) message.Value {
	if grown, ok := gen.Grown[k]; ok && rapid.Bool().Draw(t, "grown") {
		return grown.Draw(t, "value")
	}
	if owed, ok := gen.Owed[k]; ok && rapid.Bool().Draw(t, "owed") {
		return owed.Draw(t, "value")
	}
	if own, ok := gen.Own[k]; ok && rapid.Bool().Draw(t, "own") {
		return own.Draw(t, "value")
	}
	return gen.Value(k).Draw(t, "value")
}

// Every field of every native value is set by some generated value; with the
// round trip above, none can be forgotten in the schema when package message or record gets one.
func TestEveryFieldIsCarried(t *testing.T) {
	const samples = 300
	forEachKind(t, func(t *testing.T, k message.Kind) {
		set, seen := map[string]bool{}, map[string]bool{}
		for seed := range samples {
			values := gen.Value(k)
			if grown, ok := gen.Grown[k]; ok && seed%2 == 1 {
				values = grown
			}
			if owed, ok := gen.Owed[k]; ok && seed%4 == 2 {
				values = owed
			}
			if own, ok := gen.Own[k]; ok && seed%4 == 2 {
				values = own
			}
			v := values.Example(seed)
			b, err := protocol.Codec{}.Encode(v)
			if err != nil {
				t.Fatal(err)
			}
			got, err := protocol.Codec{}.Decode(k, b)
			if err != nil {
				t.Fatal(err)
			}
			visit(reflect.ValueOf(got), "", set, seen)
		}
		for path := range seen {
			if !set[path] {
				t.Errorf("field %s is zero in all of %d values", path, samples)
			}
		}
	})
}

// visit notes each field it comes to, and those that are set.
func visit(v reflect.Value, path string, set, seen map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			if v.Kind() == reflect.Interface {
				path += "(" + v.Elem().Type().Name() + ")"
			}
			visit(v.Elem(), path, set, seen)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := path + "." + v.Type().Field(i).Name
			seen[field] = true
			if !v.Field(i).IsZero() {
				set[field] = true
			}
			visit(v.Field(i), field, set, seen)
		}
	case reflect.Slice:
		for i := range v.Len() {
			visit(v.Index(i), path+"[]", set, seen)
		}
	}
}

func TestKindsAreAll(t *testing.T) {
	known := map[message.Kind]bool{}
	for _, k := range gen.Kinds {
		known[k] = true
		if v := gen.Value(k).Example(1); v.Kind() != k {
			t.Errorf("generator of kind %d makes kind %d", k, v.Kind())
		}
	}
	for k := range message.Kind(200) {
		_, err := protocol.Codec{}.Decode(k, nil)
		unknown := err != nil && strings.HasPrefix(err.Error(), fmt.Sprintf("kind %d is unknown", k))
		if unknown == known[k] {
			t.Errorf("kind %d: generated %v, decoding nothing: %v", k, known[k], err)
		}
	}
}

// A newer shop's fields are skipped.
func TestUnknownFieldsAreSkipped(t *testing.T) {
	forEachKind(t, func(t *testing.T, k message.Kind) {
		v := gen.Value(k).Example(1)
		b, err := protocol.Codec{}.Encode(v)
		if err != nil {
			t.Fatal(err)
		}
		b = protowire.AppendTag(b, 1999, protowire.BytesType)
		b = protowire.AppendBytes(b, []byte("of the future"))
		got, err := protocol.Codec{}.Decode(k, b)
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Fatalf("%v\ngot  %+v\nwant %+v", err, got, v)
		}
	})
}

// Damaged bytes are refused or read; they never panic, and what is read can be
// written again.
func TestDamagedBytes(t *testing.T) {
	forEachKind(t, func(t *testing.T, k message.Kind) {
		rapid.Check(t, func(t *rapid.T) {
			b, err := protocol.Codec{}.Encode(gen.Value(k).Draw(t, "value"))
			if err != nil {
				t.Fatal(err)
			}
			if len(b) == 0 {
				return
			}
			for range rapid.IntRange(1, 4).Draw(t, "flips") {
				b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			}
			b = b[:rapid.IntRange(0, len(b)).Draw(t, "length")]
			if err := readable(k, b); err != nil {
				t.Fatal(err)
			}
		})
	})
}

// readable decodes b; what decodes must encode, and decode to the same again.
func readable(k message.Kind, b []byte) error {
	v, err := protocol.Codec{}.Decode(k, b)
	if err != nil {
		if c := exchange.CodeOf(err); c != exchange.CodeInvalid && c != exchange.CodeLimit {
			return fmt.Errorf("code %v: %w", c, err)
		}
		return nil
	}
	again, err := protocol.Codec{}.Encode(v)
	if exchange.CodeOf(err) == exchange.CodeLimit {
		return nil // a padded encoding of ours may be longer than the one read
	}
	if err != nil {
		return fmt.Errorf("what was decoded does not encode: %w", err)
	}
	w, err := protocol.Codec{}.Decode(k, again)
	if err != nil {
		return fmt.Errorf("what was encoded again does not decode: %w", err)
	}
	third, err := protocol.Codec{}.Encode(w)
	if err != nil || !bytes.Equal(again, third) {
		return fmt.Errorf("not stable: %x, then %x (%v)", again, third, err)
	}
	return nil
}

// A pointer to an act is an act to the compiler, and not to the schema: it must
// not be left out in silence.
func TestPointerToAct(t *testing.T) {
	v := gen.Value(message.KindRequest).Example(1).(*message.Request)
	v.Act = &message.EndTrade{Reason: "moving"}
	_, err := protocol.Codec{}.Encode(v)
	wantCode(t, "encode", err, exchange.CodeInvalid)
}
