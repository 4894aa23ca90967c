package inventory

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/souk-market/souk/exchange"
)

// header is the first row of a CSV file.
type header struct {
	names []string          // as the file has them
	index map[string]column // by plain name; of equal names the first
	found detected

	sku, title column // for messages; noColumn where the format has none
}

// column is the 0-based number of a column; noColumn is one the file lacks.
type column int

const noColumn column = -1

func newHeader(r *csvRow) *header {
	h := &header{index: make(map[string]column, len(r.fields)), sku: noColumn, title: noColumn}
	for i := range r.fields {
		h.names = append(h.names, r.get(column(i)))
	}
	h.join()
	for i, name := range h.names {
		h.add(name, column(i))
	}
	h.detect()
	return h
}

// maxParts is how many commas the label of a column has at most, and one.
const maxParts = 4

// join puts together a label of WooCommerce that has commas in it and has lost the quotes
// around it, as in SKU,GTIN, UPC, EAN, or ISBN,Name: else each column after it would be
// taken for the one before. A file that has cells for the parts has too many then, and
// each of its rows is refused.
func (h *header) join() {
	for i := 0; i < len(h.names); i++ {
		for n := min(maxParts, len(h.names)-i); n > 1; n-- {
			if name := strings.Join(h.names[i:i+n], ", "); wooCommas()[plainName(name)] {
				h.names = slices.Replace(h.names, i, i+n, name)
				break
			}
		}
	}
}

func (h *header) add(name string, c column) {
	name = plainName(name)
	if _, dup := h.index[name]; !dup {
		h.index[name] = c
	}
}

// plainName is what column names are compared by: neither case nor the form of a
// character matters, nor spaces and underscores, nor quotes, marks of direction or a
// colon around it.
func plainName(s string) string {
	if !isPlain(s) {
		s = norm.NFKC.String(s) // full-width signs and no-break spaces too
		s = strings.Map(func(r rune) rune {
			switch {
			case unicode.IsSpace(r):
				return ' '
			case r == '’' || r == '‘' || r == '`' || r == '´':
				return '\''
			case !visible(r):
				return -1
			}
			return r
		}, s)
	}
	s = strings.ToLower(strings.Trim(s, " \"'“”„«»:*"))
	if strings.ContainsAny(s, " _") {
		s = withoutGaps.Replace(s)
	}
	return s
}

var withoutGaps = strings.NewReplacer(" ", "", "_", "")

// isPlain reports printable ASCII: most names.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// col is the column with the first of these names that the file has.
func (h *header) col(names ...string) column {
	for _, name := range names {
		if c, ok := h.index[plainName(name)]; ok {
			return c
		}
	}
	return noColumn
}

func (h *header) has(names ...string) bool { return h.col(names...) != noColumn }

// name is how the file calls a column.
func (h *header) name(c column) string {
	if c == noColumn || int(c) >= len(h.names) {
		return ""
	}
	name, _ := plainLine(h.names[c], maxNameShown)
	return name
}

// maxNamesShown is how many columns of a file a message lists.
const maxNamesShown = 12

// shownNames lists the file's columns for a message.
func (h *header) shownNames() string {
	var names []string
	for i, name := range h.names {
		if i == maxNamesShown {
			names = append(names, fmt.Sprintf("and %d more", len(h.names)-i))
			break
		}
		name, _ = plainLine(name, 40)
		names = append(names, fmt.Sprintf("%q", name))
	}
	return strings.Join(names, ", ")
}

// unknown says why h is no header that we know, and how its columns can be named.
func (h *header) unknown() error {
	return exchange.Errorf(exchange.CodeInvalid,
		"the first line is neither a Shopify header (Handle, Title, Variant Price …) nor a WooCommerce one (ID, Type, SKU, Name, Regular price …), and its columns are not clear by their names: %s; say which is which: %s",
		h.shownNames(), h.exampleColumns())
}

// exampleColumns is a --columns flag made of the file's own columns.
func (h *header) exampleColumns() string {
	taken := make(map[column]bool)
	suggested := suggestColumns(h)
	for _, name := range suggested {
		taken[h.col(name)] = true
	}
	example := make(Columns)
	next := 0
	for _, field := range []string{"sku", "title", "price", "stock"} {
		if name := suggested[field]; name != "" {
			example[field] = name
			continue
		}
		for next < len(h.names) && (taken[column(next)] || h.names[next] == "" || len(h.names[next]) > 40) {
			next++
		}
		if next < len(h.names) {
			example[field] = h.names[next]
			next++
		}
	}
	return "for example --columns " + shellQuote(example.String())
}

// shellQuote puts a text in quotes that a shell takes off again.
func shellQuote(s string) string {
	s, _ = plainLine(s, 300)
	if strings.IndexFunc(s, func(r rune) bool {
		return !(unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("=,._-", r))
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// least is how many columns a row must have at least: those that decide whether,
// at which price and in which number a product is sold.
func (h *header) least() int {
	last := noColumn
	for _, name := range decisive[h.found.format] {
		last = max(last, h.col(name))
	}
	if last == noColumn {
		return len(h.names)
	}
	return int(last) + 1
}

// numberColumns are the columns with prices and weights, of a generic file those that
// are named.
func (h *header) numberColumns(named Columns) []column {
	var columns []column
	if at, err := named.resolve(h); err == nil && len(named) > 0 {
		for _, field := range []string{"price", "grams", "weight_kg", "weight_lb", "weight_oz", "weight"} {
			if c, ok := at[field]; ok {
				columns = append(columns, c)
			}
		}
		return columns
	}
	names := numeric[h.found.format]
	if names == nil { // what is taken for prices in any file
		names = slices.Concat(obvious["price"], obvious["grams"], obvious["weight_kg"])
	}
	for _, name := range names {
		if c := h.col(name); c != noColumn && !slices.Contains(columns, c) {
			columns = append(columns, c)
		}
	}
	return columns
}

// decisive are the columns, by format, without which a row says too little.
var decisive = map[Format][]string{
	FormatShopify: {"Handle", "URL handle", "Title", "Published", "Published on online store", "Status", "Gift Card",
		"Option1 Name", "Option1 Value", "Option2 Name", "Option2 Value", "Option3 Name", "Option3 Value", "Variant SKU", "SKU", "Variant Price", "Price",
		"Variant Inventory Tracker", "Inventory tracker", "Variant Inventory Qty", "Inventory quantity", "Variant Inventory Policy", "Continue selling when out of stock",
		"Variant Requires Shipping", "Requires shipping"},
	FormatShopifyInventory: {"Handle", "SKU", "Location", "Available (not editable)", "Available", "On hand (current)", "On hand", "Variant SKU",
		"Variant Inventory Tracker", "Variant Inventory Qty", "Inventory quantity"},
	FormatWooCommerce: {"ID", "Type", "SKU", "Name", "Published", "Date sale price starts", "Date sale price ends", "In stock?", "Stock", "Backorders allowed?",
		"Sale price", "Regular price"},
}

// numeric are the columns, by format, whose numbers tell how the file writes them.
var numeric = map[Format][]string{
	FormatShopify:     {"Variant Price", "Price", "Variant Compare At Price", "Compare-at price", "Cost per item", "Variant Grams", "Weight value (grams)"},
	FormatWooCommerce: {"Regular price", "Sale price", "Weight (kg)", "Weight (g)", "Weight (lbs)", "Weight (oz)", "Length (cm)", "Width (cm)", "Height (cm)"},
}
