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
	// FormatShopifyInventory tells stock alone: Shopify's inventory export, or a product file of
	// Shopify's form that has counts and no prices.
	FormatShopifyInventory Format = "shopify-inventory"
	// FormatGeneric is any other CSV file: Options.Columns says what its columns are, or their
	// names do, or they are those of a system that we know.
	FormatGeneric Format = "generic"
)

// ParseFormat reads a format's name; "" is FormatAuto.
func ParseFormat(s string) (Format, error) {
	switch f := Format(s); f {
	case "":
		return FormatAuto, nil
	case FormatAuto, FormatShopify, FormatShopifyInventory, FormatWooCommerce, FormatGeneric, FormatJSONLines:
		return f, nil
	}
	return "", exchange.Errorf(exchange.CodeInvalid, "there is no file format %q; use %s, %s, %s, %s, %s or %s",
		s, FormatAuto, FormatShopify, FormatShopifyInventory, FormatWooCommerce, FormatGeneric, FormatJSONLines)
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

	// Zone is where dates without a time zone are; nil is the machine's.
	Zone *time.Location

	// Columns says what the columns of a generic CSV file are. Without it they are taken by
	// their names. It is for that format alone.
	Columns Columns

	// TempDir is where a source that cannot seek, or is no plain UTF-8, is copied; "" is the system's.
	TempDir string

	// Figure is what a count of the file means, which decides which column is read where a
	// format has several. "" = not said.
	Figure Figure
	// Locations are the places whose counts are added up, where a format counts by place; none =
	// all places.
	Locations []string
	// QualifySKU puts the product's ID before each SKU, as in "ID/SKU": for the exports of
	// dropshippers, whose SKUs repeat.
	QualifySKU bool

	// Owner reports whether an item is the catalogued product of its SKU. It decides which of
	// several products of one file has a SKU that they share; nil = none is.
	Owner func(Item) bool

	// Progress, if set, is called now and then with what has been read, and a
	// last time at the end. A file is read twice, so each pass counts for half its
	// bytes and bytesRead ends at the file's length.
	Progress func(bytesRead, rows int64)
}

// Figure is what a count in a file means (design: SHELF, What a figure means).
type Figure string

const (
	FigureOnHand      Figure = "on-hand"      // what lies on the shelf, sold units that are not sent included
	FigureFree        Figure = "free"         // what can still be sold; Souk's orders are booked in that system
	FigureFreeUnaware Figure = "free-unaware" // what can still be sold as that system, which knows nothing of Souk, sees it
)

// ParseFigure reads a figure's name; "" is not said.
func ParseFigure(s string) (Figure, error) {
	switch f := Figure(s); f {
	case "", FigureOnHand, FigureFree, FigureFreeUnaware:
		return f, nil
	}
	return "", exchange.Errorf(exchange.CodeInvalid, "a stock figure is %s, %s or %s, not %.40q", FigureOnHand, FigureFree, FigureFreeUnaware, s)
}

// Item is what a file says of one product: that it is for sale, or that it is not.
type Item struct {
	Product exchange.Product // without USD and Available; of an item that is not for sale at least the SKU
	Stock   Stock
	Line    int // 1-based line of the file on which the product's row starts

	// ID is the format's own name of the product: Shopify's handle, WooCommerce's ID; "" = it
	// has none. It tells a product that was given another title from another product.
	ID string
	// Group is the format's own name of the thing of which the product is a variant, unlike
	// Product.Group never cut: Shopify's handle, the ID of WooCommerce's parent or of a
	// simple product, where the file has none the SKU; "" = it stands alone. A file states all
	// variants of each group that it names: whoever knows others of the group takes them off
	// sale, unless an item of the group has Bad and no SKU. An item without SKU and Bad is no
	// product and states its group alone, which may have no variants at all.
	Group string

	// Left says why the file takes the product off sale; "" = it is for sale.
	Left SkipReason
	// Bad is the error of a row that cannot be sold as it stands, such as one with a price that
	// cannot be read; Left is SkipBadRow or SkipFreePrice then. It is counted in the report already. An item
	// without a SKU stands for a row of Group whose SKU cannot be read; one without either, for
	// a row that may be any product's, so that no absence from the file tells anything.
	Bad *RowError
	// StockOnly reports that the file tells the product's stock and nothing else: not that it
	// is for sale, nor, whatever Left and Bad are, that it is not.
	StockOnly bool

	// Sale is a reduced price for a time; nil = none. Product.Price is the price without it.
	Sale *Sale
}

