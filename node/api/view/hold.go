package view

import (
	"time"

	"github.com/souk-market/souk/exchange"
)

// Hold is units of this shop's own products that a retailer holds.
type Hold struct {
	ID           exchange.HoldID `json:"id" doc:"The retailer's reservation; the order that it becomes has the same."`
	Retailer     exchange.ShopID `json:"retailer"`
	RetailerName string          `json:"retailer_name"`
	Units        int64           `json:"units" doc:"Of the product asked for; else of all lines."`
	Lines        []Units         `json:"lines" nullable:"false"`
	Issued       time.Time       `json:"issued"`
	Expires      time.Time       `json:"expires"`
}

// Holds is one page of holds, those that expire first at first.
type Holds struct {
	Holds []Hold `json:"holds" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"Cursor of the next page; absent at the end. A page may be short, even empty, while there is one."`
}
