package node

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
)

// TestConfigErrorsNameTheLine: what a shop could not work with is refused at its start,
// with the line and the key where it stands.
func TestConfigErrorsNameTheLine(t *testing.T) {
	replace := func(old, with string) func(string) string {
		return func(s string) string {
			if !strings.Contains(s, old) {
				t.Errorf("a new shop.toml has no %s:\n%s", old, s)
			}
			return strings.Replace(s, old, with, 1)
		}
	}
	for _, c := range []struct {
		name   string
		change func(string) string
		stands string // what the named line starts with
		says   string
	}{
		{"no name", replace("name = 'Acorn Shoes'", "name = ''"), "name =", "1 to"},
		{"api without a port", replace("api = '127.0.0.1:7350'", "api = 'x'"), "api =", "127.0.0.1:7350"},
		{"api with too high a port", replace("api = '127.0.0.1:7350'", "api = '127.0.0.1:99999'"), "api =", "127.0.0.1:7350"},
		{"bad listen address", replace("'/ip4/0.0.0.0/tcp/7351'", "'foo'"), "listen =", "/ip4/"},
		{"bad announce address", replace("announce = []", "announce = ['shop.example']"), "announce =", "/ip4/"},
		{"country in lower case", replace("countries = []", "countries = ['SE', 'se']"), "countries =", "written SE"},
		{"UK for GB", replace("countries = []", "countries = ['UK']"), "countries =", "written GB"},
		{"no country", replace("countries = []", "countries = ['XX']"), "countries =", `"XX" is not a country`},
		{"country twice", replace("countries = []", "countries = ['SE', 'SE']"), "countries =", "twice"},
		{"web with a scheme", replace("web = ''", "web = 'https://x'"), "[profile]", "domain"},
		{"bad treatment", func(s string) string { return s + "\n[tax]\ntreatment = 'some'\n" }, "[tax]", "reverse-charge"},
		{"bridge of nothing", replace("[profile]", "[bridge]\nsecret_file = 'x'\n\n[profile]"), "[bridge]", "say where your own system is"},
		{"bridge without a secret", replace("[profile]", "[bridge]\nurl = 'https://x'\n\n[profile]"), "[bridge]", "souk bridge secret"},
		{"bridge of both kinds", replace("[profile]", "[bridge]\nurl = 'https://x'\nsql = 'postgres://x'\n\n[profile]"), "url =", "not both"},
		{"bridge without TLS", replace("[profile]", "[bridge]\nurl = 'http://shop.example'\nsecret_file = 'x'\n\n[profile]"), "url =", "is not this machine"},
		{"bridge with a table for a URL", replace("[profile]", "[bridge]\nurl = 'https://x'\nsecret_file = 'x'\nstock = 'y'\n\n[profile]"), "url =", "tables and columns are of sql"},
		{"bridge to no table", replace("[profile]", "[bridge]\nsql = 'postgres://x'\nstock = 'a.b.c'\n\n[profile]"), "stock =", "is no name of a table"},
		{"country of the second zone", func(s string) string {
			return s + "\n[[shipping]]\ncountries = ['SE']\nflat = '1'\n\n[[shipping]]\ncountries = ['Sweden']\nflat = '2'\n"
		}, "countries = ['Sweden']", "not a country"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := initShop(t)
			text := ""
			edit(t, dir, func(s string) string { text = c.change(s); return text })
			_, err := readConfig(dir)
			line := 0
			for i, l := range strings.Split(text, "\n") {
				if strings.HasPrefix(strings.TrimSpace(l), c.stands) {
					line = i + 1 // the last: the profile's countries come after the example's
				}
			}
			if c.stands == "countries =" {
				line = strings.Count(text[:strings.Index(text, "\ncountries = ")], "\n") + 2
			}
			want := configFile + ", line " + plain(line) + ": "
			if exchange.CodeOf(err) != exchange.CodeInvalid || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("want %q and %q: %v", want, c.says, err)
			}
		})
	}
}

func plain(n int) string { return strconv.Itoa(n) }

// TestInitRefuses: what could not run is refused before a key is made; a currency is
// taken in any case.
func TestInitRefuses(t *testing.T) {
	for name, o := range map[string]InitOptions{
		"name":     {Name: " ", Currency: "EUR"},
		"currency": {Name: "A", Currency: "EURO"},
		"api":      {Name: "A", Currency: "EUR", API: "x"},
		"listen":   {Name: "A", Currency: "EUR", Listen: []string{"foo"}},
		"announce": {Name: "A", Currency: "EUR", Announce: []string{"foo"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "shop")
			if _, err := Init(dir, o); exchange.CodeOf(err) != exchange.CodeInvalid {
				t.Error(err)
			}
			if _, err := Init(dir, InitOptions{Name: "Acorn", Currency: "eur"}); err != nil {
				t.Errorf("once more, right: %v", err)
			} else if c, err := readConfig(dir); err != nil || c.Currency != "EUR" {
				t.Errorf("the currency is %q, %v", c.Currency, err)
			}
		})
	}
}

// TestExposed: only an API on the loopback is no cause for a warning.
func TestExposed(t *testing.T) {
	for address, warns := range map[string]bool{
		"127.0.0.1:7350": false, "[::1]:0": false, "localhost:7350": false, "127.9.9.9:1": false, "": false,
		"0.0.0.0:7350": true, ":7350": true, "[::]:7350": true, "192.0.2.1:7350": true,
	} {
		t.Run(strconv.Quote(address), func(t *testing.T) {
			if got := (Config{API: address}).exposed(); (got != "") != warns || warns && !strings.Contains(got, "nothing is encrypted") {
				t.Errorf("%q", got)
			}
		})
	}
}
