package trade

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// A recall: the supplier ends the open holds of a product that must not be sold. Each retailer
// gets the sealed answer that its hold was released, unasked. Where it cannot be reached, or
// runs a version that knows no such message, it learns of the end by the status of the hold or
// when its order is refused.

const (
	// recallsPerCommit bounds the holds that one commit ends: of 64 lines each, some 2,200 rows.
	recallsPerCommit = 32
	// maxUnasked bounds the answers that wait for their retailers, at some 1 KB each, and
	// maxUnaskedEach those for one retailer.
	maxUnasked     = 1 << 14
	maxUnaskedEach = 1 << 10
)

// holdRecalled: a hold was ended here, and answer tells its retailer so.
type holdRecalled struct {
	retailer exchange.ShopID
	answer   *writer.Leaf
}

// ReleaseProduct ends all open holds that have a line of a product, in several commits, and
// returns how many. Call it once the product is not offered any more: else new holds come.
// Orders stay. It may be stopped and begun again.
func (s *Supplier) ReleaseProduct(ctx context.Context, sku exchange.SKU) (released int, err error) {
	var next []byte
	for more := true; more; {
		var list []expiry
		if list, next, err = s.holding(ctx, sku, next); err != nil {
			return released, err
		}
		more = next != nil
		if len(list) == 0 {
			continue
		}
		n := 0
		if err := s.writer.Do(ctx, func(b *writer.Batch) error {
			n = 0
			for _, e := range list {
				ended, err := s.recallHold(b, e, sku)
				if err != nil {
					return err
				}
				if ended {
					n++
				}
			}
			return nil
		}); err != nil {
			return released, err
		}
		released += n
	}
	return released, nil
}

// holding lists up to recallsPerCommit committed open holds of a product, from a key of the
// expiry index on (nil = the first), which every open hold is in. next is where to go on; nil
// at the end. An extension moves a hold further along, so none is passed by.
func (s *Supplier) holding(ctx context.Context, sku exchange.SKU, from []byte) (list []expiry, next []byte, err error) {
	r := kv.Prefix([]byte(record.PrefixHoldExpiry))
	if from != nil {
		r.From = from
	}
	for row, err := range kv.Rows(s.store, r) {
		if err != nil {
			return nil, nil, err
		}
		if len(list) == recallsPerCommit {
			return list, bytes.Clone(row.Key), nil
		}
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		at, retailer, id, ok := record.ParseExpiryKey(record.PrefixHoldExpiry, row.Key)
		if !ok {
			continue
		}
		rec, err := record.Get[record.Hold](s.store, s.codec, record.HoldKey(retailer, id))
		if err != nil || rec == nil || !hasLine(rec.Hold.Lines, sku) {
			continue // a damaged record is left to its expiry, which puts it into quarantine
		}
		list = append(list, expiry{at, retailer, id})
	}
	return list, nil, nil
}

func hasLine(lines exchange.Lines, sku exchange.SKU) bool {
	for _, l := range lines.All() {
		if l.SKU == sku {
			return true
		}
	}
	return false
}

// recallHold ends one hold, and reports false where it has ended meanwhile.
func (s *Supplier) recallHold(b *writer.Batch, e expiry, sku exchange.SKU) (bool, error) {
	k := holdID{e.retailer, e.id}
	rec, err := s.get(b, k)
	if err != nil || rec == nil || !rec.Hold.State.Open() {
		return false, err
	}
	if rec.Hold.State == hold.Asked { // its retailer waits for the answer
		return true, s.bridged.endAsked(b, k, rec, hold.Release{}, exchange.Errorf(exchange.CodeReleased, "the supplier has recalled %s", sku))
	}
	if err := s.endHold(b, e.id, rec, hold.Release{}); err != nil {
		return false, err
	}
	if e.retailer == s.me { // an own reservation: nobody is to be told
		s.holds.Set(b, k, rec)
		return true, nil
	}
	leaf, err := s.sealLatest(b, k, rec, message.HoldAnswer{
		Supplier: s.me, Retailer: e.retailer, Hold: e.id, At: b.Now(), State: hold.Released,
		Refusal: exchange.CodeReleased, Detail: "the supplier has recalled " + string(sku) + " and ended the reservation",
	})
	if err == nil {
		b.Then(holdRecalled{e.retailer, leaf})
	}
	return err == nil, err
}

// unasked are sealed answers that wait to be told to their retailers, the oldest first. They are
// lost with the process, and dropped when their retailer departs. A retailer that is never
// reached takes no other's place: where too many wait in all, one goes whose retailer has most.
type unasked struct {
	mu      sync.Mutex
	answers map[exchange.ShopID][][]byte // no empty list
	count   int                          // of all of them
}

