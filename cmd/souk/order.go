package main

import (
	"context"
	"slices"
	"strings"

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

// recentOrders is how many orders of each role are searched for a short ID.
const recentOrders = 1000

// orderID is the order that ref means.
func orderID(ctx context.Context, c *client.Client, ref string) (exchange.OrderID, error) {
	if id, err := exchange.ParseHoldID(ref); err == nil {
		return id, nil
	}
	var ids []exchange.OrderID
	for _, role := range []string{view.Sold, view.Bought} {
		orders, err := listOrders(ctx, c, client.OrdersQuery{Role: role}, recentOrders)
		if err != nil {
			return exchange.OrderID{}, err
		}
		for _, o := range orders.Orders {
			ids = append(ids, o.ID)
		}
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

// openStatuses are those of orders somebody still has to do something about.
var openStatuses = []string{"requested", "submitted", "accepted", "partly_shipped", "shipped"}

func (a orderCommands) orderListCommand() *cobra.Command {
	var q client.OrdersQuery
	var open bool
	limit := 50
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List orders, bought and sold",
		Example: `  souk order list --dir shop
  souk order list --dir shop --role sold --open
  souk order list --dir shop --role bought --status delivered --limit 0`,
		Args: takes(0, 0),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, _ []string) error {
			roles := []string{view.Sold, view.Bought}
			if q.Role != "" {
				if !slices.Contains(roles, q.Role) {
					return usagef("--role is sold or bought, not %q", q.Role)
				}
				roles = []string{q.Role}
			}
			if limit < 0 {
				return usagef("--limit is 1 or more, or 0 for all")
			}
			q.Status = strings.ReplaceAll(strings.ToLower(q.Status), " ", "_")
			if q.Status != "" && !slices.Contains(orderStatuses, q.Status) {
				return usagef("--status is one of %s", statusText(strings.Join(orderStatuses, ", ")))
			}
			all := &view.Orders{Orders: []view.Order{}}
			more := false
			most := limit
			if open {
				most = 0 // an open order may be an old one
			}
			for _, role := range roles {
				q.Role = role
				got, err := listOrders(cmd.Context(), c, q, most)
				if err != nil {
					return err
				}
				all.Orders, more = append(all.Orders, got.Orders...), more || got.Next != ""
			}
			if open {
				all.Orders = slices.DeleteFunc(all.Orders, func(o view.Order) bool { return !isOpen(o.Status) || closedHere(&o) })
			}
			return a.show(cmd, all, func(p *page) { ordersPage(p, all.Orders, more) })
		}),
	}
	f := cmd.Flags()
	f.StringVar(&q.Role, "role", "", "only those of this `role`: sold or bought")
	f.StringVar(&q.Status, "status", "", "only those of this `status`, such as submitted or \"partly shipped\"")
	f.BoolVar(&open, "open", false, "only those that are not finished")
	f.IntVar(&limit, "limit", limit, "at most this `number` of each role; 0 = all")
	return cmd
}

func ordersPage(p *page, orders []view.Order, more bool) {
	if len(orders) == 0 {
		p.line("No orders.")
		return
	}
	p.table([]string{"ORDER", "ROLE", "PARTNER", "STATUS", "UNITS", "DUE", "PLACED"}, func(row func(...any)) {
		for _, o := range orders {
			var units int64
			for _, l := range o.Lines {
				units += l.Ordered - l.Cancelled
			}
			row(o.ID, o.Role, o.PartnerName, orderState(&o), units, moneyText(o.Due), timeText(placed(o)))
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
