package desk

import "github.com/souk-market/souk/exchange"

// ReleaseAll gives back what a shop holds here, soon: it was revoked or left the
// federation. Submitted orders stay and may be finished (design: Membership).
func (d *Desk) ReleaseAll(retailer exchange.ShopID) {
	d.later(func(b *batch) error {
		b.endTerms(chainID{d.me, retailer}, allTerms)
		return nil
	}, nil)
}
