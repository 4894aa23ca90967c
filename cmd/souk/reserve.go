package main

import (
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
	"github.com/souk-market/souk/node/money"
)

func (a reservationCommands) reserveCommand() *cobra.Command {
	var country, maxTotal, key string
	var lifetime time.Duration
	cmd := &cobra.Command{
		Use:   "reserve PRODUCT=QTY…",
		Short: "Hold a partner's products, or own ones",
		Long: `Asks one supplier to set products aside: all lines or none. The answer is its sealed
quote, which binds it until the hold expires. Order with souk order place, or give the
stock back with souk reservation release. A PRODUCT is SHOP:SKU, as souk products shows it;
without =QTY it is one unit.

A SKU without a shop is a product of your own: it is held for your web shop or till, at
list price, from the shelf that partners hold from. Sell it with souk sale add.`,
		Example: `  souk reserve --dir shop Birch-Books:LAMP-1=2 Birch-Books:SHADE-3 --ship-to-country SE
  souk reserve --dir shop Birch-Books:LAMP-1 --ship-to-country DE --max-total 120.00 --lifetime 10m
  souk reserve --dir shop LAMP-1=2 --lifetime 20m`,
		Args: takes(1, exchange.MaxLines),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			to, err := "", error(nil)
			if country != "" {
				if to, err = view.ParseCountry(country); err != nil {
					return &usageError{fmt.Errorf("--ship-to-country: %w", err)}
				}
			}
			fed, err := loadFederation(cmd.Context(), c)
			if err != nil {
				return err
			}
			req := view.Reserve{Country: to, Seconds: lifetime.Seconds()}
			for _, arg := range args {
				ref, q, err := splitQuantity(arg)
				if err != nil {
					return err
				}
				id, err := reservable(fed, ref)
				if err != nil {
					return err
				}
				if to == "" && id.Shop != fed.self {
					return usagef("say where the goods will go: --ship-to-country SE")
				}
				if slices.ContainsFunc(req.Lines, func(l view.ReserveLine) bool { return l.Product == id }) {
					return usagef("%s stands there twice; give its whole quantity once", ref)
				}
				req.Lines = append(req.Lines, view.ReserveLine{Product: id, Quantity: int64(q)})
			}
			if lifetime > exchange.MaxHoldLifetime {
				return usagef("--lifetime is at most %s", exchange.Span(exchange.MaxHoldLifetime))
			}
			if req.MaxTotal, err = a.amount(cmd, c, maxTotal, req.Lines[0].Product); err != nil {
				return err
			}
			if key == "" {
				key = rand.Text()
			}
			got, err := c.Reserve(client.WithKey(cmd.Context(), key), req)
			if err != nil {
				if supplier := req.Lines[0].Product.Shop; supplier != fed.self {
					return a.perhapsHeld(err, key, fed.name(supplier))
				}
				return a.perhapsHeld(err, key, "")
			}
			return a.show(cmd, got, func(p *page) { a.reservationPage(p, got) })
		}),
	}
	f := cmd.Flags()
	f.StringVar(&country, "ship-to-country", "", "where the goods will go: ISO 3166-1 `code` such as SE (required but for own products)")
	f.StringVar(&maxTotal, "max-total", "", "refuse above this `amount`, shipping included, in the supplier's currency")
	f.Var(durationVar(&lifetime, 0), "lifetime", "`time` to hold, such as 10m (default: half of the longest the terms allow, so that it can be extended)")
	f.StringVar(&key, "key", "", "a `text` of your own for this wish: repeated with the same within 24 hours it finds the same reservation")
	return cmd
}

