package exchange

// Currency is an ISO 4217 alphabetic code such as "EUR".
type Currency string

// USD is the currency in which every product is priced besides its own.
const USD Currency = "USD"

// Check reports a code that is not three letters A–Z. It need not be one of ISO 4217's:
// see [Currency.Decimals].
func (c Currency) Check() error {
	if len(c) != 3 {
		return Errorf(CodeInvalid, "%q is not a currency code such as EUR", string(c))
	}
	for _, r := range []byte(c) {
		if r < 'A' || r > 'Z' {
			return Errorf(CodeInvalid, "%q is not a currency code such as EUR", string(c))
		}
	}
	return nil
}

// Decimals is how many decimals an amount of c has by ISO 4217, 0 to 4: EUR 2, JPY 0,
// KWD 3. A malformed or unknown code, and one that counts no minor units (gold, the
// test code XTS), is CodeInvalid.
func (c Currency) Decimals() (int, error) {
	if err := c.Check(); err != nil {
		return 0, err
	}
	n, ok := minorUnits(c)
	if !ok {
		return 0, Errorf(CodeInvalid, "%s is not a currency of ISO 4217; use a code such as EUR", c)
	}
	return n, nil
}

// minorUnits is the column "minor unit" of ISO 4217, list one, as published on
// 2026-01-01, without the rows that say "N.A." there.
func minorUnits(c Currency) (digits int, ok bool) {
	switch c {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV",
		"XAF", "XOF", "XPF":
		return 0, true
	case "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BMD", "BND",
		"BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHE", "CHF", "CHW", "CNY",
		"COP", "COU", "CRC", "CUP", "CVE", "CZK", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD",
		"FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS",
		"INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL",
		"MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR",
		"MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR",
		"RON", "RSD", "RUB", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP",
		"STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD",
		"USN", "UYU", "UZS", "VED", "VES", "WST", "XAD", "XCD", "XCG", "YER", "ZAR", "ZMW", "ZWG":
		return 2, true
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3, true
	case "CLF", "UYW":
		return 4, true

	// Not in the list, or "N.A." there, and known to earlier versions: folders and records outlive
	// a list. ANG to ZWL were withdrawn; GGP, IMP and JEP are of the pound's islands.
	case "ANG", "BGN", "CUC", "EEK", "GHC", "HRK", "LTL", "LVL", "RUR", "SKK", "SLL", "STD", "TRL", "VEF", "ZWD", "ZWL",
		"GGP", "IMP", "JEP":
		return 2, true
	case "BYR", "XAG", "XAU", "XDR":
		return 0, true
	}
	return 0, false
}
