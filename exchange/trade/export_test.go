package trade

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
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

// KeepReleased is how many tombstones of a retailer are in memory.
const KeepReleased = keepReleased

// ReleasedHolds are the tombstones in memory.
type ReleasedHolds struct{ of releasedHolds }

func NewReleasedHolds() ReleasedHolds { return ReleasedHolds{make(releasedHolds)} }

func (r ReleasedHolds) Add(retailer exchange.ShopID, id exchange.HoldID) {
	r.of.add(holdID{retailer, id})
}

func (r ReleasedHolds) Has(retailer exchange.ShopID, id exchange.HoldID) bool {
	return r.of.has(holdID{retailer, id})
}

// GreetedBy is what a greeting does for what waited for it.
func (l *Ledgers) GreetedBy(retailer exchange.ShopID) { l.greetedBy(retailer) }

// Pending counts the reservations that wait in memory for their commit.
func (r *Retailer) Pending() int {
	r.pending.mu.Lock()
	defer r.pending.mu.Unlock()
	return len(r.pending.of)
}

// Unasked are the answers that wait to be told to retailers.
type Unasked struct{ unasked }

// How many answers may wait, in all and for one retailer.
const (
	MaxUnasked     = maxUnasked
	MaxUnaskedEach = maxUnaskedEach
)

func (u *Unasked) Add(to exchange.ShopID, sealed []byte) bool  { return u.add(to, sealed) }
func (u *Unasked) First(to exchange.ShopID) []byte             { return u.first(to) }
func (u *Unasked) Told(to exchange.ShopID, sealed []byte) bool { return u.told(to, sealed) }
func (u *Unasked) Drop(to exchange.ShopID)                     { u.drop(to) }
func (u *Unasked) Count() int                                  { return u.count }

// UnaskedCount is how many answers wait to be told.
func (l *Ledgers) UnaskedCount() int { return l.sender.unasked.count }

// FillNotices leaves no room to list further reservations.
func (r *Retailer) FillNotices() { r.notices.listed = maxNotices }

// NewID makes an id for a hold at supplier, of its current window and tail.
func (r *Retailer) NewID(supplier exchange.ShopID, tail [12]byte) (exchange.HoldID, error) {
	return r.newID(supplier, tail)
}

// AsksFirst has suppliers asked before a basket's intent is committed, or after.
func (k *Baskets) AsksFirst(first bool) { k.asksFirst = first }

// KeyedID is the id of the reservation that was made, or will be, under a key.
func (r *Retailer) KeyedID(ctx context.Context, supplier exchange.ShopID, key ReservationKey) (exchange.HoldID, error) {
	w, err := r.keyedWish(ctx, supplier, key)
	return w.id, err
}

// FillAsks leaves no room for further reservations about which an answer is owed; empty makes room.
func (r *Retailer) FillAsks() (empty func()) {
	a := r.asker
	nobody := exchange.ShopID{1}
	for i := range maxOpenAsks {
		id := exchange.NewHoldID(1, [12]byte{byte(i), byte(i >> 8), byte(i >> 16)})
		o := &openAsk{to: laneOf(nobody, id), id: id}
		a.asks[id] = o
		if a.lanes[o.to] == nil {
			a.lanes[o.to] = make(map[exchange.HoldID]*openAsk)
		}
		a.lanes[o.to][id] = o
	}
	return func() {
		for lane := range uint8(askLanes) {
			a.departed(queue{partner: nobody, kind: message.KindHold, lane: lane})
		}
	}
}
