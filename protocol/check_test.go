package protocol_test

import (
	"crypto/ed25519"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol"
)

// changes are ways to change a good value, by what they make of it.
type changes[V message.Value] map[string]func(V)

// rules are the rules of form of one kind. What is allowed lies at a rule's bound; of what
// is refused, one thing alone is wrong.
type rules[V message.Value] struct {
	good             func() V
	allowed, refused changes[V]
	// tooLong is refused too, by Decode as too many bytes.
	tooLong changes[V]
}

// with adds the rules of a part.
func (r rules[V]) with(parts ...rules[V]) rules[V] {
	all := rules[V]{r.good, changes[V]{}, changes[V]{}, changes[V]{}}
	for _, p := range append(parts, r) {
		maps.Copy(all.allowed, p.allowed)
		maps.Copy(all.refused, p.refused)
		maps.Copy(all.tooLong, p.tooLong)
	}
	return all
}

// test holds Encode and Decode to the rules.
func (r rules[V]) test(t *testing.T) {
	t.Run("good", func(t *testing.T) { wantAllowed(t, r.good()) })
	for name, change := range r.allowed {
		t.Run("allowed/"+name, func(t *testing.T) {
			v := r.good()
			change(v)
			wantAllowed(t, v)
		})
	}
	for name, change := range r.refused {
		t.Run("refused/"+name, func(t *testing.T) {
			v := r.good()
			change(v)
			wantRefused(t, v, exchange.CodeInvalid)
		})
	}
	for name, change := range r.tooLong {
		t.Run("refused/"+name, func(t *testing.T) {
			v := r.good()
			change(v)
			wantRefused(t, v, exchange.CodeLimit)
		})
	}
}

func wantAllowed(t *testing.T, v message.Value) {
	t.Helper()
	b, err := protocol.Codec{}.Encode(v)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	got, err := protocol.Codec{}.Decode(v.Kind(), b)
	if err != nil || !reflect.DeepEqual(got, v) {
		t.Errorf("decode: %v\ngot  %+v\nwant %+v", err, got, v)
	}
}

func wantRefused(t *testing.T, v message.Value, decoding exchange.Code) {
	t.Helper()
	_, err := protocol.Codec{}.Encode(v)
	wantCode(t, "encode", err, exchange.CodeInvalid)
	b, err := protocol.EncodeUnchecked(v)
	if err != nil {
		t.Fatal(err)
	}
	_, err = protocol.Codec{}.Decode(v.Kind(), b)
	wantCode(t, "decode", err, decoding)
}

var (
	shopA, shopB = exchange.ShopID{1}, exchange.ShopID{2}
	someHold     = exchange.NewHoldID(20000, [12]byte{1})
)

const (
	badSKU       = exchange.SKU(" shoe")
	small        = 1 << 10 // the limit of a feed head's and a ledger head's bytes
	sometime     = exchange.Time(1_700_000_000_000)
	badCancel    = exchange.CancelNever + 1
	badTreatment = exchange.TaxNone + 1
	badParty     = exchange.Retailer + 1
)

func skusOf(n int) []exchange.SKU {
	out := make([]exchange.SKU, n)
	for i := range out {
		out[i] = exchange.SKU("s" + strings.Repeat("x", i))
	}
	return out
}

func unitsOf(n int) []order.Units {
	out := make([]order.Units, n)
	for i, s := range skusOf(n) {
		out[i] = order.Units{SKU: s, Units: 1}
	}
	return out
}

func signature() []byte { return make([]byte, ed25519.SignatureSize) }

func someFeedHead() message.SignedFeedHead {
	return message.SignedFeedHead{Payload: []byte("head"), Signature: signature()}
}

func someRequest() message.SignedRequest {
	return message.SignedRequest{Payload: []byte("request"), Signature: signature()}
}

// partiesOf are the rules of the two shops of a value.
func partiesOf[V message.Value](what string, of func(V) (supplier, retailer *exchange.ShopID)) rules[V] {
	return rules[V]{refused: changes[V]{
		what + ": no supplier": func(v V) { s, _ := of(v); *s = exchange.ShopID{} },
		what + ": no retailer": func(v V) { _, r := of(v); *r = exchange.ShopID{} },
		what + ": one shop":    func(v V) { s, r := of(v); *r = *s },
	}}
}

// timeOf are the rules of a time of a value.
func timeOf[V message.Value](what string, of func(V) *exchange.Time) rules[V] {
	return rules[V]{
		allowed: changes[V]{
			what + ": none":       func(v V) { *of(v) = 0 },
			what + ": the latest": func(v V) { *of(v) = exchange.MaxTime },
		},
		refused: changes[V]{
			what + ": before 1970":          func(v V) { *of(v) = -1 },
			what + ": after the latest":     func(v V) { *of(v) = exchange.MaxTime + 1 },
			what + ": the least of 64 bits": func(v V) { *of(v) = -1 << 63 },
		},
	}
}

// signedOf are the rules of a signed part of a value.
func signedOf[V message.Value](what string, longest int, of func(V) (payload, signature *[]byte)) rules[V] {
	return rules[V]{
		allowed: changes[V]{
			what + ": the longest": func(v V) { p, _ := of(v); *p = make([]byte, longest) },
		},
		refused: changes[V]{
			what + ": too long":          func(v V) { p, _ := of(v); *p = make([]byte, longest+1) },
			what + ": empty":             func(v V) { p, _ := of(v); *p = nil },
			what + ": no signature":      func(v V) { _, s := of(v); *s = nil },
			what + ": a short signature": func(v V) { _, s := of(v); *s = (*s)[1:] },
			what + ": a long signature":  func(v V) { _, s := of(v); *s = append(*s, 0) },
		},
	}
}

