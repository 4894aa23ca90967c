package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
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
--untracked-stock unlimited, or a number of units of each.`,
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
	f.StringVar(&o.untracked, "untracked-stock", "unavailable", "stock of products the file does not count: unavailable, unlimited or a `number`")
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
	if report != nil {
		if showErr := a.show(cmd, report, func(p *page) { importPage(p, report, o.Untracked, err != nil) }); err == nil && report.Items == 0 && report.ErrorCount > 0 {
			err = exchange.Errorf(exchange.CodeInvalid, "no row of the file could be imported")
		} else if err == nil {
			err = showErr
		}
	}
	return err
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

func (a *app) setStockCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "set-stock SKU=N|unlimited…",
		Short: "Say what the shelf holds",
		Long: `Counts the shelf of products: N is what you find there, with units that are held or
sold and not yet shipped. What partners can have is N less those. If more is promised
than there is, the shortfall is recorded and shown.`,
		Example: `  souk catalog set-stock --dir shop SHOE-42=12 SHOE-43=7
  souk catalog set-stock --dir shop GIFTCARD=unlimited`,
		Args: takes(1, -1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			shop, err := c.Shop(cmd.Context())
			if err != nil {
				return err
			}
			type counted struct {
				SKU exchange.SKU `json:"sku"`
				view.Stock
			}
			type order struct {
				sku exchange.SKU
				set view.SetStock
			}
			var orders []order // all are read before the first is sent
			for _, arg := range args {
				sku, set, err := stockArg(shop.Shop, arg)
				if err != nil {
					return err
				}
				orders = append(orders, order{sku, set})
			}
			var out []counted
			for _, o := range orders {
				stock, err := c.SetStock(cmd.Context(), o.sku, o.set)
				if err != nil {
					return err
				}
				out = append(out, counted{o.sku, *stock})
			}
			return a.show(cmd, out, func(p *page) {
				p.table([]string{"SKU", "SHELF", "HELD", "UNSHIPPED", "AVAILABLE", "SHORTFALL"}, func(row func(...any)) {
					for _, s := range out {
						if s.Unlimited {
							row(s.SKU, "unlimited", s.Held, s.Unshipped, "unlimited", s.Shortfall)
							continue
						}
						row(s.SKU, s.Shelf, s.Held, s.Unshipped, s.Available, s.Shortfall)
					}
				})
			})
		}),
	}
}

// stockArg reads "SKU=12" or "SKU=unlimited".
func stockArg(self exchange.ShopID, arg string) (exchange.SKU, view.SetStock, error) {
	var set view.SetStock
	i := strings.LastIndexByte(arg, '=')
	if i <= 0 {
		return "", set, usagef("%q is not SKU=N or SKU=unlimited", arg)
	}
	sku, err := ownSKU(self, arg[:i])
	if err != nil {
		return "", set, err
	}
	if arg[i+1:] == "unlimited" {
		set.Unlimited = true
		return sku, set, nil
	}
	n, err := strconv.ParseInt(arg[i+1:], 10, 64)
	if err != nil || n < 0 || n > inventory.MaxStock {
		return "", set, usagef("%q is not a count of 0 to %d units, or unlimited", arg[i+1:], inventory.MaxStock)
	}
	set.Units = &n
	return sku, set, nil
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
	return c.SetRates(cmd.Context(), r)
}

func ratesText(r view.Rates) string {
	return fmt.Sprintf("1 %s is %s USD (%s, %s); the dollar price of %s was rewritten",
		r.Rate.Currency, r.Rate.Rate, r.Rate.Source, r.Rate.Date, plural(int64(r.Rewritten), "product"))
}
