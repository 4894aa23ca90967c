package inventory

import (
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
)

// detected is what the header says of a CSV file.
type detected struct {
	format    Format // "": none that we know
	stockOnly bool   // it has counts and no prices: a stock list, which tells of products that are there already
	language  string // of a translated header; "" is English
	missing   []missing
}

// missing is a column that a format usually has and the file lacks.
type missing struct {
	column string
	use    string // what it is good for
}

// noPrice is what the report says of the price's column where a file has counts and no prices.
const noPrice = "what it costs; without it the file is read as a stock list, which brings no products"

func (m missing) String() string { return m.column + " (" + m.use + ")" }

// detect tells the format by the columns. No column is needed, as shops leave out what
// they like: a few that no other system has are enough.
func (h *header) detect() {
	d := &h.found
	switch {
	case h.isShopifyInventory():
		d.format = FormatShopifyInventory
		h.sku, h.title = h.col("SKU"), h.col("Title")
	case isShopify(h):
		d.format = FormatShopify
		h.sku, h.title = h.col("Variant SKU", "SKU"), h.col("Title")
		if h.has("Variant Inventory Qty", "Inventory quantity") && !h.has("Variant Price", "Price") {
			d.format = FormatShopifyInventory // a list of counts alone
			d.missing = append(d.missing, missing{"Variant Price", noPrice})
		}
	default:
		d.language = h.translate()
		if isWooCommerce(h) {
			d.format = FormatWooCommerce
			h.sku, h.title = h.col("SKU"), h.col("Name")
			d.stockOnly = h.has("Stock", "In stock?") && !h.has("Regular price")
			break
		}
		if columns, _ := recognise(h); columns != nil {
			d.format = FormatGeneric
			h.sku, h.title = h.columnOf(columns, "sku"), h.columnOf(columns, "title")
			d.stockOnly = columns["price"] == ""
		}
	}
	for _, m := range usual[d.format] {
		if !h.has(strings.Split(m.column, "|")...) {
			name, _, _ := strings.Cut(m.column, "|")
			if d.stockOnly && name == "Regular price" {
				m.use = noPrice
			}
			d.missing = append(d.missing, missing{name, m.use})
		}
	}
}

// isShopify knows the product export of either generation: its handle, and one of
// the columns that only it has.
func isShopify(h *header) bool {
	own := h.has("Variant SKU", "Variant Price", "Variant Inventory Qty", "Variant Inventory Tracker", "Variant Grams", "Variant Barcode",
		"Option1 Name", "Option1 Value", "Body (HTML)", "Image Src")
	return h.has("Handle") && (own || h.has("Title") && h.has("Price", "SKU", "Vendor")) ||
		h.has("URL handle") && (own || h.has("Title", "SKU", "Price")) ||
		h.has("Variant SKU") && h.has("Variant Price", "Variant Inventory Qty")
}

// isShopifyInventory knows the inventory export: a row for each variant and location, or,
// as Shopify wrote it before, a row for each variant with a column for each location
// after the fixed ones.
func (h *header) isShopifyInventory() bool {
	if h.has("Location") {
		return h.has("SKU", "Handle") && h.has("Available (not editable)", "Available", "On hand (current)", "On hand", "On hand (new)")
	}
	return h.has("Handle") && h.has("SKU") && h.has("COO") && h.has("HS Code") && !h.has("Variant Price", "Price", "Variant SKU")
}

// wooOwn are labels that only WooCommerce has: one is enough. wooMarks are labels that
// few others have: it takes two.
var (
	wooOwn = []string{"In stock?", "Is featured?", "Visibility in catalog", "Backorders allowed?", "Sold individually?", "Allow customer reviews?", "Regular price",
		"Date sale price starts", "Date sale price ends", "Attribute 1 value(s)", "Download expiry days", "Low stock amount"}
	wooMarks = []string{"Published", "Type", "Short description", "Sale price", "Tax class", "Tax status", "Shipping class", "Grouped products", "Upsells", "Cross-sells",
		"Parent", "Purchase note", "Button text", "External URL", "Attribute 1 name"}
)

// isWooCommerce knows the product export, once its header is in English.
func isWooCommerce(h *header) bool {
	if !h.has("ID", "SKU", "Name") || h.has("post_title") { // the latter is a plug-in's export
		return false
	}
	own, marks := 0, 0
	for _, name := range wooOwn {
		if h.has(name) {
			own++
		}
	}
	for _, name := range wooMarks {
		if h.has(name) {
			marks++
		}
	}
	if h.found.language != "" { // in another language a label may be an everyday word, such as "Preço"
		return own >= 2 || own == 1 && marks >= 1 || marks >= 3 || h.isWooStock()
	}
	return own >= 1 || marks >= 3 || h.isWooStock()
}

// isWooStock knows an export that was left with few columns, the price not among them: another
// stock list does not say what kind each product is and whether it is published.
func (h *header) isWooStock() bool {
	return h.has("ID") && h.has("SKU") && h.has("Name") && h.has("Type") && h.has("Published") && h.has("Stock") && !h.has(obvious["price"]...)
}

// usual are the columns whose lack a report tells, with what each is good for; after |
// stand other names.
var usual = map[Format][]missing{
	FormatShopify: {
		{"Handle|URL handle", "which rows are one product"},
		{"Title", "the product's name"},
		{"Variant SKU|SKU", "which product a row is, in every file of the shop"},
		{"Variant Price|Price", "what it costs"},
		{"Variant Inventory Qty|Inventory quantity", "how many there are; Shopify's inventory export has it for shops with several locations"},
		{"Status", "whether it is on sale or a draft"},
	},
	FormatWooCommerce: {
		{"Type", "which rows are variations; without it each row is a simple product"},
		{"SKU", "which product a row is, in every file of the shop; without it the ID serves"},
		{"Name", "the product's name"},
		{"Published", "whether it is on sale; without it each row is"},
		{"Regular price", "what it costs"},
		{"Stock", "how many there are"},
	},
	FormatShopifyInventory: {
		{"SKU|Variant SKU", "which product a row is, in every file of the shop"},
	},
}

// check says why the file cannot be read as products of a format.
func (h *header) check(f Format) error {
	if h.found.format != f {
		return exchange.Errorf(exchange.CodeInvalid, "the header is not that of a %s export: %s", f, h.shownNames())
	}
	if f == FormatWooCommerce && !h.has("SKU", "ID") {
		return exchange.Errorf(exchange.CodeInvalid, "the %s export lacks both SKU and ID, so nothing tells which product a row is the next time; export it with one of them", f)
	}
	if h.found.stockOnly { // a stock list needs no name either
		return nil
	}
	for _, m := range h.found.missing {
		if m.use != noPrice && slices.Contains(needed, m.column) {
			return exchange.Errorf(exchange.CodeInvalid, "the %s export lacks columns: %s; export it with them", f, h.lacks())
		}
	}
	return nil
}

// needed are the usual columns without which no product can be made.
var needed = []string{"Handle", "Title", "Variant Price", "Name", "Regular price"}

// lacks lists the missing columns with their use.
func (h *header) lacks() string {
	var names []string
	for _, m := range h.found.missing {
		names = append(names, m.String())
	}
	return strings.Join(names, ", ")
}