// sealedOf are the rules of a sealed part of a value.
func sealedOf[V message.Value](what string, longest int, of func(V) *[]byte) rules[V] {
	return rules[V]{
		allowed: changes[V]{what + ": the longest": func(v V) { *of(v) = make([]byte, longest) }},
		refused: changes[V]{
			what + ": empty":    func(v V) { *of(v) = []byte{} },
			what + ": too long": func(v V) { *of(v) = make([]byte, longest+1) },
		},
	}
}

// textOf are the rules of a text of a value that may be empty.
func textOf[V message.Value](what string, longest int, of func(V) *string) rules[V] {
	return rules[V]{
		allowed: changes[V]{
			what + ": none":        func(v V) { *of(v) = "" },
			what + ": the longest": func(v V) { *of(v) = full(longest) },
		},
		refused: changes[V]{what + ": too long": func(v V) { *of(v) = full(longest + 1) }},
	}
}

func TestRulesOfHolds(t *testing.T) {
	t.Run("hold", rules[*message.Hold]{
		good: func() *message.Hold {
			return &message.Hold{
				ID: someHold, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 2}), Country: "SE", MaxTotal: 100, Lifetime: 1000,
			}
		},
		allowed: changes[*message.Hold]{
			"any total":    func(v *message.Hold) { v.MaxTotal = 0 },
			"any lifetime": func(v *message.Hold) { v.Lifetime = 0 },
			"most lines":   func(v *message.Hold) { v.Lines = longestLines() },
		},
		refused: changes[*message.Hold]{
			"no id":               func(v *message.Hold) { v.ID = exchange.HoldID{} },
			"no lines":            func(v *message.Hold) { v.Lines = exchange.Lines{} },
			"a negative total":    func(v *message.Hold) { v.MaxTotal = -1 },
			"a negative lifetime": func(v *message.Hold) { v.Lifetime = -1 },
			"no country":          func(v *message.Hold) { v.Country = "" },
			"a bad country":       func(v *message.Hold) { v.Country = "se" },
		},
	}.test)
	t.Run("release", rules[*message.Release]{
		good:    func() *message.Release { return &message.Release{ID: someHold} },
		refused: changes[*message.Release]{"no id": func(v *message.Release) { v.ID = exchange.HoldID{} }},
	}.test)
	t.Run("hold status", rules[*message.HoldStatus]{
		good:    func() *message.HoldStatus { return &message.HoldStatus{ID: someHold} },
		refused: changes[*message.HoldStatus]{"no id": func(v *message.HoldStatus) { v.ID = exchange.HoldID{} }},
	}.test)
	t.Run("extend", rules[*message.Extend]{
		good: func() *message.Extend { return &message.Extend{ID: someHold, Until: sometime} },
		allowed: changes[*message.Extend]{
			"the first moment": func(v *message.Extend) { v.Until = 1 },
			"the last moment":  func(v *message.Extend) { v.Until = exchange.MaxTime },
		},
		refused: changes[*message.Extend]{
			"no id":           func(v *message.Extend) { v.ID = exchange.HoldID{} },
			"no expiry":       func(v *message.Extend) { v.Until = 0 },
			"before 1970":     func(v *message.Extend) { v.Until = -1 },
			"after the years": func(v *message.Extend) { v.Until = exchange.MaxTime + 1 },
		},
	}.test)
	t.Run("sealed answer", rules[*message.SealedAnswer]{
		good: func() *message.SealedAnswer { return &message.SealedAnswer{Sealed: []byte("sealed")} },
		allowed: changes[*message.SealedAnswer]{
			"the longest": func(v *message.SealedAnswer) { v.Sealed = make([]byte, protocol.MaxSealedAnswer) },
		},
		refused: changes[*message.SealedAnswer]{"empty": func(v *message.SealedAnswer) { v.Sealed = nil }},
		tooLong: changes[*message.SealedAnswer]{
			"too long": func(v *message.SealedAnswer) { v.Sealed = make([]byte, protocol.MaxSealedAnswer+1) },
		},
	}.test)
}

// someAnswer has a quote of two lines.
func someAnswer() *message.HoldAnswer {
	return &message.HoldAnswer{
		Supplier: shopA, Retailer: shopB, Hold: someHold, State: hold.Held, At: sometime,
		Quote: &exchange.Quote{
			Supplier: shopA, Retailer: shopB, Hold: someHold, TermsVersion: 1, Country: "SE", Currency: "EUR",
			Lines: []exchange.QuoteLine{
				{SKU: "shoe", Title: "Shoe", Quantity: 2, List: 10, Unit: 9, Total: 18, USDUnit: 10, USDTotal: 20},
				{SKU: "hat", Title: "Hat", Quantity: 1, List: 5, Unit: 5, Total: 5, USDUnit: 6, USDTotal: 6},
			},
			Shipping: 1, USDShipping: 1, Total: 24, USDTotal: 27,
			Tax:    exchange.Tax{Treatment: exchange.TaxIncluded, Rate: 2500},
			Rate:   exchange.Rate{From: "EUR", Num: 11, Den: 10, Text: "1.1", Source: "ECB", Date: "2026-03-01"},
			Issued: sometime, Expires: sometime, AcceptWithin: time.Hour, Cancel: exchange.CancelUntilShipped,
		},
	}
}

