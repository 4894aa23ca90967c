package protocol_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/pb"
)

// The schema's codes are exchange's, number by number and name by name.
func TestCodesAreTheSchemas(t *testing.T) {
	known := func(c exchange.Code) bool { return c.String() != fmt.Sprintf("code-%d", uint32(c)) }
	count := 0
	for n := exchange.Code(0); known(n) || known(n|exchange.RetryBit); n++ {
		count++
		code := n
		if !known(n) {
			code |= exchange.RetryBit
		}
		t.Run(code.String(), func(t *testing.T) {
			want := "CODE_" + strings.ToUpper(strings.ReplaceAll(code.String(), "-", "_"))
			if got := pb.Code_name[int32(code)]; got != want {
				t.Errorf("code %d is %q in the schema, not %s", uint32(code), got, want)
			}
		})
	}
	if len(pb.Code_name) != count {
		t.Errorf("the schema has %d codes, exchange %d", len(pb.Code_name), count)
	}
}
