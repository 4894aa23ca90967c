package main

import (
	"bufio"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory"
)

func (a *app) ratesCommand() *cobra.Command {
	var o client.RatesOptions
	var fixed string
	cmd := &cobra.Command{
		Use:   "rates FILE | --fixed RATE",
		Short: "Give US dollar rates, in the ECB's format or by hand",
		Long: `Reads the euro reference rates that the European Central Bank publishes each working
day: eurofxref-daily.xml, or eurofxref.csv out of its zip. Take them from
` + inventory.RatesURL + `

With a rate, products also have a price in US dollars, by which shops compare; it is
rewritten where it moves by 1% or more. Quotes use the newest rate. Without one, products
sell all the same, in the shop's own currency.

A currency of which the ECB has no rates gets one by hand: --fixed 0.012 says that one unit
of the shop's currency is 0.012 US dollars, as of today.

Rates of a day to come are refused, and those older than the ones in force without
--allow-older.`,
		Example: `  souk catalog rates --dir shop eurofxref-daily.xml
  souk catalog rates --dir shop --fixed 0.012`,
		Args: takes(0, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			if (len(args) == 1) == (fixed != "") {
				return usagef("give a rates file, or one rate: --fixed 0.012")
			}
			var rates *view.Rates
			var err error
			if fixed != "" {
				rates, err = c.StateRate(cmd.Context(), inventory.FixedRate{USD: fixed}, o)
			} else {
				rates, err = a.sendRates(cmd, c, args[0], o)
			}
			if err != nil {
				return err
			}
			return a.show(cmd, rates, func(p *page) { p.line("%s", ratesText(*rates)) })
		}),
	}
	cmd.Flags().StringVar(&fixed, "fixed", "", "state the `rate` by hand: US dollars for one unit of the shop's currency")
	cmd.Flags().BoolVar(&o.AllowOlder, "allow-older", false, "take rates that are older than those in force")
	return cmd
}

func (a *app) sendRates(cmd *cobra.Command, c *client.Client, path string, o client.RatesOptions) (*view.Rates, error) {
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
	return c.SetRates(cmd.Context(), head, o)
}

func ratesText(r view.Rates) string {
	return fmt.Sprintf("1 %s is %s USD (%s, %s); the dollar price of %s was written",
		r.Rate.Currency, r.Rate.Rate, r.Rate.Source, r.Rate.Date, plural(int64(r.Rewritten), "product"))
}