// lineAnswer has a quote of format 2: the README's 300 screws.
func lineAnswer() *message.HoldAnswer {
	a := someAnswer()
	q := a.Quote
	q.Format, q.Discount = exchange.QuoteByLine, 1500
	q.Lines = []exchange.QuoteLine{{
		SKU: "screw", Title: "Screw", Quantity: 300, List: 6, Total: 1530, USDTotal: 1683,
		Options: []exchange.Option{{Name: "Length", Value: "40 mm"}, {Name: "Head", Value: "flat"}},
		Barcode: "4012345000103", Image: "https://acorn.example/screw.jpg", Cut: true,
	}}
	q.Shipping, q.USDShipping, q.Total, q.USDTotal = 1, 1, 1531, 1684
	return a
}

func TestRulesOfQuotesByLine(t *testing.T) {
	type answer = *message.HoldAnswer
	line := func(v answer) *exchange.QuoteLine { return &v.Quote.Lines[0] }
	tooLong := strings.Repeat("w", exchange.MaxText+1)
	rules[answer]{
		good: lineAnswer,
		allowed: changes[answer]{
			"no dollars": func(v answer) {
				v.Quote.Rate, v.Quote.USDShipping, v.Quote.USDTotal, line(v).USDTotal = exchange.Rate{}, 0, 0, 0
			},
			"no snapshots":      func(v answer) { line(v).Options, line(v).Barcode, line(v).Image = nil, "", "" },
			"a longest option":  func(v answer) { line(v).Options[0].Name = tooLong[1:] },
			"a longest barcode": func(v answer) { line(v).Barcode = tooLong[1:] },
			"a longest image": func(v answer) {
				line(v).Image = "https://" + strings.Repeat("w", exchange.MaxURL-8)
			},
			"many options": func(v answer) { line(v).Options = make([]exchange.Option, 40) },
		},
		refused: changes[answer]{
			"a format to come":        func(v answer) { v.Quote.Format = exchange.NewestQuote + 1 },
			"the number 1":            func(v answer) { v.Quote.Format = 1 },
			"half a rate":             func(v answer) { v.Quote.Rate.From = "" },
			"a rate of nothing":       func(v answer) { v.Quote.Rate.Num = 0 },
			"a discount over all":     func(v answer) { v.Quote.Discount = exchange.Whole + 1 },
			"an option too long":      func(v answer) { line(v).Options[1].Value = tooLong },
			"a barcode too long":      func(v answer) { line(v).Barcode = tooLong },
			"an image too long":       func(v answer) { line(v).Image = "https://" + strings.Repeat("w", exchange.MaxURL-7) },
			"an image of no web":      func(v answer) { line(v).Image = "javascript:alert(1)" },
			"more than the snapshots": func(v answer) { line(v).Options = make([]exchange.Option, exchange.MaxSnapshots/10+1) },
		},
	}.test(t)
}

// shortOf is n short lines.
func shortOf(n int) []exchange.Short {
	out := make([]exchange.Short, n)
	for i, sku := range skusOf(n) {
		out[i] = exchange.Short{SKU: sku, Asked: 2, Available: 1}
	}
	return out
}

// refuseFor makes an answer the refusal of a hold whose lines are short.
func refuseFor(v *message.HoldAnswer, short ...exchange.Short) {
	v.Quote, v.State, v.Refusal, v.Short = nil, hold.Refused, exchange.CodeInsufficient, short
}

