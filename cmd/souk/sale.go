package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// saleCommands are about what the shop's own channels sell.
type saleCommands struct{ *app }

func (a saleCommands) saleCommand() *cobra.Command {
	return group("sale", "Record and fulfil sales of your own channels",
		`A sale is what your own web shop or till sells, from the shelf that partners hold
from. An ID is given whole, as the list shows it.`,
		`  souk sale add --dir shop LAMP-1=1 --left --reference till-4711
  souk sale add --dir shop --reservation 00052ap5m48vv6u926huggirh0 --reference "#1002"
  souk sale list --dir shop --open
  souk sale ship --dir shop 00052ap5m48vv6u926huggirh0 --carrier DHL --tracking JD0001`,
		a.addCommand(), a.listCommand(), a.showCommand(), a.shipCommand(), a.cancelCommand(), a.returnCommand())
}

func (a saleCommands) addCommand() *cobra.Command {
	var sale view.NewSale
	var reservation, file, key string
	cmd := &cobra.Command{
		Use:   "add [SKU=N…]",
		Short: "Sell own products, or a reservation of them",
		Long: `Sells what a reservation of your own products holds (--reservation), or products that
are held and sold in this very step: all of them, or none where one is short. Partners
are offered what is left at once. --left says that the goods have gone already, as over
a counter. A reservation that has expired is sold with --if-still-there, where its units
are still there. Repeated with the same --key or reservation, it finds the same sale.`,
		Example: `  souk sale add --dir shop LAMP-1=1 --left --reference till-4711
  souk sale add --dir shop --reservation 00052ap5m48vv6u926huggirh0 --if-still-there --reference "#1002"
  souk sale add --dir shop LAMP-1=2 --ship-to customer.json --reference "#1003"`,
		Args: takes(0, exchange.MaxLines),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			if (reservation == "") == (len(args) == 0) {
				return usagef("give either products (SKU=N) or --reservation ID")
			}
			if err := exchange.CheckReference(sale.Reference); err != nil {
				return &usageError{fmt.Errorf("--reference: %w", err)}
			}
			if reservation != "" {
				id, err := reservationID(reservation)
				if err != nil {
					return err
				}
				sale.Reservation = &id
			}
			if len(args) > 0 {
				shop, err := c.Shop(cmd.Context())
				if err != nil {
					return err
				}
				if sale.Lines, err = ownLines(shop.Shop, args); err != nil {
					return err
				}
			}
			if file != "" {
				to, err := orderCommands(a).readShipTo(file)
				if err != nil {
					return err
				}
				sale.ShipTo = &to
			}
			if key == "" {
				key = rand.Text()
			}
			got, err := c.Sales().Sell(client.WithKey(cmd.Context(), key), sale)
			if err != nil {
				return a.maybeSold(err, key)
			}
			return a.show(cmd, got, func(p *page) { a.salePage(p, got) })
		}),
	}
	f := cmd.Flags()
	f.StringVar(&reservation, "reservation", "", "sell what this reservation of own products holds: its `ID`")
	f.Var(textFlag{&sale.Reference}, "reference", "your own `name` of the sale, such as your shop's order number; at most 64 bytes")
	f.StringVar(&file, "ship-to", "", "read the customer's address from a JSON `file`")
	f.Var(noteFlag{&sale.Note}, "note", "a `text` for the people who pack; at most 1000 bytes")
	f.BoolVar(&sale.Left, "left", false, "the goods have gone: shipped at once")
	f.BoolVar(&sale.IfStillThere, "if-still-there", false, "sell a reservation that has expired, where its units are still there")
	f.StringVar(&key, "key", "", "a `text` of your own for this sale: repeated with the same within 24 hours it finds the same sale")
	return cmd
}

// maybeSold adds what to do where nobody knows whether it was sold, and names every short line.
func (a saleCommands) maybeSold(err error, key string) error {
	var p *view.Problem
	if errors.As(err, &p) && len(p.Lines) > 0 {
		said := &strings.Builder{}
		fmt.Fprint(said, "there is not enough in stock, and nothing was sold:")
		for _, l := range p.Lines {
			fmt.Fprintf(said, "\n  %s: %d asked, %d available", inert(string(l.SKU)), l.Asked, l.Available)
		}
		if exchange.CodeOf(err) == exchange.CodeGone {
			fmt.Fprint(said, "\nThe reservation had expired; if it was paid, pay it back.")
		}
		return &inWords{said.String(), err}
	}
	if p == nil && exchange.CodeOf(err) == exchange.CodeUnavailable {
		return exchange.Errorf(exchange.CodeOf(err), "%w. It may be sold all the same: when the node runs, repeat the command with --key %s, which finds the same sale or makes it", err, quoteArg(key))
	}
	return err
}

