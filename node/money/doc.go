// Package money turns the decimal amounts that people and files write, such as
// "12.99", into [exchange.Money] and back. Inside Souk an amount is always an
// int64 count of minor units; this package stands at the boundary, and it alone
// knows how many decimals a currency has.
//
// # Text form
//
//	amount = digits [ "." digits ]     one or more digits 0–9 on each side
//
// There is no sign, exponent, space, currency symbol or thousands separator:
// what could be read in two ways is refused, never guessed. A currency's number
// of decimals is that of ISO 4217 (EUR 2, JPY 0, KWD 3), from the table of
// github.com/Rhymond/go-money. An amount with more decimals than that is
// refused unless the extra ones are zeros, so nothing is ever rounded here.
package money
