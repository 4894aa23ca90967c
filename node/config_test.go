package node

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/node/api"
)

func initShop(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "shop")
	if _, err := Init(dir, InitOptions{Name: "Acorn Shoes", Currency: "EUR"}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func edit(t *testing.T, dir string, change func(string) string) {
	t.Helper()
	path := filepath.Join(dir, configFile)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(change(string(b))), 0o644); err != nil {
		t.Fatal(err)
	}
}

var exampleLine = regexp.MustCompile(`^# (\[|[a-z_]+ = )`)

// TestExamples reads the examples of a new shop.toml without their comment signs.
func TestExamples(t *testing.T) {
	dir := initShop(t)
	edit(t, dir, func(s string) string {
		lines := strings.Split(s, "\n")
		for i, l := range lines {
			if exampleLine.MatchString(l) {
				lines[i] = strings.TrimPrefix(l, "# ")
			}
		}
		return strings.Join(lines, "\n")
	})
	cfg, err := readConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := cfg.policy()
	if err != nil {
		t.Fatal(err)
	}
	if parts.byHand || parts.tax != (exchange.Tax{Treatment: exchange.TaxIncluded, Rate: 2000}) || len(cfg.unstated) > 0 {
		t.Errorf("the examples state %+v, and not %v", parts, cfg.unstated)
	}
	for _, c := range []struct {
		country string
		grams   int64
		price   int64
	}{{"SE", 30_000, 490}, {"DE", 2000, 990}, {"DE", 2001, 1990}} {
		t.Run(fmt.Sprintf("%d g to %s", c.grams, c.country), func(t *testing.T) {
			if got, err := parts.shipping.Price(c.country, c.grams); err != nil || got != c.price {
				t.Errorf("%d, %v; want %d", got, err, c.price)
			}
		})
	}
	if _, err := parts.shipping.Price("DE", 20_001); exchange.CodeOf(err) != exchange.CodeCountry {
		t.Errorf("a parcel above the last band: %v", err)
	}
}

// TestSourceExample likewise.
func TestSourceExample(t *testing.T) {
	dir := initShop(t)
	edit(t, dir, func(s string) string {
		head, example, ok := strings.Cut(s, "# [[source]]")
		if !ok {
			t.Fatal("a new shop.toml shows no source")
		}
		return head + strings.ReplaceAll("# [[source]]"+example, "# ", "")
	})
	cfg, err := readConfig(dir)
	if err != nil || len(cfg.Sources) != 2 {
		t.Fatalf("%+v, %v", cfg.Sources, err)
	}
	src := source{Source: record.Source{Name: "till"}}
	if err := src.settle(cfg.Sources, api.ImportOptions{}); err != nil || src.Figure != record.FigureFree || src.BookedWithin != 2*time.Minute || src.ClockSlack != 5*time.Second {
		t.Errorf("the till: %+v, %v", src, err)
	}
	src = source{Source: record.Source{Name: "shopify"}}
	if err := src.settle(cfg.Sources, api.ImportOptions{ClockSlack: new(time.Duration)}); err != nil || src.Figure != record.FigureFreeUnaware || src.BookedWithin != bookedWithin || src.ClockSlack != 0 {
		t.Errorf("shopify: %+v, %v", src, err)
	}
}

func TestBadConfig(t *testing.T) {
	for name, change := range map[string]func(string) string{
		"unknown key":   func(s string) string { return "colour = 'red'\n" + s },
		"broken TOML":   func(s string) string { return s + "\n[[" },
		"bad currency":  func(s string) string { return strings.Replace(s, "'EUR'", "'EURO'", 1) },
		"bad treatment": func(s string) string { return s + "\n[tax]\ntreatment = 'some'\n" },
		"bad rate":      func(s string) string { return s + "\n[tax]\nrate = '12.345'\n" },
		"no price":      func(s string) string { return s + "\n[[shipping]]\ncountries = ['SE']\n" },
		"bad country":   func(s string) string { return s + "\n[[shipping]]\ncountries = ['Sweden']\nflat = '1'\n" },
		"no source":     func(s string) string { return s + "\n[[source]]\nstock_figure = 'free'\n" },
		"two sources":   func(s string) string { return s + "\n[[source]]\nname = 'a'\n[[source]]\nname = 'a'\n" },
		"bad figure":    func(s string) string { return s + "\n[[source]]\nname = 'a'\nstock_figure = 'all'\n" },
		"bad booking":   func(s string) string { return s + "\n[[source]]\nname = 'a'\nbooked_within = '10'\n" },
		"bad slack":     func(s string) string { return s + "\n[[source]]\nname = 'a'\nclock_slack = '-1s'\n" },
		"bad columns":   func(s string) string { return s + "\n[[source]]\nname = 'a'\ncolumns = '='\n" },
		"too exact":     func(s string) string { return s + "\n[[shipping]]\ncountries = []\nflat = '1.005'\n" },
	} {
		t.Run(name, func(t *testing.T) {
			dir := initShop(t)
			before, err := readConfig(dir)
			if err != nil || before.Name != "Acorn Shoes" {
				t.Fatalf("a new shop.toml does not read: %v", err)
			}
			edit(t, dir, change)
			if _, err := readConfig(dir); exchange.CodeOf(err) == exchange.CodeOK || exchange.CodeOf(err) == exchange.CodeInternal {
				t.Error(err)
			} else if !strings.Contains(err.Error(), configFile) {
				t.Errorf("the error does not name the file: %v", err)
			}
		})
	}
}

func TestInitOverwritesNothing(t *testing.T) {
	dir := initShop(t)
	key, err := os.ReadFile(filepath.Join(dir, keyName))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Init(dir, InitOptions{Name: "Other", Currency: "SEK"}); exchange.CodeOf(err) != exchange.CodeConflict {
		t.Errorf("a second init: %v", err)
	}
	again, err := os.ReadFile(filepath.Join(dir, keyName))
	if err != nil || string(again) != string(key) {
		t.Errorf("the key changed: %v", err)
	}
}

func TestParsePercent(t *testing.T) {
	for s, want := range map[string]exchange.BasisPoints{"": 0, "0": 0, "15": 1500, "15%": 1500, "5.5": 550, "5.25%": 525, "100": 10_000} {
		t.Run(strconv.Quote(s), func(t *testing.T) {
			if got, err := ParsePercent(s); err != nil || got != want {
				t.Errorf("%d, %v", got, err)
			}
		})
	}
	for _, s := range []string{"-1", "100.01", "1000", "1.234", "x", ".5", "1e2", "٣"} {
		t.Run(strconv.Quote(s), func(t *testing.T) {
			if got, err := ParsePercent(s); err == nil {
				t.Errorf("%d", got)
			}
		})
	}
}
