// Package samples holds the catalogs of three invented shops and an invented
// set of exchange rates, for trying Souk out, for its testnet and for tests. The
// files are of this project's own writing; shops, products and rates exist
// nowhere else.
package samples

import (
	"embed"
	"io/fs"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/inventory"
)

//go:embed *.csv *.jsonl *.xml
var files embed.FS

// FS holds every sample file under its name.
func FS() fs.FS { return files }

// RatesFile names the rates, in the form of the ECB's daily XML. It has a rate
// for the currency of each shop.
const RatesFile = "ecb-rates.xml"

// Shop is an invented shop.
type Shop struct {
	Name     string
	Currency exchange.Currency
	File     string // its catalog, in FS
	Format   inventory.Format
}

// Shops are the invented shops, in a fixed order. Each catalog reads without an
// error; each has something that is left out on purpose, and something whose
// stock is not counted. Acorn Shoes has one last pair of AC-LAST-42.
func Shops() []Shop {
	return []Shop{
		{Name: "Acorn Shoes", Currency: "EUR", File: "acorn-shoes.csv", Format: inventory.FormatShopify},
		{Name: "Birch Bikes", Currency: "SEK", File: "birch-bikes.csv", Format: inventory.FormatWooCommerce},
		{Name: "Cedar Ceramics", Currency: "GBP", File: "cedar-ceramics.jsonl", Format: inventory.FormatJSONLines},
	}
}
