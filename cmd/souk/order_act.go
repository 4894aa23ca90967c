package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// act is a command that moves an order on and shows it.
func (a orderCommands) act(do func(ctx context.Context, c *client.Client, id exchange.OrderID) (*view.Order, error)) func(*cobra.Command, []string) error {
	return a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
		id, err := orderID(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		o, err := do(cmd.Context(), c, id)
		if err != nil {
			return err
		}
		return a.show(cmd, o, func(p *page) { a.orderPage(p, o) })
	})
}

// linesFlag collects --line SKU=N.
type linesFlag struct{ texts []string }

func (l *linesFlag) register(cmd *cobra.Command, what string) {
	cmd.Flags().StringArrayVar(&l.texts, "line", nil, "`SKU=N` units of one line; repeat for several (default: "+what+")")
}

func (l *linesFlag) units() ([]view.Units, error) {
	var out []view.Units
	for _, text := range l.texts {
		i := strings.LastIndexByte(text, '=')
		if i <= 0 {
			return nil, usagef("--line %q is not SKU=N", text)
		}
		n, err := strconv.ParseInt(text[i+1:], 10, 64)
		if err == nil {
			err = exchange.Quantity(n).Check()
		}
		if err != nil {
			return nil, usagef("--line %q is not SKU=N with a number of units", text)
		}
		sku, err := exchange.ParseSKU(text[:i])
		if err != nil {
			return nil, &usageError{err}
		}
		out = append(out, view.Units{SKU: sku, Units: n})
	}
	return out, nil
}

func (a orderCommands) acceptOrderCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "accept ID",
		Short:   "Accept an order: this shop binds itself to ship",
		Long:    `Accepts a submitted order. Orders are accepted as they come unless accept_by_hand is set in shop.toml.`,
		Example: "  souk order accept --dir shop b6h0c1e",
		Args:    takes(1, 1),
		RunE: a.act(func(ctx context.Context, c *client.Client, id exchange.OrderID) (*view.Order, error) {
			return c.AcceptOrder(ctx, id)
		}),
	}
}

func (a orderCommands) rejectCommand() *cobra.Command {
	var r view.Reject
	cmd := &cobra.Command{
		Use:     "reject ID",
		Short:   "Turn a submitted order down",
		Example: `  souk order reject --dir shop b6h0c1e --reason "damaged in store"`,
		Args:    takes(1, 1),
		RunE: a.act(func(ctx context.Context, c *client.Client, id exchange.OrderID) (*view.Order, error) {
			return c.RejectOrder(ctx, id, r)
		}),
	}
	cmd.Flags().Var(textFlag{&r.Reason}, "reason", "the `reason`; the retailer reads it")
	return cmd
}

func (a orderCommands) shipCommand() *cobra.Command {
	var s view.Ship
	var lines linesFlag
	cmd := &cobra.Command{
		Use:   "ship ID",
		Short: "Mark units as sent, whole or in part",
		Example: `  souk order ship --dir shop b6h0c1e --carrier DHL --tracking JD0001
  souk order ship --dir shop b6h0c1e --line LAMP-1=1 --carrier DHL --tracking JD0002`,
		Args: takes(1, 1),
		RunE: a.act(func(ctx context.Context, c *client.Client, id exchange.OrderID) (o *view.Order, err error) {
			if s.Lines, err = lines.units(); err != nil {
				return nil, err
			}
			return c.ShipOrder(ctx, id, s)
		}),
	}
	lines.register(cmd, "everything open")
	cmd.Flags().Var(textFlag{&s.Carrier}, "carrier", "the `carrier`, such as DHL")
	cmd.Flags().Var(textFlag{&s.Tracking}, "tracking", "the carrier's tracking `number`")
	return cmd
}

func (a orderCommands) deliverCommand() *cobra.Command {
	var d view.Deliver
	var lines linesFlag
	cmd := &cobra.Command{
		Use:   "deliver ID",
		Short: "Mark shipped units as arrived",
		Example: `  souk order deliver --dir shop b6h0c1e
  souk order deliver --dir shop b6h0c1e --line LAMP-1=1`,
		Args: takes(1, 1),
		RunE: a.act(func(ctx context.Context, c *client.Client, id exchange.OrderID) (o *view.Order, err error) {
			if d.Lines, err = lines.units(); err != nil {
				return nil, err
			}
			return c.DeliverOrder(ctx, id, d)
		}),
	}
	lines.register(cmd, "everything shipped")
	return cmd
}

func (a orderCommands) cancelCommand() *cobra.Command {
	var r view.Cancel
	var lines linesFlag
	cmd := &cobra.Command{
		Use:   "cancel ID",
		Short: "Cancel what has not been shipped",
		Long: `Cancels units that have not been shipped. The supplier cancels at once; the retailer
asks, and the supplier answers by the terms' cancel rule. An order of a supplier that was
revoked or has left is closed in this shop's own records alone.`,
		Example: `  souk order cancel --dir shop b6h0c1e --reason "the customer changed her mind"
  souk order cancel --dir shop b6h0c1e --line LAMP-1=1`,
		Args: takes(1, 1),
		RunE: a.act(func(ctx context.Context, c *client.Client, id exchange.OrderID) (o *view.Order, err error) {
			if r.Lines, err = lines.units(); err != nil {
				return nil, err
			}
			return c.CancelOrder(ctx, id, r)
		}),
	}
	lines.register(cmd, "everything open")
	cmd.Flags().Var(textFlag{&r.Reason}, "reason", "the `reason`; the other shop reads it")
	return cmd
}