// ownLines reads "SKU=2" and "SKU", each product once.
func ownLines(self exchange.ShopID, args []string) ([]view.Units, error) {
	var lines []view.Units
	seen := map[exchange.SKU]bool{}
	for _, arg := range args {
		ref, q, err := splitQuantity(arg)
		if err != nil {
			return nil, err
		}
		sku, err := ownSKU(self, ref)
		if err != nil {
			return nil, err
		}
		if seen[sku] {
			return nil, usagef("%s stands there twice; give its whole quantity once", sku)
		}
		seen[sku] = true
		lines = append(lines, view.Units{SKU: sku, Units: int64(q)})
	}
	return lines, nil
}

func (a saleCommands) listCommand() *cobra.Command {
	var q client.SalesQuery
	var sku string
	var open bool
	limit := 50
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List sales of your own channels, newest first",
		Long:  `Lists what your own channels sold. Every condition given must hold.`,
		Example: `  souk sale list --dir shop --open
  souk sale list --dir shop --reference "#1002" --json`,
		Args: takes(0, 0),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, _ []string) error {
			if limit < 0 {
				return usagef("--limit is 1 or more, or 0 for all")
			}
			if open {
				q.Status = view.OpenSales
			}
			q.SKU = exchange.SKU(sku)
			list, err := listSales(cmd.Context(), c, q, limit)
			if err != nil {
				return err
			}
			return a.show(cmd, list, func(p *page) { salesPage(p, list) })
		}),
	}
	f := cmd.Flags()
	f.BoolVar(&open, "open", false, "only those of which something is to be shipped")
	f.Var(textFlag{&q.Reference}, "reference", "only those with exactly this `reference`")
	f.Var(textFlag{&q.Tracking}, "tracking", "only those with a parcel of exactly this tracking `number`")
	f.StringVar(&sku, "sku", "", "only those with a line of this `product`")
	f.IntVar(&limit, "limit", limit, "at most this `number`; 0 = all")
	return cmd
}

// listSales collects up to limit sales; 0 = all.
func listSales(ctx context.Context, c *client.Client, q client.SalesQuery, limit int) (*view.Sales, error) {
	out := &view.Sales{Sales: []view.Sale{}}
	for {
		got, err := c.Sales().List(ctx, q)
		if err != nil {
			return nil, err
		}
		out.Sales, out.Next = append(out.Sales, got.Sales...), got.Next
		if limit > 0 && (len(out.Sales) > limit || len(out.Sales) == limit && got.Next != "") {
			out.Sales = out.Sales[:limit]
			out.Next = out.Sales[limit-1].ID.String() // there are more
			return out, nil
		}
		if got.Next == "" {
			return out, nil
		}
		q.Cursor = got.Next
	}
}

func salesPage(p *page, list *view.Sales) {
	if len(list.Sales) == 0 {
		p.line("No such sales.")
		return
	}
	p.table([]string{"SALE", "SOLD", "REFERENCE", "LINES", "DUE", "STATUS"}, func(row func(...any)) {
		for _, s := range list.Sales {
			row(s.ID, timeText(s.Sold), s.Reference, len(s.Lines), moneyText(s.Due), statusText(s.Status))
		}
	})
	if list.Next != "" {
		p.line("There are more: --limit N, or --limit 0 for all")
	}
}

// act is a command that moves a sale on and shows it.
func (a saleCommands) act(do func(ctx context.Context, s client.Sales, id exchange.OrderID) (*view.Sale, error)) func(*cobra.Command, []string) error {
	return a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
		id, err := exchange.ParseHoldID(args[0])
		if err != nil {
			return &usageError{err}
		}
		sale, err := do(cmd.Context(), c.Sales(), id)
		if err != nil {
			return err
		}
		return a.show(cmd, sale, func(p *page) { a.salePage(p, sale) })
	})
}

