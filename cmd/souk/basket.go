package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// basketCommands are about what the shop holds, orders and gives back as one.
type basketCommands struct{ *app }

func (a basketCommands) basketCommand() *cobra.Command {
	return group("basket", "Hold and order products of several shops as one",
		`A basket is what one customer buys, at up to 64 shops, your own among them: held at all
of them at once, all or none, and ordered in one step once it is paid.`,
		`  souk basket hold --dir shop Acorn-Shoes:TRAIL-42 Birch-Books:LAMP-1=2 TUBE-28 --ship-to-country SE
  souk basket order --dir shop 00052ap5m48vv6u926huggirh0 --ship-to customer.json --reference "#1003"
  souk basket release --dir shop 00052ap5m48vv6u926huggirh0`,
		a.holdCommand(), a.listCommand(), a.showCommand(), a.extendCommand(), a.orderCommand(), a.releaseCommand())
}

func (a basketCommands) holdCommand() *cobra.Command {
	var country, key string
	var lifetime time.Duration
	var partial bool
	cmd := &cobra.Command{
		Use:   "hold PRODUCT=QTY…",
		Short: "Hold products of several shops at once",
		Long: `Asks every shop at the same time: all or none. Where something cannot be had, the command
names every line that is short, and what was held meanwhile is given back. --partial
keeps what can be had. A PRODUCT is SHOP:SKU, as souk products shows it, or the SKU
alone of a product of your own; without =QTY it is one unit.

The basket can be ordered until the first of its parts expires. Have the payment
authorised, order, and capture what was accepted.`,
		Example: `  souk basket hold --dir shop Acorn-Shoes:TRAIL-42 Birch-Books:LAMP-1=2 TUBE-28 --ship-to-country SE
  souk basket hold --dir shop Acorn-Shoes:TRAIL-42 Birch-Books:LAMP-1 --ship-to-country DE --partial --lifetime 10m`,
		Args: takes(1, 128),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			fed, err := loadFederation(cmd.Context(), c)
			if err != nil {
				return err
			}
			if lifetime > exchange.MaxHoldLifetime {
				return usagef("--lifetime is at most %s", exchange.Span(exchange.MaxHoldLifetime))
			}
			req := view.NewBasket{Partial: partial, Seconds: lifetime.Seconds()}
			if country != "" {
				if req.Country, err = view.ParseCountry(country); err != nil {
					return &usageError{fmt.Errorf("--ship-to-country: %w", err)}
				}
			}
			if req.Lines, err = basketLines(fed, args, req.Country); err != nil {
				return err
			}
			if key == "" {
				key = rand.Text()
			}
			got, err := c.Baskets().Hold(client.WithKey(cmd.Context(), key), req)
			if err != nil {
				return a.notHeld(err, key)
			}
			return a.show(cmd, got, func(p *page) { a.basketPage(p, got) })
		}),
	}
	f := cmd.Flags()
	f.StringVar(&country, "ship-to-country", "", "where the goods will go: ISO 3166-1 `code` such as SE (required but for own products)")
	f.Var(durationVar(&lifetime, 0), "lifetime", "`time` to hold, such as 10m (default: of each shop, as souk reserve)")
	f.BoolVar(&partial, "partial", false, "keep what can be had; else all or none")
	f.StringVar(&key, "key", "", "a `text` of your own for this wish: repeated with the same within 24 hours it finds the same basket")
	return cmd
}

// basketLines reads "SHOP:SKU=2", each product once.
func basketLines(fed *federation, args []string, country string) (lines []view.ReserveLine, err error) {
	for _, arg := range args {
		ref, q, err := splitQuantity(arg)
		if err != nil {
			return nil, err
		}
		id, err := reservable(fed, ref)
		if err != nil {
			return nil, err
		}
		if country == "" && id.Shop != fed.self {
			return nil, usagef("say where the goods will go: --ship-to-country SE")
		}
		if slices.ContainsFunc(lines, func(l view.ReserveLine) bool { return l.Product == id }) {
			return nil, usagef("%s stands there twice; give its whole quantity once", ref)
		}
		lines = append(lines, view.ReserveLine{Product: id, Quantity: int64(q)})
	}
	return lines, nil
}

// notHeld says of each part why it is not held, or what to do where nobody knows.
func (a basketCommands) notHeld(err error, key string) error {
	var p *view.Problem
	if errors.As(err, &p) && p.Basket != nil {
		said := &strings.Builder{}
		fmt.Fprint(said, "the basket is not held:")
		for _, part := range p.Basket.Parts {
			if part.Refusal == nil {
				continue
			}
			if len(part.Refusal.Lines) == 0 {
				fmt.Fprintf(said, "\n  %s: %s", inert(part.ShopName), inert(part.Refusal.Detail))
			}
			for _, l := range part.Refusal.Lines {
				fmt.Fprintf(said, "\n  %s: %s: %d asked, %d available", inert(part.ShopName), inert(string(l.SKU)), l.Asked, l.Available)
			}
		}
		if p.Basket.State == "releasing" {
			fmt.Fprintf(said, "\nWhat may be held is given back until each shop has answered: souk basket show%s %v", a.dirFlag(), p.Basket.ID)
		}
		return &inWords{said.String(), err}
	}
	if p == nil && exchange.CodeOf(err) == exchange.CodeUnavailable { // the client's own: no answer came
		return exchange.Errorf(exchange.CodeOf(err), "%w. It may be held all the same: when the node runs, repeat the command with --key %s, which finds the same basket or makes it", err, quoteArg(key))
	}
	return err
}

