package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/node"
	"github.com/souk-market/souk/node/api/view"
)

// Flags of values that the standard flag types do not read.

// durationFlag reads Go's durations and whole days: 15m, 48h, 7d.
type durationFlag struct{ to *time.Duration }

func durationVar(to *time.Duration, standard time.Duration) *durationFlag {
	*to = standard
	return &durationFlag{to}
}

func (d *durationFlag) Type() string { return "duration" }

func (d *durationFlag) String() string {
	if d.to == nil || *d.to == 0 {
		return ""
	}
	return durationText(*d.to)
}

func (d *durationFlag) Set(s string) (err error) {
	*d.to, err = parseDuration(s)
	return err
}

// maxDays bounds what "Nd" may say, so that it fits a Duration: 292 years.
const maxDays = 36_500

func parseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > maxDays {
			return 0, fmt.Errorf("%q is not a number of days such as 7d", s)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a time such as 15m, 48h or 7d", s)
	}
	return d, nil
}

// textFlag reads a text that travels to other shops: UTF-8, maxFlagText bytes at most. The node and
// the hub hold the same bound; here the text is refused before anything is tried.
type textFlag struct{ to *string }

// maxFlagText is the bound of reasons, carriers and tracking numbers (message.MaxReason), of the
// reasons in a member list (membership.MaxWhy) and of each part of an address (exchange.MaxText).
const maxFlagText = min(message.MaxReason, membership.MaxWhy, exchange.MaxText)

func (f textFlag) Type() string   { return "text" }
func (f textFlag) String() string { return "" }

func (f textFlag) Set(s string) error {
	if len(s) > maxFlagText {
		return fmt.Errorf("it has %d bytes; %d are allowed", len(s), maxFlagText)
	}
	if !utf8.ValidString(s) {
		return errors.New("it is not UTF-8")
	}
	*f.to = s
	return nil
}

// percentFlag reads "15%" as basis points.
type percentFlag struct{ to *exchange.BasisPoints }

func (f percentFlag) Type() string { return "percentage" }

func (f percentFlag) String() string {
	if f.to == nil {
		return ""
	}
	return percentText(*f.to)
}

func (f percentFlag) Set(s string) (err error) {
	*f.to, err = node.ParsePercent(s)
	return err
}

// countriesFlag reads "se,DE" as a sorted list; "any" is the empty one.
type countriesFlag struct{ to *[]string }

func (f countriesFlag) Type() string { return "countries" }

func (f countriesFlag) String() string {
	if f.to == nil || len(*f.to) == 0 {
		return "any"
	}
	return strings.Join(*f.to, ",")
}

func (f countriesFlag) Set(s string) error {
	if strings.EqualFold(s, "any") {
		*f.to = nil
		return nil
	}
	list, err := node.ParseCountries(s)
	if err == nil {
		*f.to = list
	}
	return err
}

// cancelFlag reads a cancel rule's name.
type cancelFlag struct{ to *exchange.CancelRule }

func (f cancelFlag) Type() string { return "rule" }

func (f cancelFlag) String() string {
	if f.to == nil || *f.to == 0 {
		return ""
	}
	return f.to.String()
}

func (f cancelFlag) Set(s string) error {
	rule, err := parseCancelRule(s)
	if err != nil {
		return err
	}
	*f.to = rule
	return nil
}

func parseCancelRule(s string) (exchange.CancelRule, error) {
	for r := exchange.CancelUntilShipped; r.Check() == nil; r++ {
		if r.String() == s {
			return r, nil
		}
	}
	return 0, fmt.Errorf("%q is none of until-shipped, until-accepted, never", s)
}

// daysFlag reads a number of days.
type daysFlag struct{ to *uint32 }

func (f daysFlag) Type() string { return "days" }

func (f daysFlag) String() string {
	if f.to == nil {
		return ""
	}
	return strconv.FormatUint(uint64(*f.to), 10)
}

func (f daysFlag) Set(s string) error {
	n, err := strconv.ParseUint(strings.TrimSuffix(s, "d"), 10, 32)
	if err != nil {
		return fmt.Errorf("%q is not a number of days such as 30", s)
	}
	*f.to = uint32(n)
	return nil
}