// perhapsHeld adds where to look when nobody knows whether the supplier holds the stock: the
// supplier or the node did not answer, or the owner broke off. supplier is "" of own products.
func (a reservationCommands) perhapsHeld(err error, key, supplier string) error {
	var p *view.Problem
	errors.As(err, &p)
	switch {
	case p != nil && exchange.CodeOf(err) == exchange.CodeNotFound && supplier == "":
		return exchange.Errorf(exchange.CodeNotFound, "%w. A partner's product is given as SHOP:SKU, as souk products shows it", err)
	case p != nil && len(p.Lines) > 0:
		if supplier == "" {
			supplier = "this shop"
		}
		return &inWords{shortText(p.Lines, supplier), err}
	case p != nil && p.Reservation != nil:
		return exchange.Errorf(exchange.CodeOf(err), "%s did not answer in time, and may hold the stock all the same. This shop goes on asking, and gives the stock back unless the command is repeated within 20 seconds with --key %s; what became of it: souk reservation show%s %v", supplier, quoteArg(key), a.dirFlag(), *p.Reservation)
	case isCancel(err):
		return &interruption{fmt.Sprintf("%s may hold the stock all the same; this shop gives it back as soon as %s answers: souk reservation list%s", supplier, supplier, a.dirFlag()), err}
	case p == nil && exchange.CodeOf(err) == exchange.CodeUnavailable: // the client's own: no answer came
		return exchange.Errorf(exchange.CodeOf(err), "%w. %s may hold the stock all the same: when the node runs, repeat the command with --key %s, which finds the same reservation or makes it; what is held: souk reservation list%s", err, supplier, quoteArg(key), a.dirFlag())
	}
	return err
}

// inWords is an error as this command says it.
type inWords struct {
	says string
	err  error
}

func (w *inWords) Error() string { return w.says }
func (w *inWords) Unwrap() error { return w.err }

// shortText says of each line that is short what there is of it.
func shortText(lines []view.ShortLine, supplier string) string {
	said := &strings.Builder{}
	fmt.Fprintf(said, "%s has not enough in stock, and held nothing:", supplier)
	for _, l := range lines {
		fmt.Fprintf(said, "\n  %s: %d asked, %d available", inert(string(l.SKU)), l.Asked, l.Available)
	}
	return said.String()
}

// reservable is a product that can be reserved: a partner's, or by its SKU alone an own one.
func reservable(fed *federation, ref string) (exchange.ProductID, error) {
	id, err := partnerProduct(fed.shops, ref)
	if err == nil || strings.Contains(ref, ":") {
		return id, err
	}
	sku, err := ownSKU(fed.self, ref)
	return exchange.ProductID{Shop: fed.self, SKU: sku}, err
}

// amount reads "120.00" in the currency of a product's supplier, or "120.00 EUR".
func (a reservationCommands) amount(cmd *cobra.Command, c *client.Client, text string, product exchange.ProductID) (*view.Amount, error) {
	if text == "" {
		return nil, nil
	}
	digits, code, _ := strings.Cut(strings.TrimSpace(text), " ")
	out := &view.Amount{Amount: digits, Currency: exchange.Currency(strings.ToUpper(strings.TrimSpace(code)))}
	if code == "" {
		p, err := c.Product(cmd.Context(), product, false)
		if err != nil {
			return nil, err
		}
		out.Currency = p.Price.Currency
	}
	if _, err := out.Money(); err != nil {
		return nil, &usageError{err}
	}
	return out, nil
}

