package exchange

import (
	"slices"
	"unicode/utf8"
)

// ShippingTable prices shipping by country and weight, in minor units of the
// supplier's native currency. The zero table ships everywhere for nothing. The
// first zone that names the country applies, else the first that names none.
type ShippingTable struct{ Zones []ShippingZone }

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

// Check reports a table that cannot price: a bad country code, a negative price,
// bands that do not ascend.
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

// Price is what a parcel of this weight costs to a country, in minor units;
// CodeCountry where no zone serves it or no band is heavy enough.
func (t ShippingTable) Price(country string, grams int64) (int64, error) {
	if len(t.Zones) == 0 {
		return 0, nil
	}
	zone, ok := t.zone(country)
	if !ok {
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
	heaviest := zone.Bands[len(zone.Bands)-1].UpTo
	return 0, Errorf(CodeCountry, "the supplier ships at most %d g to %s, not %d g; split the order", heaviest, country, grams)
}

// zone is the first that names the country, else the first for everywhere else.
func (t ShippingTable) zone(country string) (ShippingZone, bool) {
	for _, z := range t.Zones {
		if slices.Contains(z.Countries, country) {
			return z, true
		}
	}
	for _, z := range t.Zones {
		if len(z.Countries) == 0 {
			return z, true
		}
	}
	return ShippingZone{}, false
}

// ShipTo is where a consumer's parcel goes. It is personal data: it travels
// beside the order to the supplier alone, as a part of a [Delivery], is kept apart from
// the ledger, and is erased together with the salt that ties it to the order (design:
// Holds and orders).
type ShipTo struct {
	Name       string
	Lines      []string // street address, 1 to MaxAddressLines
	City       string
	Region     string
	PostalCode string
	Country    string // must equal the quote's
	Email      string
	Phone      string
}

// MaxAddressLines bounds a street address. With every field at MaxText bytes a
// ship-to stays below 3 KiB: (6 fields + 4 lines) × 255 + 2 for the country.
const MaxAddressLines = 4

// Check reports a missing part, one over MaxText bytes, or one that is not UTF-8.
func (s ShipTo) Check() error {
	if s.Name == "" || len(s.Lines) == 0 || s.Lines[0] == "" || s.City == "" {
		return Errorf(CodeInvalid, "ship-to needs a name, an address line and a city")
	}
	if len(s.Lines) > MaxAddressLines {
		return Errorf(CodeInvalid, "ship-to has at most %d address lines, not %d", MaxAddressLines, len(s.Lines))
	}
	for _, f := range append([]string{s.Name, s.City, s.Region, s.PostalCode, s.Email, s.Phone}, s.Lines...) {
		if len(f) > MaxText {
			return Errorf(CodeInvalid, "ship-to: a field has %d bytes; %d are allowed", len(f), MaxText)
		}
		if !utf8.ValidString(f) {
			return Errorf(CodeInvalid, "ship-to: %q is not UTF-8", f)
		}
	}
	return CheckCountry(s.Country)
}
