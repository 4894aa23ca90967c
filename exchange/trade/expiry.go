package trade

import (
	"bytes"
	"context"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// What ends by time: holds, orders that nobody accepted, the holds of ended partnerships,
// and the records of old windows. Only the supplier's time counts.

const (
	// expiriesPerBatch bounds what ends before a batch's operations: of holds, of orders and of
	// the holds of ended partnerships so many each, so that none keeps another waiting.
	expiriesPerBatch = 256
	// refusedPause is how long expiry pauses after the store refused a commit.
	refusedPause = time.Second
	// janitorPause is how often records of old windows are looked for.
	janitorPause = time.Hour
	// prunesPerBatch bounds one turn of the janitor.
	prunesPerBatch = 1000
)

// noteExpiry notes that a hold or an order expires at t. Writer's turn only.
func (s *Supplier) noteExpiry(t exchange.Time) {
	s.nextExpiry = min(s.nextExpiry, t)
	// The clock may have stepped back since a scan that had nothing to commit.
	s.holdExpiry.from, s.orderExpiry.from = min(s.holdExpiry.from, t), min(s.orderExpiry.from, t)
}

// DueAt has Expire called at t, for the shelf. Writer's turn only.
func (s *Supplier) DueAt(t exchange.Time) { s.nextExpiry = min(s.nextExpiry, t) }

// Rest pauses expiry after a refused commit at the writer's time now.
func (s *Supplier) Rest(now exchange.Time) { s.nextExpiry = now.Add(refusedPause) }

// Next is the earliest time at which Expire may have work.
func (s *Supplier) Next() exchange.Time { return s.nextExpiry }

// Expire ends the holds and orders that are due at the batch's time. The writer calls it
// before the batch's operations.
func (s *Supplier) Expire(b *writer.Batch) error {
	for _, retailer := range s.departed.take() {
		s.end(ledger.ID{Supplier: s.me, Retailer: retailer}, allTerms)
	}
	if s.ledgers.start.takeFresh() {
		s.noteExpiry(b.Now())
	}
	if b.Now() < s.nextExpiry {
		return nil
	}
	next := exchange.Time(1<<62 - 1)
	for _, expire := range []func(*writer.Batch, *exchange.Time) error{s.bridged.refuseLeft, s.expireHolds, s.expireOrders, s.releaseEnded, s.shelf.ChangePrices, s.baskets.expire} {
		if err := expire(b, &next); err != nil {
			return err
		}
	}
	s.nextExpiry = next
	return nil
}

// expiryIndex is the index of the holds, or of the orders, by when they expire. Deleted keys
// cost a scan as much as live ones until the store compacts them, and most items are
// deleted long before their time. So a scan begins at from. Invariant: no item of the index
// expires before from.
type expiryIndex struct {
	prefix string
	from   exchange.Time // writer's turn only
}

// due lists the items that are due at the batch's time, at most expiriesPerBatch. It lowers
// next to when the first item after them is due. It skips items of retailers for which wait
// is true. empty is the time before which the index has no item once the list's items are
// deleted.
func (x *expiryIndex) due(b *writer.Batch, store kv.Store, next *exchange.Time, wait func(exchange.ShopID) bool) (list []expiry, empty exchange.Time, err error) {
	empty = b.Now()
	r := kv.Range{From: kv.Key(x.prefix, kv.Uint64(uint64(x.from))), To: kv.Prefix([]byte(x.prefix)).To}
	for row, err := range kv.Rows(store, r) {
		if err != nil {
			return nil, 0, err
		}
		at, retailer, id, ok := record.ParseExpiryKey(x.prefix, row.Key)
		if !ok {
			continue
		}
		if at > b.Now() || len(list) >= expiriesPerBatch {
			empty = min(empty, at)
			*next = min(*next, max(at, b.Now()))
			break
		}
		if wait != nil && wait(retailer) {
			empty = min(empty, at)
			continue
		}
		list = append(list, expiry{at, retailer, id})
	}
	return list, empty, nil
}

// emptied sets from to t once the batch is durable.
func (x *expiryIndex) emptied(b *writer.Batch, t exchange.Time) {
	b.Then(indexScanned{x, t})
}

// expiry is an item of an expiry index.
type expiry struct {
	at       exchange.Time
	retailer exchange.ShopID
	id       exchange.HoldID
}

// endEach ends the items of list until the batch is full; the next batch goes on. all says
// that every item was ended or put into quarantine. An item that cannot end goes into
// quarantine; only an error of the store itself is returned.
func (s *Supplier) endEach(b *writer.Batch, list []expiry, indexKey func(expiry) []byte, next *exchange.Time, end func(*writer.Batch, expiry) error) (all bool, err error) {
	for _, e := range list {
		if b.Full() {
			*next = b.Now()
			return false, nil
		}
		err := b.Run(func(b *writer.Batch) error { return end(b, e) })
		if b.Failed() != nil {
			return false, b.Failed()
		}
		if err != nil {
			s.quarantine(b, indexKey(e), e, err)
		}
	}
	return true, nil
}

// quarantine moves an item from its expiry index into quarantine, with why as the value.
// In the index, every batch and every start would meet the item again. Its units stay held
// or sold: stock that nobody can account for is not offered again.
func (s *Supplier) quarantine(b *writer.Batch, indexKey []byte, e expiry, why error) {
	s.log.Error("a hold or order whose time has come cannot end; it is put into quarantine, and its units stay as they are, until somebody looks at it",
		"id", e.id, "retailer", e.retailer, "due", e.at, "err", why)
	b.Delete(indexKey)
	b.Put(record.QuarantineKey(indexKey), []byte(exchange.Clip(why.Error(), message.MaxReason)))
}

func (e expiry) holdKey() []byte  { return record.HoldExpiryKey(e.at, e.retailer, e.id) }
func (e expiry) orderKey() []byte { return record.OrderExpiryKey(e.at, e.retailer, e.id) }

func (s *Supplier) expireHolds(b *writer.Batch, next *exchange.Time) error {
	list, empty, err := s.holdExpiry.due(b, s.store, next, nil)
	if err != nil {
		return err
	}
	all, err := s.endEach(b, list, expiry.holdKey, next, func(b *writer.Batch, e expiry) error {
		return s.endAlone(b, e, hold.Expire{}, nil)
	})
	if all {
		s.holdExpiry.emptied(b, empty)
	}
	return err
}

// endAlone ends a hold by time or with its partnership, without a request.
// An ASKED one is refused for why, or, where time ends it, since its deadline has passed.
func (s *Supplier) endAlone(b *writer.Batch, e expiry, event hold.Event, why error) error {
	k := holdID{e.retailer, e.id}
	rec, err := s.get(b, k)
	if err != nil {
		return err
	}
	if rec == nil {
		return exchange.Errorf(exchange.CodeInternal, "the expiry index names hold %v, which has no record", e.id)
	}
	if why == nil && rec.Hold.State == hold.Asked {
		event, why = hold.Refuse{Code: exchange.CodeUnavailable}, errTooSlow
	}
	if err := s.bridged.endOpen(b, k, rec, event, why); err != nil {
		return err
	}
	s.holds.Set(b, k, rec)
	return nil
}

// errTooSlow: the shop's own system did not answer by the deadline.
var errTooSlow = exchange.Errorf(exchange.CodeUnavailable, "the supplier's own system did not answer in time; try again later")

// expireOrders ends the orders that were not accepted in time. A shop that has stopped
// selling enters nothing, so the orders wait until it sells again. The orders of a retailer
// that must greet first wait for the greeting; the owner can still reject them.
func (s *Supplier) expireOrders(b *writer.Batch, next *exchange.Time) error {
	if s.selling.Stopped() != "" {
		return nil
	}
	list, empty, err := s.orderExpiry.due(b, s.store, next, s.mustGreet())
	if err != nil {
		return err
	}
	all, err := s.endEach(b, list, expiry.orderKey, next, func(b *writer.Batch, e expiry) error {
		err := s.ledgers.perform(b, ledger.ID{Supplier: s.me, Retailer: e.retailer}, message.ExpireOrder{Order: e.id})
		if exchange.CodeOf(err) == exchange.CodeRestored {
			empty = min(empty, e.at)
			return nil // it expires when the shop sells again
		}
		return err
	})
	if all {
		s.orderExpiry.emptied(b, empty)
	}
	return err
}

// allTerms is greater than every version of terms.
const allTerms = 1<<32 - 1

// runJanitor prunes the records of windows older than WindowsKept, and erases addresses.
func (t *Trade) runJanitor(ctx context.Context) {
	ticker := time.NewTicker(janitorPause)
	defer ticker.Stop()
	for {
		for {
			more, err := t.Prune(ctx)
			if err != nil && ctx.Err() == nil {
				t.Supplier.log.Warn("pruning old holds and addresses", "err", err)
			}
			if !more || err != nil {
				break
			}
		}
		select {
		case <-ticker.C:
			t.Supplier.selling.AlarmClock()
		case <-ctx.Done():
			return
		}
	}
}

// Prune deletes up to prunesPerBatch records of ended holds, of reservations and of baskets whose window
// is more than WindowsKept old, and reports whether there may be more. A hold request of
// such a window is refused (checkWindow), so no hold can be placed twice. Where there are no
// more, it erases the addresses whose time has come.
func (t *Trade) Prune(ctx context.Context) (more bool, err error) {
	current := exchange.WindowAt(max(t.Supplier.clock.Now(), 0))
	if current <= exchange.WindowsKept {
		return false, nil
	}
	old := current - exchange.WindowsKept
	err = t.Supplier.writer.Do(ctx, func(b *writer.Batch) error {
		old := min(old, exchange.WindowAt(b.Now())-exchange.WindowsKept)
		holds, err := t.Supplier.pruneHolds(b, old, prunesPerBatch)
		if err != nil {
			return err
		}
		reservations, err := t.Retailer.pruneReservations(b, old, prunesPerBatch-holds)
		if err != nil {
			return err
		}
		baskets, err := t.Baskets.prune(b, old, prunesPerBatch-holds-reservations)
		if err != nil {
			return err
		}
		asks, err := t.Bridged.pruneRows(b, old, prunesPerBatch-holds-reservations-baskets)
		more = holds+reservations+baskets+asks == prunesPerBatch
		return err
	})
	if err == nil && !more {
		err = t.eraseAddresses(ctx)
	}
	return more, err
}

// keepsHold reports whether the record of a hold cannot have been pruned yet.
func (s *Supplier) keepsHold(b *writer.Batch, id exchange.HoldID) bool {
	return id.Window()+exchange.WindowsKept >= exchange.WindowAt(b.Now())
}

// pruneHolds deletes up to n ended holds of windows before old, and counts them.
func (s *Supplier) pruneHolds(b *writer.Batch, old exchange.Window, n int) (count int, err error) {
	for _, retailer := range append(s.partnerships.retailers(), s.me) {
		holds := kv.Range{From: record.HoldKey(retailer, exchange.HoldID{}), To: record.HoldKey(retailer, exchange.NewHoldID(old, [12]byte{}))}
		for row, err := range record.Rows[record.Hold](s.store, s.codec, holds) {
			if row.Key == nil {
				return count, err
			}
			if err != nil || row.Record.Hold.State.Open() {
				continue // a damaged record stays, so that an audit can show it
			}
			b.Delete(bytes.Clone(row.Key))
			if count++; count == n {
				return count, nil
			}
		}
	}
	return count, nil
}
