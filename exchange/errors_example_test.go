package exchange_test

import (
	"errors"
	"fmt"

	"github.com/souk-market/souk/exchange"
)

// A caller goes by the code: by its meaning where it knows it, else by whether to retry.
func ExampleCode_Retry() {
	answers := []error{
		exchange.Errorf(exchange.CodeInsufficient, "only 2 left"),
		exchange.Errorf(exchange.CodeLimit, "slow down"),
		exchange.Errorf(900|exchange.RetryBit, "of a newer version"),
		errors.New("a fault without a code"),
	}
	for _, err := range answers {
		code := exchange.CodeOf(err)
		fmt.Printf("%v: try again later: %v\n", code, code.Retry())
	}
	// Output:
	// insufficient-stock: try again later: false
	// limit: try again later: true
	// code-66436: try again later: true
	// internal: try again later: true
}
