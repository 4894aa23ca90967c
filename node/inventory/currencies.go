package inventory

import (
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
)

// currencySigns are the signs and short names that price lists use, and the
// currencies each may mean. One that means several is taken for the shop's if it is
// among them; there is no other way to tell them apart, and none is needed: a shop
// quotes in one currency.
var currencySigns = map[string]string{
	"€": "EUR", "euro": "EUR", "euros": "EUR",
	"£": "GBP EGP GIP FKP SHP", "gbp£": "GBP",
	"$":   "USD CAD AUD NZD HKD SGD MXN ARS CLP COP TWD BRL BBD BSD BZD FJD JMD LRD NAD TTD UYU XCD DOP",
	"us$": "USD", "usd$": "USD", "u$s": "USD", "$us": "USD",
	"c$": "CAD", "ca$": "CAD", "cad$": "CAD", "$ca": "CAD",
	"a$": "AUD", "au$": "AUD", "aud$": "AUD",
	"nz$": "NZD", "hk$": "HKD", "s$": "SGD", "nt$": "TWD", "mx$": "MXN", "r$": "BRL", "cl$": "CLP", "ar$": "ARS",
	"¥": "JPY CNY", "￥": "JPY CNY", "円": "JPY", "元": "CNY TWD HKD", "jp¥": "JPY", "cn¥": "CNY", "rmb": "CNY",
	"kr": "SEK NOK DKK ISK", "kr.": "SEK NOK DKK ISK", "skr": "SEK", "nkr": "NOK", "dkr": "DKK",
	"fr": "CHF", "fr.": "CHF", "sfr": "CHF", "sfr.": "CHF",
	"zł": "PLN", "zl": "PLN", "kč": "CZK", "kc": "CZK", "ft": "HUF", "lei": "RON MDL", "leu": "RON MDL",
	"лв": "BGN", "лв.": "BGN", "₽": "RUB", "руб": "RUB BYN", "руб.": "RUB BYN", "р.": "RUB BYN", "₴": "UAH", "грн": "UAH", "грн.": "UAH",
	"₺": "TRY", "tl": "TRY", "₹": "INR", "rs": "INR PKR LKR NPR MUR", "rs.": "INR PKR LKR NPR MUR", "₩": "KRW", "원": "KRW",
	"₪": "ILS", "฿": "THB", "₫": "VND", "đ": "VND", "₱": "PHP", "rp": "IDR", "rm": "MYR", "r": "ZAR", "₦": "NGN", "₡": "CRC", "₲": "PYG",
	"s/": "PEN", "s/.": "PEN", "₾": "GEL", "₸": "KZT", "₼": "AZN", "৳": "BDT", "د.إ": "AED", "дин": "RSD", "дин.": "RSD", "din": "RSD", "kn": "HRK",
}

// names reports whether the word or sign beside a price means the currency c.
func names(named string, c exchange.Currency) bool {
	named = strings.ToLower(strings.ReplaceAll(named, " ", ""))
	if strings.EqualFold(named, string(c)) {
		return true
	}
	return slices.Contains(strings.Fields(currencySigns[named]), string(c))
}
