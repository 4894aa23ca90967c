package node

import (
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
)

func TestMayReplaceRate(t *testing.T) {
	now := exchange.TimeOf(time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC))
	of := func(day string) exchange.Rate {
		return exchange.Rate{From: "EUR", Num: 1, Den: 1, Source: "ECB", Date: day}
	}
	for name, c := range map[string]struct {
		inForce, next exchange.Rate
		older         bool
		code          exchange.Code
	}{
		"the first":                        {exchange.Rate{}, of("2024-01-01"), false, exchange.CodeOK},
		"of the same day":                  {of("2026-11-27"), of("2026-11-27"), false, exchange.CodeOK},
		"of today":                         {of("2026-11-27"), of("2026-11-30"), false, exchange.CodeOK},
		"of tomorrow, by another zone":     {of("2026-11-27"), of("2026-12-01"), false, exchange.CodeOK},
		"of the day after":                 {of("2026-11-27"), of("2026-12-02"), false, exchange.CodeInvalid},
		"of the day after, though":         {of("2026-11-27"), of("2026-12-02"), true, exchange.CodeInvalid},
		"the first, of the day after":      {exchange.Rate{}, of("2026-12-02"), false, exchange.CodeInvalid},
		"older":                            {of("2026-11-27"), of("2026-11-26"), false, exchange.CodeStale},
		"older, as meant":                  {of("2026-11-27"), of("2026-11-26"), true, exchange.CodeOK},
		"after one of a day to come":       {of("2030-01-01"), of("2026-11-30"), false, exchange.CodeOK},
		"dollars, of whatever day":         {exchange.USDRate, exchange.Rate{From: exchange.USD, Date: "2030-01-01"}, false, exchange.CodeOK},
		"of a hand-made one, then the ECB": {exchange.Rate{From: "EUR", Source: "fixed", Date: "2026-11-30"}, of("2026-11-27"), false, exchange.CodeStale},
	} {
		t.Run(name, func(t *testing.T) {
			if err := mayReplace(c.inForce, c.next, now, c.older); exchange.CodeOf(err) != c.code {
				t.Errorf("%v, want %v", err, c.code)
			}
		})
	}
}

// TestKeptRateReadsBack: what stands in the folder for a rate stated by hand is that rate, on
// whatever day it is read.
func TestKeptRateReadsBack(t *testing.T) {
	for _, c := range []struct {
		currency exchange.Currency
		text     string
		minor    int64
		cents    int64
	}{{"INR", "0.012", 10_000, 120}, {"JPY", "0.0067", 1000, 670}, {"KWD", "3.26", 1000, 326}} {
		t.Run(string(c.currency), func(t *testing.T) {
			rate, kept, err := readRate([]byte("\xef\xbb\xbf {\"usd\":\""+c.text+"\"}"), c.currency, "2026-11-30")
			if err != nil {
				t.Fatal(err)
			}
			if cents, err := rate.Cents(exchange.Money{Minor: c.minor, Currency: c.currency}); err != nil || cents != c.cents {
				t.Errorf("%d minor units are %d cents, %v", c.minor, cents, err)
			}
			again, _, err := readRate(kept, c.currency, "")
			if err != nil || again != rate || rate.Date != "2026-11-30" || rate.Text != c.text {
				t.Errorf("%+v, kept as %s, reads back as %+v, %v", rate, kept, again, err)
			}
		})
	}
}
