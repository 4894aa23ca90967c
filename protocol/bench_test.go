package protocol_test

import (
	"crypto/ed25519"
	"fmt"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol"
)

// hotValues are what one hold and one order of one line pass through the codec.
func hotValues() map[string]message.Value {
	supplier, retailer := shopID("acorn"), shopID("birch")
	id := exchange.NewHoldID(20_000, [12]byte{1, 2, 3})
	lines := exchangetest.Lines(exchange.Line{SKU: "ACORN-OXFORD-42", Quantity: 2})
	quote := exchange.Quote{
		Supplier: supplier, Retailer: retailer, Hold: id, TermsVersion: 3, Country: "SE", Currency: "EUR",
		Tax:    exchange.Tax{Treatment: exchange.TaxIncluded, Rate: 2500},
		Rate:   exchange.Rate{From: "EUR", Num: 10_873, Den: 10_000, Text: "1.0873", Source: "ECB", Date: "2026-08-03"},
		Issued: 1_786_000_000_000, Expires: 1_786_000_900_000, AcceptWithin: exchange.MinAcceptWithin, Cancel: exchange.CancelUntilShipped,
	}
	offer := func(exchange.SKU) (exchange.Offer, error) {
		return exchange.Offer{Title: "Oxford shoe, brown, 42", List: 12_900, Grams: 900}, nil
	}
	if err := exchange.PriceQuote(&quote, lines, offer, 1500, exchange.ShippingTable{}); err != nil {
		panic(err)
	}
	answer := make([]byte, 600) // as long as a sealed answer of one line
	return map[string]message.Value{
		"Hold":       &message.Hold{ID: id, Lines: lines, Country: "SE", MaxTotal: 30_000},
		"HoldAnswer": &message.HoldAnswer{Supplier: supplier, Retailer: retailer, Hold: id, Request: [32]byte{1}, State: hold.Held, Quote: &quote, At: 1_786_000_000_000},
		"HoldRecord": &record.Hold{Retailer: retailer, Hold: hold.Hold{State: hold.Held, Lines: lines, Issued: 1_786_000_000_000, Expires: 1_786_000_900_000}, Request: [32]byte{1}, Terms: 3, Placed: answer},
		"Reservation": &record.Reservation{Supplier: supplier, Request: message.Hold{ID: id, Lines: lines, Country: "SE"},
			Raw: make([]byte, 60), State: hold.Held, Answer: answer, Created: 1_786_000_000_000, Expires: 1_786_000_900_000},
		"Sealed": &message.SealedAnswer{Sealed: answer},
		"Stock":  &record.Stock{Stock: hold.Stock{Stocked: 10_000, Held: 300, Sold: 2_000, Shipped: 1_900}},
		"Entry": &message.Entry{Link: ledger.Link{Supplier: supplier, Retailer: retailer, Position: 900, Prev: [32]byte{1}, At: 1_786_000_000_000, Number: 400},
			Request: &message.SignedRequest{Payload: make([]byte, 800), Signature: make([]byte, ed25519.SignatureSize)}, Terms: 3},
	}
}

func BenchmarkEncode(b *testing.B) {
	for name, v := range hotValues() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := (protocol.Codec{}).Encode(v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, v := range hotValues() {
		b.Run(name, func(b *testing.B) {
			raw, err := protocol.Codec{}.Encode(v)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := (protocol.Codec{}).Decode(v.Kind(), raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A batch of n leaves of the size of a one-line answer; the floor of a batch is
// one Ed25519 signature, and of opening it one verification.
func BenchmarkSeal(b *testing.B) {
	for _, n := range []int{1, 16, 256} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			signer := protocol.NewSigner(shopKey("acorn"), origin, nil)
			in := make([][]byte, n)
			for i := range in {
				in[i] = make([]byte, 300)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := signer.Seal(in); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/leaf")
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	signer := protocol.NewSigner(shopKey("acorn"), origin, nil)
	sealed, err := signer.Seal(payloads(256))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			v := protocol.NewVerifier(origin, membersOf("acorn"))
			_, _ = v.Open(shopID("acorn"), sealed[0])
		}
	})
	b.Run("warm", func(b *testing.B) {
		v := protocol.NewVerifier(origin, membersOf("acorn"))
		by := shopID("acorn")
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := v.Open(by, sealed[i%len(sealed)]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkFloor(b *testing.B) {
	key, msg := shopKey("acorn"), make([]byte, 120)
	b.Run("sign", func(b *testing.B) {
		for b.Loop() {
			ed25519.Sign(key, msg)
		}
	})
	sig := ed25519.Sign(key, msg)
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			ed25519.Verify(key.Public().(ed25519.PublicKey), msg, sig)
		}
	})
}

func BenchmarkFeedBox(b *testing.B) {
	update := make([]byte, 32<<10)
	key, shop := feedKey("a"), shopID("acorn")
	b.SetBytes(int64(len(update)))
	for b.Loop() {
		box, err := protocol.SealFeed(key, origin, shop, exchange.MainFeed, update, nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err = protocol.OpenFeed(key, origin, shop, exchange.MainFeed, box); err != nil {
			b.Fatal(err)
		}
	}
}
