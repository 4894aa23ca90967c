package trade

import (
	"context"

	"github.com/souk-market/souk/exchange"
)

const (
	// ExpiriesPerBatch is the share of each kind of expiry.
	ExpiriesPerBatch = expiriesPerBatch
	// ReleaseLook is how many records one batch reads for holds to release.
	ReleaseLook = releaseLook
	// NoticeTick is how late an own reservation's end may be told.
	NoticeTick = noticeTick
)

// What one shop may make this one keep.
const (
	StrangerEntries = strangerEntries
	ProposalsADay   = proposalsADay
	RefusedRequests = refusedRequests
	RefusedHolds    = refusedHolds
)

// GreetedBy is what a greeting does for what waited for it.
func (l *Ledgers) GreetedBy(retailer exchange.ShopID) { l.greetedBy(retailer) }

// Pending counts the reservations that wait in memory for their commit.
func (r *Retailer) Pending() int {
	r.pending.mu.Lock()
	defer r.pending.mu.Unlock()
	return len(r.pending.of)
}

// FillNotices leaves no room to list further reservations.
func (r *Retailer) FillNotices() { r.notices.listed = maxNotices }

// NewID makes an id for a hold at supplier, of its current window and tail.
func (r *Retailer) NewID(supplier exchange.ShopID, tail [12]byte) (exchange.HoldID, error) {
	return r.newID(supplier, tail)
}

// KeyedID is the id of the reservation that was made, or will be, under a key.
func (r *Retailer) KeyedID(ctx context.Context, supplier exchange.ShopID, key ReservationKey) (exchange.HoldID, error) {
	w, err := r.keyedWish(ctx, supplier, key)
	return w.id, err
}