func (a saleCommands) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show a sale of your own channels",
		Example: "  souk sale show --dir shop 00052ap5m48vv6u926huggirh0",
		Args:    takes(1, 1),
		RunE: a.act(func(ctx context.Context, s client.Sales, id exchange.OrderID) (*view.Sale, error) {
			return s.Get(ctx, id)
		}),
	}
}

func (a saleCommands) shipCommand() *cobra.Command {
	var ship view.Ship
	var lines linesFlag
	cmd := &cobra.Command{
		Use:     "ship ID",
		Short:   "Mark units of a sale as sent, whole or in part",
		Example: "  souk sale ship --dir shop 00052ap5m48vv6u926huggirh0 --line LAMP-1=1 --carrier DHL --tracking JD0001",
		Args:    takes(1, 1),
		RunE: a.act(func(ctx context.Context, s client.Sales, id exchange.OrderID) (sale *view.Sale, err error) {
			if ship.Lines, err = lines.units(); err != nil {
				return nil, err
			}
			return s.Ship(ctx, id, ship)
		}),
	}
	lines.register(cmd, "everything open")
	cmd.Flags().Var(textFlag{&ship.Carrier}, "carrier", "the `carrier`, such as DHL")
	cmd.Flags().Var(textFlag{&ship.Tracking}, "tracking", "the carrier's tracking `number`")
	return cmd
}

func (a saleCommands) cancelCommand() *cobra.Command {
	var cancel view.Cancel
	var lines linesFlag
	cmd := &cobra.Command{
		Use:     "cancel ID",
		Short:   "Cancel units of a sale that have not left",
		Example: `  souk sale cancel --dir shop 00052ap5m48vv6u926huggirh0 --reason "paid twice"`,
		Args:    takes(1, 1),
		RunE: a.act(func(ctx context.Context, s client.Sales, id exchange.OrderID) (sale *view.Sale, err error) {
			if cancel.Lines, err = lines.units(); err != nil {
				return nil, err
			}
			return s.Cancel(ctx, id, cancel)
		}),
	}
	lines.register(cmd, "everything open")
	cmd.Flags().Var(textFlag{&cancel.Reason}, "reason", "the `reason`")
	return cmd
}

func (a saleCommands) returnCommand() *cobra.Command {
	var back view.Return
	var lines linesFlag
	cmd := &cobra.Command{
		Use:   "return ID",
		Short: "Take units of a sale back onto the shelf",
		Long: `Says that units which had left came back. They go onto the shelf, unless they are
damaged. What is paid back is between you and your customer.`,
		Example: `  souk sale return --dir shop 00052ap5m48vv6u926huggirh0
  souk sale return --dir shop 00052ap5m48vv6u926huggirh0 --line LAMP-1=1 --damaged`,
		Args: takes(1, 1),
		RunE: a.act(func(ctx context.Context, s client.Sales, id exchange.OrderID) (sale *view.Sale, err error) {
			if back.Lines, err = lines.units(); err != nil {
				return nil, err
			}
			return s.Return(ctx, id, back)
		}),
	}
	lines.register(cmd, "everything that was shipped")
	cmd.Flags().BoolVar(&back.Damaged, "damaged", false, "they do not go onto the shelf")
	return cmd
}

func (a saleCommands) salePage(p *page, s *view.Sale) {
	p.line("Sale %v: %s", s.ID, statusText(s.Status))
	if s.Late {
		p.line("Its reservation had expired; its units were still there.")
	}
	for _, l := range s.Lines {
		if l.Short > 0 {
			p.line("%s of %s cannot be shipped: more is promised than is there. See souk catalog holds%s %s", plural(l.Short, "unit"), l.SKU, a.dirFlag(), quoteArg(string(l.SKU)))
		}
	}
	p.table([]string{"SKU", "TITLE", "PRICE", "SOLD", "TOTAL", "SHIPPED", "CANCELLED", "RETURNED"}, func(row func(...any)) {
		for _, l := range s.Lines {
			row(l.SKU, fullTitle(l.Title, l.Options), l.Price.Amount, l.Sold, moneyText(l.Total), l.Shipped, l.Cancelled, l.Returned)
		}
	})
	p.table(nil, func(row func(...any)) {
		if s.Reference != "" {
			row("Reference", s.Reference)
		}
		row("Total", moneyText(s.Total)+", tax "+taxText(s.Tax))
		row("Due", moneyText(s.Due))
		row("Sold", timeText(s.Sold))
		if !s.CancelledAt.IsZero() {
			row("Cancelled", strings.TrimSuffix(timeText(s.CancelledAt)+": "+s.Reason, ": "))
		}
		for i, parcel := range s.Parcels {
			row("Parcel "+strconv.Itoa(i+1), parcelText(parcel))
		}
	})
	if s.ShipTo != nil {
		p.line("Ship to:")
		for _, l := range addressLines(*s.ShipTo) {
			p.line("  %s", l)
		}
	}
	if s.Note != "" {
		p.line("Note:")
		p.text("  ", s.Note)
	}
	if s.Status == "sold" || s.Status == "partly_shipped" {
		p.line("Next: souk sale ship%s %v", a.dirFlag(), s.ID)
	}
}

