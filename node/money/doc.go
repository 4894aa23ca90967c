// Package money reads the decimal amounts that people and files write, such as "12.99",
// into [exchange.Money]. Inside Souk an amount is always an int64 count of minor units;
// this package stands at the boundary. [exchange.Money.Amount] is the way back.
//
// # Text form
//
//	amount = digits [ "." digits ]     one or more digits 0–9 on each side
//
// There is no sign, exponent, space, currency symbol or thousands separator:
// what could be read in two ways is refused, never guessed. How many decimals a
// currency has is said by [exchange.Currency.Decimals]. An amount with more than
// that is refused unless the extra ones are zeros, so nothing is ever rounded here.
package money
