package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

func (a orderCommands) orderCommand() *cobra.Command {
	return group("order", "Place, follow and fulfil orders",
		`An order commits a reservation. It is bought where this shop passes a consumer's order
on to a supplier, and sold where this shop ships. An ID is given whole, or by its last 6
or more characters.`,
		`  souk order place --dir shop 00052ap5m48vv6u926huggirh0 --ship-to customer.json
  souk order list --dir shop --role sold --open
  souk order ship --dir shop b6h0c1e --carrier DHL --tracking JD0001`,
		a.placeCommand(), a.orderListCommand(), a.orderShowCommand(), a.acceptOrderCommand(), a.rejectCommand(),
		a.shipCommand(), a.deliverCommand(), a.cancelCommand())
}

// recentOrders is how many orders are searched for a short ID.
const recentOrders = 2000

// orderID is the order that ref means.
func orderID(ctx context.Context, c *client.Client, ref string) (exchange.OrderID, error) {
	if id, err := exchange.ParseHoldID(ref); err == nil {
		return id, nil
	}
	var ids []exchange.OrderID
	orders, err := listOrders(ctx, c, client.OrdersQuery{}, recentOrders)
	if err != nil {
		return exchange.OrderID{}, err
	}
	for _, o := range orders.Orders {
		ids = append(ids, o.ID)
	}
	full, err := matchID(ids, ref)
	if err != nil {
		return exchange.OrderID{}, err
	}
	return exchange.ParseHoldID(full)
}

// listOrders collects up to limit orders; 0 = all.
func listOrders(ctx context.Context, c *client.Client, q client.OrdersQuery, limit int) (*view.Orders, error) {
	out := &view.Orders{Orders: []view.Order{}}
	for {
		got, err := c.Orders(ctx, q)
		if err != nil {
			return nil, err
		}
		out.Orders, out.Next = append(out.Orders, got.Orders...), got.Next
		if limit > 0 && (len(out.Orders) > limit || len(out.Orders) == limit && got.Next != "") {
			out.Orders = out.Orders[:limit]
			out.Next = out.Orders[limit-1].ID.String() // there are more
			return out, nil
		}
		if got.Next == "" {
			return out, nil
		}
		q.Cursor = got.Next
	}
}

// orderStatuses are all that an order may have.
var orderStatuses = []string{"requested", "refused", "submitted", "accepted", "partly_shipped", "shipped", "delivered", "cancelled", "rejected", "expired"}

func (a orderCommands) orderListCommand() *cobra.Command {
	var q client.OrdersQuery
	var partner, sku, from, to string
	var open bool
	limit := 50
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List orders, bought and sold",
		Long: `Lists orders of both roles, those of the latest reservations first. Every condition
given must hold.`,
		Example: `  souk order list --dir shop
  souk order list --dir shop --role sold --open
  souk order list --dir shop --reference "#1001"
  souk order list --dir shop --from 2030-05-01 --to 2030-06-01 --partner "Birch Bikes" --limit 0`,
		Args: takes(0, 0),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, _ []string) (err error) {
			if q.Role != "" && q.Role != view.Sold && q.Role != view.Bought {
				return usagef("--role is sold or bought, not %q", q.Role)
			}
			if limit < 0 {
				return usagef("--limit is 1 or more, or 0 for all")
			}
			q.Status = strings.ReplaceAll(strings.ToLower(q.Status), " ", "_")
			if q.Status != "" && !slices.Contains(orderStatuses, q.Status) {
				return usagef("--status is one of %s", statusText(strings.Join(orderStatuses, ", ")))
			}
			if open && q.Status != "" {
				return usagef("--open and --status both say where an order stands; give one of them")
			}
			if open {
				q.Status = view.OpenOrders
			}
			if sku != "" {
				if q.SKU, err = exchange.ParseSKU(sku); err != nil {
					return &usageError{err}
				}
			}
			for flag, text := range map[string]string{"--from": from, "--to": to} {
				at := &q.From
				if flag == "--to" {
					at = &q.To
				}
				if *at, err = parseMoment(flag, text); err != nil {
					return err
				}
			}
			if partner != "" {
				_, k, err := findPartner(cmd.Context(), c, partner)
				if err != nil {
					return err
				}
				q.Partner = k.shop
			}
			all, err := listOrders(cmd.Context(), c, q, limit)
			if err != nil {
				return err
			}
			return a.show(cmd, all, func(p *page) { ordersPage(p, all.Orders, all.Next != "") })
		}),
	}
	f := cmd.Flags()
	f.StringVar(&q.Role, "role", "", "only those of this `role`: sold or bought")
	f.StringVar(&q.Status, "status", "", "only those of this `status`, such as submitted or \"partly shipped\"")
	f.BoolVar(&open, "open", false, "only those that are not finished")
	f.StringVar(&partner, "partner", "", "only those with this `shop`")
	f.StringVar(&q.Reference, "reference", "", "only those with exactly this `reference` of the retailer's")
	f.StringVar(&q.Tracking, "tracking", "", "only those with a parcel of this tracking `number`")
	f.StringVar(&sku, "sku", "", "only those with a line of this `product` of the supplier's")
	f.BoolVar(&q.ToShip, "to-ship", false, "only those with units still to be shipped (of --sku)")
	f.StringVar(&from, "from", "", "only those placed on this `day`, or at this moment, or later")
	f.StringVar(&to, "to", "", "only those placed before this `day` or moment")
	f.IntVar(&limit, "limit", limit, "at most this `number`; 0 = all")
	return cmd
}

// parseMoment reads a day, which begins at the reader's midnight, or a moment; zero of none.
func parseMoment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return day, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, usagef("%s %q is not a day such as 2030-06-01, or a moment such as 2030-06-01T12:00:00Z", flag, text)
	}
	return at, nil
}

func ordersPage(p *page, orders []view.Order, more bool) {
	if len(orders) == 0 {
		p.line("No orders.")
		return
	}
	p.table([]string{"ORDER", "ROLE", "PARTNER", "STATUS", "UNITS", "DUE", "PLACED", "REFERENCE", "FOR"}, func(row func(...any)) {
		for _, o := range orders {
			var units int64
			for _, l := range o.Lines {
				units += l.Ordered - l.Cancelled
			}
			name := ""
			if o.ShipTo != nil {
				name = o.ShipTo.Name
			}
			row(o.ID, o.Role, o.PartnerName, orderState(&o)+shortMark(&o), units, moneyText(o.Due), timeText(placed(o)), o.Reference, name)
		}
	})
	if more {
		p.line("There are more: --limit N, or --limit 0 for all")
	}
}

func statusText(status string) string { return strings.ReplaceAll(status, "_", " ") }

func (a orderCommands) orderShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show an order: lines, parcels, address",
		Example: "  souk order show --dir shop b6h0c1e",
		Args:    takes(1, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			id, err := orderID(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			o, err := c.Order(cmd.Context(), id)
			if err != nil {
				return err
			}
			return a.show(cmd, o, func(p *page) { a.orderPage(p, o) })
		}),
	}
}