func (a reservationCommands) reservationPage(p *page, r *view.Reservation) {
	state := reservationState(r, a.now())
	if state == "not answered" {
		state = "the supplier has not answered yet"
	}
	releasing := state == "being released"
	p.line("Reservation %v at %s: %s", r.ID, r.SupplierName, state)
	switch {
	case r.Refusal == nil:
	case len(r.Refusal.Lines) > 0:
		p.line("Why: not enough in stock")
		p.table([]string{"SKU", "ASKED", "AVAILABLE"}, func(row func(...any)) {
			for _, l := range r.Refusal.Lines {
				row(l.SKU, l.Asked, l.Available)
			}
		})
		return
	case r.State == "refused" || r.State == "released":
		p.line("Why: %s", localTimes(r.Refusal.Detail))
	case r.State == "held":
		p.line("The last change asked for was refused: %s", localTimes(r.Refusal.Detail))
	}
	switch {
	case r.State != "held" && r.State != "none":
	case releasing:
		p.line("Its release is asked for since %s. The supplier has not answered yet, and is asked again until it does; the stock may be held until then.", timeText(r.ReleaseAt))
	case !r.ReleaseAt.IsZero():
		p.line("Nobody waits for it: it is given back at %s, unless it is ordered or prolonged before.", timeText(r.ReleaseAt))
	case !r.ExtendTo.IsZero():
		p.line("Asked to be held until %s; the supplier has not answered yet, and is asked again.", timeText(r.ExtendTo))
	}
	if r.Quote == nil {
		p.table([]string{"PRODUCT", "QTY"}, func(row func(...any)) {
			for _, l := range r.Lines {
				row(l.Product, l.Quantity)
			}
		})
		return
	}
	quotePage(p, r.Quote)
	switch r.State {
	case "held":
		if releasing {
			return
		}
	case "expired":
		p.line("It expired on %s. Next: reserve again", timeText(r.Expires))
		return
	case "released":
		p.line("The stock has been given back. Next: reserve again")
		return
	case "committed":
		if r.Own {
			p.line("It has been sold. Next: souk sale show%s %v", a.dirFlag(), r.ID)
			return
		}
		p.line("It has been ordered. Next: souk order show%s %v", a.dirFlag(), r.ID)
		return
	default:
		return
	}
	if r.Own {
		p.line("Expires %s.", untilText(r.Expires, a.now()))
		p.line("Next: souk sale add%s --reservation %v --reference YOUR-ORDER", a.dirFlag(), r.ID)
		p.line("  or: souk reservation release%s %v", a.dirFlag(), r.ID)
		return
	}
	p.line("Expires %s, by the supplier's clock.", untilText(r.Expires, a.now()))
	p.line("Next: souk order place%s %v --name NAME --address STREET --city CITY --postal-code CODE", a.dirFlag(), r.ID)
	p.line("  or: souk reservation release%s %v", a.dirFlag(), r.ID)
}

func quotePage(p *page, q *view.Quote) {
	heads := []string{"SKU", "TITLE", "QTY", "LIST", "UNIT", "TOTAL"}
	if q.TotalUSD != nil {
		heads = append(heads, "USD")
	}
	p.table(heads, func(row func(...any)) {
		priced := func(usd *view.Money, cells ...any) {
			if usd != nil {
				cells = append(cells, usd.Amount)
			}
			row(cells...)
		}
		for _, l := range q.Lines {
			priced(l.TotalUSD, l.SKU, fullTitle(l.Title, l.Options), l.Quantity, l.List.Amount, unitText(q, l), moneyText(l.Total))
		}
		if q.TermsVersion != 0 { // own products are quoted without
			priced(q.ShippingUSD, "", "Shipping to "+q.Country, "", "", "", moneyText(q.Shipping))
		}
		priced(q.TotalUSD, "", "Total, tax "+taxText(q.Tax), "", "", "", moneyText(q.Total))
	})
	if q.TermsVersion == 0 {
		return
	}
	terms := fmt.Sprintf("Terms %d; cancel: %s.", q.TermsVersion, q.Cancel)
	if q.TotalUSD != nil && q.Total.Currency != exchange.USD {
		terms = fmt.Sprintf("1 %s = %s USD (%s, %s). ", q.Total.Currency, q.Rate, q.RateSource, q.RateDate) + terms
	}
	p.line("%s", terms)
}

