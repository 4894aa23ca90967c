package protocol_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/internal/gen"
)

func FuzzDecode(f *testing.F) {
	add := func(v message.Value) {
		b, err := protocol.Codec{}.Encode(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint32(v.Kind()), b)
	}
	for _, k := range gen.Kinds {
		add(gen.First(k).Example(1))
		add(gen.Value(k).Example(1))
	}
	add(lineAnswer())
	f.Fuzz(func(t *testing.T, k uint32, b []byte) {
		if err := readable(message.Kind(k), b); err != nil {
			t.Fatal(err)
		}
	})
}

// No bytes open but those that were sealed: whoever finds others forges.
func FuzzOpen(f *testing.F) {
	sealed, err := signerOf("acorn").Seal(payloads(5))
	if err != nil {
		f.Fatal(err)
	}
	known := map[string]bool{}
	for i, s := range sealed {
		f.Add(s)
		known[string(payloads(5)[i])] = true
	}
	v := protocol.NewVerifier(origin, membersOf("acorn"))
	f.Fuzz(func(t *testing.T, b []byte) {
		payload, err := v.Open(shopID("acorn"), b)
		if err == nil && !known[string(payload)] {
			t.Fatalf("opened to %q", payload)
		}
		_, peekErr := protocol.Peek(b)
		if err == nil && peekErr != nil {
			t.Fatalf("opens, but peek: %v", peekErr)
		}
	})
}

func FuzzOpenFeed(f *testing.F) {
	key := feedKey("fuzz")
	box, err := protocol.SealFeed(key, origin, shopID("acorn"), exchange.MainFeed, []byte("an update"), stream("fuzz"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(box)
	f.Add(box[:len(box)-1])
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := protocol.OpenFeed(key, origin, shopID("acorn"), exchange.MainFeed, b)
		if err == nil && string(got) != "an update" {
			t.Fatalf("opened to %q", got)
		}
	})
}
