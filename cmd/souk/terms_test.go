package main

import (
	"bytes"
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
		t.Run(c.args, func(t *testing.T) {
			var terms termsFlags
			cmd := &cobra.Command{}
			terms.register(cmd)
			err := cmd.ParseFlags(strings.Fields(c.args))
			if err == nil {
				err = terms.check()
			}
			switch {
			case c.says == "" && err != nil:
				t.Error(err)
			case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}

// TestTextFlags: a text that no record can hold is a wrong command line, told without repeating all of
// it; one that fits is none.
func TestTextFlags(t *testing.T) {
	long, fits := strings.Repeat("é", 128), strings.Repeat("é", 127)+"x"
	for _, command := range []string{
		"order reject b6h0c1e --reason", "order cancel b6h0c1e --reason", "order ship b6h0c1e --carrier", "order ship b6h0c1e --tracking",
		"order place 00052ap5m48vv6u926huggirh0 --address x --name x --city", "order place 00052ap5m48vv6u926huggirh0 --address x --city x --name",
		"hub revoke acorn --why", "hub void 0fn0e4c451tqfdhlajqnkqrg8s --why",
	} {
		t.Run(command, func(t *testing.T) {
			say := func(text string) (code int, said string) {
				var out, errs bytes.Buffer
				args := append(strings.Fields(command), text, "--dir", t.TempDir())
				return run(t.Context(), args, strings.NewReader(""), &out, &errs), errs.String()
			}
			if code, said := say(long); code != exitUsage || !strings.Contains(said, "it has 256 bytes; 255 are allowed") || strings.Contains(said, long) {
				t.Errorf("too long: exit code %d, %s", code, said)
			}
			if code, said := say("\xff"); code != exitUsage || !strings.Contains(said, "it is not UTF-8") {
				t.Errorf("not UTF-8: exit code %d, %s", code, said)
			}
			if code, said := say(fits); code == exitUsage || code == exitOK {
				t.Errorf("which fits: exit code %d, %s", code, said)
			}
		})
	}
}
