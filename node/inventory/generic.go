package inventory

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
)

// genericReader turns each row of a CSV file into the JSON line that says the same, so
// that a field means in both formats what it means in one.
type genericReader struct {
	im      *importer
	at      map[string]column // field → column
	options []column          // in the order of the file
	names   []string          // of the options
	preset  *preset           // nil: of no system that we know
	row     *csvRow           // at hand
}

// index finds the columns and notes who claims which SKU.
func (g *genericReader) index(from io.Reader) error {
	rows, err := g.open(from)
	if err != nil {
		return err
	}
	return g.im.scan(rows, func(row *csvRow) error {
		if g.skipped(row) != "" {
			return nil
		}
		return g.im.claims.note(g.sku(row), row.line)
	})
}

func (g *genericReader) products(from io.Reader) error {
	rows, err := g.open(from)
	if err != nil {
		return err
	}
	g.im.locate = g.locate
	return g.im.take(rows, g.add)
}

// open reads the header, by which it knows the columns.
func (g *genericReader) open(from io.Reader) (*rowReader, error) {
	rows := newRowReader(from)
	h, err := rows.readHeader()
	if err == nil && g.at == nil {
		err = g.find(h)
	}
	if err != nil {
		return nil, err
	}
	rows.least, h.sku, h.title = g.least(), g.column("sku"), g.column("title")
	return rows, nil
}

func (g *genericReader) find(h *header) error {
	columns := g.im.options.Columns
	if len(columns) == 0 {
		if columns, g.preset = recognise(h); columns == nil {
			return h.unknown()
		}
		g.im.report.Preset = g.preset.name
	}
	var err error
	if g.at, err = columns.resolve(h); err != nil {
		return err
	}
	g.im.report.Columns = make(map[string]string, len(g.at))
	for field, c := range g.at {
		g.im.report.Columns[field] = h.name(c)
		if strings.HasPrefix(field, optionPrefix) {
			g.options = append(g.options, c)
		}
	}
	slices.Sort(g.options)
	for _, c := range g.options {
		for field, at := range g.at {
			if at == c && strings.HasPrefix(field, optionPrefix) {
				g.names = append(g.names, strings.TrimPrefix(field, optionPrefix))
				break
			}
		}
	}
	return g.check(h)
}

// check says which fields are missing that a product needs.
func (g *genericReader) check(h *header) error {
	var lacks []string
	for _, field := range []string{"sku", "title", "price"} {
		if g.column(field) == noColumn {
			lacks = append(lacks, field)
		}
	}
	switch {
	case len(lacks) == 0:
		return nil
	case g.column("sku") != noColumn && g.column("stock") != noColumn && g.column("price") == noColumn:
		g.im.counts = true
		g.im.report.Missing = append(g.im.report.Missing, missing{"price", noPrice}.String())
		return nil
	}
	return exchange.Errorf(exchange.CodeInvalid, "no column is the product's %s; the file's columns are %s; name them, %s",
		strings.Join(lacks, " or "), h.shownNames(), h.exampleColumns())
}

func (g *genericReader) column(field string) column {
	if c, ok := g.at[field]; ok {
		return c
	}
	return noColumn
}

// least is how many columns each row needs: those that are named.
func (g *genericReader) least() int {
	last := noColumn
	for _, c := range g.at {
		last = max(last, c)
	}
	return int(last) + 1
}

func (g *genericReader) sku(row *csvRow) string { return withoutApostrophe(row.get(g.column("sku"))) }

// skipped says why a row is no product of its own, as far as the system's columns tell.
func (g *genericReader) skipped(row *csvRow) SkipReason {
	if g.preset == nil || g.preset.skip == nil {
		return ""
	}
	return g.preset.skip(row)
}

func (g *genericReader) add(row *csvRow) error {
	g.row = row
	d := &draft{item: Item{Line: row.line}}
	d.skuAt(row, g.column("sku"))
	_ = d.setSKU(g.sku(row)) // jsonLine says what is wrong with it
	_ = d.setTitle(row.get(g.column("title")))
	why := g.skipped(row)
	switch {
	case why != "" && (why == SkipEmptyRow || d.item.Product.SKU == ""):
		g.im.skip(row.line, d.item.Product.Title, why)
		return nil
	case why != "":
		d.page, d.item.Left = true, why
		return g.im.emit(d)
	}
	if g.preset != nil && g.preset.refuse != nil {
		if bad := g.preset.refuse(row); bad != nil {
			d.leave(bad)
			return g.im.emit(d)
		}
	}
	text, bad := g.line(row)
	if bad == nil {
		return g.im.jsonLine(row.line, text)
	}
	d.item.StockOnly = g.im.counts
	switch units, err := g.stock(row); {
	case err != nil:
		d.item.Stock = countNotTold
	case units != "":
		_ = d.setCount(units) // it is a count
	}
	d.leave(bad)
	return g.im.emit(d)
}

