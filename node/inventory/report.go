package inventory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
)

// How much of a report is kept in memory; everything is counted.
const (
	MaxErrorsKept  = 1000 // × at most about 500 bytes = 0.5 MB
	MaxSkipsKept   = 1000 // × at most 200 bytes = 0.2 MB
	MaxUnknownKept = 50   // field names
)

// RowError says why one row was not imported.
type RowError struct {
	Line       int    `json:"line"`                  // 1-based line of the file on which the row starts
	Column     int    `json:"column,omitempty"`      // 1-based: in CSV the column's number, in JSON lines the byte; 0 = the row as a whole
	ColumnName string `json:"column_name,omitempty"` // of the column or field; also of a field that the line lacks, which has no column
	Message    string `json:"message"`               // the cause and, where there is one, the next step

	// The product, as far as the row names it, and the value as the file has it: each
	// the start of it on one line, at most 40 characters.
	SKU   string `json:"sku,omitempty"`
	Title string `json:"title,omitempty"`
	Value string `json:"value,omitempty"`
}

func (e *RowError) Error() string {
	place := fmt.Sprintf("line %d", e.Line)
	if e.Column > 0 {
		place += fmt.Sprintf(", column %d", e.Column)
	}
	if e.ColumnName != "" {
		place += " (" + e.ColumnName + ")"
	}
	return place + ": " + e.Message + e.about()
}