// unitText is the price of a line's unit. In a quote by line it has as many decimals as the
// discount needs: nothing is rounded but the line's total.
func unitText(q *view.Quote, l view.QuoteLine) string {
	if q.DiscountBP == nil {
		return l.Unit.Amount
	}
	text, err := money.Less(exchange.Money{Minor: l.List.Minor, Currency: l.List.Currency}, exchange.BasisPoints(*q.DiscountBP))
	if err != nil { // of more digits than anybody wants to read
		return "~" + l.Unit.Amount
	}
	return text
}

func taxText(t view.Tax) string {
	if t.RateBP == 0 {
		return t.Treatment
	}
	return t.Treatment + " " + percentText(exchange.BasisPoints(t.RateBP))
}

func (a reservationCommands) reservationCommand() *cobra.Command {
	return group("reservation", "List, look at, prolong or give back what is held",
		`A reservation is stock that a supplier holds for this shop until it expires, is ordered,
or is given back.`,
		`  souk reservation list --dir shop
  souk reservation show --dir shop 00052ap5m48vv6u926huggirh0
  souk reservation release --dir shop 00052ap5m48vv6u926huggirh0`,
		a.reservationListCommand(), a.reservationShowCommand(), a.reservationExtendCommand(), a.reservationReleaseCommand())
}

func reservationID(arg string) (exchange.HoldID, error) {
	id, err := exchange.ParseHoldID(arg)
	if err != nil {
		return id, &usageError{err}
	}
	return id, nil
}

func (a reservationCommands) reservationShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show a reservation and its quote",
		Example: "  souk reservation show --dir shop 00052ap5m48vv6u926huggirh0",
		Args:    takes(1, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			id, err := reservationID(args[0])
			if err != nil {
				return err
			}
			r, err := c.Reservation(cmd.Context(), id)
			if err != nil {
				return err
			}
			return a.show(cmd, r, func(p *page) { a.reservationPage(p, r) })
		}),
	}
}

func (a reservationCommands) reservationExtendCommand() *cobra.Command {
	var by time.Duration
	var until string
	cmd := &cobra.Command{
		Use:   "extend ID --by TIME | --until MOMENT",
		Short: "Hold longer, within the terms",
		Example: `  souk reservation extend --dir shop 00052ap5m48vv6u926huggirh0 --by 10m
  souk reservation extend --dir shop 00052ap5m48vv6u926huggirh0 --until 2030-06-01T12:00:00Z`,
		Args: takes(1, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			id, err := reservationID(args[0])
			if err != nil {
				return err
			}
			if (by > 0) == (until != "") {
				return usagef("say how long: --by 10m, or --until 2030-06-01T12:00:00Z")
			}
			var expires time.Time
			if until != "" {
				if expires, err = time.Parse(time.RFC3339, until); err != nil {
					return usagef("%q is not a moment such as 2030-06-01T12:00:00Z", until)
				}
			} else {
				r, err := c.Reservation(cmd.Context(), id)
				if err != nil {
					return err
				}
				expires = r.Expires.Add(by)
			}
			r, err := c.Extend(cmd.Context(), id, expires)
			if err != nil {
				return err
			}
			return a.show(cmd, r, func(p *page) { p.line("Held until %s.", untilText(r.Expires, a.now())) })
		}),
	}
	cmd.Flags().Var(durationVar(&by, 0), "by", "`time` beyond what is agreed, such as 10m")
	cmd.Flags().StringVar(&until, "until", "", "until this `moment` (RFC 3339)")
	return cmd
}

func (a reservationCommands) reservationReleaseCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "release ID",
		Short:   "Give the stock back",
		Example: "  souk reservation release --dir shop 00052ap5m48vv6u926huggirh0",
		Args:    takes(1, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			id, err := reservationID(args[0])
			if err != nil {
				return err
			}
			r, err := c.Release(cmd.Context(), id)
			if err != nil {
				return err
			}
			return a.show(cmd, r, func(p *page) { p.line("Reservation %v: %s.", r.ID, reservationState(r, a.now())) })
		}),
	}
}