// line is the JSON line that says what the row does.
func (g *genericReader) line(row *csvRow) ([]byte, *RowError) {
	b := []byte{'{'}
	put := func(field string, value any) {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = appendJSON(append(appendJSON(b, field), ':'), value)
	}
	if s := g.sku(row); s != "" {
		put("sku", s)
	}
	for _, field := range genericTexts {
		if s := row.get(g.column(field)); s != "" {
			put(field, s)
		}
	}
	if s := g.im.barcode(row, g.column("barcode")); s != "" {
		put("barcode", s)
	}
	if s := firstURL(row.get(g.column("image"))); s != "" {
		put("image", s)
	}
	if c := g.column("price"); row.get(c) != "" {
		m, err := row.price(c, g.im.options.Currency)
		if err != nil {
			return nil, row.bad(c, err)
		}
		put("price", m.Amount())
	}
	stock, bad := g.stock(row)
	if bad != nil {
		return nil, bad
	}
	if stock != "" {
		put("stock", json.RawMessage(stock))
	}
	grams, bad := g.grams(row)
	if bad != nil {
		return nil, bad
	}
	if grams > 0 {
		put("grams", grams)
	}
	published, bad := g.published(row)
	if bad != nil {
		return nil, bad
	}
	if !published {
		put("published", false)
	}
	var options []jsonOption
	for i, c := range g.options {
		if value := row.get(c); value != "" {
			options = append(options, jsonOption{g.names[i], value})
		}
	}
	if len(options) > 0 {
		put("options", options)
	}
	return append(b, '}'), nil
}

// genericTexts are the fields that are taken as they stand.
var genericTexts = []string{"title", "currency", "group", "description", "vendor", "category"}

// appendJSON appends a value that can always be encoded.
func appendJSON(b []byte, value any) []byte {
	text, _ := json.Marshal(value)
	return append(b, text...)
}

// stock is a count, "" where the row has none.
func (g *genericReader) stock(row *csvRow) (string, *RowError) {
	if c := g.column("stock"); row.get(c) != "" {
		s, err := row.units(c)
		if err == nil {
			var n int64
			if n, err = count(s); err == nil {
				return fmt.Sprint(n), nil
			}
		}
		return "", row.bad(c, err)
	}
	// A feed that tells no counts tells at least what is sold out.
	switch s := strings.ToLower(strings.ReplaceAll(row.get(g.column("availability")), "_", " ")); s {
	case "out of stock", "preorder", "backorder", "sold out", "discontinued":
		return "0", nil
	}
	return "", nil
}

// genericWeights are the fields of weights with their units; 0 is for cells that name
// their own.
var genericWeights = []struct {
	field string
	unit  weightUnit
}{{"grams", gramsPerGram}, {"weight_kg", gramsPerKilogram}, {"weight_lb", gramsPerPound}, {"weight_oz", gramsPerOunce}, {"weight", weightUnit{}}}

func (g *genericReader) grams(row *csvRow) (int64, *RowError) {
	for _, w := range genericWeights {
		c := g.column(w.field)
		if row.get(c) == "" {
			continue
		}
		if w.unit.IsZero() {
			if digits, named := bareNumber(row.get(c)); named == "" && strings.Trim(digits, "0.,") != "" {
				return 0, row.bad(c, errors.New("the weight has no unit; write it as 0.8 kg or 800 g, or name the column weight_kg, grams, weight_lb or weight_oz"))
			}
		}
		n, err := row.grams(c, w.unit)
		if err != nil {
			return 0, row.bad(c, err)
		}
		return n, nil
	}
	return 0, nil
}

func (g *genericReader) published(row *csvRow) (bool, *RowError) {
	c := g.column("published")
	s := strings.ToLower(row.get(c))
	switch {
	case s == "", slices.Contains(yesWords, s), slices.Contains(onSaleWords, s):
		return true, nil
	case slices.Contains(noWords, s), slices.Contains(offSaleWords, s):
		return false, nil
	}
	return false, row.bad(c, fmt.Errorf("%s is neither yes nor no", shown([]byte(s))))
}

// What systems call a product that is, or is not, on sale, beside yes and no. Magento
// writes 2 for the latter, WooCommerce −1.
var (
	onSaleWords  = []string{"active", "enabled", "visible", "published", "publish", "online", "ja", "oui", "si", "sí", "sì", "sim", "tak", "да"}
	offSaleWords = []string{"-1", "2", "inactive", "disabled", "hidden", "unpublished", "draft", "private", "pending", "trash", "archived", "offline", "nein", "non", "não", "nee", "nej", "nie", "нет"}
)

// firstURL is the first of several URLs in a cell.
func firstURL(s string) string {
	if i := strings.Index(s[min(1, len(s)):], "http"); i >= 0 && strings.HasPrefix(s, "http") {
		return strings.TrimRight(s[:i+1], " ,;|\n")
	}
	return s
}

// locate makes the place of an error in the JSON line the place in the row.
func (g *genericReader) locate(e *RowError) {
	if g.row == nil || e.Line != g.row.line || e.Value != "" || e.SKU != "" {
		return
	}
	c := g.column(e.ColumnName)
	placed := g.row.bad(c, errors.New(e.Message))
	if c == noColumn {
		placed.ColumnName = e.ColumnName
	}
	*e = *placed
}