func TestRulesOfHoldAnswers(t *testing.T) {
	type answer = *message.HoldAnswer
	rules[answer]{
		good: someAnswer,
		allowed: changes[answer]{
			"no quote":              func(v answer) { v.Quote = nil },
			"the last state":        func(v answer) { v.State = hold.Refused },
			"no tax treatment":      func(v answer) { v.Quote.Tax.Treatment = 0 },
			"the last treatment":    func(v answer) { v.Quote.Tax.Treatment = exchange.TaxNone },
			"tax of the whole":      func(v answer) { v.Quote.Tax.Rate = exchange.Whole },
			"accept at once":        func(v answer) { v.Quote.AcceptWithin = 0 },
			"accept in the longest": func(v answer) { v.Quote.AcceptWithin = exchange.MaxAcceptWithin },
			"no cancel rule":        func(v answer) { v.Quote.Cancel = 0 },
			"most short lines":      func(v answer) { refuseFor(v, shortOf(exchange.MaxLines)...) },
			"none of a short line":  func(v answer) { refuseFor(v, exchange.Short{SKU: "shoe", Asked: 1}) },
			"short: enough":         func(v answer) { refuseFor(v, exchange.Short{SKU: "shoe", Asked: 2, Available: 2}) },
			"the last cancel rule":  func(v answer) { v.Quote.Cancel = exchange.CancelNever },
		},
		refused: changes[answer]{
			"no hold":                        func(v answer) { v.Hold = exchange.HoldID{} },
			"an unknown state":               func(v answer) { v.State = hold.Refused + 1 },
			"a state for the supplier alone": func(v answer) { v.State = hold.Asked },
			"quote: no hold":                 func(v answer) { v.Quote.Hold = exchange.HoldID{} },
			"quote: no lines":                func(v answer) { v.Quote.Lines, v.Quote.Total, v.Quote.USDTotal = nil, 1, 1 },
			"quote: a wrong sum":             func(v answer) { v.Quote.Total++ },
			"quote: a sum too big":           func(v answer) { v.Quote.Shipping = 1<<63 - 1 },
			"quote: a bad SKU":               func(v answer) { v.Quote.Lines[1].SKU = badSKU },
			"quote: no country":              func(v answer) { v.Quote.Country = "" },
			"quote: no currency":             func(v answer) { v.Quote.Currency = "" },
			"rate: no currency":              func(v answer) { v.Quote.Rate.From = "" },
			"rate: nothing":                  func(v answer) { v.Quote.Rate.Num = 0 },
			"rate: by nothing":               func(v answer) { v.Quote.Rate.Den = 0 },
			"an unknown treatment":           func(v answer) { v.Quote.Tax.Treatment = badTreatment },
			"tax beyond the whole":           func(v answer) { v.Quote.Tax.Rate = exchange.Whole + 1 },
			"quote: short lines":             func(v answer) { v.Short = shortOf(1) },
			"too many short lines":           func(v answer) { refuseFor(v, shortOf(exchange.MaxLines+1)...) },
			"short: a bad SKU":               func(v answer) { refuseFor(v, exchange.Short{SKU: badSKU, Asked: 2}) },
			"short: below zero":              func(v answer) { refuseFor(v, exchange.Short{SKU: "shoe", Asked: 2, Available: -1}) },
			"accept before":                  func(v answer) { v.Quote.AcceptWithin = -time.Millisecond },
			"accept too late":                func(v answer) { v.Quote.AcceptWithin = exchange.MaxAcceptWithin + time.Millisecond },
			"a bad cancel rule":              func(v answer) { v.Quote.Cancel = badCancel },
		},
	}.with(
		partiesOf("answer", func(v answer) (s, r *exchange.ShopID) { return &v.Supplier, &v.Retailer }),
		partiesOf("quote", func(v answer) (s, r *exchange.ShopID) { return &v.Quote.Supplier, &v.Quote.Retailer }),
		timeOf("at", func(v answer) *exchange.Time { return &v.At }),
		timeOf("issued", func(v answer) *exchange.Time { return &v.Quote.Issued }),
		timeOf("expires", func(v answer) *exchange.Time { return &v.Quote.Expires }),
		textOf("title", exchange.MaxTitle, func(v answer) *string { return &v.Quote.Lines[1].Title }),
		textOf("rate's text", exchange.MaxText, func(v answer) *string { return &v.Quote.Rate.Text }),
		textOf("rate's source", exchange.MaxText, func(v answer) *string { return &v.Quote.Rate.Source }),
		textOf("rate's date", exchange.MaxText, func(v answer) *string { return &v.Quote.Rate.Date }),
	).test(t)
}

func TestRulesOfStock(t *testing.T) {
	t.Run("query", rules[*message.StockQuery]{
		good: func() *message.StockQuery { return &message.StockQuery{SKUs: []exchange.SKU{"shoe", "hat"}} },
		allowed: changes[*message.StockQuery]{
			"one product":   func(v *message.StockQuery) { v.SKUs = skusOf(1) },
			"most products": func(v *message.StockQuery) { v.SKUs = skusOf(exchange.MaxLines) },
		},
		refused: changes[*message.StockQuery]{
			"no product":        func(v *message.StockQuery) { v.SKUs = nil },
			"too many products": func(v *message.StockQuery) { v.SKUs = skusOf(exchange.MaxLines + 1) },
			"a bad SKU":         func(v *message.StockQuery) { v.SKUs[1] = badSKU },
		},
	}.test)
	lines := func(n int) []message.StockLine {
		out := make([]message.StockLine, n)
		for i, s := range skusOf(n) {
			out[i].SKU = s
		}
		return out
	}
	type answer = *message.StockAnswer
	t.Run("answer", rules[answer]{
		good: func() answer {
			return &message.StockAnswer{At: sometime, Lines: []message.StockLine{
				{SKU: "shoe"},
				{SKU: "hat", Known: true, Available: exchange.Availability{Units: 3}, Price: exchange.Money{Minor: 5, Currency: "EUR"}},
			}}
		},
		allowed: changes[answer]{
			"no lines":          func(v answer) { v.Lines = nil },
			"most lines":        func(v answer) { v.Lines = lines(exchange.MaxLines) },
			"nothing available": func(v answer) { v.Lines[1].Available.Units = 0 },
			"a gift":            func(v answer) { v.Lines[1].Price.Minor = 0 },
		},
		refused: changes[answer]{
			"too many lines":         func(v answer) { v.Lines = lines(exchange.MaxLines + 1) },
			"a bad SKU":              func(v answer) { v.Lines[1].SKU = badSKU },
			"a bad unknown SKU":      func(v answer) { v.Lines[0].SKU = badSKU },
			"no currency":            func(v answer) { v.Lines[1].Price.Currency = "" },
			"a negative price":       func(v answer) { v.Lines[1].Price.Minor = -1 },
			"less than no available": func(v answer) { v.Lines[1].Available.Units = -1 },
		},
	}.with(timeOf("at", func(v answer) *exchange.Time { return &v.At })).test)
}

