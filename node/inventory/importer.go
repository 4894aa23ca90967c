package inventory

import (
	"context"
	"errors"
	"io"

	"github.com/souk-market/souk/exchange"
)

// progressEvery is how many bytes pass between two calls of Options.Progress.
const progressEvery = 1 << 20

// importer is what the formats share: it counts, finds whose a repeated SKU is and
// hands items on. It lives for one Read, on its goroutine.
type importer struct {
	ctx     context.Context
	options Options
	report  *Report
	yield   func(Item) error
	claims  *claims

	// resolving is set in the pass that finds whose the repeated SKUs are; nothing is
	// counted or yielded in it.
	resolving bool

	counts bool            // the file has counts and no prices
	locate func(*RowError) // completes the place of an error; nil: it is complete

	reported int64 // bytes at the last call of Progress
}

// draft is an item on its way, with what the report wants to know of it.
type draft struct {
	item          Item
	skuColumn     int    // where the SKU, or what it was made of, stands: as in RowError
	skuName       string // of that column
	image         string // of its own, as the file names it
	page          bool   // no product, such as WooCommerce's variable ones: another row with its SKU has it
	filledSKU     bool
	oversellable  bool
	negativeStock bool
	anyOption     bool
	hidden        bool // in the catalog of its shop
	droppedImage  bool
	shortened     bool
	datedCode     bool // its SKU or an option looks like a date that a spreadsheet made of it; kept
}

// leave takes the item off sale because of an error of its row. The first error counts, and
// none of what the file takes off sale in any case.
func (d *draft) leave(bad *RowError) {
	if bad == nil || d.item.Left != "" {
		return
	}
	d.item.Bad, d.item.Left = bad, SkipBadRow
	if bad.Message == errFreePrice.Error() {
		d.item.Left = SkipFreePrice
	}
}

// emit hands a finished item on, unless another product has its SKU.
func (im *importer) emit(d *draft) error {
	sku := d.item.Product.SKU
	switch {
	case sku == "":
		return im.hand(d)
	case d.page:
		if im.claims.known(sku) {
			if d.item.Group == "" {
				im.skip(d.item.Line, d.item.Product.Title, d.item.Left)
				return nil
			}
			d.item.Product.SKU = "" // it states its group alone
		}
		return im.hand(d)
	}
	if rivals := im.claims.rivals(sku); rivals != nil {
		if im.resolving {
			rivals.add(d, im.options.Owner)
			return nil
		}
		return im.decide(d, rivals)
	}
	if first, ok := im.claims.claim(sku, d.item.Line); !ok {
		return im.fail(d.at("SKU %q is already that of the product on line %d; give each product its own", sku, first))
	}
	return im.hand(d)
}

// at is an error in the cell that the SKU is from.
func (d *draft) at(format string, args ...any) *RowError {
	return &RowError{Line: d.item.Line, Column: d.skuColumn, ColumnName: d.skuName,
		SKU: cut(string(d.item.Product.SKU), maxValueShown), Title: cut(d.item.Product.Title, maxValueShown),
		Message: exchange.Errorf(exchange.CodeConflict, format, args...).Message}
}

// hand counts an item and yields it.
func (im *importer) hand(d *draft) error {
	if im.resolving {
		return nil
	}
	switch {
	case d.item.Bad != nil:
		if err := im.fail(d.item.Bad); err != nil {
			return err
		}
	case d.item.Left != "":
		im.skip(d.item.Line, d.item.Product.Title, d.item.Left)
	default:
		im.count(d)
	}
	return im.yield(d.item)
}

// scan is a first pass over the rows of a CSV file below its header. Rows that cannot be
// read are left to the next pass to report, which ends where this one does.
func (im *importer) scan(rows *rowReader, take func(*csvRow) error) error {
	for {
		row, err := rows.next()
		if _, bad := err.(*RowError); bad {
			continue
		}
		var broken *RowError
		if err == io.EOF || errors.As(err, &broken) { // too many are broken
			return nil
		}
		if err == nil {
			err = im.ctx.Err()
		}
		if err == nil {
			err = take(row)
		}
		if err != nil {
			return err
		}
	}
}

// rows is a further pass over the rows of a CSV file.
func (im *importer) rows(from io.Reader, take func(*csvRow) error) error {
	rows := newRowReader(from)
	if _, err := rows.readHeader(); err != nil {
		return err
	}
	return im.take(rows, take)
}

// take is a further pass over the rows of a CSV file below its header.
func (im *importer) take(rows *rowReader, take func(*csvRow) error) error {
	for {
		row, err := rows.next()
		if err == io.EOF {
			return nil
		}
		if stop := im.row(); stop != nil {
			return stop
		}
		if bad, ok := err.(*RowError); ok { // the row alone: what ends the reading wraps it
			err = im.lost(bad)
		} else if err == nil && row.blank() {
			im.skip(row.line, "", SkipEmptyRow)
		} else if err == nil {
			err = take(row)
		}
		if err != nil {
			return err
		}
	}
}

// lost hands on that a row cannot be read at all.
func (im *importer) lost(bad *RowError) error {
	return im.hand(&draft{item: Item{Line: bad.Line, Left: SkipBadRow, Bad: bad}})
}

func (im *importer) count(d *draft) {
	r, it := im.report, &d.item
	r.Items++
	for _, c := range []struct {
		is bool
		n  *int64
	}{
		{it.StockOnly, &r.StockOnly},
		{!it.Stock.Tracked, &r.Untracked},
		{it.Stock.Tracked && !it.Stock.Known, &r.StockUntold},
		{it.Stock.Pool != "", &r.Pooled},
		{d.negativeStock, &r.NegativeStock},
		{d.oversellable, &r.Oversellable},
		{it.Sale != nil || it.Product.CompareAt > it.Product.Price.Minor, &r.OnSale},
		{it.Product.Price.Minor == 0 && !it.StockOnly, &r.Free},
		{it.Product.NoShipping, &r.NoShipping},
		{d.anyOption, &r.AnyOption},
		{d.hidden, &r.Hidden},
		{d.filledSKU, &r.FilledSKUs},
		{d.droppedImage, &r.DroppedImages},
		{d.shortened, &r.ShortenedTexts},
		{d.datedCode, &r.DatedCodes},
	} {
		if c.is {
			*c.n++
		}
	}
}

// fail records a bad row. Its error is nil unless the import is strict.
func (im *importer) fail(e *RowError) error {
	if im.resolving {
		return nil
	}
	if im.locate != nil {
		im.locate(e)
	}
	im.report.ErrorCount++
	if len(im.report.Errors) < MaxErrorsKept {
		im.report.Errors = append(im.report.Errors, *e)
	}
	if im.options.Strict {
		return e.asError()
	}
	return nil
}

// warn records what was read otherwise than it stands, in a row that was imported.
func (im *importer) warn(e *RowError) {
	if im.resolving {
		return
	}
	im.report.WarningCount++
	if len(im.report.Warnings) < MaxErrorsKept {
		im.report.Warnings = append(im.report.Warnings, *e)
	}
}

// skip records a row that is left out on purpose.
func (im *importer) skip(line int, name string, why SkipReason) {
	if im.resolving {
		return
	}
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
	if !im.resolving {
		im.report.Rows++
	}
	return im.ctx.Err()
}

func (im *importer) progress(bytesRead int64) {
	if im.options.Progress != nil && bytesRead-im.reported >= progressEvery {
		im.reported = bytesRead
		im.options.Progress(bytesRead, im.report.Rows)
	}
}