// add keeps an answer for a retailer, and reports false where too many wait for it.
func (u *unasked) add(to exchange.ShopID, sealed []byte) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.answers[to]) == maxUnaskedEach {
		return false
	}
	if u.count == maxUnasked {
		longest := u.longest()
		u.set(longest, u.answers[longest][:len(u.answers[longest])-1]) // its newest: its oldest may be on its way
	}
	if u.answers == nil {
		u.answers = make(map[exchange.ShopID][][]byte)
	}
	u.answers[to] = append(u.answers[to], slices.Clone(sealed))
	u.count++
	return true
}

// longest is the retailer for which most answers wait; of several the first by its id.
func (u *unasked) longest() (longest exchange.ShopID) {
	for to, list := range u.answers {
		if most := len(u.answers[longest]); len(list) > most || len(list) == most && to.Compare(longest) < 0 {
			longest = to
		}
	}
	return longest
}

// first is the oldest answer for a retailer; nil where none waits.
func (u *unasked) first(to exchange.ShopID) []byte {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.answers[to]) == 0 {
		return nil
	}
	return u.answers[to][0]
}

// told drops an answer that a retailer has, if it is still its oldest, and reports whether
// there is another.
func (u *unasked) told(to exchange.ShopID, sealed []byte) (more bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	list := u.answers[to]
	if len(list) > 0 && bytes.Equal(list[0], sealed) {
		u.set(to, list[1:])
	}
	return len(u.answers[to]) > 0
}

// drop forgets what a retailer was to be told.
func (u *unasked) drop(to exchange.ShopID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.set(to, nil)
}

func (u *unasked) set(to exchange.ShopID, list [][]byte) {
	u.count += len(list) - len(u.answers[to])
	if len(list) == 0 {
		delete(u.answers, to)
		return
	}
	u.answers[to] = list
}

// tell sends a retailer a sealed answer that it has not asked for.
func (s *sender) tell(retailer exchange.ShopID, sealed []byte) {
	if s.unasked.add(retailer, sealed) {
		s.plan(queue{partner: retailer, kind: message.KindSealedAnswer}, s.clock.Now(), true)
	}
}

func (s *sender) composeUnasked(to queue) (*Outgoing, error) {
	sealed := s.unasked.first(to.partner)
	if sealed == nil {
		return nil, nil
	}
	raw, err := s.frame(&message.SealedAnswer{Sealed: sealed})
	if err != nil {
		return nil, err
	}
	return &Outgoing{To: to.partner, Raw: raw, Done: func(_ context.Context, _ []byte, err error) {
		if err != nil && !isRefusal(err) {
			s.sendFailed(to, err)
			return
		}
		s.landed(to, true, s.unasked.told(to.partner, sealed)) // a version before refuses it: its orders will tell it
	}}, nil
}

// serveUnasked takes a supplier's word that it has ended a hold of this shop's. Nobody has asked
// for that word and nothing can be compared with it, so this is all that it may say: a recalled
// hold has nothing to quote, and what this shop keeps of the reservation stays, its quote above
// all. Where the reservation is ordered, the ledger's next entry says what became of it.
func (r *Retailer) serveUnasked(ctx context.Context, from exchange.ShopID, sa *message.SealedAnswer) (message.Value, error) {
	payload, err := r.verifier.Open(from, sa.Sealed)
	if err != nil {
		return nil, err
	}
	a, err := message.Decode[message.HoldAnswer](r.codec, payload)
	if err != nil {
		return nil, err
	}
	if a.Supplier != from || a.Retailer != r.me || a.Request != [32]byte{} ||
		a.State != hold.Released || a.Refusal != exchange.CodeReleased || a.Quote != nil {
		return nil, exchange.Errorf(exchange.CodeInvalid, "only that a hold of this shop's was released is taken unasked, without a quote")
	}
	known, err := r.known(a.Hold)
	if err != nil {
		return nil, err
	}
	if known == nil || known.Supplier != from || known.State.Terminal() {
		return sa, nil // nothing is held here by it
	}
	if order, err := r.orders.Find(exchange.Retailer, a.Hold); err == nil && order.Stands() {
		return sa, nil
	} else if err != nil && exchange.CodeOf(err) != exchange.CodeNotFound {
		return nil, err
	}
	rec := *known
	_ = rec.Take(a, sa.Sealed) // its refusal is what is noted
	rec.ReleaseAt, rec.ExtendTo = 0, 0
	r.pending.put(&rec)
	defer r.pending.forget(&rec)
	err = r.writer.Do(ctx, func(b *writer.Batch) error {
		order, err := r.orders.get(b, orderID{exchange.Retailer, a.Hold, from}) // made meanwhile
		if err != nil || order != nil && order.Stands() {
			return err
		}
		b.Then(reservationEnded{&rec})
		return r.saveReservation(b, &rec)
	})
	return sa, err
}

// reservationEnded: a reservation of this shop's has ended while no caller waited: its supplier
// recalled it, or answered at last.
type reservationEnded struct{ reservation *record.Reservation }
