package inventory

import (
	"fmt"
	"slices"
	"time"

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
}

func (e *RowError) Error() string {
	place := fmt.Sprintf("line %d", e.Line)
	if e.Column > 0 {
		place += fmt.Sprintf(", column %d", e.Column)
	}
	if e.ColumnName != "" {
		place += " (" + e.ColumnName + ")"
	}
	return place + ": " + e.Message
}

// SkipReason says why a row was left out on purpose.
type SkipReason string

const (
	SkipImageRow    SkipReason = "image-row"   // Shopify: a further image of a product
	SkipEmptyRow    SkipReason = "empty-row"   // nothing in it
	SkipGiftCard    SkipReason = "gift-card"   // Shopify
	SkipDraft       SkipReason = "draft"       // Shopify status
	SkipArchived    SkipReason = "archived"    // Shopify status
	SkipUnpublished SkipReason = "unpublished" // not, or not yet, on sale in the shop
	SkipVariable    SkipReason = "variable"    // WooCommerce: its variations are the products
	SkipGrouped     SkipReason = "grouped"     // WooCommerce: a page of other products
	SkipExternal    SkipReason = "external"    // WooCommerce: sold by someone else
	SkipUnsupported SkipReason = "unsupported" // WooCommerce: a type of some plug-in
)

// silent reasons are counted but never listed: there are many and nobody cares.
func (r SkipReason) silent() bool {
	return r == SkipImageRow || r == SkipEmptyRow || r == SkipVariable
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
	Rows   int64  `json:"rows"` // header and blank lines not counted
	Items  int64  `json:"items"`

	Skipped map[SkipReason]int64 `json:"skipped"`
	Skips   []Skip               `json:"skips,omitempty"` // the first MaxSkipsKept, without the silent reasons

	ErrorCount int64      `json:"error_count"`
	Errors     []RowError `json:"errors,omitempty"` // by line; the first MaxErrorsKept

	// Of the items:
	Untracked      int64 `json:"untracked"`       // the file does not count them; Options.Untracked applies
	StockUntold    int64 `json:"stock_untold"`    // counted, but not in this file; unavailable until set
	NegativeStock  int64 `json:"negative_stock"`  // below zero in the file, taken as none
	Oversellable   int64 `json:"oversellable"`    // the file allows selling beyond stock; Souk does not
	OnSale         int64 `json:"on_sale"`         // at a sale price
	Free           int64 `json:"free"`            // at a price of 0; only with Options.Free
	FilledSKUs     int64 `json:"filled_skus"`     // SKU made here, the file's was blank
	DroppedImages  int64 `json:"dropped_images"`  // no usable URL
	ShortenedTexts int64 `json:"shortened_texts"` // items with a text over its limit

	// NextPriceChange is when a dated sale price next starts or ends: import again then.
	NextPriceChange *time.Time `json:"next_price_change,omitempty"`

	UnknownFields []string `json:"unknown_fields,omitempty"` // JSON lines, each once, the first MaxUnknownKept
}

func newReport(f Format) *Report { return &Report{Format: f, Skipped: make(map[SkipReason]int64)} }

// finish puts the errors in order: those of a Shopify product wait for its last row.
func (r *Report) finish(bytesRead int64) {
	r.Bytes = bytesRead
	slices.SortStableFunc(r.Errors, func(a, b RowError) int { return a.Line - b.Line })
}

func (r *Report) unknownField(name string) {
	if len(r.UnknownFields) < MaxUnknownKept && !slices.Contains(r.UnknownFields, name) {
		r.UnknownFields = append(r.UnknownFields, name)
	}
}

// priceChanges notes that a price changes at t, if that is the next time one does.
func (r *Report) priceChanges(now, t time.Time) {
	if t.After(now) && (r.NextPriceChange == nil || t.Before(*r.NextPriceChange)) {
		r.NextPriceChange = &t
	}
}

// asError turns the row error that ended a strict reading into the error of Read.
func (e *RowError) asError() error {
	return exchange.Errorf(exchange.CodeInvalid, "%w; nothing after it was read, because the import is strict", e)
}