func TestRulesOfLedgerMessages(t *testing.T) {
	t.Run("submit", rules[*message.Submit]{
		good: func() *message.Submit {
			return &message.Submit{Requests: []message.SubmittedRequest{{Signed: someRequest()}, {Signed: someRequest(), ShipTo: []byte("there")}}}
		},
		allowed: changes[*message.Submit]{
			"no requests":         func(v *message.Submit) { v.Requests = nil },
			"the longest ship-to": func(v *message.Submit) { v.Requests[1].ShipTo = make([]byte, protocol.MaxShipTo) },
		},
		refused: changes[*message.Submit]{
			"ship-to too long": func(v *message.Submit) { v.Requests[1].ShipTo = make([]byte, protocol.MaxShipTo+1) },
		},
	}.with(signedOf("request", protocol.MaxRequest, func(v *message.Submit) (p, s *[]byte) {
		return &v.Requests[1].Signed.Payload, &v.Requests[1].Signed.Signature
	})).test)
	t.Run("push", rules[*message.Push]{
		good:    func() *message.Push { return &message.Push{Entries: [][]byte{[]byte("one"), []byte("two")}} },
		allowed: changes[*message.Push]{"no entries": func(v *message.Push) { v.Entries = nil }},
	}.with(sealedOf("entry", protocol.MaxSealedEntry, func(v *message.Push) *[]byte { return &v.Entries[1] })).test)
	t.Run("entries", rules[*message.Entries]{
		good:    func() *message.Entries { return &message.Entries{Entries: [][]byte{[]byte("one"), []byte("two")}} },
		allowed: changes[*message.Entries]{"no entries": func(v *message.Entries) { v.Entries = nil }},
	}.with(sealedOf("entry", protocol.MaxSealedEntry, func(v *message.Entries) *[]byte { return &v.Entries[1] })).test)
	t.Run("head", rules[*message.Head]{
		good:    func() *message.Head { return &message.Head{Supplier: shopA, Retailer: shopB, Position: 1} },
		allowed: changes[*message.Head]{"of an empty ledger": func(v *message.Head) { v.Position = 0 }},
	}.with(partiesOf("head", func(v *message.Head) (s, r *exchange.ShopID) { return &v.Supplier, &v.Retailer })).test)
	t.Run("signed head", rules[*message.SignedHead]{
		good: func() *message.SignedHead {
			return &message.SignedHead{Payload: []byte("head"), Signature: signature()}
		},
		refused: changes[*message.SignedHead]{
			"empty":             func(v *message.SignedHead) { v.Payload = nil },
			"no signature":      func(v *message.SignedHead) { v.Signature = nil },
			"a short signature": func(v *message.SignedHead) { v.Signature = v.Signature[1:] },
			"a long signature":  func(v *message.SignedHead) { v.Signature = append(v.Signature, 0) },
		},
		tooLong: changes[*message.SignedHead]{"too long": func(v *message.SignedHead) { v.Payload = make([]byte, small+1) }},
	}.test)
	t.Run("ship-to", rules[*message.ShipTo]{
		good: func() *message.ShipTo {
			return &message.ShipTo{Delivery: exchange.Delivery{ShipTo: exchange.ShipTo{Name: "N", Lines: []string{"1"}, City: "C", Country: "SE"}}}
		},
		allowed: changes[*message.ShipTo]{"reference and note": func(v *message.ShipTo) { v.Reference, v.Note = "#1001", "a gift" }},
		refused: changes[*message.ShipTo]{
			"no name":            func(v *message.ShipTo) { v.Name = "" },
			"a reference's line": func(v *message.ShipTo) { v.Reference = "1\n2" },
			"a note's bell":      func(v *message.ShipTo) { v.Note = "\a" },
		},
	}.test)
}

func TestRulesOfHello(t *testing.T) {
	type hello = *message.Hello
	head := message.Head{Supplier: shopA, Retailer: shopB}
	rules[hello]{
		// The first parts are at their bounds, so that what follows them is still looked at.
		good: func() hello {
			feed := someFeedHead()
			return &message.Hello{Agent: full(protocol.MaxAgent), Greeting: message.Greeting{
				Ledgers: []message.LedgerGreeting{
					{Head: head, Proof: make([]byte, protocol.MaxSealedEntry)},
					{Head: message.Head{Supplier: shopB, Retailer: shopA}},
				},
				FeedHead: &feed,
			}}
		},
		allowed: changes[hello]{
			"nothing":          func(v hello) { *v = message.Hello{} },
			"the longest list": func(v hello) { v.Members = make([]byte, protocol.MaxHelloMembers) },
			"longest profile":  func(v hello) { v.Profile = make([]byte, protocol.MaxHelloProfile) },
			"no feed":          func(v hello) { v.Greeting.FeedHead = nil },
		},
		refused: changes[hello]{
			"agent too long":       func(v hello) { v.Agent += "w" },
			"member list too long": func(v hello) { v.Members = make([]byte, protocol.MaxHelloMembers+1) },
			"profile too long":     func(v hello) { v.Profile = make([]byte, protocol.MaxHelloProfile+1) },
			"too many ledgers": func(v hello) {
				v.Greeting.Ledgers = append(v.Greeting.Ledgers, message.LedgerGreeting{Head: head})
			},
			"proof too long": func(v hello) { v.Greeting.Ledgers[1].Proof = make([]byte, protocol.MaxSealedEntry+1) },
		},
	}.with(
		partiesOf("head", func(v hello) (s, r *exchange.ShopID) {
			return &v.Greeting.Ledgers[1].Head.Supplier, &v.Greeting.Ledgers[1].Head.Retailer
		}),
		signedOf("feed head", small, func(v hello) (p, s *[]byte) {
			return &v.Greeting.FeedHead.Payload, &v.Greeting.FeedHead.Signature
		}),
	).test(t)
}