func (a basketCommands) listCommand() *cobra.Command {
	var open bool
	var state string
	limit := 50
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List baskets, newest first",
		Long:  `Lists the baskets of the last eight days.`,
		Example: `  souk basket list --dir shop --open
  souk basket list --dir shop --state done --json`,
		Args: takes(0, 0),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, _ []string) error {
			if limit < 0 {
				return usagef("--limit is 1 or more, or 0 for all")
			}
			if open {
				state = view.OpenBaskets
			}
			list, err := listBaskets(cmd.Context(), c, state, limit)
			if err != nil {
				return err
			}
			return a.show(cmd, list, func(p *page) { basketsPage(p, list) })
		}),
	}
	f := cmd.Flags()
	f.BoolVar(&open, "open", false, "only those that are held, or about which a shop owes an answer")
	f.Var(textFlag{&state}, "state", "only those in this `state`, such as held or done")
	f.IntVar(&limit, "limit", limit, "at most this `number`; 0 = all")
	return cmd
}

// listBaskets collects up to limit baskets; 0 = all.
func listBaskets(ctx context.Context, c *client.Client, state string, limit int) (*view.Baskets, error) {
	out := &view.Baskets{Baskets: []view.Basket{}}
	for cursor := ""; ; {
		got, err := c.Baskets().List(ctx, state, 0, cursor)
		if err != nil {
			return nil, err
		}
		out.Baskets, out.Next = append(out.Baskets, got.Baskets...), got.Next
		if limit > 0 && (len(out.Baskets) > limit || len(out.Baskets) == limit && got.Next != "") {
			out.Baskets = out.Baskets[:limit]
			out.Next = out.Baskets[limit-1].ID.String() // there are more
			return out, nil
		}
		if cursor = got.Next; cursor == "" {
			return out, nil
		}
	}
}

func basketsPage(p *page, list *view.Baskets) {
	if len(list.Baskets) == 0 {
		p.line("No such baskets.")
		return
	}
	p.table([]string{"BASKET", "MADE", "SHOPS", "EXPIRES", "STATE"}, func(row func(...any)) {
		for _, b := range list.Baskets {
			expires := ""
			if !b.ExpiresAt.IsZero() {
				expires = timeText(b.ExpiresAt)
			}
			row(b.ID, timeText(b.Created), len(b.Parts), expires, statusText(b.State))
		}
	})
	if list.Next != "" {
		p.line("There are more: --limit N, or --limit 0 for all")
	}
}

// act is a command that does something with a basket and shows it.
func (a basketCommands) act(do func(cmd *cobra.Command, b client.Baskets, id exchange.BasketID) (*view.Basket, error)) func(*cobra.Command, []string) error {
	return a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
		id, err := reservationID(args[0])
		if err != nil {
			return err
		}
		b, err := do(cmd, c.Baskets(), id)
		if err != nil {
			return err
		}
		return a.show(cmd, b, func(p *page) { a.basketPage(p, b) })
	})
}

func (a basketCommands) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show a basket, and what is to be paid back",
		Example: "  souk basket show --dir shop 00052ap5m48vv6u926huggirh0",
		Args:    takes(1, 1),
		RunE: a.act(func(cmd *cobra.Command, b client.Baskets, id exchange.BasketID) (*view.Basket, error) {
			return b.Get(cmd.Context(), id)
		}),
	}
}

func (a basketCommands) releaseCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "release ID",
		Short:   "Give a basket back",
		Example: "  souk basket release --dir shop 00052ap5m48vv6u926huggirh0",
		Args:    takes(1, 1),
		RunE: a.act(func(cmd *cobra.Command, b client.Baskets, id exchange.BasketID) (*view.Basket, error) {
			return b.Release(cmd.Context(), id)
		}),
	}
}

