package protocol_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/internal/gen"
)

// Golden vectors pin the bytes of every kind, signature, seal and box, for other
// implementations and for versions to come. They are made by
//
//	go test ./protocol -run Golden -update
//
// from values that depend on nothing but this repository. A vector that changes is a
// change of the wire: see doc.go on what may change, and how.
var update = flag.Bool("update", false, "write the golden vectors anew")

type hexBytes []byte

func (h hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

// golden compares what a generator made with a file, or writes it.
func golden[V any](t *testing.T, name string, made V) V {
	t.Helper()
	file := filepath.Join("testdata", "golden", name)
	if *update {
		b, err := json.MarshalIndent(made, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var kept V
	if err := json.Unmarshal(b, &kept); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(kept, made) {
		t.Errorf("%s is not what the generator makes; if the wire is meant to change, run with -update", name)
	}
	return kept
}

type kindVector struct {
	Kind  message.Kind
	Name  string
	Bytes []hexBytes // of three values
}

// kindVectors are of three values of each kind.
func kindVectors(t *testing.T, kinds []message.Kind, values func(message.Kind) *rapid.Generator[message.Value]) (made []kindVector) {
	t.Helper()
	for _, k := range kinds {
		v := kindVector{Kind: k}
		for seed := range 3 {
			value := values(k).Example(100 + seed)
			v.Name = reflect.TypeOf(value).Elem().String() // with its package: message.Hold is asked, record.Hold stored
			b, err := protocol.Codec{}.Encode(value)
			if err != nil {
				t.Fatal(err)
			}
			v.Bytes = append(v.Bytes, b)
		}
		made = append(made, v)
	}
	return made
}

// reencode holds a vector against the codec.
func (v kindVector) reencode(t *testing.T) {
	for _, b := range v.Bytes {
		value, err := protocol.Codec{}.Decode(v.Kind, b)
		if err != nil {
			t.Error(err)
			continue
		}
		again, err := protocol.Codec{}.Encode(value)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("encodes to\n%x, not\n%x (%v)", again, b, err)
		}
	}
}

// TestGoldenKinds: what the first version wrote is read and written as it was.
func TestGoldenKinds(t *testing.T) {
	for _, v := range golden(t, "kinds.json", kindVectors(t, gen.FirstKinds, gen.First)) {
		t.Run(v.Name, v.reencode)
	}
}

// TestGoldenKinds2: the fields and kinds that version 2 added.
func TestGoldenKinds2(t *testing.T) {
	for _, v := range golden(t, "kinds-2.json", kindVectors(t, gen.Kinds2, gen.Value)) {
		t.Run(v.Name, v.reencode)
	}
}

// TestGoldenGrown: the fields of messages and reservations that version 2 added.
func TestGoldenGrown(t *testing.T) {
	kinds := slices.Sorted(maps.Keys(gen.Grown))
	grown := func(k message.Kind) *rapid.Generator[message.Value] { return gen.Grown[k] }
	for _, v := range golden(t, "grown.json", kindVectors(t, kinds, grown)) {
		t.Run(v.Name, v.reencode)
	}
}

// TestGoldenQuotes: quotes by line, what asks for them, and products without a price in US
// dollars.
func TestGoldenQuotes(t *testing.T) {
	for name, v := range golden(t, "quotes.json", quoteVectors(t)) {
		t.Run(name, v.reencode)
	}
}

func quoteVectors(t *testing.T) map[string]kindVector {
	hold := message.Hold{
		ID: someHold, Lines: exchangetest.Lines(exchange.Line{SKU: "screw", Quantity: 300}), Country: "SE", Reads: exchange.QuoteByLine,
	}
	answer := func(change func(*exchange.Quote)) *message.HoldAnswer {
		a := lineAnswer()
		change(a.Quote)
		return a
	}
	product := exchange.Product{SKU: "screw", Title: "Screw", Price: exchange.Money{Minor: 6, Currency: "EUR"}}
	full := answer(func(*exchange.Quote) {})
	made := map[string]kindVector{}
	for name, values := range map[string][]message.Value{
		"hold":        {&hold},
		"reservation": {&record.Reservation{Supplier: shopA, Request: hold, Created: sometime}},
		"answer": {
			full,
			answer(func(q *exchange.Quote) { // without dollars
				q.Rate, q.USDShipping, q.USDTotal, q.Lines[0].USDTotal = exchange.Rate{}, 0, 0, 0
			}),
			answer(func(q *exchange.Quote) { // without snapshots
				l := &q.Lines[0]
				l.Options, l.Barcode, l.Image, l.Cut = nil, "", "", false
			}),
		},
		"order":        {&record.Order{ID: someHold, Supplier: shopA, Retailer: shopB, Quote: *full.Quote}},
		"feed product": {&message.FeedProduct{Product: product}},
		"product":      {&record.Product{Product: product, Imported: sometime}},
	} {
		v := kindVector{Kind: values[0].Kind(), Name: reflect.TypeOf(values[0]).Elem().String()}
		for _, value := range values {
			b, err := protocol.Codec{}.Encode(value)
			if err != nil {
				t.Fatal(err)
			}
			v.Bytes = append(v.Bytes, b)
		}
		made[name] = v
	}
	return made
}

// TestGoldenOwed: reservations about which the supplier owes an answer.
func TestGoldenOwed(t *testing.T) {
	owed := func(k message.Kind) *rapid.Generator[message.Value] { return gen.Owed[k] }
	for _, v := range golden(t, "owed.json", kindVectors(t, slices.Sorted(maps.Keys(gen.Owed)), owed)) {
		t.Run(v.Name, v.reencode)
	}
}

// TestGoldenOwn: what the shop's own channels brought into the store.
func TestGoldenOwn(t *testing.T) {
	own := func(k message.Kind) *rapid.Generator[message.Value] { return gen.Own[k] }
	for _, v := range golden(t, "own.json", kindVectors(t, slices.Sorted(maps.Keys(gen.Own)), own)) {
		t.Run(v.Name, v.reencode)
	}
}

type signatureVector struct {
	Origin, Domain                            string
	PrivateKey, Shop, Payload, Sum, Signature hexBytes
}

func TestGoldenSignatures(t *testing.T) {
	var made []signatureVector
	for _, domain := range []string{message.DomainRequest, message.DomainHead, message.DomainFeed} {
		payload := []byte("payload under " + domain)
		sig, err := signerOf("acorn").Sign(domain, payload)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, signatureVector{
			Origin: origin, Domain: domain, PrivateKey: hexBytes(shopKey("acorn").Seed()),
			Shop: shopID("acorn").Bytes(), Payload: payload, Sum: sum(payload), Signature: sig,
		})
	}
	for _, v := range golden(t, "signatures.json", made) {
		t.Run(v.Domain, func(t *testing.T) {
			shop, err := exchange.ShopIDFromBytes(v.Shop)
			if err != nil {
				t.Fatal(err)
			}
			if err := protocol.NewVerifier(v.Origin, membersOf("acorn")).Verify(v.Domain, shop, v.Payload, v.Signature); err != nil {
				t.Error(err)
			}
			// The layout of doc.go, written out by hand.
			msg := append([]byte(v.Domain+"\n"), byte(len(v.Origin)))
			msg = append(append(append(msg, v.Origin...), v.Shop...), sum(v.Payload)...)
			if !ed25519.Verify(shop.Key(), msg, v.Signature) {
				t.Error("the statement is not laid out as doc.go says")
			}
		})
	}
}

func sum(b []byte) hexBytes {
	h := sha256.Sum256(b)
	return h[:]
}

type sealVector struct {
	Origin     string
	PrivateKey hexBytes
	Shop       hexBytes
	Payloads   []hexBytes
	Sealed     []hexBytes
}

func TestGoldenSeals(t *testing.T) {
	var made []sealVector
	for _, n := range []int{1, 2, 5} {
		v := sealVector{Origin: origin, PrivateKey: hexBytes(shopKey("acorn").Seed()), Shop: shopID("acorn").Bytes()}
		sealed, err := signerOf("acorn").Seal(payloads(n))
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range payloads(n) {
			v.Payloads, v.Sealed = append(v.Payloads, p), append(v.Sealed, sealed[i])
		}
		made = append(made, v)
	}
	for _, v := range golden(t, "seals.json", made) {
		t.Run(fmt.Sprintf("batch of %d", len(v.Sealed)), func(t *testing.T) {
			verifier := protocol.NewVerifier(v.Origin, membersOf("acorn"))
			for i, s := range v.Sealed {
				got, err := verifier.Open(exchange.ShopID(v.Shop), s)
				if err != nil || !bytes.Equal(got, v.Payloads[i]) {
					t.Errorf("leaf %d: %q, %v", i, got, err)
				}
			}
		})
	}
}

type boxVector struct {
	Origin, Feed                  string
	Shop, KeyID, Key, Update, Box hexBytes
}

func TestGoldenFeedBox(t *testing.T) {
	key, plain := feedKey("golden"), []byte("an encoded feed update")
	box, err := protocol.SealFeed(key, origin, shopID("acorn"), exchange.MainFeed, plain, stream("box"))
	if err != nil {
		t.Fatal(err)
	}
	v := golden(t, "feedbox.json", boxVector{
		Origin: origin, Feed: exchange.MainFeed, Shop: shopID("acorn").Bytes(),
		KeyID: key.ID[:], Key: key.Key[:], Update: plain, Box: box,
	})
	kept := message.FeedKey{ID: [8]byte(v.KeyID), Key: [32]byte(v.Key)}
	got, err := protocol.OpenFeed(kept, v.Origin, exchange.ShopID(v.Shop), v.Feed, v.Box)
	if err != nil || !bytes.Equal(got, v.Update) {
		t.Errorf("%q, %v", got, err)
	}
}