// Sale is a reduced price for a time.
type Sale struct {
	Price exchange.Money
	From  time.Time // zero = since ever
	To    time.Time // exclusive; zero = for ever
}

// Stock is what the file says of a product's stock.
type Stock struct {
	Tracked bool  // the shop's system counts it
	Known   bool  // the file tells the count; false if not Tracked
	Units   int64 // the count, -MaxStock to MaxStock: below zero the shop sold what it had not; 0 if not Known
	// Committed is what of Units that system has sold by itself and not sent; 0 where the file
	// does not tell.
	Committed int64
	// Pool names the common count that products share; Units and Committed are of the pool.
	// "" = the product has a count of its own.
	Pool string
}

// Read reads products from r and yields what the file says of each as soon as it is
// complete, those that it takes off sale among them. yield's items are its own to keep; an
// error of yield ends the reading and is returned as it is.
//
// The report is never nil: after an error it covers what was read until then.
// Errors of the file as a whole, one over a limit of this package among them, and of
// the first bad row under Strict (then it wraps a *RowError), are CodeInvalid; a
// cancelled ctx returns ctx.Err().
//
// If r is an io.ReaderAt and io.Seeker, as files are, its position is where
// the file starts; it must not change while Read runs. Any other is first copied to a
// temporary file.
func Read(ctx context.Context, r io.Reader, o Options, yield func(Item) error) (*Report, error) {
	report := newReport(o.Format)
	if _, err := o.Currency.Decimals(); err != nil {
		return report, err
	}
	if _, err := ParseFormat(string(o.Format)); err != nil {
		return report, err
	}
	if _, err := ParseFigure(string(o.Figure)); err != nil {
		return report, err
	}
	if len(o.Columns) > 0 && o.Format != FormatAuto && o.Format != "" && o.Format != FormatGeneric {
		return report, exchange.Errorf(exchange.CodeInvalid, "columns can be named for a generic CSV file only, not for format %s", o.Format)
	}
	src, err := open(ctx, r, o.TempDir)
	if err != nil {
		return report, err
	}
	defer src.close()
	if report.Format, err = src.detect(o); err != nil {
		return report, err
	}
	report.read(src)
	if o.Zone == nil {
		o.Zone = time.Local
	}
	im := &importer{ctx: ctx, options: o, report: report, yield: yield, claims: newClaims()}
	src.onRead = im.progress
	err = im.read(src)
	report.finish(src.told(src.read))
	if err == nil && o.Progress != nil {
		o.Progress(report.Bytes, report.Rows)
	}
	return report, err
}

// Detect tells the format in which Read would read a file. It leaves r where it ends.
func Detect(ctx context.Context, r io.Reader, o Options) (Format, error) {
	src, err := open(ctx, r, o.TempDir)
	if err != nil {
		return o.Format, err
	}
	defer src.close()
	return src.detect(o)
}

// reader reads one format. index is its first pass, which notes in the importer's claims
// who claims which SKU; products is a further one, which emits the products.
type reader interface {
	index(from io.Reader) error
	products(from io.Reader) error
}

// read makes the passes over the file: the first, if SKUs repeat one that only finds whose
// they are, and the one that yields.
func (im *importer) read(src *source) error {
	var r reader
	switch im.report.Format {
	case FormatShopify:
		r = &shopifyReader{im: im, src: src}
	case FormatShopifyInventory:
		r = &stockReader{im: im}
	case FormatWooCommerce:
		r = &wooReader{im: im, src: src}
	case FormatGeneric:
		r = &genericReader{im: im}
	default:
		r = jsonReader{im}
	}
	if err := r.index(src.section()); err != nil {
		return err
	}
	if im.claims.repeats() {
		im.resolving = true
		if err := r.products(src.aside()); err != nil {
			return err
		}
		im.resolving = false
	}
	return r.products(src.section())
}
