package trade

import "github.com/souk-market/souk/exchange"

// keepReleased is how many of a retailer's unkept tombstones are in memory, at some 100 bytes each: far
// more than the requests that one connection can have under way.
const keepReleased = 4096

// releasedHolds are the tombstones of retailers whose share of kept ones is used up (quota.go). They
// refuse a hold that its release has overtaken, as kept ones do. A request comes late only over a
// connection from before its release, and no connection outlives the process: so memory is enough. A
// retailer's oldest make room for its newest. Writer's turn only; an undone batch leaves its tombstones,
// since whoever asks for a release wants the hold no more.
type releasedHolds map[exchange.ShopID]*releasedRing

type releasedRing struct {
	ids  map[exchange.HoldID]bool
	ring []exchange.HoldID // at most keepReleased
	next int               // the place of the oldest, once ring is full
}

func (r releasedHolds) has(k holdID) bool {
	ring := r[k.retailer]
	return ring != nil && ring.ids[k.id]
}

func (r releasedHolds) add(k holdID) {
	ring := r[k.retailer]
	switch {
	case ring == nil:
		ring = &releasedRing{ids: make(map[exchange.HoldID]bool)}
		r[k.retailer] = ring
	case ring.ids[k.id]:
		return
	}
	ring.ids[k.id] = true
	if len(ring.ring) < keepReleased {
		ring.ring = append(ring.ring, k.id)
		return
	}
	delete(ring.ids, ring.ring[ring.next])
	ring.ring[ring.next] = k.id
	ring.next = (ring.next + 1) % keepReleased
}