func TestRulesOfRequests(t *testing.T) {
	type request = *message.Request
	rules[request]{
		good: func() request {
			return &message.Request{Supplier: shopA, Retailer: shopB, Number: 1, At: sometime, Act: message.AcceptTerms{}}
		},
		refused: changes[request]{
			"no number": func(v request) { v.Number = 0 },
			"no act":    func(v request) { v.Act = nil },
		},
	}.with(
		partiesOf("request", func(v request) (s, r *exchange.ShopID) { return &v.Supplier, &v.Retailer }),
		timeOf("at", func(v request) *exchange.Time { return &v.At }),
	).test(t)
}

func TestRulesOfEntries(t *testing.T) {
	type entry = *message.Entry
	link := ledger.Link{Supplier: shopA, Retailer: shopB, Position: 1, At: sometime}
	parties := partiesOf("entry", func(v entry) (s, r *exchange.ShopID) { return &v.Supplier, &v.Retailer })
	at := timeOf("at", func(v entry) *exchange.Time { return &v.At })
	t.Run("own", rules[entry]{
		good: func() entry { return &message.Entry{Link: link, Own: message.EndTrade{Reason: "moving"}} },
		allowed: changes[entry]{
			"the longest reason": func(v entry) { v.Own = message.EndTrade{Reason: full(message.MaxReason)} },
		},
		refused: changes[entry]{
			"no position":        func(v entry) { v.Position = 0 },
			"no act":             func(v entry) { v.Own = nil },
			"a request's number": func(v entry) { v.Number = 1 },
			"a request too": func(v entry) {
				signed := someRequest()
				v.Request, v.Number = &signed, 1
			},
			"a bad act": func(v entry) { v.Own = message.EndTrade{Reason: full(message.MaxReason + 1)} },
		},
	}.with(parties, at).test)
	t.Run("answer", rules[entry]{
		good: func() entry {
			signed := someRequest()
			v := &message.Entry{Link: link, Request: &signed}
			v.Number = 1
			return v
		},
		refused: changes[entry]{
			"no position": func(v entry) { v.Position = 0 },
			"no number":   func(v entry) { v.Number = 0 },
			"no request":  func(v entry) { v.Request = nil },
			"an own act":  func(v entry) { v.Own = message.EndTrade{} },
		},
	}.with(parties, at, signedOf("request", protocol.MaxRequest, func(v entry) (p, s *[]byte) {
		return &v.Request.Payload, &v.Request.Signature
	})).test)
}

func TestRulesOfActs(t *testing.T) {
	none, long, longest := exchange.OrderID{}, full(message.MaxReason+1), full(message.MaxReason)
	most, tooMany := unitsOf(exchange.MaxLines), unitsOf(exchange.MaxLines+1)
	bad := append(unitsOf(1), order.Units{SKU: badSKU, Units: 1})
	quote, longestQuote, longQuote := []byte("quote"), make([]byte, protocol.MaxSealedAnswer), make([]byte, protocol.MaxSealedAnswer+1)
	terms := func(change func(*exchange.Terms)) message.Act {
		t := exchange.DefaultTerms("EUR")
		change(&t)
		return message.ProposeTerms{Terms: t}
	}
	countries := func(n int) []string { return strings.Split(strings.Repeat("SE ", n-1)+"SE", " ") }
	for name, c := range map[string]struct{ allowed, refused map[string]message.Act }{
		"propose": {
			map[string]message.Act{
				"any country":      terms(func(*exchange.Terms) {}),
				"most countries":   terms(func(t *exchange.Terms) { t.Countries = countries(exchange.MaxCountries) }),
				"longest feed":     terms(func(t *exchange.Terms) { t.Feed = full(exchange.MaxText) }),
				"longest currency": terms(func(t *exchange.Terms) { t.Currency = exchange.Currency(full(exchange.MaxText)) }),
			},
			map[string]message.Act{
				"too many countries": terms(func(t *exchange.Terms) { t.Countries = countries(exchange.MaxCountries + 1) }),
				"a bad country":      terms(func(t *exchange.Terms) { t.Countries = []string{"FI", "se"} }),
				"feed too long":      terms(func(t *exchange.Terms) { t.Feed = full(exchange.MaxText + 1) }),
				"currency too long":  terms(func(t *exchange.Terms) { t.Currency = exchange.Currency(full(exchange.MaxText + 1)) }),
			},
		},
		"accept terms":  {allowed: map[string]message.Act{"good": message.AcceptTerms{Proposal: ledger.Hash{1}}, "no hash": message.AcceptTerms{}}},
		"decline terms": {allowed: map[string]message.Act{"good": message.DeclineTerms{Proposal: ledger.Hash{1}}, "no hash": message.DeclineTerms{}}},
		"end": {
			map[string]message.Act{"no reason": message.EndTrade{}, "longest reason": message.EndTrade{Reason: longest}},
			map[string]message.Act{"reason too long": message.EndTrade{Reason: long}},
		},
		"submit": {
			map[string]message.Act{
				"good":              message.SubmitOrder{Order: someHold, Quote: quote},
				"the longest quote": message.SubmitOrder{Order: someHold, Quote: longestQuote},
			},
			map[string]message.Act{
				"no order":       message.SubmitOrder{Quote: quote},
				"no quote":       message.SubmitOrder{Order: someHold},
				"quote too long": message.SubmitOrder{Order: someHold, Quote: longQuote},
			},
		},
		"cancel": {
			map[string]message.Act{
				"everything": message.CancelOrder{Order: someHold},
				"most":       message.CancelOrder{Order: someHold, Lines: most, Reason: longest},
			},
			map[string]message.Act{
				"no order":        message.CancelOrder{Order: none},
				"too many lines":  message.CancelOrder{Order: someHold, Lines: tooMany},
				"a bad SKU":       message.CancelOrder{Order: someHold, Lines: bad},
				"reason too long": message.CancelOrder{Order: someHold, Reason: long},
			},
		},
		"accept": {
			map[string]message.Act{"good": message.AcceptOrder{Order: someHold}},
			map[string]message.Act{"no order": message.AcceptOrder{Order: none}},
		},
		"reject": {
			map[string]message.Act{"no reason": message.RejectOrder{Order: someHold}, "longest reason": message.RejectOrder{Order: someHold, Reason: longest}},
			map[string]message.Act{"no order": message.RejectOrder{Order: none}, "reason too long": message.RejectOrder{Order: someHold, Reason: long}},
		},
		"ship": {
			map[string]message.Act{
				"everything": message.ShipOrder{Order: someHold},
				"most":       message.ShipOrder{Order: someHold, Lines: most, Carrier: longest, Tracking: longest},
			},
			map[string]message.Act{
				"no order":          message.ShipOrder{Order: none},
				"too many lines":    message.ShipOrder{Order: someHold, Lines: tooMany},
				"a bad SKU":         message.ShipOrder{Order: someHold, Lines: bad},
				"carrier too long":  message.ShipOrder{Order: someHold, Carrier: long},
				"tracking too long": message.ShipOrder{Order: someHold, Tracking: long},
			},
		},
		"deliver": {
			map[string]message.Act{"everything": message.DeliverOrder{Order: someHold}, "most": message.DeliverOrder{Order: someHold, Lines: most}},
			map[string]message.Act{
				"no order":       message.DeliverOrder{Order: none},
				"too many lines": message.DeliverOrder{Order: someHold, Lines: tooMany},
				"a bad SKU":      message.DeliverOrder{Order: someHold, Lines: bad},
			},
		},
		"expire": {
			map[string]message.Act{"good": message.ExpireOrder{Order: someHold}},
			map[string]message.Act{"no order": message.ExpireOrder{Order: none}},
		},
	} {
		request := func(a message.Act) message.Value {
			return &message.Request{Supplier: shopA, Retailer: shopB, Number: 1, At: sometime, Act: a}
		}
		for what, a := range c.allowed {
			t.Run(name+"/allowed/"+what, func(t *testing.T) { wantAllowed(t, request(a)) })
		}
		for what, a := range c.refused {
			t.Run(name+"/refused/"+what, func(t *testing.T) { wantRefused(t, request(a), exchange.CodeInvalid) })
		}
	}
}

