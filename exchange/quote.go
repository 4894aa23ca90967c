package exchange

import (
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

// QuoteLine prices one line. All amounts are in the quote's currency, in minor
// units, except those in US cents.
type QuoteLine struct {
	SKU      SKU
	Title    string
	Quantity Quantity
	List     int64 // catalog price of one unit
	Unit     int64 // List less the discount
	Total    int64 // Unit × Quantity
	USDUnit  int64 // US cents, Unit converted and rounded half up
	USDTotal int64 // USDUnit × Quantity
}

// Quote is the supplier's binding price for a hold until it expires
// (design: Holds and orders). It is sealed: the supplier's signature covers it. Only the
// supplier rounds; the retailer checks the sums and never recomputes a price.
type Quote struct {
	Supplier     ShopID
	Retailer     ShopID
	Hold         HoldID
	TermsVersion uint32
	Country      string // ship-to, ISO 3166-1 alpha-2
	Currency     Currency
	Lines        []QuoteLine
	Shipping     int64 // minor units
	USDShipping  int64 // US cents
	Tax          Tax
	Total        int64 // Σ line totals + Shipping: the native amount due
	USDTotal     int64 // Σ USD line totals + USDShipping
	Rate         Rate  // the one USD amounts were made with
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

// Offer is what PriceQuote needs to know of a product.
type Offer struct {
	Title string
	List  int64 // catalog price of one unit, minor units ≥ 0
	Grams int64 // shipping weight of one unit, ≥ 0; 0 = none
}

// PriceQuote fills q's lines, shipping and totals from the catalog prices
// (design: Holds and orders): unit = list − floor(list × discount / 10,000);
// line = unit × quantity; USD unit = round-half-up(unit × rate), then × quantity.
// q.Country, q.Currency and q.Rate must be set. offer is asked for each line's product, and
// its error returned. It fails with CodeInvalid for an offer that cannot be priced,
// CodeCountry where the supplier does not ship there, CodeCurrency and CodeNoRate where
// the rate does not fit, and CodeOverflow where a sum leaves 64 bits; q is then as it was.
func PriceQuote(q *Quote, lines Lines, offer func(SKU) (Offer, error), discount BasisPoints, table ShippingTable) error {
	priced := *q
	priced.Lines = make([]QuoteLine, 0, lines.Len())
	var grams int64
	var native, usd sum
	for _, l := range lines.list {
		o, err := offer(l.SKU)
		if err != nil {
			return err
		}
		line, err := priceLine(l, o, discount, priced.Currency, priced.Rate)
		if err != nil {
			return err
		}
		native.add(line.Total)
		usd.add(line.USDTotal)
		weight, ok1 := mul64(o.Grams, int64(l.Quantity))
		var ok2 bool
		grams, ok2 = add64(grams, weight)
		if !ok1 || !ok2 {
			return errOverflow
		}
		priced.Lines = append(priced.Lines, line)
	}
	var err error
	if priced.Shipping, err = table.Price(priced.Country, grams); err != nil {
		return err
	}
	if priced.USDShipping, err = priced.Rate.Cents(Money{priced.Shipping, priced.Currency}); err != nil {
		return err
	}
	native.add(priced.Shipping)
	usd.add(priced.USDShipping)
	if native.overflow || usd.overflow {
		return errOverflow
	}
	priced.Total, priced.USDTotal = native.n, usd.n
	*q = priced
	return nil
}

func priceLine(l Line, o Offer, discount BasisPoints, c Currency, rate Rate) (QuoteLine, error) {
	if o.Grams < 0 {
		return QuoteLine{}, Errorf(CodeInvalid, "%s weighs %d g; a weight is not negative", l.SKU, o.Grams)
	}
	unit, err := Discount(o.List, discount)
	if err != nil {
		return QuoteLine{}, err
	}
	usdUnit, err := rate.Cents(Money{unit, c})
	if err != nil {
		return QuoteLine{}, err
	}
	total, ok1 := mul64(unit, int64(l.Quantity))
	usdTotal, ok2 := mul64(usdUnit, int64(l.Quantity))
	if !ok1 || !ok2 {
		return QuoteLine{}, errOverflow
	}
	return QuoteLine{
		SKU: l.SKU, Title: o.Title, Quantity: l.Quantity,
		List: o.List, Unit: unit, Total: total, USDUnit: usdUnit, USDTotal: usdTotal,
	}, nil
}

// sum adds amounts and remembers whether one of the additions left 64 bits.
type sum struct {
	n        int64
	overflow bool
}

func (s *sum) add(n int64) {
	var ok bool
	s.n, ok = add64(s.n, n)
	s.overflow = s.overflow || !ok
}

// CheckSums verifies a received quote's arithmetic: what a retailer can check
// without knowing the supplier's catalog. It fails with CodeInvalid where a
// figure does not add up and CodeOverflow where one leaves 64 bits.
func (q *Quote) CheckSums() error {
	if len(q.Lines) == 0 || len(q.Lines) > MaxLines {
		return Errorf(CodeInvalid, "the quote has %d lines; 1 to %d are allowed", len(q.Lines), MaxLines)
	}
	if q.Shipping < 0 || q.USDShipping < 0 {
		return Errorf(CodeInvalid, "the quote's shipping is negative")
	}
	native, usd := sum{n: q.Shipping}, sum{n: q.USDShipping}
	for _, l := range q.Lines {
		if !l.addsUp() {
			return Errorf(CodeInvalid, "the quote's line for %s does not add up", l.SKU)
		}
		native.add(l.Total)
		usd.add(l.USDTotal)
	}
	if native.overflow || usd.overflow {
		return errOverflow
	}
	if native.n != q.Total || usd.n != q.USDTotal {
		return Errorf(CodeInvalid, "the quote's total does not add up")
	}
	return nil
}

func (l QuoteLine) addsUp() bool {
	if l.Quantity.Check() != nil || l.Unit < 0 || l.Unit > l.List || l.USDUnit < 0 {
		return false
	}
	total, ok1 := mul64(l.Unit, int64(l.Quantity))
	usdTotal, ok2 := mul64(l.USDUnit, int64(l.Quantity))
	return ok1 && ok2 && total == l.Total && usdTotal == l.USDTotal
}
