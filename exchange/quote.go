package exchange

import "time"

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
// (DESIGN §6). It is sealed: the supplier's signature covers it. Only the
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

// PricedLine is what PriceQuote needs to know of a line.
type PricedLine struct {
	Line
	Title string
	List  int64 // catalog price of one unit, minor units ≥ 0
	Grams int64 // shipping weight of one unit; 0 = none
}

// PriceQuote fills q's lines, shipping and totals from the catalog prices by
// the rules of DESIGN §6: unit = list − floor(list × discount / 10,000);
// line = unit × quantity; USD unit = round-half-up(unit × rate), then × quantity.
// q.Country, q.Currency and q.Rate must be set. It fails with CodeCountry where
// the supplier does not ship there and CodeOverflow where a sum leaves 64 bits.
func PriceQuote(q *Quote, lines []PricedLine, discount BasisPoints, table ShippingTable) error {
	q.Lines = make([]QuoteLine, 0, len(lines))
	q.Total, q.USDTotal = 0, 0
	var grams int64
	for _, l := range lines {
		unit, err := Discount(l.List, discount)
		if err != nil {
			return err
		}
		usd, err := q.Rate.Cents(Money{unit, q.Currency})
		if err != nil {
			return err
		}
		total, ok1 := mul64(unit, int64(l.Quantity))
		usdTotal, ok2 := mul64(usd, int64(l.Quantity))
		weight, ok3 := mul64(l.Grams, int64(l.Quantity))
		var ok4, ok5, ok6 bool
		q.Total, ok4 = add64(q.Total, total)
		q.USDTotal, ok5 = add64(q.USDTotal, usdTotal)
		grams, ok6 = add64(grams, weight)
		if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) {
			return errOverflow
		}
		q.Lines = append(q.Lines, QuoteLine{
			SKU: l.SKU, Title: l.Title, Quantity: l.Quantity,
			List: l.List, Unit: unit, Total: total, USDUnit: usd, USDTotal: usdTotal,
		})
	}
	var err error
	if q.Shipping, err = table.Price(q.Country, grams); err != nil {
		return err
	}
	if q.USDShipping, err = q.Rate.Cents(Money{q.Shipping, q.Currency}); err != nil {
		return err
	}
	var ok1, ok2 bool
	q.Total, ok1 = add64(q.Total, q.Shipping)
	q.USDTotal, ok2 = add64(q.USDTotal, q.USDShipping)
	if !ok1 || !ok2 {
		return errOverflow
	}
	return nil
}

// CheckSums verifies a received quote's arithmetic: what a retailer can check
// without knowing the supplier's catalog.
func (q *Quote) CheckSums() error {
	if len(q.Lines) == 0 || len(q.Lines) > MaxLines {
		return Errorf(CodeInvalid, "the quote has %d lines", len(q.Lines))
	}
	total, usd := q.Shipping, q.USDShipping
	if q.Shipping < 0 || q.USDShipping < 0 {
		return Errorf(CodeInvalid, "the quote's shipping is negative")
	}
	for _, l := range q.Lines {
		lt, ok1 := mul64(l.Unit, int64(l.Quantity))
		lu, ok2 := mul64(l.USDUnit, int64(l.Quantity))
		if l.Unit < 0 || l.Unit > l.List || l.USDUnit < 0 || l.Quantity.Check() != nil || !ok1 || !ok2 || lt != l.Total || lu != l.USDTotal {
			return Errorf(CodeInvalid, "the quote's line for %s does not add up", l.SKU)
		}
		total, ok1 = add64(total, lt)
		usd, ok2 = add64(usd, lu)
		if !ok1 || !ok2 {
			return errOverflow
		}
	}
	if total != q.Total || usd != q.USDTotal {
		return Errorf(CodeInvalid, "the quote's total does not add up")
	}
	return nil
}

// ShippingTable prices shipping by country and weight, in minor units of the
// supplier's native currency. A zero table ships everywhere for nothing.
type ShippingTable struct {
	Zones []ShippingZone // the first zone that names the country, else the first with none, applies
}

// ShippingZone is one row: the countries it serves and its prices.
type ShippingZone struct {
	Countries []string // ISO 3166-1 alpha-2; empty = everywhere else
	Flat      int64    // for any weight; used when Bands is empty
	Bands     []WeightBand
}

// WeightBand prices a parcel up to a weight.
type WeightBand struct {
	UpTo  int64 // grams, inclusive; ascending
	Price int64
}

// Check reports a table that cannot price.
func (t ShippingTable) Check() error {
	for _, z := range t.Zones {
		for _, c := range z.Countries {
			if err := CheckCountry(c); err != nil {
				return err
			}
		}
		if z.Flat < 0 {
			return Errorf(CodeInvalid, "a shipping price is not negative")
		}
		last := int64(-1)
		for _, b := range z.Bands {
			if b.UpTo <= last || b.Price < 0 {
				return Errorf(CodeInvalid, "weight bands ascend and their prices are not negative")
			}
			last = b.UpTo
		}
	}
	return nil
}

// Price is what a parcel of this weight costs to a country; CodeCountry where
// no zone serves it or no band is heavy enough.
func (t ShippingTable) Price(country string, grams int64) (int64, error) {
	if len(t.Zones) == 0 {
		return 0, nil
	}
	var zone *ShippingZone
	for i := range t.Zones {
		z := &t.Zones[i]
		if len(z.Countries) == 0 && zone == nil {
			zone = z
		}
		for _, c := range z.Countries {
			if c == country {
				zone = z
			}
		}
		if zone == z && len(z.Countries) > 0 {
			break
		}
	}
	if zone == nil {
		return 0, Errorf(CodeCountry, "the supplier does not ship to %s", country)
	}
	if len(zone.Bands) == 0 {
		return zone.Flat, nil
	}
	for _, b := range zone.Bands {
		if grams <= b.UpTo {
			return b.Price, nil
		}
	}
	return 0, Errorf(CodeCountry, "the supplier ships at most %d g to %s, not %d g", zone.Bands[len(zone.Bands)-1].UpTo, country, grams)
}

// ShipTo is where a consumer's parcel goes. It is personal data: it travels
// beside the order to the supplier alone, is kept apart from the ledger, and is
// erased together with the salt that ties it to the order (DESIGN §6).
type ShipTo struct {
	Name       string
	Lines      []string // street address, 1 to 4
	City       string
	Region     string
	PostalCode string
	Country    string // must equal the quote's
	Email      string
	Phone      string
}

// Check reports a missing part or one over 255 bytes.
func (s ShipTo) Check() error {
	if s.Name == "" || len(s.Lines) == 0 || s.Lines[0] == "" || s.City == "" {
		return Errorf(CodeInvalid, "ship-to needs a name, an address line and a city")
	}
	if len(s.Lines) > 4 {
		return Errorf(CodeInvalid, "ship-to has at most 4 address lines, not %d", len(s.Lines))
	}
	for _, f := range append([]string{s.Name, s.City, s.Region, s.PostalCode, s.Email, s.Phone}, s.Lines...) {
		if len(f) > MaxText {
			return Errorf(CodeInvalid, "ship-to: a field has %d bytes; %d are allowed", len(f), MaxText)
		}
	}
	return CheckCountry(s.Country)
}
