package inventory

import (
	"context"
	"crypto/sha256"
	"math"

	"github.com/souk-market/souk/exchange"
)

// progressEvery is how many bytes pass between two calls of Options.Progress.
const progressEvery = 1 << 20

// skuHash stands for a SKU in the set of those seen: 16 bytes whatever its
// length, and nobody can make two SKUs that share one.
type skuHash [16]byte

func hashSKU(s string) (h skuHash) {
	sum := sha256.Sum256([]byte(s))
	copy(h[:], sum[:])
	return h
}

// importer is what the formats share: it counts, refuses duplicates and hands
// items on. It lives for one Read, on its goroutine.
type importer struct {
	ctx     context.Context
	options Options
	report  *Report
	yield   func(Item) error
	seen    map[skuHash]int32 // SKU → line of the item that has it

	reported int64 // bytes at the last call of Progress
}

// draft is an item on its way, with what the report wants to know of it.
type draft struct {
	item          Item
	skuColumn     int    // where the SKU, or what it was made of, stands: as in RowError
	skuName       string // of that column
	filledSKU     bool
	oversellable  bool
	negativeStock bool
	onSale        bool
	droppedImage  bool
	shortened     bool
}

// emit hands a finished item on, or refuses it as a duplicate.
func (im *importer) emit(d *draft) error {
	key := hashSKU(string(d.item.Product.SKU))
	if first, dup := im.seen[key]; dup {
		return im.fail(&RowError{Line: d.item.Line, Column: d.skuColumn, ColumnName: d.skuName,
			Message: exchange.Errorf(exchange.CodeConflict, "SKU %q is already that of the product on line %d, which was kept; give each product its own",
				d.item.Product.SKU, first).Message})
	}
	if len(im.seen) >= MaxItems {
		return exchange.Errorf(exchange.CodeInvalid, "line %d: the file has more than %d products; split it", d.item.Line, MaxItems)
	}
	im.seen[key] = int32(min(d.item.Line, math.MaxInt32))
	im.count(d)
	return im.yield(d.item)
}

func (im *importer) count(d *draft) {
	r := im.report
	r.Items++
	for _, c := range []struct {
		is bool
		n  *int64
	}{
		{!d.item.Stock.Tracked, &r.Untracked},
		{d.item.Stock.Tracked && !d.item.Stock.Known, &r.StockUntold},
		{d.negativeStock, &r.NegativeStock},
		{d.oversellable, &r.Oversellable},
		{d.onSale, &r.OnSale},
		{d.item.Product.Price.Minor == 0, &r.Free},
		{d.filledSKU, &r.FilledSKUs},
		{d.droppedImage, &r.DroppedImages},
		{d.shortened, &r.ShortenedTexts},
	} {
		if c.is {
			*c.n++
		}
	}
}

// fail records a bad row. Its error is nil unless the import is strict.
func (im *importer) fail(e *RowError) error {
	im.report.ErrorCount++
	if len(im.report.Errors) < MaxErrorsKept {
		im.report.Errors = append(im.report.Errors, *e)
	}
	if im.options.Strict {
		return e.asError()
	}
	return nil
}

// skip records a row that is left out on purpose.
func (im *importer) skip(line int, name string, why SkipReason) {
	im.report.Skipped[why]++
	if !why.silent() && len(im.report.Skips) < MaxSkipsKept {
		name, _ = plainLine(name, maxNameShown)
		im.report.Skips = append(im.report.Skips, Skip{Line: line, Name: name, Reason: why})
	}
}

// maxNameShown is how much of a name a Skip shows, in bytes.
const maxNameShown = 120

// row counts a row and looks whether to go on.
func (im *importer) row() error {
	im.report.Rows++
	return im.ctx.Err()
}

func (im *importer) progress(bytesRead int64) {
	if im.options.Progress != nil && bytesRead-im.reported >= progressEvery {
		im.reported = bytesRead
		im.options.Progress(bytesRead, im.report.Rows)
	}
}