// itemsOf are the rules of the changes in a message of the feed, of which there are two.
func itemsOf[V message.Value](of func(V) []message.FeedItem) rules[V] {
	return rules[V]{
		allowed: changes[V]{
			"a removal":          func(v V) { of(v)[1].Record = nil },
			"the longest record": func(v V) { of(v)[1].Record = make([]byte, catalog.MaxRecord) },
		},
		refused: changes[V]{
			"no sequence":     func(v V) { of(v)[1].Sequence = 0 },
			"a bad SKU":       func(v V) { of(v)[1].SKU = badSKU },
			"record too long": func(v V) { of(v)[1].Record = make([]byte, catalog.MaxRecord+1) },
		},
	}
}

func someItems() []message.FeedItem {
	return []message.FeedItem{{Sequence: 1, SKU: "shoe", Record: []byte("shoe")}, {Sequence: 2, SKU: "hat", Record: []byte("hat")}}
}

func TestRulesOfTheFeed(t *testing.T) {
	t.Run("product", rules[*message.FeedProduct]{
		good: func() *message.FeedProduct {
			return &message.FeedProduct{Product: exchange.Product{SKU: "hat", Title: "Hat", Price: exchange.Money{Minor: 5, Currency: "EUR"}}}
		},
		refused: changes[*message.FeedProduct]{"no title": func(v *message.FeedProduct) { v.Title = "" }},
	}.test)
	type head = *message.FeedHead
	t.Run("head", rules[head]{
		good:    func() head { return &message.FeedHead{Shop: shopA, Feed: exchange.MainFeed, At: sometime} },
		allowed: changes[head]{"the longest name": func(v head) { v.Feed = full(exchange.MaxText) }},
		refused: changes[head]{
			"no shop":       func(v head) { v.Shop = exchange.ShopID{} },
			"no name":       func(v head) { v.Feed = "" },
			"name too long": func(v head) { v.Feed = full(exchange.MaxText + 1) },
		},
	}.with(timeOf("at", func(v head) *exchange.Time { return &v.At })).test)
	type update = *message.FeedUpdate
	t.Run("update", rules[update]{
		good:    func() update { return &message.FeedUpdate{Head: someFeedHead(), Items: someItems()} },
		allowed: changes[update]{"no items": func(v update) { v.Items = nil }},
	}.with(
		signedOf("head", small, func(v update) (p, s *[]byte) { return &v.Head.Payload, &v.Head.Signature }),
		itemsOf(func(v update) []message.FeedItem { return v.Items }),
	).test)
	type chunk = *message.FeedChunk
	t.Run("chunk", rules[chunk]{
		good: func() chunk {
			h := someFeedHead()
			return &message.FeedChunk{Head: &h, Items: someItems()}
		},
		allowed: changes[chunk]{
			"no head":      func(v chunk) { v.Head = nil },
			"no items":     func(v chunk) { v.Items = nil },
			"most digests": func(v chunk) { v.Digests = fullDigests() },
		},
		refused: changes[chunk]{"too many digests": func(v chunk) { v.Digests = append(fullDigests(), [32]byte{1}) }},
	}.with(
		signedOf("head", small, func(v chunk) (p, s *[]byte) { return &v.Head.Payload, &v.Head.Signature }),
		itemsOf(func(v chunk) []message.FeedItem { return v.Items }),
	).test)
	type pull = *message.FeedPull
	t.Run("pull", rules[pull]{
		good: func() pull {
			h := someFeedHead()
			return &message.FeedPull{Feed: exchange.MainFeed, Have: &h}
		},
		allowed: changes[pull]{
			"no head":          func(v pull) { v.Have = nil },
			"the longest name": func(v pull) { v.Feed = full(exchange.MaxText) },
			"buckets":          func(v pull) { v.Buckets = []uint32{0, 1, catalog.Buckets - 1} },
			"all buckets":      func(v pull) { v.Buckets = longestPull().Buckets },
		},
		refused: changes[pull]{
			"no name":             func(v pull) { v.Feed = "" },
			"name too long":       func(v pull) { v.Feed = full(exchange.MaxText + 1) },
			"a bucket twice":      func(v pull) { v.Buckets = []uint32{0, 1, 1} },
			"buckets descend":     func(v pull) { v.Buckets = []uint32{1, 0} },
			"a bucket too great":  func(v pull) { v.Buckets = []uint32{0, catalog.Buckets} },
			"the first too great": func(v pull) { v.Buckets = []uint32{catalog.Buckets} },
			"too many buckets":    func(v pull) { v.Buckets = append(longestPull().Buckets, catalog.Buckets) },
		},
	}.with(signedOf("head", small, func(v pull) (p, s *[]byte) { return &v.Have.Payload, &v.Have.Signature })).test)
}

