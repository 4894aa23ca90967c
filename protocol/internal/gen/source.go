package gen

import (
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
)

// source draws the small things that values are made of.
type source struct {
	t     *rapid.T
	first bool // nothing is drawn but what the first version had
}

var (
	bits     = rapid.Bool()
	numbers  = rapid.Uint64()
	amounts  = rapid.Int64Range(0, 1<<40)
	octets   = rapid.Byte()
	letters  = rapid.RuneFrom([]rune("abcXYZ019-_./:åßЖ漢🙂"))
	skus     = rapid.StringOfN(letters, 1, 20, exchange.MaxSKU)
	texts    = rapid.StringOfN(letters, 0, 30, exchange.MaxText)
	blobs    = rapid.SliceOfN(octets, 1, 200)
	currency = rapid.SampledFrom([]exchange.Currency{"EUR", "SEK", "GBP", "USD", "JPY"})
	country  = rapid.SampledFrom([]string{"AT", "DE", "NO", "SE", "US"})
	codes    = rapid.Uint32Range(0, 60) // beyond those that exist
)

func (s source) flag() bool          { return bits.Draw(s.t, "flag") }
func (s source) number() uint64      { return numbers.Draw(s.t, "number") }
func (s source) positive() uint64    { return max(1, s.number()) }
func (s source) amount() int64       { return amounts.Draw(s.t, "amount") }
func (s source) small() uint32       { return rapid.Uint32().Draw(s.t, "small") }
func (s source) time() exchange.Time { return exchange.Time(1 + s.amount()) }
func (s source) text() string        { return texts.Draw(s.t, "text") }
func (s source) sku() exchange.SKU   { return exchange.SKU(skus.Draw(s.t, "sku")) }
func (s source) blob() []byte        { return blobs.Draw(s.t, "blob") }
func (s source) code() exchange.Code { return exchange.Code(codes.Draw(s.t, "code")) }

func (s source) upTo(n int) int { return rapid.IntRange(0, n).Draw(s.t, "up to") }

// maybe is nil half the time.
func maybe[T any](s source, make func() T) *T {
	if s.flag() {
		return nil
	}
	v := make()
	return &v
}

// list has 0 to n items; nil where it is empty.
func list[T any](s source, n int, make func() T) []T {
	var out []T
	for range s.upTo(n) {
		out = append(out, make())
	}
	return out
}

func (s source) blobs() [][]byte { return list(s, 4, s.blob) }

func (s source) optional() []byte {
	if s.flag() {
		return nil
	}
	return s.blob()
}

func (s source) fill(b []byte) {
	copy(b, rapid.SliceOfN(octets, len(b), len(b)).Draw(s.t, "bytes"))
	b[0] |= 1 // never all zeros
}

func (s source) signature() []byte {
	b := make([]byte, 64)
	s.fill(b)
	return b
}

func (s source) hash() (h [32]byte)           { s.fill(h[:]); return h }
func (s source) salt() (h [16]byte)           { s.fill(h[:]); return h }
func (s source) holdID() (id exchange.HoldID) { s.fill(id[:]); return id }
func (s source) shop() (id exchange.ShopID)   { s.fill(id[:]); return id }
func (s source) signed() message.SignedRequest {
	return message.SignedRequest{Payload: s.blob(), Signature: s.signature()}
}
func (s source) signedFeed() message.SignedFeedHead {
	return message.SignedFeedHead{Payload: s.blob(), Signature: s.signature()}
}

// parties are two different shops.
func (s source) parties() (supplier, retailer exchange.ShopID) {
	supplier, retailer = s.shop(), s.shop()
	if supplier == retailer {
		retailer[0] ^= 2
	}
	return supplier, retailer
}

func (s source) quantity() exchange.Quantity {
	return exchange.Quantity(rapid.Int64Range(exchange.MinQuantity, 1000).Draw(s.t, "quantity"))
}

// lines are 1 to 5, of different SKUs.
func (s source) lines() exchange.Lines {
	names := rapid.SliceOfNDistinct(skus, 1, 5, rapid.ID[string]).Draw(s.t, "skus")
	out := make([]exchange.Line, len(names))
	for i, n := range names {
		out[i] = exchange.Line{SKU: exchange.SKU(n), Quantity: s.quantity()}
	}
	return exchangetest.Lines(out...)
}

func (s source) units() []order.Units {
	return list(s, 3, func() order.Units { return order.Units{SKU: s.sku(), Units: int64(s.quantity())} })
}

func (s source) state() hold.State {
	return hold.State(rapid.Uint32Range(0, uint32(hold.Refused)).Draw(s.t, "state"))
}

func (s source) cancel() exchange.CancelRule {
	return exchange.CancelRule(rapid.Uint32Range(1, 3).Draw(s.t, "cancel rule"))
}

func (s source) party() exchange.Party {
	return exchange.Party(rapid.Uint32Range(0, 2).Draw(s.t, "party"))
}

func (s source) span(from, to time.Duration) time.Duration {
	ms := rapid.Int64Range(from.Milliseconds(), to.Milliseconds()).Draw(s.t, "ms")
	return time.Duration(ms) * time.Millisecond
}

