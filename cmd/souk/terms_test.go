package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Terms out of their bounds are a wrong command line, told in the units they are
// given in; nothing is sent.
func TestTermsFlags(t *testing.T) {
	for _, c := range []struct{ args, says string }{
		{"--discount 15% --hold-lifetime 30m --open-quantity 500 --accept-within 24h --settlement-days 30", ""},
		{"--discount 0% --settlement-days 0", ""},
		{"--open-quantity 0", "an open quantity is 1 to 1000000000 units, not 0"},
		{"--hold-lifetime 30d", "a hold lives 10 seconds to 7 days at most, not 30 days"},
		{"--accept-within 60d", "the time to accept an order is 1 minute to 30 days, not 60 days"},
		{"--settlement-days 400", "settlement is due within 365 days at most, not 400"},
		{"--settlement-days -1", `"-1" is not a number of days such as 30`},
		{"--discount 101%", "discount"},
	} {
		var terms termsFlags
		cmd := &cobra.Command{}
		terms.register(cmd)
		err := cmd.ParseFlags(strings.Fields(c.args))
		if err == nil {
			err = terms.check()
		}
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%s: %v", c.args, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: %v, want %q", c.args, err, c.says)
		}
	}
}