// about names the product and the value, unless the message does.
func (e *RowError) about() string {
	var parts []string
	add := func(name, s string) {
		if s != "" && !strings.Contains(e.Message, strings.TrimSuffix(s, "…")) {
			parts = append(parts, name+" "+s)
		}
	}
	add("SKU", e.SKU)
	add("title", e.Title)
	if e.Value != e.SKU && e.Value != e.Title {
		add("value", e.Value)
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// SkipReason says why a row makes no product for sale. A product that is known under the
// SKU of such a row is off sale, save for the first five.
type SkipReason string

const (
	SkipImageRow    SkipReason = "image-row"   // Shopify: a further image of a product
	SkipHeadRow     SkipReason = "head-row"    // Shopify: what the variants of a product share, and no variant
	SkipEmptyRow    SkipReason = "empty-row"   // nothing in it
	SkipPlace       SkipReason = "place"       // Shopify's inventory: a further place's count of a product, or that of one not asked for
	SkipRepeated    SkipReason = "repeated"    // it says the same as another row
	SkipGiftCard    SkipReason = "gift-card"   // Shopify
	SkipDraft       SkipReason = "draft"       // Shopify status
	SkipArchived    SkipReason = "archived"    // Shopify status
	SkipUnpublished SkipReason = "unpublished" // not, or not yet, on sale in the shop
	SkipVariable    SkipReason = "variable"    // WooCommerce: its variations are the products
	SkipGrouped     SkipReason = "grouped"     // WooCommerce: a page of other products
	SkipExternal    SkipReason = "external"    // WooCommerce: sold by someone else
	SkipBadRow      SkipReason = "bad-row"     // its row cannot be read, and the product may have been on sale
	SkipFreePrice   SkipReason = "price-zero"  // its price is 0
	SkipUnsupported SkipReason = "unsupported" // WooCommerce: a type of some plug-in
)

// silent reasons are counted but never listed: there are many and nobody cares.
func (r SkipReason) silent() bool {
	return r == SkipImageRow || r == SkipHeadRow || r == SkipEmptyRow || r == SkipPlace || r == SkipVariable
}

// offSale reports a row of a product that is not for sale, as against one that is no product.
func (r SkipReason) offSale() bool {
	return !r.silent() && r != SkipRepeated && r != SkipGrouped
}

// Skip is a row that was left out on purpose.
type Skip struct {
	Line   int        `json:"line"`
	Name   string     `json:"name"` // title or SKU, as far as the row has one
	Reason SkipReason `json:"reason"`
}

// Report says what became of a file. Every row is an item, a skip or an error:
// Rows = Items + Σ Skipped + ErrorCount.
type Report struct {
	Format Format `json:"format"`
	Bytes  int64  `json:"bytes"`
	Rows   int64  `json:"rows"`  // header and blank lines not counted
	Items  int64  `json:"items"` // for sale, or whose stock a file of stock alone tells

	Skipped map[SkipReason]int64 `json:"skipped"`
	Skips   []Skip               `json:"skips,omitempty"` // the first MaxSkipsKept, without the silent reasons

	ErrorCount int64      `json:"error_count"`
	Errors     []RowError `json:"errors,omitempty"` // by line; the first MaxErrorsKept

	// Warnings are what was read otherwise than it stands in rows that were imported; by line, the
	// first MaxErrorsKept.
	WarningCount int64      `json:"warning_count"`
	Warnings     []RowError `json:"warnings,omitempty"`

	// Places are those whose counts the file tells, as it names them.
	Places []string `json:"places,omitempty"`

	// Of the items:
	StockOnly      int64 `json:"stock_only_items"`  // the file tells their stock and nothing else
	Untracked      int64 `json:"untracked"`         // the file does not count them; Options.Untracked applies
	StockUntold    int64 `json:"stock_untold"`      // counted, but not in this file; unavailable until set
	Pooled         int64 `json:"pooled"`            // they share a count with others
	NegativeStock  int64 `json:"negative_stock"`    // below zero in the file: sold without being there
	Oversellable   int64 `json:"oversellable"`      // the file allows selling beyond stock; Souk does not
	OnSale         int64 `json:"on_sale"`           // at a reduced price, now or from or to a day
	Free           int64 `json:"free"`              // at a price of 0; only with Options.Free
	NoShipping     int64 `json:"no_shipping"`       // nothing is sent
	AnyOption      int64 `json:"any_option"`        // the customer chooses an option, such as any size: an order's note names the choice
	Hidden         int64 `json:"hidden_in_catalog"` // WooCommerce shows them in no list and no search, and sells them all the same
	FilledSKUs     int64 `json:"filled_skus"`       // SKU made here, the file's was blank
	DroppedImages  int64 `json:"dropped_images"`    // no usable URL
	ShortenedTexts int64 `json:"shortened_texts"`   // items with a text over its limit

	DamagedBarcodes int64 `json:"damaged_barcodes"` // rounded by a spreadsheet ("8.71E+12") or lost in it ("#N/A"), dropped
	DatedCodes      int64 `json:"dated_codes"`      // their SKU or an option looks like a date that a spreadsheet made of it ("02-Mar"), kept

	// How the file was read.
	Encoding string            `json:"encoding,omitempty"`        // other than UTF-8: UTF-16 or Windows-1252
	Language string            `json:"language,omitempty"`        // of a translated header, such as "de"
	Missing  []string          `json:"missing_columns,omitempty"` // which the format usually has and the file lacks, with what each is good for
	Preset   string            `json:"preset,omitempty"`          // the system whose columns were recognised, such as "PrestaShop"
	Columns  map[string]string `json:"columns,omitempty"`         // of format generic: which column was taken for which field

	UnknownFields []string `json:"unknown_fields,omitempty"` // JSON lines, each once, the first MaxUnknownKept
}

func newReport(f Format) *Report { return &Report{Format: f, Skipped: make(map[SkipReason]int64)} }

// read notes how the file is read.
func (r *Report) read(src *source) {
	if src.encoding != utf8Name {
		r.Encoding = src.encoding
	}
	if src.found.format != r.Format {
		return
	}
	if r.Format == FormatWooCommerce {
		r.Language = src.found.language
	}
	for _, m := range src.found.missing {
		r.Missing = append(r.Missing, m.String())
	}
}

// finish puts the errors in order: those of a Shopify product wait for its last row.
func (r *Report) finish(bytesRead int64) {
	r.Bytes = bytesRead
	for _, list := range [][]RowError{r.Errors, r.Warnings} {
		slices.SortStableFunc(list, func(a, b RowError) int { return a.Line - b.Line })
	}
}

// AddError adds the error of a row that its reader took for good: what is wrong with it only the
// catalog knows.
func (r *Report) AddError(e RowError) {
	r.ErrorCount++
	if len(r.Errors) < MaxErrorsKept {
		r.Errors = append(r.Errors, e)
		slices.SortStableFunc(r.Errors, func(a, b RowError) int { return a.Line - b.Line })
	}
}

func (r *Report) unknownField(name string) {
	if len(r.UnknownFields) < MaxUnknownKept && !slices.Contains(r.UnknownFields, name) {
		r.UnknownFields = append(r.UnknownFields, name)
	}
}

// asError turns the row error that ended a strict reading into the error of Read.
func (e *RowError) asError() error {
	return exchange.Errorf(exchange.CodeInvalid, "%w; nothing after it was read, because the import is strict", e)
}
