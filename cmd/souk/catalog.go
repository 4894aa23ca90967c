package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory"
)

func (a *app) catalogCommand() *cobra.Command {
	return group("catalog", "Bring in, price, count and withdraw one's own products",
		`The catalog is what this shop offers to its partners. Changes reach them within a
second.`,
		`  souk catalog rates --dir shop eurofxref-daily.xml
  souk catalog import --dir shop products.csv
  souk catalog set-stock --dir shop SHOE-42=12
  souk catalog remove --dir shop SHOE-42`,
		a.importCommand(), a.setStockCommand(), a.holdsCommand(), catalogCommands{a}.setPriceCommand(), catalogCommands{a}.removeCommand(),
		catalogCommands{a}.publishCommand(), a.catalogListCommand(), catalogCommands{a}.historyCommand(), catalogCommands{a}.sourcesCommand(), saleCommands{a}.keepCommand(), saleCommands{a}.shareCommand(),
		a.ratesCommand())
}

// importFlags are the flags of catalog import.
type importFlags struct {
	client.ImportOptions
	untracked, format, rates string
	figure, asOf             string
	bookedWithin, clockSlack time.Duration
}

const importHelp = `Reads a product export into the catalog. The same file again changes nothing; stock
changes only where the file's value differs from that of the last import. Products
that are not in the file stay, unless --replace says that the file is the whole catalog,
or all that --source has: then they are withdrawn. A file that lacks more than a tenth
needs --yes, for it may be half an export. A bad row is reported with its line and column
and does not stop the rest, unless --strict. FILE may be - for standard input.

What the file takes off sale (draft, archived, unpublished, without a price, a row that
cannot be read) is withdrawn: partners lose it within a second; open reservations and
orders keep their quotes. The file that has it for sale again brings it back. What you
have taken off with souk catalog remove stays off until souk catalog publish.

WHAT A STOCK FIGURE MEANS is for you to say, with --stock-figure, for your system may or
may not know what Souk has sold. Of 10 pieces Souk sells 3:
  on-hand       what lies on your shelf, with what is sold and not sent yet.
                Souk has sent its 3, your till sold 1, the file says 6: 6 are free.
  free          what can still be sold; your system books Souk's orders, too, within
                --booked-within. Your shop took Souk's 3 off and says 7: 7 are free.
  free-unaware  what can still be sold as your system sees it, which knows nothing of
                Souk. Your till sold 1, so it says 9: Souk's 3 come off, 6 are free.
Not chosen, the least of the three is taken, which is safe and may offer less than you
have; each import says so until you choose. --dry-run shows all three. The choice is kept
for the source, as are --booked-within, --clock-slack, --columns, --location and
--qualify-sku; a [[source]] table in shop.toml says the same.

Say with --as-of when your system was read (--as-of -5m: five minutes ago), not when the
file was copied: what was sold and sent since then is taken into account. Without it,
all that happened since the last file is in doubt, and doubt only ever lowers.

Products whose stock the file does not count are unavailable until you say otherwise:
--untracked-stock unlimited, or a number of units of each. An import without that flag
leaves them the stock they have; new ones are unavailable.

A product without a price, or at a price of 0, is not for sale: exports hold zeros that
nobody meant. With --free those at 0 are taken, and given away.

Shopify's inventory export, or any of its files with counts and without prices, tells the
stock of products that are there already, summed over its locations or those of
--location.

Another product under a SKU that is known is refused, and both are named; --allow-renamed
takes it for the same one. --qualify-sku puts the file's own ID before each SKU, for
exports whose SKUs repeat.

Any other CSV is read where its columns can be told: by their names, or by --columns
FIELD=COLUMN,…; they are kept for the source. The fields are sku, title, price, currency,
stock, group, description, vendor, category, barcode, image, grams, weight_kg, weight (with
its unit), published, availability, and option:NAME.

JSON lines are one product a line, and only the first three fields are needed:
  sku, title             text
  price                  "12.99", in the shop's currency; "currency" may name it
  stock                  whole number; without it the product is not counted
  id                     your system's own name of the product
  group                  the same for variants of one thing. A variant that the file lacks
                         is not withdrawn, as in exports of Shopify and WooCommerce it is
  options                [{"name": "Size", "value": "42"}], at most 10
  description, summary   text or HTML
  vendor, barcode        text
  category               text; more_categories: ["…"], tags: ["…"]
  image                  web address; more_images: ["…"]
  grams                  weight for shipping; no_shipping: true for what is not sent
  compare_at             price before a reduction
  sale_price             with sale_from and sale_to: "2026-01-31", or with a time
  published              false takes the product off sale

Exits with 0 if anything came of the file, bad rows or not: products that were imported,
withdrawn, or known as it says already. A stock list of nothing but unknown products is a
failure. With --strict, any bad row is one, and nothing is changed.`

