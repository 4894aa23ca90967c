package trade

import (
	"bytes"
	"maps"
	"slices"
	"sync"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// The holds of ended partnerships and of departed retailers are released, some with each
// batch. Holds are indexed by their expiry and not by their partnership, so the retailer's
// hold records are read once, in the order of their keys. How far the reading came is kept
// in memory: a restart begins again with each ended ledger that still has units held. The
// cost follows the ended retailer's holds, not the others'.

// releaseLook bounds the hold records that one batch reads: at some 10 µs each, 10 ms.
const releaseLook = 1024

// ending is how far the release of a ledger's holds has come. Invariant: no hold that is HELD
// under version or an earlier version of the terms has a key before from.
type ending struct {
	version uint32
	from    []byte // a key of the retailer's holds; nil = the first
}

// end begins to release the holds made under a version of the terms and earlier versions.
// Writer's turn only.
func (s *Supplier) end(id ledger.ID, version uint32) {
	if version > s.ended[id].version {
		s.ended[id] = ending{version: version}
		s.nextExpiry = 0
	}
}

// releaseEnded goes on releasing the holds of each ledger in s.ended.
func (s *Supplier) releaseEnded(b *writer.Batch, next *exchange.Time) error {
	look := releaseLook
	ids := slices.SortedFunc(maps.Keys(s.ended), func(a, b ledger.ID) int { return a.Retailer.Compare(b.Retailer) })
	for _, id := range ids {
		if look == 0 || b.Full() {
			*next = b.Now()
			return nil
		}
		if err := s.releaseSome(b, id, &look, next); err != nil {
			return err
		}
	}
	return nil
}

// releaseSome releases holds of one retailer and reads at most look records. How far it
// came is noted once the batch is durable (holdsReleased).
func (s *Supplier) releaseSome(b *writer.Batch, id ledger.ID, look *int, next *exchange.Time) error {
	rec, err := s.ledgers.get(b, id)
	if err != nil {
		return err
	}
	e := s.ended[id]
	if rec.OpenHeld == 0 {
		b.Then(holdsReleased{id, e.version, nil})
		return nil
	}
	list, from, err := s.heldBy(id.Retailer, e, look)
	if err != nil {
		return err
	}
	all, err := s.endEach(b, list, expiry.holdKey, next, func(b *writer.Batch, x expiry) error {
		if _, indexed, err := b.Get(x.holdKey()); err != nil || !indexed {
			return err // it expired, or was put into quarantine, in this very batch
		}
		return s.endAlone(b, x, hold.Release{}, errPartnershipEnded)
	})
	if err != nil {
		return err
	}
	if all {
		b.Then(holdsReleased{id, e.version, from})
	}
	if !all || from != nil {
		*next = b.Now()
	}
	return nil
}

// heldBy lists holds to release from e.from on. from is where to go on; nil = the end of
// the retailer's records. A damaged or missing record is left to its expiry, which puts it
// into quarantine.
func (s *Supplier) heldBy(retailer exchange.ShopID, e ending, look *int) (list []expiry, from []byte, err error) {
	r := kv.Prefix(kv.Key(record.PrefixHold, retailer[:]))
	id := len(r.From) // where the hold's id begins
	if e.from != nil {
		r.From = e.from
	}
	for row, err := range record.Rows[record.Hold](s.store, s.codec, r) {
		if row.Key == nil {
			return list, nil, err
		}
		if *look == 0 || len(list) >= expiriesPerBatch {
			return list, bytes.Clone(row.Key), nil
		}
		*look--
		if err != nil {
			continue
		}
		rec := row.Record
		if rec.Hold.State.Open() && rec.Terms <= e.version { // holds of later versions stay
			list = append(list, expiry{rec.Hold.Due(), retailer, exchange.HoldID(row.Key[id:])})
		}
	}
	return list, nil, nil
}

// releasedUntil notes durable progress; see holdsReleased.
func (s *Supplier) releasedUntil(id ledger.ID, version uint32, from []byte) {
	switch {
	case s.ended[id].version != version: // a later version has ended since
	case from == nil:
		delete(s.ended, id)
	default:
		s.ended[id] = ending{version, from}
	}
}

// departedShops are departed retailers whose holds the next batch begins to release.
type departedShops struct {
	mu   sync.Mutex
	list []exchange.ShopID
}

func (d *departedShops) add(shop exchange.ShopID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = append(d.list, shop)
}

func (d *departedShops) take() []exchange.ShopID {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.list
	d.list = nil
	return list
}

// ReleaseAll releases the holds of a retailer that departed, within a second of a running
// writer. Submitted orders stay and may be finished (design: Membership). Where the store
// refuses a commit, the next batch tries again. Opening the shop begins anew, since the
// retailer is no member.
func (s *Supplier) ReleaseAll(retailer exchange.ShopID) {
	s.departed.add(retailer)
	s.writer.Wake() // Expire takes the retailer with the next batch
}

// endTerms marks the holds made under a version of the terms and earlier ones for
// release. From now on these holds can be neither ordered nor extended.
func (s *Supplier) endTerms(b *writer.Batch, id ledger.ID, version uint32) {
	before, _, _ := s.endedNow.Get(b, id)
	s.endedNow.Set(b, id, max(before, version))
	b.Then(termsEnded{id, version})
}

// checkEnded refuses a hold whose terms have ended since, though newer terms may be in
// force by now.
func (s *Supplier) checkEnded(b *writer.Batch, id ledger.ID, rec *heldRecord) error {
	now, _, _ := s.endedNow.Get(b, id)
	if rec.Terms <= max(now, s.ended[id].version) {
		return errPartnershipEnded
	}
	return nil
}

var errPartnershipEnded = exchange.Errorf(exchange.CodeReleased, "the hold ended with the partnership it was made under")
