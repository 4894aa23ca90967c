package protocol_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/merkle"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/pb"
)

// What the rules of form allow fits the limits on bytes: the arithmetic of
// limits.go, done with the longest values there are.
func TestLongestValuesFit(t *testing.T) {
	answer, byLine := longestAnswer(), longestByLine()
	for _, v := range []struct {
		value message.Value
		limit int
	}{
		{longestHold(), protocol.MaxHold},
		{answer, protocol.MaxHoldAnswer},
		{byLine, protocol.MaxHoldAnswer},
		{longestRequest(make([]byte, protocol.MaxSealedAnswer)), protocol.MaxRequest},
		{longestEntry(make([]byte, protocol.MaxRequest)), protocol.MaxEntry},
		{&message.SealedAnswer{Sealed: make([]byte, protocol.MaxSealedAnswer)}, protocol.MaxSealedAnswer + 4},
		{longestEntries(), protocol.MaxTradeMessage},
		{longestHello(), protocol.MaxHello},
		{longestShipTo(), protocol.MaxShipTo},
		{&message.FeedProduct{Product: longestProduct()}, catalog.MaxRecord},
		{longestPull(), protocol.MaxFeedPull},
		{&message.FeedChunk{Head: longHead(), Digests: fullDigests(), Full: true, Last: true}, protocol.MaxFeedChunk},
		{longestOrder(answer.Quote), protocol.MaxRecord},
		{longestOrder(byLine.Quote), protocol.MaxRecord},
		{longestStock(), 64 << 10},
	} {
		t.Run(reflect.TypeOf(v.value).Elem().Name(), func(t *testing.T) {
			b, err := protocol.Codec{}.Encode(v.value)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := (protocol.Codec{}).Decode(v.value.Kind(), b); err != nil {
				t.Error(err)
			}
			t.Logf("%d of %d bytes", len(b), v.limit)
			if len(b) > v.limit {
				t.Errorf("%d bytes are more than %d", len(b), v.limit)
			}
		})
	}
}

