package exchange_test

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
)

var nordic = exchange.ShippingTable{Zones: []exchange.ShippingZone{
	{Countries: []string{"SE"}, Bands: []exchange.WeightBand{{UpTo: 0, Price: 100}, {UpTo: 2000, Price: 490}, {UpTo: 20_000, Price: 990}}},
	{Countries: []string{"FI", "NO"}, Flat: 1290},
	{Flat: 2900}, // everywhere else
	{Countries: []string{"IS", "NO"}, Flat: 3900},
	{Flat: 1},
}}

func TestShippingTablePrice(t *testing.T) {
	served := exchange.ShippingTable{Zones: nordic.Zones[:2]}
	for name, c := range map[string]struct {
		table   exchange.ShippingTable
		country string
		grams   int64
		want    int64
		code    exchange.Code
	}{
		"zero table":                     {exchange.ShippingTable{}, "AQ", 1 << 60, 0, exchange.CodeOK},
		"no weight":                      {nordic, "SE", 0, 100, exchange.CodeOK},
		"lightest parcel":                {nordic, "SE", 1, 490, exchange.CodeOK},
		"a band's last gram":             {nordic, "SE", 2000, 490, exchange.CodeOK},
		"the next band's first":          {nordic, "SE", 2001, 990, exchange.CodeOK},
		"heaviest":                       {nordic, "SE", 20_000, 990, exchange.CodeOK},
		"too heavy":                      {nordic, "SE", 20_001, 0, exchange.CodeCountry},
		"second of a zone's countries":   {nordic, "NO", 5, 1290, exchange.CodeOK},
		"flat at any weight":             {nordic, "FI", 1 << 60, 1290, exchange.CodeOK},
		"everywhere else":                {nordic, "DE", 5, 2900, exchange.CodeOK},
		"named after the everywhere row": {nordic, "IS", 5, 3900, exchange.CodeOK},
		"no zone":                        {served, "DE", 5, 0, exchange.CodeCountry},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := c.table.Price(c.country, c.grams); got != c.want || exchange.CodeOf(err) != c.code {
				t.Errorf("%d, %v; want %d, %v", got, err, c.want, c.code)
			}
		})
	}
}

func TestShippingTableCheck(t *testing.T) {
	if err := nordic.Check(); err != nil {
		t.Error(err)
	}
	if err := (exchange.ShippingTable{}).Check(); err != nil {
		t.Error(err)
	}
	for name, zone := range map[string]exchange.ShippingZone{
		"bad country":         {Countries: []string{"SE", "Sweden"}},
		"negative flat price": {Flat: -1},
		"negative band price": {Bands: []exchange.WeightBand{{UpTo: 1, Price: -1}}},
		"negative weight":     {Bands: []exchange.WeightBand{{UpTo: -1, Price: 1}}},
		"bands descend":       {Bands: []exchange.WeightBand{{UpTo: 2, Price: 1}, {UpTo: 1, Price: 2}}},
		"band twice":          {Bands: []exchange.WeightBand{{UpTo: 2, Price: 1}, {UpTo: 2, Price: 2}}},
	} {
		t.Run(name, func(t *testing.T) {
			table := exchange.ShippingTable{Zones: []exchange.ShippingZone{nordic.Zones[0], zone}}
			if err := table.Check(); exchange.CodeOf(err) != exchange.CodeInvalid {
				t.Error(err)
			}
		})
	}
}

func TestShipToCheck(t *testing.T) {
	good := func() exchange.ShipTo {
		return exchange.ShipTo{Name: "Åsa Ek", Lines: []string{"Storgatan 1", "", "c/o Alm", "2 tr"}, City: "Umeå", Country: "SE"}
	}
	if err := good().Check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*exchange.ShipTo){
		"no name":          func(s *exchange.ShipTo) { s.Name = "" },
		"no lines":         func(s *exchange.ShipTo) { s.Lines = nil },
		"first line empty": func(s *exchange.ShipTo) { s.Lines[0] = "" },
		"five lines":       func(s *exchange.ShipTo) { s.Lines = append(s.Lines, "5") },
		"no city":          func(s *exchange.ShipTo) { s.City = "" },
		"no country":       func(s *exchange.ShipTo) { s.Country = "" },
		"lower case":       func(s *exchange.ShipTo) { s.Country = "se" },
		"long field":       func(s *exchange.ShipTo) { s.Email = strings.Repeat("x", exchange.MaxText+1) },
		"long line":        func(s *exchange.ShipTo) { s.Lines[3] = strings.Repeat("x", exchange.MaxText+1) },
		"not UTF-8":        func(s *exchange.ShipTo) { s.Phone = "\xff" },
	} {
		t.Run(name, func(t *testing.T) {
			s := good()
			change(&s)
			if err := s.Check(); exchange.CodeOf(err) != exchange.CodeInvalid {
				t.Error(err)
			}
		})
	}
}
