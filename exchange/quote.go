package exchange

import (
	"math/bits"
	"slices"
	"time"
)

// TaxTreatment says how tax stands in a supplier's prices.
type TaxTreatment uint32

const (
	TaxIncluded      TaxTreatment = 1 // prices include the supplier's tax at RateBP
	TaxExcluded      TaxTreatment = 2 // prices are net; tax at RateBP is invoiced on top
	TaxReverseCharge TaxTreatment = 3 // prices are net; the retailer accounts for tax
	TaxNone          TaxTreatment = 4 // the supplier charges no tax
)

func (t TaxTreatment) String() string {
	switch t {
	case TaxIncluded:
		return "included"
	case TaxExcluded:
		return "excluded"
	case TaxReverseCharge:
		return "reverse-charge"
	case TaxNone:
		return "none"
	}
	return "unknown"
}

// Tax is a supplier's statement about its prices; Souk computes no tax.
type Tax struct {
	Treatment TaxTreatment
	Rate      BasisPoints // 0 where Treatment says there is none
}

// QuoteFormat is the arithmetic that a quote is made and checked by. A quote carries its
// format, and is read by it for as long as it is kept.
type QuoteFormat uint32

const (
	// QuoteByUnit is format 1, Souk's first: discount and rate are applied to one unit and
	// rounded, then multiplied. It must have a rate. Its quotes carry no number on the wire,
	// and are still made for retailers that read no other.
	QuoteByUnit QuoteFormat = 0
	// QuoteByLine is format 2: the discount is applied to a whole line and the rate to each
	// amount as it stands, so that nothing is rounded and then multiplied; dollars are absent
	// without a rate; lines carry what the product was.
	QuoteByLine QuoteFormat = 2

	// NewestQuote is the newest format that this version reads.
	NewestQuote = QuoteByLine
)

// QuoteLine prices one line. All amounts are in the quote's currency, in minor
// units, except those in US cents.
type QuoteLine struct {
	SKU      SKU
	Title    string
	Quantity Quantity
	List     int64 // catalog price of one unit
	Unit     int64 // format 1: List less the discount; 0 in format 2
	Total    int64 // what the line costs; see PriceQuote
	USDUnit  int64 // US cents; format 1: Unit converted and rounded half up; 0 in format 2
	USDTotal int64 // US cents; 0 where the quote has no rate

	// Snapshots of the product as it was quoted, for whoever packs it. Format 2 only, and as
	// much as fits [MaxSnapshots].
	Options []Option
	Barcode string
	Image   string // a web address, or empty
	Cut     bool   // something of the product did not fit
}

// Quote is the supplier's binding price for a hold until it expires
// (design: Holds and orders). It is sealed: the supplier's signature covers it. Only the
// supplier rounds; the retailer checks the sums and never recomputes a price.
type Quote struct {
	Format       QuoteFormat
	Supplier     ShopID
	Retailer     ShopID
	Hold         HoldID
	TermsVersion uint32
	Country      string // ship-to, ISO 3166-1 alpha-2
	Currency     Currency
	Discount     BasisPoints // format 2: of the terms, on every line; 0 in format 1
	Lines        []QuoteLine
	Shipping     int64 // minor units
	USDShipping  int64 // US cents
	Tax          Tax
	Total        int64 // Σ line totals + Shipping: the native amount due
	USDTotal     int64 // format 1: Σ USD line totals + USDShipping; format 2: Total converted
	Rate         Rate  // the one USD amounts were made with; format 2: zero where there is none
	Issued       Time
	Expires      Time
	// Of the terms quoted under, so that the order they become needs no other version:
	AcceptWithin time.Duration // the submitted order expires after it, unless accepted
	Cancel       CancelRule
}

// Units is the sum of the lines' quantities.
func (q *Quote) Units() int64 {
	var n int64
	for _, l := range q.Lines {
		n += int64(l.Quantity)
	}
	return n
}

// HoldLines are the lines of the hold that q prices; CodeInvalid where no hold can have
// them.
func (q *Quote) HoldLines() (Lines, error) {
	list := make([]Line, 0, MaxLines)
	for i := range q.Lines {
		list = append(list, Line{SKU: q.Lines[i].SKU, Quantity: q.Lines[i].Quantity})
	}
	return NewLines(list)
}

// Prices reports whether q prices these lines, in their order, and nothing else.
func (q *Quote) Prices(lines Lines) bool {
	return slices.EqualFunc(q.Lines, lines.list, func(l QuoteLine, of Line) bool {
		return l.SKU == of.SKU && l.Quantity == of.Quantity
	})
}

// Part is what n units of a line cost, of 0 to its quantity: the line priced anew with n in
// the place of its quantity. So a line of which units were cancelled never costs more than
// was quoted for it, nor a unit's worth more or less than its share: it is rounded once, by
// less than a minor unit.
func (q *Quote) Part(l *QuoteLine, n int64) int64 {
	if q.Format == QuoteByUnit {
		return n * l.Unit // ≤ Total
	}
	due, err := discounted(l.List, n, q.Discount)
	if err != nil { // a quote whose sums were never checked
		return l.Total
	}
	return due
}

// UnitPrice is what one unit of a line costs, for people. exact is false where it was rounded,
// half up, and only the line's total is to be paid.
func (q *Quote) UnitPrice(l *QuoteLine) (minor int64, exact bool) {
	if q.Format == QuoteByUnit {
		return l.Unit, true
	}
	if l.List < 0 || q.Discount > Whole {
		return l.List, false
	}
	hi, lo := bits.Mul64(uint64(l.List), uint64(Whole-q.Discount))
	whole, rest := bits.Div64(hi, lo, uint64(Whole)) // hi < Whole, as in Discount
	if rest >= uint64(Whole)/2 {
		whole++
	}
	return int64(whole), rest == 0
}
