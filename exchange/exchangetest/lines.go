// Package exchangetest makes values of package exchange for tests. It panics where a test
// asks for a value that there cannot be: the test is wrong.
package exchangetest

import "github.com/souk-market/souk/exchange"

// Lines are these lines.
func Lines(list ...exchange.Line) exchange.Lines {
	lines, err := exchange.NewLines(list)
	if err != nil {
		panic(err)
	}
	return lines
}