func (a *app) importCommand() *cobra.Command {
	var o importFlags
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Import products: Shopify, WooCommerce, any CSV, JSON lines",
		Long:  importHelp,
		Example: `  souk catalog import --dir shop --dry-run products_export.csv
  souk catalog import --dir shop products_export.csv --stock-figure free-unaware --as-of -5m
  souk catalog import --dir shop products_export.csv --stock-figure free --booked-within 2m
  souk catalog import --dir shop products_export.csv --replace --yes
  souk catalog import --dir shop products_export.csv --untracked-stock 5
  souk catalog import --dir shop inventory_export.csv --location Warehouse --location Shop
  souk catalog import --dir shop feed.csv --source prestashop --columns title=Name,price=Price,stock=Quantity
  souk catalog import --dir shop goods.jsonl --format jsonl --strict
  souk catalog import --dir shop products.csv --rates eurofxref-daily.xml`,
		Args: takes(1, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			return a.importFile(cmd, c, args[0], o)
		}),
	}
	f := cmd.Flags()
	f.BoolVar(&o.DryRun, "dry-run", false, "only say what would happen")
	f.BoolVar(&o.Strict, "strict", false, "import all rows or none")
	f.BoolVar(&o.Free, "free", false, "take products at a price of 0")
	f.StringVar(&o.untracked, "untracked-stock", "", "stock of products the file does not count: unavailable, unlimited or a `number` (default: as it was)")
	f.StringVar(&o.format, "format", "auto", "`kind` of file: auto, shopify, shopify-inventory, woocommerce, generic or jsonl")
	f.StringVar((*string)(&o.Currency), "currency", "", "ISO 4217 `code` of the file's prices (default: the shop's)")
	f.StringVar(&o.rates, "rates", "", "first read US dollar rates from this `file`, as souk catalog rates does")
	f.StringVar(&o.Source, "source", "", "`name` of the system that the file is of (default: its format)")
	f.StringVar(&o.figure, "stock-figure", "", "what a stock figure `means`: on-hand, free or free-unaware (default: as said before, else the least)")
	f.DurationVar(&o.bookedWithin, "booked-within", 0, "with free: how soon that system books Souk's orders, such as 2m (default 10m, or as said before)")
	f.DurationVar(&o.clockSlack, "clock-slack", 0, "how far that system's clock and this machine's may be apart; 0s if they are one (default 60s, or as said before)")
	f.StringVar(&o.asOf, "as-of", "", "when that system was read: a `moment` such as 2030-06-01T12:00:00Z, now or -5m (default: not known)")
	f.BoolVar(&o.Rebase, "rebase", false, "with free-unaware: the figures were put right in that system, and count the shelf")
	f.BoolVar(&o.Replace, "replace", false, "the file is the whole catalog: withdraw what it lacks")
	f.BoolVar(&o.Yes, "yes", false, "with --replace: even if that is more than a tenth")
	f.BoolVar(&o.AllowRenamed, "allow-renamed", false, "another product under a known SKU is the same one, renamed")
	f.BoolVar(&o.QualifySKU, "qualify-sku", false, "put the file's own ID before each SKU, for exports whose SKUs repeat")
	f.StringVar(&o.Columns, "columns", "", "how the columns of any other CSV are `named`: sku=Ref,title=Name,price=\"Price, net\",…")
	f.StringArrayVar(&o.Locations, "location", nil, "a `place` whose counts are added up; may be repeated (default: all)")
	return cmd
}

// read reads the flags that are more than text.
func (o *importFlags) read(cmd *cobra.Command, now time.Time) error {
	var err error
	if o.Format, err = inventory.ParseFormat(o.format); err != nil {
		return &usageError{err}
	}
	if o.Untracked, err = inventory.ParseUntracked(o.untracked); err != nil {
		return &usageError{err}
	}
	if o.Figure, err = inventory.ParseFigure(o.figure); err != nil {
		return &usageError{err}
	}
	if _, err := inventory.ParseColumns(o.Columns); err != nil {
		return &usageError{err}
	}
	if cmd.Flags().Changed("booked-within") {
		o.BookedWithin = &o.bookedWithin
	}
	if cmd.Flags().Changed("clock-slack") {
		o.ClockSlack = &o.clockSlack
	}
	if o.asOf != "" {
		if o.AsOf, err = view.ParseMoment(o.asOf, now); err != nil {
			return &usageError{fmt.Errorf("--as-of: %w", err)}
		}
	}
	if o.rates != "" && o.DryRun {
		return usagef("--rates changes prices, --dry-run changes nothing; give one of them")
	}
	o.Currency = exchange.Currency(strings.ToUpper(string(o.Currency)))
	return nil
}

func (a *app) importFile(cmd *cobra.Command, c *client.Client, path string, o importFlags) error {
	if err := o.read(cmd, a.now()); err != nil {
		return err
	}
	if o.rates != "" {
		rates, err := a.sendRates(cmd, c, o.rates, client.RatesOptions{})
		if err != nil {
			return err
		}
		fmt.Fprintln(cmd.ErrOrStderr(), ratesText(*rates))
	}
	r, size, err := a.openFile(path)
	if err != nil {
		return err
	}
	defer r.Close()
	bar := newProgress(cmd.ErrOrStderr(), size, a.now)
	report, err := c.Import(cmd.Context(), r, o.ImportOptions, func(p view.ImportProgress) { bar.update(p.Bytes, p.Rows) })
	bar.done()
	if report == nil {
		return err
	}
	showErr := a.show(cmd, report, func(p *page) {
		if err != nil {
			brokenPage(p, report, o.Strict)
			return
		}
		importPage(p, report, o.Untracked)
	})
	if err == nil {
		err = cameToNothing(report)
	}
	if err != nil {
		return err
	}
	return showErr
}

// openFile opens a file to send, or standard input; size is 0 where it is unknown.
func (a *app) openFile(path string) (r io.ReadCloser, size int64, err error) {
	if path == "-" {
		return io.NopCloser(a.in), 0, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, exchange.Errorf(exchange.CodeNotFound, "the file cannot be read: %w", err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = exchange.Errorf(exchange.CodeInvalid, "%s is a folder; give the file", path)
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	if info.Mode().IsRegular() {
		size = info.Size()
	}
	return f, size, nil
}
