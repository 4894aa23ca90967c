package testnet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/inventory"
	"github.com/souk-market/souk/node/inventory/samples"
)

// shopPlan is an invented shop: what it is called and what it sells.
type shopPlan struct {
	name     string
	sells    string
	currency exchange.Currency
	shipping string // one price for any parcel, in the currency
	format   inventory.Format
	catalog  []byte
}

// folder is the shop's folder below the testnet's: "acorn-shoes".
func (p shopPlan) folder() string { return strings.ReplaceAll(strings.ToLower(p.name), " ", "-") }

// options are how the shop's files are imported. Its own system counts what it can sell, and
// knows nothing of Souk.
func (p shopPlan) options() client.ImportOptions {
	return client.ImportOptions{Format: p.format, Figure: inventory.FigureFreeUnaware}
}

// shopPlans are the first so many invented shops: the three of package samples,
// with large catalogs in three formats, then small ones made here.
func shopPlans(count int) []shopPlan {
	var plans []shopPlan
	for i, s := range samples.Shops() {
		plans = append(plans, shopPlan{
			name: s.Name, sells: sampleSells[i].sells, shipping: sampleSells[i].shipping, currency: s.Currency,
			format: s.Format, catalog: sample(s.File),
		})
	}
	for _, m := range makers {
		plans = append(plans, shopPlan{
			name: m.name, sells: m.sells, currency: m.currency, shipping: "5", format: inventory.FormatJSONLines, catalog: m.catalog(),
		})
	}
	return plans[:count]
}

// sampleSells adds to each of samples.Shops what a catalog does not say.
var sampleSells = [...]struct{ sells, shipping string }{
	{"running shoes, boots and sneakers", "4.90"},
	{"city bikes and all that goes on them", "69"},
	{"hand-thrown kitchen ceramics", "3.50"},
}

// sample is an embedded file; the build would have failed without it.
func sample(name string) []byte {
	b, err := fs.ReadFile(samples.FS(), name)
	if err != nil {
		panic(err)
	}
	return b
}

// maker is a shop with one kind of goods in a few finishes.
type maker struct {
	name     string
	sells    string
	currency exchange.Currency
	item     string
	price    int // of the first finish, in whole units of the currency
	finishes [4]string
}

// makers are the shops beyond those of package samples: MaxShops - 3.
var makers = [MaxShops - 3]maker{
	{"Dogwood Desks", "desks that outlive computers", "EUR", "Writing Desk", 390, woods},
	{"Elm Lamps", "lamps for reading", "EUR", "Reading Lamp", 79, metals},
	{"Fir Candles", "beeswax candles", "SEK", "Beeswax Candle", 120, scents},
	{"Ginkgo Tea", "tea from small gardens", "GBP", "Loose Tea, 100 g", 11, scents},
	{"Hazel Toys", "wooden toys", "EUR", "Stacking Tower", 24, colours},
	{"Ivy Linens", "bed and table linen", "EUR", "Linen Tablecloth", 68, colours},
	{"Juniper Knives", "kitchen knives", "EUR", "Chef's Knife", 115, woods},
	{"Katsura Paper", "notebooks and paper", "USD", "Dotted Notebook", 18, colours},
	{"Larch Clocks", "wall clocks", "CHF", "Wall Clock", 140, metals},
	{"Maple Guitars", "small guitars", "CAD", "Travel Guitar", 460, woods},
	{"Nutmeg Spices", "spices, whole and ground", "GBP", "Spice Tin", 6, scents},
	{"Oak Barrels", "barrels for balconies", "EUR", "Rain Barrel", 95, woods},
	{"Pine Skis", "cross-country skis", "NOK", "Forest Ski", 2400, colours},
	{"Quince Jam", "jam and jelly", "EUR", "Jar of Jelly", 7, scents},
	{"Rowan Rugs", "woven rugs", "DKK", "Hall Runner", 890, colours},
	{"Spruce Tents", "tents for two", "EUR", "Two-Person Tent", 310, colours},
	{"Tamarack Tools", "tools for wood", "USD", "Block Plane", 84, metals},
}

var (
	woods   = [4]string{"Ash", "Birch", "Cherry", "Walnut"}
	metals  = [4]string{"Black", "Brass", "Copper", "Steel"}
	scents  = [4]string{"Bergamot", "Cedar", "Lemon", "Smoke"}
	colours = [4]string{"Blue", "Green", "Red", "White"}
)

// catalog is the maker's goods as JSON lines: each finish costs a tenth more than the
// one before.
func (m maker) catalog() []byte {
	var initials string
	for word := range strings.FieldsSeq(m.name) {
		initials += word[:1]
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for i, finish := range m.finishes {
		row := map[string]any{
			"sku": fmt.Sprintf("%s-%02d", initials, i+1), "title": m.item, "group": strings.ToLower(path.Base(m.name)),
			"options": []map[string]string{{"name": "Finish", "value": finish}},
			"price":   fmt.Sprint(m.price + m.price*i/10), "currency": m.currency, "stock": 10 * (i + 1), "vendor": m.name,
		}
		if err := enc.Encode(row); err != nil {
			panic(err) // strings and numbers always encode
		}
	}
	return b.Bytes()
}
