package bridgetest

import (
	"testing"

	"github.com/souk-market/souk/node/bridge/conformance"
)

// Run tries a system with each case, as a subtest. A case that needs what the target lacks is
// skipped: a test that wants it tried gives the target what it needs.
func Run(t *testing.T, target conformance.Target) {
	for _, c := range conformance.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			switch r := c.Try(t.Context(), target); {
			case r.LeftOut != "":
				t.Skipf("the target lacks %s", r.LeftOut)
			case r.Err != nil:
				t.Errorf("%s\n%v", c.Rule, r.Err)
			}
		})
	}
}