// The longest seal there can be: of the last of as many leaves as a number can say.
func TestLongestSealFits(t *testing.T) {
	const payload = 100
	b, err := proto.Marshal(&pb.Sealed{
		Leaf: make([]byte, 16+payload), Index: math.MaxUint64, Size: math.MaxUint64,
		Path: make([]byte, merkle.MaxPath*sha256.Size), Signature: make([]byte, ed25519.SignatureSize),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := protocol.Peek(b); err != nil || len(got) != payload {
		t.Errorf("peek: %d bytes, %v", len(got), err)
	}
	if over := len(b) - payload; over > protocol.MaxSealOverhead {
		t.Errorf("a seal adds %d bytes, more than %d", over, protocol.MaxSealOverhead)
	}
}

// One product fits a gossip message with its head, and a chunk that has reached
// its target.
func TestFeedLimitsFitTogether(t *testing.T) {
	item := message.FeedItem{Sequence: math.MaxUint64, SKU: longSKU(0), Record: make([]byte, catalog.MaxRecord)}
	b, err := protocol.Codec{}.Encode(&message.FeedUpdate{Head: *longHead(), After: math.MaxUint64, Items: []message.FeedItem{item, item, item, item, item}})
	if err != nil || len(b) > protocol.MaxFeedUpdate {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if message.MaxChunkBytes+catalog.MaxRecord+2<<10 > protocol.MaxFeedChunk {
		t.Error("a chunk at its target has no room for one more product")
	}
	removals := &message.FeedChunk{Head: longHead(), Full: true, Last: true}
	for size := 0; size < message.MaxChunkBytes; size += 25 {
		removals.Items = append(removals.Items, message.FeedItem{Sequence: math.MaxUint64, SKU: "x"})
	}
	b, err = protocol.Codec{}.Encode(removals)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (protocol.Codec{}).Decode(message.KindFeedChunk, b); err != nil {
		t.Errorf("a chunk of removals: %v", err)
	}
	if message.MaxSubmitBytes > message.MaxEntriesBytes {
		t.Error("a submit may be longer than the entries that answer it")
	}
}

func longSKU(i int) exchange.SKU {
	return exchange.SKU(strings.Repeat(string(rune('A'+i%26)), i/26+1) + strings.Repeat("x", exchange.MaxSKU-i/26-1))
}

func full(n int) string { return strings.Repeat("w", n) }

func filled[T ~[16]byte | ~[32]byte | ~[8]byte]() (v T) {
	for i := range len(v) {
		v[i] = 0xEE
	}
	return v
}

func longestLines() exchange.Lines {
	var out []exchange.Line
	for i := range exchange.MaxLines {
		out = append(out, exchange.Line{SKU: longSKU(i), Quantity: exchange.MaxQuantity})
	}
	return exchangetest.Lines(out...)
}

func longestHold() *message.Hold {
	return &message.Hold{ID: filled[exchange.HoldID](), Lines: longestLines(), Country: "SE", MaxTotal: math.MaxInt64, Lifetime: math.MaxInt64, Reads: math.MaxUint32}
}

func longestAnswer() *message.HoldAnswer {
	q := &exchange.Quote{
		Supplier: shopID("acorn"), Retailer: shopID("birch"), Hold: filled[exchange.HoldID](), TermsVersion: math.MaxUint32,
		Country: "SE", Currency: "EUR", Shipping: 1 << 62, USDShipping: 1 << 62,
		Tax:    exchange.Tax{Treatment: exchange.TaxNone, Rate: exchange.Whole},
		Rate:   exchange.Rate{From: "EUR", Num: math.MaxInt64, Den: math.MaxInt64, Text: full(255), Source: full(255), Date: full(255)},
		Issued: exchange.MaxTime, Expires: exchange.MaxTime, AcceptWithin: exchange.MaxAcceptWithin, Cancel: exchange.CancelNever,
	}
	const unit = 1 << 55 / exchange.MaxQuantity // so that 64 totals and the shipping stay below 2^63
	q.Total, q.USDTotal = q.Shipping, q.USDShipping
	for _, l := range longestLines().All() {
		total := unit * int64(l.Quantity)
		q.Lines = append(q.Lines, exchange.QuoteLine{
			SKU: l.SKU, Title: full(exchange.MaxTitle), Quantity: l.Quantity,
			List: math.MaxInt64, Unit: unit, Total: total, USDUnit: unit, USDTotal: total,
		})
		q.Total, q.USDTotal = q.Total+total, q.USDTotal+total
	}
	return &message.HoldAnswer{
		Supplier: q.Supplier, Retailer: q.Retailer, Hold: q.Hold, Request: filled[[32]byte](), State: hold.Held,
		Quote: q, Refusal: math.MaxInt32, Detail: full(protocol.MaxDetail), At: exchange.MaxTime,
	}
}

// longestByLine is priced by the rules, of products with the longest title and with so much else
// that fills the room of each line.
func longestByLine() *message.HoldAnswer {
	a := longestAnswer()
	q := a.Quote
	q.Format, q.Shipping, q.Rate.Num, q.Rate.Den = exchange.QuoteByLine, 0, math.MaxInt64, math.MaxInt64
	option := exchange.Option{Name: full(100), Value: full(100)} // two and the barcode fill a line
	offer := exchange.Offer{
		Title: full(exchange.MaxTitle), List: 1 << 56 / exchange.MaxQuantity, Options: []exchange.Option{option, option}, Barcode: full(82),
		Image: "https://" + full(exchange.MaxURL-8),
	}
	err := exchange.PriceQuote(q, longestLines(), func(exchange.SKU) (exchange.Offer, error) { return offer, nil }, 1, exchange.ShippingTable{Zones: []exchange.ShippingZone{{Flat: 1 << 60}}})
	if err != nil {
		panic(err)
	}
	return a
}

func longestRequest(quote []byte) *message.Request {
	return &message.Request{
		Supplier: shopID("acorn"), Retailer: shopID("birch"), Number: math.MaxUint64, At: exchange.MaxTime,
		Act: message.SubmitOrder{Order: filled[exchange.HoldID](), Quote: quote, ShipTo: filled[[32]byte]()},
	}
}

func longestEntry(request []byte) *message.Entry {
	return &message.Entry{
		Link: ledger.Link{
			Supplier: shopID("acorn"), Retailer: shopID("birch"), Position: math.MaxUint64, Prev: filled[ledger.Hash](),
			At: exchange.MaxTime, Number: math.MaxUint64,
		},
		Request: &message.SignedRequest{Payload: request, Signature: make([]byte, ed25519.SignatureSize)},
		Outcome: math.MaxInt32, Detail: full(protocol.MaxDetail), Terms: math.MaxUint32,
	}
}

// longestEntries are as many of the smallest entries as a reply may carry.
func longestEntries() *message.Entries {
	v := &message.Entries{Head: math.MaxUint64}
	for size := 0; size+200 <= message.MaxEntriesBytes; size += 200 {
		v.Entries = append(v.Entries, make([]byte, 200))
	}
	return v
}

func longHead() *message.SignedFeedHead {
	return &message.SignedFeedHead{Payload: make([]byte, 512), Signature: make([]byte, ed25519.SignatureSize)}
}

func longestHello() *message.Hello {
	own := message.LedgerGreeting{Proof: make([]byte, protocol.MaxSealedEntry), Head: message.Head{
		Supplier: shopID("acorn"), Retailer: shopID("birch"), Position: math.MaxUint64, Hash: filled[ledger.Hash](),
	}}
	return &message.Hello{
		Agent: full(protocol.MaxAgent), Members: make([]byte, protocol.MaxHelloMembers), Profile: make([]byte, protocol.MaxHelloProfile),
		Greeting: message.Greeting{
			Window: math.MaxUint32, Ledgers: []message.LedgerGreeting{own, own}, FeedHead: longHead(),
			FeedKey: &message.FeedKey{ID: filled[[8]byte](), Key: filled[[32]byte]()},
		},
	}
}

func longestShipTo() *message.ShipTo {
	text := full(exchange.MaxText)
	v := &message.ShipTo{Delivery: exchange.Delivery{ShipTo: exchange.ShipTo{
		Name: text, Lines: []string{text, text, text, text}, City: text, Region: text, PostalCode: text,
		Country: "SE", Email: text, Phone: text,
	}, Reference: full(exchange.MaxReference)}}
	v.Note = full(exchange.MaxDelivery - 10*exchange.MaxText - len(v.Country) - len(v.Reference))
	return v
}

func longestProduct() exchange.Product {
	text := full(exchange.MaxText)
	option := exchange.Option{Name: text, Value: text}
	return exchange.Product{
		SKU: longSKU(0), Group: text, Title: full(exchange.MaxTitle), Options: []exchange.Option{option, option, option},
		Description: full(exchange.MaxDescription), Vendor: text, Category: text, Barcode: text,
		Image: "https://" + full(exchange.MaxURL-8), Grams: math.MaxInt64,
		Price:     exchange.Money{Minor: math.MaxInt64, Currency: "EUR"},
		USD:       exchange.USDPrice{Cents: math.MaxInt64, Rate: text, Source: text, Date: text},
		Available: exchange.Availability{Unlimited: true, Units: catalog.MaxUnits},
	}
}

func longestPull() *message.FeedPull {
	v := &message.FeedPull{Feed: full(exchange.MaxText), Epoch: math.MaxUint64, After: math.MaxUint64, BucketDigests: true, Have: longHead()}
	for b := range uint32(catalog.Buckets) {
		v.Buckets = append(v.Buckets, b)
	}
	return v
}

func fullDigests() [][32]byte {
	out := make([][32]byte, catalog.Buckets)
	for i := range out {
		out[i] = filled[[32]byte]()
	}
	return out
}

func longestOrder(q *exchange.Quote) *record.Order {
	v := &record.Order{
		ID: q.Hold, Supplier: q.Supplier, Retailer: q.Retailer, Quote: *q, ShipToHash: filled[[32]byte](),
		Reason: full(message.MaxReason), Detail: full(protocol.MaxDetail),
	}
	var units []order.Units
	for _, l := range q.Lines {
		v.Order.Lines = append(v.Order.Lines, order.Line{
			SKU: l.SKU, Ordered: exchange.MaxQuantity, Shipped: exchange.MaxQuantity, Delivered: exchange.MaxQuantity, Cancelled: exchange.MaxQuantity,
		})
		units = append(units, order.Units{SKU: l.SKU, Units: exchange.MaxQuantity})
	}
	for range protocol.MaxParcels {
		v.Parcels = append(v.Parcels, record.Parcel{
			At: exchange.MaxTime, Lines: units, Carrier: full(message.MaxReason), Tracking: full(message.MaxReason),
		})
	}
	return v
}

func longestStock() *message.StockAnswer {
	v := &message.StockAnswer{At: exchange.MaxTime}
	for _, l := range longestLines().All() {
		v.Lines = append(v.Lines, message.StockLine{
			SKU: l.SKU, Known: true, Available: exchange.Availability{Unlimited: true, Units: catalog.MaxUnits},
			Price: exchange.Money{Minor: math.MaxInt64, Currency: "EUR"},
		})
	}
	return v
}

// Empty list items, which cost fifty times their bytes in memory, are refused
// before they are unpacked.
func TestCrowdedMessages(t *testing.T) {
	for kind, field := range map[message.Kind]string{
		message.KindSubmit: "\x12\x00", message.KindPush: "\x0a\x00", message.KindEntries: "\x0a\x00",
		message.KindFeedChunk: "\x1a\x00", message.KindFeedUpdate: "\x1a\x00",
	} {
		t.Run(fmt.Sprintf("kind %d", kind), func(t *testing.T) {
			_, err := protocol.Codec{}.Decode(kind, []byte(strings.Repeat(field, 2*protocol.MaxParts)))
			wantCode(t, "decode", err, exchange.CodeLimit)
		})
	}
}
