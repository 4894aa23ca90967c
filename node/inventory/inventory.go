package inventory

import (
	"context"
	"io"
	"time"

	"github.com/souk-market/souk/exchange"
)

// Limits on what is read from a file.
const (
	// MaxRowBytes bounds a row, and with it the memory a hostile one can take.
	// The longest honest text is Shopify's description: 512 KiB, or 1 MiB if
	// every byte were a doubled quote.
	MaxRowBytes = 2 << 20
	// MaxFileBytes bounds a file: 1M products of 16 KiB each.
	MaxFileBytes = 16 << 30
	// MaxItems bounds the products of one file, at about 50 bytes of memory
	// each: twice the largest catalog Souk's figures speak of.
	MaxItems = 2_000_000
	// MaxPrice bounds a list price, in minor units. 10^15 is exact in a 64-bit
	// float (2^53 ≈ 9.007 × 10^15), so no JSON reader of an order garbles it.
	MaxPrice = 1_000_000_000_000_000
	// MaxStock bounds a count, as exchange.MaxOpenQuantity does a partner's.
	MaxStock = 1_000_000_000
	// MaxGrams bounds a weight: 100 t. The heaviest hold, 64 lines × 10^6
	// units × 10^8 g = 6.4 × 10^15, is far below 64 bits.
	MaxGrams = 100_000_000
)

// Format is the kind of file that is read.
type Format string

const (
	FormatAuto        Format = "auto" // told from the first byte or the header; so is ""
	FormatShopify     Format = "shopify"
	FormatWooCommerce Format = "woocommerce"
	FormatJSONLines   Format = "jsonl"
)

// ParseFormat reads a format's name; "" is FormatAuto.
func ParseFormat(s string) (Format, error) {
	switch f := Format(s); f {
	case "":
		return FormatAuto, nil
	case FormatAuto, FormatShopify, FormatWooCommerce, FormatJSONLines:
		return f, nil
	}
	return "", exchange.Errorf(exchange.CodeInvalid, "there is no file format %q; use %s, %s, %s or %s",
		s, FormatAuto, FormatShopify, FormatWooCommerce, FormatJSONLines)
}

// Options say how a file is to be read.
type Options struct {
	Format   Format
	Currency exchange.Currency // of the shop: what the file's prices are in; required

	// Untracked is what the owner says of products that the file does not
	// count; Read does not look at it, Stock.Available applies it.
	Untracked Untracked

	// Free takes products whose price is 0. Without it they are bad rows, as those
	// without any price are in any case: exports hold zeros that nobody meant.
	Free bool

	// Strict ends the reading at the first bad row. Items before it have been
	// yielded by then: a caller that wants all or nothing reads twice.
	Strict bool

	// Now decides which dated WooCommerce sale prices apply, and its location is
	// where dates without a time zone are. If zero, none applies.
	Now time.Time

	// TempDir is where a source that cannot seek is copied; "" is the system's.
	TempDir string

	// Progress, if set, is called now and then with what has been read, and a
	// last time at the end. Of a file that is read twice each pass counts for
	// half its bytes, so that bytesRead ends at the file's length.
	Progress func(bytesRead, rows int64)
}

// Item is one sellable product read from a file.
type Item struct {
	Product exchange.Product // without USD and Available
	Stock   Stock
	Line    int // 1-based line of the file on which the product's row starts
}

// Stock is what the file says of a product's stock.
type Stock struct {
	Tracked bool  // the shop's system counts it
	Known   bool  // the file tells the count; false if not Tracked
	Units   int64 // the count, 0 to MaxStock; 0 if not Known
}

// Read reads products from r and yields each as soon as it is complete, in the
// order of the file. yield's items are its own to keep; an error of yield ends
// the reading and is returned as it is.
//
// The report is never nil: after an error it covers what was read until then.
// Errors of the file as a whole, one over a limit of this package among them, and of
// the first bad row under Strict (then it wraps a *RowError), are CodeInvalid; a
// cancelled ctx returns ctx.Err().
//
// If r is an io.ReaderAt and io.Seeker, as files are, its position is where
// the file starts; it must not change while Read runs.
func Read(ctx context.Context, r io.Reader, o Options, yield func(Item) error) (*Report, error) {
	report := newReport(o.Format)
	if _, err := o.Currency.Decimals(); err != nil {
		return report, err
	}
	if _, err := ParseFormat(string(o.Format)); err != nil {
		return report, err
	}
	src, err := open(r)
	if err != nil {
		return report, err
	}
	defer src.close()
	if report.Format, err = src.detect(o.Format); err != nil {
		return report, err
	}
	im := &importer{ctx: ctx, options: o, report: report, yield: yield, seen: make(map[skuHash]int32)}
	src.onRead = im.progress
	switch report.Format {
	case FormatShopify:
		err = readShopify(im, src)
	case FormatWooCommerce:
		err = readWooCommerce(im, src)
	default:
		err = readJSONLines(im, src)
	}
	report.finish(src.read)
	if err == nil && o.Progress != nil {
		o.Progress(report.Bytes, report.Rows)
	}
	return report, err
}
