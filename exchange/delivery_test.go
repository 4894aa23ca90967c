package exchange_test

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
)

func TestDeliveryCheck(t *testing.T) {
	long := strings.Repeat("x", exchange.MaxText)
	good := func() exchange.Delivery {
		return exchange.Delivery{
			ShipTo:    exchange.ShipTo{Name: "Åsa Ek", Lines: []string{"Storgatan 1"}, City: "Umeå", Country: "SE"},
			Reference: "#1001", Note: "A gift.\nNo invoice, please 👩‍👧",
		}
	}
	if err := good().Check(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change  func(*exchange.Delivery)
		refused bool
	}{
		"neither":                        {func(d *exchange.Delivery) { d.Reference, d.Note = "", "" }, false},
		"the longest reference":          {func(d *exchange.Delivery) { d.Reference = strings.Repeat("x", exchange.MaxReference) }, false},
		"a reference too long":           {func(d *exchange.Delivery) { d.Reference = strings.Repeat("x", exchange.MaxReference+1) }, true},
		"a reference too long, in bytes": {func(d *exchange.Delivery) { d.Reference = strings.Repeat("å", exchange.MaxReference/2+1) }, true},
		"a reference of spaces":          {func(d *exchange.Delivery) { d.Reference = " " }, true},
		"a reference's end":              {func(d *exchange.Delivery) { d.Reference = "1001 " }, true},
		"a reference's line":             {func(d *exchange.Delivery) { d.Reference = "10\n01" }, true},
		"a reference's override":         {func(d *exchange.Delivery) { d.Reference = "10\u202e01" }, true},
		"a reference's joiner":           {func(d *exchange.Delivery) { d.Reference = "10\u200d01" }, true},
		"a reference that is not UTF-8":  {func(d *exchange.Delivery) { d.Reference = "\xff" }, true},
		"the longest note":               {func(d *exchange.Delivery) { d.Note = strings.Repeat("x", exchange.MaxNote) }, false},
		"a note too long":                {func(d *exchange.Delivery) { d.Note = strings.Repeat("x", exchange.MaxNote+1) }, true},
		"a note's escape":                {func(d *exchange.Delivery) { d.Note = "\x1b[2J" }, true},
		"a note's override":              {func(d *exchange.Delivery) { d.Note = "a\u202eb" }, true},
		"a note that is not UTF-8":       {func(d *exchange.Delivery) { d.Note = "\xff" }, true},
		"no address":                     {func(d *exchange.Delivery) { d.Name = "" }, true},
		"the longest address": {func(d *exchange.Delivery) {
			d.Name, d.City, d.Region, d.PostalCode, d.Email, d.Phone = long, long, long, long, long, long
			d.Lines = []string{long, long, long, long}
		}, false},
		"all together too long": {func(d *exchange.Delivery) {
			d.Name, d.City, d.Region, d.PostalCode, d.Email, d.Phone = long, long, long, long, long, long
			d.Lines, d.Note = []string{long, long, long, long}, strings.Repeat("x", exchange.MaxNote)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			d := good()
			c.change(&d)
			if err := d.Check(); (exchange.CodeOf(err) == exchange.CodeInvalid) != c.refused || err != nil && !c.refused {
				t.Errorf("%+v: %v", d, err)
			}
		})
	}
}