func (a basketCommands) extendCommand() *cobra.Command {
	var by time.Duration
	var until string
	cmd := &cobra.Command{
		Use:   "extend ID --by TIME | --until MOMENT",
		Short: "Hold every part longer, within its terms",
		Example: `  souk basket extend --dir shop 00052ap5m48vv6u926huggirh0 --by 10m
  souk basket extend --dir shop 00052ap5m48vv6u926huggirh0 --until 2030-06-01T12:00:00Z`,
		Args: takes(1, 1),
		RunE: a.act(func(cmd *cobra.Command, b client.Baskets, id exchange.BasketID) (*view.Basket, error) {
			if (by > 0) == (until != "") {
				return nil, usagef("say how long: --by 10m, or --until 2030-06-01T12:00:00Z")
			}
			if until != "" {
				expires, err := time.Parse(time.RFC3339, until)
				if err != nil {
					return nil, usagef("%q is not a moment such as 2030-06-01T12:00:00Z", until)
				}
				return b.Extend(cmd.Context(), id, expires)
			}
			now, err := b.Get(cmd.Context(), id)
			if err != nil {
				return nil, err
			}
			return b.Extend(cmd.Context(), id, now.ExpiresAt.Add(by))
		}),
	}
	cmd.Flags().Var(durationVar(&by, 0), "by", "`time` beyond what is agreed, such as 10m")
	cmd.Flags().StringVar(&until, "until", "", "until this `moment` (RFC 3339)")
	return cmd
}

func (a basketCommands) orderCommand() *cobra.Command {
	var file string
	var o view.OrderBasket
	wait := waitForAnswer
	cmd := &cobra.Command{
		Use:   "order ID --ship-to FILE",
		Short: "Order every part that is held, for one address",
		Long: `Orders all parts in one step: the signed orders are durable and on their way, and own
products are sold, when the command returns; past the basket's expiry nothing is ordered.
It waits for the suppliers' answers and shows which parts were accepted, and what is to
be paid back of the others. Ordering it again with the same address, reference and note
shows the basket as it stands.

The address comes from a JSON file (- for standard input): {"name": …, "lines": […],
"city": …, "postal_code": …, "country": …}.`,
		Example: `  souk basket order --dir shop 00052ap5m48vv6u926huggirh0 --ship-to customer.json --reference "#1003"
  souk basket order --dir shop 00052ap5m48vv6u926huggirh0 --ship-to customer.json --cancel-rest --wait 30s`,
		Args: takes(1, 1),
		RunE: a.act(func(cmd *cobra.Command, b client.Baskets, id exchange.BasketID) (*view.Basket, error) {
			if file == "" {
				return nil, usagef("say where it goes: --ship-to FILE")
			}
			if err := exchange.CheckReference(o.Reference); err != nil {
				return nil, &usageError{fmt.Errorf("--reference: %w", err)}
			}
			var err error
			if o.ShipTo, err = orderCommands(a).readShipTo(file); err != nil {
				return nil, err
			}
			return b.Order(cmd.Context(), id, o, wait)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&file, "ship-to", "", "read the customer's address from a JSON `file`")
	f.Var(textFlag{&o.Reference}, "reference", "your own `name` of the order, such as your shop's order number; at most 64 bytes")
	f.Var(noteFlag{&o.Note}, "note", "a `text` for the people who pack, of one line or several; at most 1000 bytes")
	f.BoolVar(&o.CancelRest, "cancel-rest", false, "once a supplier refuses its part, cancel the others, as far as their terms allow")
	f.Var(durationVar(&wait, waitForAnswer), "wait", "`time` to wait for the suppliers' answers, at most 30s")
	return cmd
}

func (a basketCommands) basketPage(p *page, b *view.Basket) {
	p.line("Basket %v: %s", b.ID, statusText(b.State))
	p.table([]string{"SHOP", "PRODUCT", "QTY", "TOTAL", "RESERVATION", "STATE"}, func(row func(...any)) {
		for _, part := range b.Parts {
			for i, l := range part.Lines {
				total := ""
				if part.Quote != nil && i < len(part.Quote.Lines) {
					total = moneyText(part.Quote.Lines[i].Total)
				}
				id := ""
				if !part.Reservation.IsZero() {
					id = part.Reservation.String()
				}
				row(part.ShopName, l.Product.SKU, l.Quantity, total, id, statusText(part.State))
			}
		}
	})
	for _, part := range b.Parts {
		if part.Refusal != nil {
			p.line("%s: %s", part.ShopName, localTimes(part.Refusal.Detail))
		}
	}
	if len(b.Refund) > 0 {
		p.line("To be paid back:")
		p.table([]string{"PRODUCT", "UNITS", "BY THE QUOTE", "AT LIST PRICE"}, func(row func(...any)) {
			for _, r := range b.Refund {
				for _, l := range r.Lines {
					row(l.Product, l.Units, moneyText(l.Amount), moneyText(l.List))
				}
			}
		})
	}
	switch b.State {
	case "held", "partly_held":
		p.line("Expires %s.", untilText(b.ExpiresAt, a.now()))
		p.line("Next: souk basket order%s %v --ship-to FILE", a.dirFlag(), b.ID)
		p.line("  or: souk basket release%s %v", a.dirFlag(), b.ID)
	case "holding", "releasing", "ordering":
		p.line("Not every shop has answered. Next: souk basket show%s %v", a.dirFlag(), b.ID)
	}
}
