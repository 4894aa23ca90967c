package desk

import "time"

// ExpiriesPerBatch is the share of each kind of expiry.
const ExpiriesPerBatch = expiriesPerBatch

// ReleaseLook is how many records one batch reads for holds to release.
const ReleaseLook = releaseLook

// UntilNextExpiry is how long the writer would wait now.
func (d *Desk) UntilNextExpiry() time.Duration { return d.untilNextExpiry() }