func (s source) terms() exchange.Terms {
	var countries []string
	if s.flag() {
		countries = []string{"NO", "SE"}
	}
	return exchange.Terms{
		Discount:       exchange.BasisPoints(s.upTo(int(exchange.Whole))),
		Currency:       currency.Draw(s.t, "currency"),
		HoldLifetime:   s.span(exchange.MinHoldLifetime, exchange.MaxHoldLifetime),
		OpenQuantity:   1 + int64(s.upTo(exchange.MaxOpenQuantity-1)),
		AcceptWithin:   s.span(exchange.MinAcceptWithin, exchange.MaxAcceptWithin),
		Cancel:         s.cancel(),
		Countries:      countries,
		Feed:           exchange.MainFeed,
		SettlementDays: uint32(s.upTo(exchange.MaxSettlementDays)),
	}
}

// quote is priced by the rules, so that its sums add up.
func (s source) quote() exchange.Quote {
	q := exchange.Quote{
		Hold: s.holdID(), TermsVersion: s.small(), Country: country.Draw(s.t, "country"),
		Currency: currency.Draw(s.t, "currency"),
		Tax: exchange.Tax{
			Treatment: exchange.TaxTreatment(1 + s.upTo(3)), Rate: exchange.BasisPoints(s.upTo(int(exchange.Whole))),
		},
		Issued: s.time(), Expires: s.time(),
		AcceptWithin: s.span(exchange.MinAcceptWithin, exchange.MaxAcceptWithin), Cancel: s.cancel(),
	}
	q.Supplier, q.Retailer = s.parties()
	if !s.first && s.flag() {
		q.Format = exchange.QuoteByLine
	}
	if q.Format == exchange.QuoteByUnit || s.flag() {
		q.Rate = exchange.Rate{
			From: q.Currency, Num: 1 + int64(s.upTo(1e6)), Den: 1 + int64(s.upTo(1e6)),
			Text: s.text(), Source: s.text(), Date: s.text(),
		}
	}
	lines, offers := s.lines(), make(map[exchange.SKU]exchange.Offer)
	for _, l := range lines.All() {
		o := exchange.Offer{Title: s.text(), List: int64(s.upTo(1e6)), Grams: int64(s.upTo(1000))}
		if q.Format == exchange.QuoteByLine {
			o.Options, o.Barcode, o.Image = s.options(3), s.text(), s.image()
		}
		offers[l.SKU] = o
	}
	offer := func(sku exchange.SKU) (exchange.Offer, error) { return offers[sku], nil }
	table := exchange.ShippingTable{Zones: []exchange.ShippingZone{{Flat: int64(s.upTo(1e5))}}}
	if err := exchange.PriceQuote(&q, lines, offer, exchange.BasisPoints(s.upTo(int(exchange.Whole))), table); err != nil {
		panic(err) // bounded above so that nothing overflows
	}
	if q.Format == exchange.QuoteByLine {
		q.Lines[0].Cut = s.flag()
	}
	return q
}

func (s source) stockID() exchange.StockID {
	if s.flag() {
		return exchange.OwnStock(s.sku())
	}
	id, err := exchange.PoolStock(string(s.sku()))
	if err != nil {
		panic(err) // s.sku() is one
	}
	return id
}

func (s source) money() exchange.Money {
	return exchange.Money{Minor: s.amount(), Currency: currency.Draw(s.t, "currency")}
}

func (s source) availability() exchange.Availability {
	return exchange.Availability{Unlimited: s.flag(), Units: int64(s.upTo(catalog.MaxUnits))}
}

func (s source) product() exchange.Product {
	p := exchange.Product{
		SKU: s.sku(), Group: s.text(), Title: "T" + s.text(), Description: s.text() + "\n" + s.text(),
		Options: s.options(3),
		Vendor:  s.text(), Category: s.text(), Barcode: s.text(), Grams: s.amount(), Price: s.money(),
		USD:       exchange.USDPrice{Cents: s.amount(), Rate: s.text(), Source: s.text(), Date: s.text()},
		Available: s.availability(),
	}
	p.Image = s.image()
	if !s.first && s.flag() {
		p.USD = exchange.USDPrice{}
	}
	if !s.first && s.flag() {
		p.Summary, p.CompareAt, p.NoShipping = s.text(), s.amount(), s.flag()
		p.Tags, p.MoreCategories = list(s, 3, s.text), list(s, 3, s.text)
		p.MoreImages = list(s, 3, func() string { return "https://example.com/" + s.text() })
	}
	return p
}

// options are at most n.
func (s source) options(n int) []exchange.Option {
	return list(s, n, func() exchange.Option { return exchange.Option{Name: s.text(), Value: s.text()} })
}

// image is empty half the time.
func (s source) image() string {
	if s.flag() {
		return "https://example.com/" + s.text()
	}
	return ""
}

func (s source) head() message.Head {
	h := message.Head{Position: s.number(), Hash: s.hash()}
	h.Supplier, h.Retailer = s.parties()
	return h
}

func (s source) feedKey() message.FeedKey {
	var k message.FeedKey
	s.fill(k.ID[:])
	s.fill(k.Key[:])
	return k
}