func TestRulesOfRecords(t *testing.T) {
	t.Run("hold", rules[*record.Hold]{
		good:    func() *record.Hold { return &record.Hold{} },
		allowed: changes[*record.Hold]{"the last state": func(v *record.Hold) { v.Hold.State = hold.Refused }},
		refused: changes[*record.Hold]{"an unknown state": func(v *record.Hold) { v.Hold.State = hold.Asked + 1 }},
	}.test)
	t.Run("reservation", rules[*record.Reservation]{
		good:    func() *record.Reservation { return &record.Reservation{} },
		allowed: changes[*record.Reservation]{"the last state": func(v *record.Reservation) { v.State = hold.Refused }},
		refused: changes[*record.Reservation]{"an unknown state": func(v *record.Reservation) { v.State = hold.Asked + 1 }, "a state for the supplier alone": func(v *record.Reservation) { v.State = hold.Asked }},
	}.test)
	t.Run("order", rules[*record.Order]{
		good: func() *record.Order { return &record.Order{} },
		allowed: changes[*record.Order]{
			"most parcels":          func(v *record.Order) { v.Parcels = make([]record.Parcel, protocol.MaxParcels) },
			"cancelled by the last": func(v *record.Order) { v.CancelledBy = exchange.Retailer },
			"the last treatment":    func(v *record.Order) { v.Quote.Tax.Treatment = exchange.TaxNone },
			"the quote's last rule": func(v *record.Order) { v.Quote.Cancel = exchange.CancelNever },
			"the order's last rule": func(v *record.Order) { v.Order.Cancel = exchange.CancelNever },
		},
		refused: changes[*record.Order]{
			"too many parcels":         func(v *record.Order) { v.Parcels = make([]record.Parcel, protocol.MaxParcels+1) },
			"cancelled by a stranger":  func(v *record.Order) { v.CancelledBy = badParty },
			"an unknown treatment":     func(v *record.Order) { v.Quote.Tax.Treatment = badTreatment },
			"the quote's rule unknown": func(v *record.Order) { v.Quote.Cancel = badCancel },
			"the order's rule unknown": func(v *record.Order) { v.Order.Cancel = badCancel },
		},
	}.test)
	type partnership = *record.Partnership
	parties, refused, allowed := map[string]func(partnership) *exchange.Party{
		"ended by":    func(v partnership) *exchange.Party { return &v.State.EndedBy },
		"open by":     func(v partnership) *exchange.Party { return &v.State.Open.By },
		"declined of": func(v partnership) *exchange.Party { return &v.State.Declined.Of },
		"declined by": func(v partnership) *exchange.Party { return &v.State.Declined.By },
	}, changes[partnership]{
		"a rule unknown":       func(v partnership) { v.State.Terms.Cancel = badCancel },
		"the open one unknown": func(v partnership) { v.State.Open.Terms.Cancel = badCancel },
	}, changes[partnership]{
		"the last rule":        func(v partnership) { v.State.Terms.Cancel = exchange.CancelNever },
		"the last rule opened": func(v partnership) { v.State.Open.Terms.Cancel = exchange.CancelNever },
	}
	for name, of := range parties {
		refused[name+" a stranger"] = func(v partnership) { *of(v) = badParty }
		allowed[name+" the retailer"] = func(v partnership) { *of(v) = exchange.Retailer }
	}
	t.Run("partnership", rules[partnership]{
		good: func() partnership { return &record.Partnership{} }, allowed: allowed, refused: refused,
	}.test)
}