// limitCommand is souk catalog keep, and share.
func (a saleCommands) limitCommand(name, short, long, example string, set func(*view.SetLimits, int64)) *cobra.Command {
	return &cobra.Command{
		Use: name + " SKU=N|default…", Short: short, Long: long, Example: example, Args: takes(1, 200),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			shop, err := c.Shop(cmd.Context())
			if err != nil {
				return err
			}
			wanted := make([]wantedLimit, len(args))
			for i, arg := range args {
				if wanted[i], err = limitArg(shop.Shop, arg); err != nil {
					return err
				}
			}
			var after []*view.Limits
			for i, w := range wanted {
				var limits view.SetLimits
				set(&limits, w.units)
				got, err := c.Sales().SetLimits(cmd.Context(), w.sku, limits)
				if err != nil && i > 0 {
					return fmt.Errorf("%w; the limits that are named before it are set", err)
				}
				if err != nil {
					return err
				}
				after = append(after, got)
			}
			return a.show(cmd, after, func(p *page) { limitsPage(p, after) })
		}),
	}
}

// wantedLimit is a product and its limit; -1 = the shop's default.
type wantedLimit struct {
	sku   exchange.SKU
	units int64
}

// limitArg reads "SKU=2" or "SKU=default".
func limitArg(self exchange.ShopID, arg string) (wantedLimit, error) {
	i := strings.LastIndexByte(arg, '=')
	if i <= 0 {
		return wantedLimit{}, usagef("%q is not SKU=N or SKU=default", arg)
	}
	sku, err := ownSKU(self, arg[:i])
	if err != nil {
		return wantedLimit{}, err
	}
	if arg[i+1:] == "default" {
		return wantedLimit{sku, -1}, nil
	}
	units, err := strconv.ParseInt(arg[i+1:], 10, 64)
	if err != nil || units < 0 {
		return wantedLimit{}, usagef("%q is not a number of units, or default", arg[i+1:])
	}
	return wantedLimit{sku, units}, nil
}

func (a saleCommands) keepCommand() *cobra.Command {
	return a.limitCommand("keep", "Keep units of a product back from partners",
		`Partners are offered what is available less N; your own channels sell all. default: as
keep in shop.toml says.`,
		"  souk catalog keep --dir shop LAMP-1=2 SHADE-3=default", func(l *view.SetLimits, n int64) { l.Keep = &n })
}

func (a saleCommands) shareCommand() *cobra.Command {
	return a.limitCommand("share", "Bound what one partner may hold of a product",
		`One partner may hold N units at once, whatever its terms say; 0: as many as there are.
It concerns holds that are placed from now on. default: as share in shop.toml says.`,
		"  souk catalog share --dir shop LAMP-1=5", func(l *view.SetLimits, n int64) { l.Share = &n })
}

func limitsPage(p *page, limits []*view.Limits) {
	p.table([]string{"SKU", "KEPT BACK", "ONE PARTNER MAY HOLD"}, func(row func(...any)) {
		for _, l := range limits {
			keep, share := strconv.FormatInt(l.Keep, 10), strconv.FormatInt(l.Share, 10)
			if l.Share == 0 {
				share = "all"
			}
			if l.KeepDefault {
				keep += " (default)"
			}
			if l.ShareDefault {
				share += " (default)"
			}
			row(l.SKU, keep, share)
		}
	})
}
