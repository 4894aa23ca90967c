package desk

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
)

// Aside is a hold or submitted order whose time has come and that could not end: its
// record is damaged or missing. Its units stay held or sold.
type Aside struct {
	Retailer exchange.ShopID
	ID       exchange.HoldID // an order has its hold's id
	Due      exchange.Time
	Why      string
}

// MaxAside bounds what SetAside lists: enough to see that there are many.
const MaxAside = 100

// SetAside lists what was set aside, up to MaxAside, holds first, each kind by when it
// was due.
func (d *Desk) SetAside() ([]Aside, error) {
	var list []Aside
	for _, index := range []string{record.PrefixHoldExpiry, record.PrefixOrderExpiry} {
		prefix := record.PrefixQuarantine + index
		err := d.store.Scan(kv.Prefix([]byte(prefix)), func(k, why []byte) bool {
			if at, retailer, id, ok := record.ParseExpiryKey(prefix, k); ok {
				list = append(list, Aside{Retailer: retailer, ID: id, Due: at, Why: string(why)})
			}
			return len(list) < MaxAside
		})
		if err != nil || len(list) >= MaxAside {
			return list, err
		}
	}
	return list, nil
}
