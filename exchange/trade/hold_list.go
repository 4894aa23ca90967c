package trade

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
)

// OpenHold is units of this shop's stock that a retailer holds.
type OpenHold struct {
	HoldPlace
	Hold hold.Hold
}

// HoldPlace is where a hold stands in the order of [Supplier.OpenHolds].
type HoldPlace struct {
	Expires  exchange.Time
	Retailer exchange.ShopID
	ID       exchange.HoldID
}

// OpenHolds visits the holds on this shop's stock that have not ended, by when they expire, until
// visit returns false. It begins after the place after; zero = at the first. A hold whose time
// has come is visited until the writer has ended it, for its units are off sale until then. A
// hold whose record is damaged or missing is left out: it is in quarantine, or will be.
func (s *Supplier) OpenHolds(after HoldPlace, visit func(OpenHold) bool) error {
	r := kv.Prefix([]byte(record.PrefixHoldExpiry))
	if after != (HoldPlace{}) {
		r.From = append(record.HoldExpiryKey(after.Expires, after.Retailer, after.ID), 0)
	}
	for row, err := range kv.Rows(s.store, r) {
		if err != nil {
			return err
		}
		var place HoldPlace
		var ok bool
		if place.Expires, place.Retailer, place.ID, ok = record.ParseExpiryKey(record.PrefixHoldExpiry, row.Key); !ok {
			continue
		}
		rec, err := record.Get[record.Hold](s.store, s.codec, record.HoldKey(place.Retailer, place.ID))
		if err != nil || rec == nil || rec.Hold.State != hold.Held { // ended since the index was read
			continue
		}
		if !visit(OpenHold{place, rec.Hold}) {
			return nil
		}
	}
	return nil
}