// termsFlags are the terms of a proposal. What the owner does not say stays as it
// is agreed now, or has its default.
type termsFlags struct{ said exchange.Terms }

func (t *termsFlags) register(cmd *cobra.Command) {
	t.said = exchange.DefaultTerms("")
	f := cmd.Flags()
	f.Var(percentFlag{&t.said.Discount}, "discount", "`percent` off the list price, such as 15% or 7.5%")
	f.Var(durationVar(&t.said.HoldLifetime, t.said.HoldLifetime), "hold-lifetime", "longest `time` a hold may live, extensions included (10s to 7d)")
	f.Int64Var(&t.said.OpenQuantity, "open-quantity", t.said.OpenQuantity, "most `units` held and not yet shipped at once (default: what there is; see above)")
	f.Lookup("open-quantity").DefValue = "0" // not shown: there is no one default
	f.Var(durationVar(&t.said.AcceptWithin, t.said.AcceptWithin), "accept-within", "an order not accepted within this `time` expires (1m to 30d)")
	f.Var(cancelFlag{&t.said.Cancel}, "cancel", "`rule` of when the retailer may cancel: until-shipped, until-accepted or never")
	f.Var(countriesFlag{&t.said.Countries}, "countries", "`countries` the retailer may ship to, such as SE,DE; any = wherever the supplier ships")
	f.Var(daysFlag{&t.said.SettlementDays}, "settlement-days", "`days` after delivery until payment is due")
}

// check holds what the owner said to the bounds of terms, before anything is sent.
func (t *termsFlags) check() error {
	said := t.said
	said.Currency = "EUR" // not said here, and not judged
	if err := said.Check(); err != nil {
		return &usageError{err}
	}
	return nil
}

// proposal is what the owner said over the terms agreed now, or over the defaults. To sell, an open
// quantity of 0 leaves the choice to the node, which knows the stock.
func (t *termsFlags) proposal(cmd *cobra.Command, agreed *view.Partnership, direction string) exchange.Terms {
	base := exchange.DefaultTerms("")
	standard := base.OpenQuantity
	if direction == view.Sell {
		base.OpenQuantity = 0
	}
	if agreed != nil && agreed.Terms != nil {
		base = termsOf(*agreed.Terms)
	}
	out := t.over(cmd, base)
	if out.OpenQuantity == 0 && direction == view.Buy {
		out.OpenQuantity = standard
	}
	return out
}

// over returns base with what the owner said.
func (t *termsFlags) over(cmd *cobra.Command, base exchange.Terms) exchange.Terms {
	for name, set := range map[string]func(){
		"discount":        func() { base.Discount = t.said.Discount },
		"hold-lifetime":   func() { base.HoldLifetime = t.said.HoldLifetime },
		"open-quantity":   func() { base.OpenQuantity = t.said.OpenQuantity },
		"accept-within":   func() { base.AcceptWithin = t.said.AcceptWithin },
		"cancel":          func() { base.Cancel = t.said.Cancel },
		"countries":       func() { base.Countries = t.said.Countries },
		"settlement-days": func() { base.SettlementDays = t.said.SettlementDays },
	} {
		if cmd.Flags().Changed(name) {
			set()
		}
	}
	return base
}

// termsRows shows terms, one row each.
func termsRows(row func(cells ...any), t exchange.Terms) {
	countries := "wherever the supplier ships"
	if len(t.Countries) > 0 {
		countries = strings.Join(t.Countries, ", ")
	}
	currency := "the supplier's currency"
	if t.Currency != "" {
		currency = string(t.Currency)
	}
	row("  Discount", percentText(t.Discount)+" off the list price, settled in "+currency)
	row("  Holds", "live up to "+durationText(t.HoldLifetime)+", at most "+plural(t.OpenQuantity, "unit")+" held and unshipped")
	row("  Orders", "expire unless accepted within "+durationText(t.AcceptWithin)+"; cancel: "+t.Cancel.String())
	row("  Ship to", countries)
	row("  Payment", "due "+plural(int64(t.SettlementDays), "day")+" after delivery")
}
