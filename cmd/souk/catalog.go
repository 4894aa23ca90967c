package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory"
)

func (a *app) catalogCommand() *cobra.Command {
	return group("catalog", "Bring in and count one's own products",
		`The catalog is what this shop offers to its partners. Changes reach them within a
second.`,
		`  souk catalog rates --dir shop eurofxref-daily.xml
  souk catalog import --dir shop products.csv
  souk catalog set-stock --dir shop SHOE-42=12`,
		a.importCommand(), a.setStockCommand(), a.catalogListCommand(), a.ratesCommand())
}

// importFlags are the flags of catalog import.
type importFlags struct {
	client.ImportOptions
	untracked, format, rates string
}

func (a *app) importCommand() *cobra.Command {
	var o importFlags
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Import products: Shopify or WooCommerce CSV, JSON lines",
		Long: `Reads a product export into the catalog. The same file again changes nothing; stock
changes only where the file's value differs from that of the last import. Products
that are not in the file stay. A bad row is reported with its line and column and does
not stop the rest, unless --strict. FILE may be - for standard input.

Products whose stock the file does not count are unavailable until you say otherwise:
--untracked-stock unlimited, or a number of units of each. An import without that flag
leaves them the stock they have; new ones are unavailable.

A product without a price, or at a price of 0, is a bad row and is not offered: exports
hold zeros that nobody meant. With --free those at 0 are taken, and given away.

Exits with 0 if any product could be imported, bad rows or not; with --strict, any bad
row is a failure and nothing is changed.`,
		Example: `  souk catalog import --dir shop --dry-run products_export.csv
  souk catalog import --dir shop products_export.csv --untracked-stock 5
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
	f.StringVar(&o.format, "format", "auto", "`kind` of file: auto, shopify, woocommerce or jsonl")
	f.StringVar((*string)(&o.Currency), "currency", "", "ISO 4217 `code` of the file's prices (default: the shop's)")
	f.StringVar(&o.rates, "rates", "", "first read US dollar rates from this `file`, as souk catalog rates does")
	return cmd
}

func (a *app) importFile(cmd *cobra.Command, c *client.Client, path string, o importFlags) error {
	var err error
	if o.Format, err = inventory.ParseFormat(o.format); err != nil {
		return &usageError{err}
	}
	if o.Untracked, err = inventory.ParseUntracked(o.untracked); err != nil {
		return &usageError{err}
	}
	o.Currency = exchange.Currency(strings.ToUpper(string(o.Currency)))
	if o.rates != "" && o.DryRun {
		return usagef("--rates changes prices, --dry-run changes nothing; give one of them")
	}
	if o.rates != "" {
		rates, err := a.sendRates(cmd, c, o.rates)
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
	switch {
	case err != nil:
		return err
	case report.Items == 0 && report.ErrorCount > 0:
		return exchange.Errorf(exchange.CodeInvalid, "no product was imported: none of the file's rows can be sold as it stands; mend what is listed and import again")
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

func (a *app) ratesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rates FILE",
		Short: "Read US dollar rates, in the ECB's format",
		Long: `Reads the euro reference rates that the European Central Bank publishes each working
day: eurofxref-daily.xml, or eurofxref.csv out of its zip. Products also have a price in
US dollars; it is rewritten where it moves by 1% or more. Quotes use the newest rate.`,
		Example: `  souk catalog rates --dir shop eurofxref-daily.xml`,
		Args:    takes(1, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			rates, err := a.sendRates(cmd, c, args[0])
			if err != nil {
				return err
			}
			return a.show(cmd, rates, func(p *page) { p.line("%s", ratesText(*rates)) })
		}),
	}
}

func (a *app) sendRates(cmd *cobra.Command, c *client.Client, path string) (*view.Rates, error) {
	r, _, err := a.openFile(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	head := bufio.NewReader(r)
	if _, err := head.Peek(1); err == io.EOF {
		// The API takes no request without a body; what an empty file lacks is for the reader to say.
		_, err := inventory.ReadRates(head)
		return nil, err
	}
	return c.SetRates(cmd.Context(), head)
}

func ratesText(r view.Rates) string {
	return fmt.Sprintf("1 %s is %s USD (%s, %s); the dollar price of %s was rewritten",
		r.Rate.Currency, r.Rate.Rate, r.Rate.Source, r.Rate.Date, plural(int64(r.Rewritten), "product"))
}
