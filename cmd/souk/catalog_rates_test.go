package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory"
)

// testRates imports without a rate, then gives rates: by hand, of days that do not fit, and of
// the ECB.
func (tn *town) testRates(products, rates string) {
	t := tn.t
	t.Helper()
	tn.ok("added", "catalog", "import", "--dir", "acorn", products)
	var found view.Products
	tn.read(&found, "products", "--dir", "acorn", "balm")
	if len(found.Products) == 0 || found.Products[0].PriceUSD != nil {
		t.Errorf("without a rate: %+v", found.Products)
	}
	if out := tn.ok("", "products", "--dir", "acorn", "balm", "--max-usd", "1000"); !strings.Contains(out, "Nothing found") {
		t.Errorf("found by a price that nobody knows:\n%s", out)
	}
	tn.ok(inventory.RatesURL, "doctor", "--dir", "acorn")

	tn.souk(exitUsage, "catalog", "rates", "--dir", "acorn")
	tn.souk(exitUsage, "catalog", "rates", "--dir", "acorn", "--fixed", "1.1", rates)
	for _, no := range []string{"0", "-1", "1,1", "a dollar"} {
		tn.souk(exitFailure, "catalog", "rates", "--dir", "acorn", "--fixed="+no)
	}
	tn.ok("1 EUR is 1.1 USD (fixed, ", "catalog", "rates", "--dir", "acorn", "--fixed", "1.1")
	tn.read(&found, "products", "--dir", "acorn", "balm")
	if p := found.Products[0].PriceUSD; p == nil || p.Source != inventory.FixedSource || p.Rate != "1.1" {
		t.Errorf("by a fixed rate: %+v", p)
	}
	tn.ok("(fixed)", "doctor", "--dir", "acorn")

	ofDay := func(day string) string {
		file := filepath.Join(tn.dir, "rates-"+day+".xml")
		text := `<E><Cube><Cube time="` + day + `"><Cube currency="USD" rate="1.9"/></Cube></Cube></E>`
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	if out := tn.souk(exitFailure, "catalog", "rates", "--dir", "acorn", "--allow-older", ofDay("9000-01-01")); !strings.Contains(out, "a day to come") {
		t.Errorf("rates of a day to come: %s", out)
	}
	if out := tn.souk(exitRefused, "catalog", "rates", "--dir", "acorn", ofDay("2024-01-01")); !strings.Contains(out, "--allow-older") {
		t.Errorf("rates of years ago: %s", out)
	}
	tn.ok("2024-01-01", "catalog", "rates", "--dir", "acorn", "--allow-older", ofDay("2024-01-01"))
	tn.ok("1 EUR is", "catalog", "rates", "--dir", "acorn", rates)
}
