package trade

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
)

// Quarantine is a hold or a submitted order that was due and could not end, since its record
// is damaged or missing. Its units stay held or sold.
type Quarantine struct {
	Retailer exchange.ShopID
	ID       exchange.HoldID // an order has its hold's id
	Due      exchange.Time
	Why      string
}

// MaxQuarantined bounds what Quarantined lists: enough to see that there are many.
const MaxQuarantined = 100

// Quarantined lists what is in quarantine, up to MaxQuarantined: first holds, then orders, each
// by when they were due.
func (s *Supplier) Quarantined() ([]Quarantine, error) {
	var list []Quarantine
	for _, index := range []string{record.PrefixHoldExpiry, record.PrefixOrderExpiry} {
		prefix := record.PrefixQuarantine + index
		for row, err := range kv.Rows(s.store, kv.Prefix([]byte(prefix))) {
			if err != nil {
				return list, err
			}
			if at, retailer, id, ok := record.ParseExpiryKey(prefix, row.Key); ok {
				list = append(list, Quarantine{Retailer: retailer, ID: id, Due: at, Why: string(row.Value)})
			}
			if len(list) >= MaxQuarantined {
				return list, nil
			}
		}
	}
	return list, nil
}
