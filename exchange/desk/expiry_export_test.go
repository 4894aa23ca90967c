package desk

import (
	"time"

	"github.com/souk-market/souk/exchange"
)

// ExpiriesPerBatch is the share of each kind of expiry.
const ExpiriesPerBatch = expiriesPerBatch

// ReleaseLook is how many records one batch reads for holds to release.
const ReleaseLook = releaseLook

// UntilNextExpiry is how long the writer would wait now.
func (d *Desk) UntilNextExpiry() time.Duration { return d.untilNextExpiry() }

// Heard is what a greeting does for what waited for it.
func (d *Desk) Heard(retailer exchange.ShopID) { d.heardFrom(retailer) }
