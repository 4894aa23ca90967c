package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// TestPerhapsHeld: after every end of a reserve of which nobody knows whether the supplier
// holds the stock, its owner is told how to find that out; after others nothing is added.
func TestPerhapsHeld(t *testing.T) {
	a := &app{dir: "birch"}
	id := exchange.NewHoldID(1, [12]byte{7})
	lost := exchange.Errorf(exchange.CodeUnavailable, "the node did not answer; whether it was done is unknown: EOF")
	for name, c := range map[string]struct {
		err  error
		says string
	}{
		"the supplier did not answer": {&view.Problem{Code: "unavailable", Reservation: &id}, "souk reservation show --dir birch " + id.String()},
		"the node did not answer":     {lost, "repeat the command with --key basket-17"},
		"Ctrl-C":                      {exchange.Errorf(exchange.CodeUnavailable, "the node did not answer: %w", context.Canceled), "souk reservation list --dir birch"},
		"no node":                     {exchange.Errorf(exchange.CodeNotRunning, "no node runs on birch"), ""},
		"every short line": {&view.Problem{Code: "insufficient-stock", Lines: []view.ShortLine{{SKU: "LAMP", Asked: 5, Available: 3}, {SKU: "SHADE", Asked: 1}}},
			"Acorn Shoes has not enough in stock, and held nothing:\n  LAMP: 5 asked, 3 available\n  SHADE: 1 asked, 0 available"},
		"refused": {&view.Problem{Code: "insufficient-stock", Detail: "1 asked, 0 available"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := reservationCommands{a}.perhapsHeld(c.err, "basket-17", "Acorn Shoes")
			if exchange.CodeOf(got) != exchange.CodeOf(c.err) || isCancel(got) != isCancel(c.err) {
				t.Errorf("%v became %v", c.err, got)
			}
			if c.says == "" && !errors.Is(got, c.err) || !strings.Contains(interruptedOr(got), c.says) {
				t.Errorf("%v does not say %q", got, c.says)
			}
		})
	}
}

func interruptedOr(err error) string {
	if isCancel(err) {
		return interrupted(err)
	}
	return err.Error()
}

// TestQuoteRate: the rate stands under a quote, unless the quote is in US dollars.
func TestQuoteRate(t *testing.T) {
	for currency, says := range map[exchange.Currency]string{"EUR": "1 EUR = 1.1250 USD (ECB, 2026-06-01). Terms 1", exchange.USD: "Terms 1"} {
		total := view.MoneyOf(exchange.Money{Minor: 100, Currency: currency})
		usd := view.Dollars(113)
		q := view.Quote{Total: total, Shipping: total, TotalUSD: &usd, ShippingUSD: &usd, Rate: "1.1250", RateSource: "ECB", RateDate: "2026-06-01", TermsVersion: 1}
		var b bytes.Buffer
		quotePage(&page{w: &b}, &q)
		if !strings.Contains(b.String(), "\n"+says) {
			t.Errorf("%s:\n%s", currency, &b)
		}
	}
}

// TestNoteFlag: an order's note is as long as an order's note may be, and has lines.
func TestNoteFlag(t *testing.T) {
	var note string
	if err := (noteFlag{&note}).Set(strings.Repeat("n", exchange.MaxNote-5) + "\r\nlast"); err != nil || !strings.HasSuffix(note, "n\nlast") {
		t.Errorf("%v, %q", err, note)
	}
	for _, bad := range []string{strings.Repeat("n", exchange.MaxNote+1), "\xff"} {
		if err := (noteFlag{&note}).Set(bad); err == nil {
			t.Errorf("%.10q is taken", bad)
		}
	}
}
