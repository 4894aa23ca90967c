package desk

import (
	"context"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// What ends by itself: holds, orders nobody accepted, holds of ended
// partnerships, and the records of old windows. Only the supplier's time counts.

const (
	// expiriesPerBatch bounds the work that time alone puts before a batch's
	// operations: of each kind, so that one that is late holds up no other.
	expiriesPerBatch = 256
	// refusedPause is how long expiry rests after the store refused a commit.
	refusedPause = time.Second
	// janitorPause is how often records of old windows are looked for.
	janitorPause = time.Hour
	// prunesPerBatch bounds one turn of the janitor.
	prunesPerBatch = 1000
)

// noteExpiry remembers that something expires at t. Writer's turn only.
func (d *Desk) noteExpiry(t exchange.Time) {
	d.nextExpiry = min(d.nextExpiry, t)
	// The clock may have stepped back since a scan that had nothing to commit.
	d.holdExpiry.from, d.orderExpiry.from = min(d.holdExpiry.from, t), min(d.orderExpiry.from, t)
}

// restExpiry rests after a refused commit at the writer's time now.
func (d *Desk) restExpiry(now exchange.Time) { d.nextExpiry = now.Add(refusedPause) }

// untilNextExpiry is how long the writer may wait for an operation.
func (d *Desk) untilNextExpiry() time.Duration {
	const idle = time.Minute
	wait := d.nextExpiry.Sub(max(d.clock.Now(), d.meta.Written))
	return min(max(wait, time.Millisecond), idle)
}

// expireDue ends what the batch's time has passed, before any operation runs.
func (d *Desk) expireDue(b *batch) error {
	for _, retailer := range d.gone.take() {
		d.end(ledger.ID{Supplier: d.me, Retailer: retailer}, allTerms)
	}
	if d.resumed.takeFresh() {
		d.noteExpiry(b.now)
	}
	if b.now < d.nextExpiry {
		return nil
	}
	next := exchange.Time(1<<62 - 1)
	for _, expire := range []func(*batch, *exchange.Time) error{d.expireHolds, d.expireOrders, d.releaseEnded} {
		if err := expire(b, &next); err != nil {
			return err
		}
	}
	d.nextExpiry = next
	return nil
}

// expiryIndex is one of the two indexes of what expires. Keys that are gone cost a scan
// as much as those that are there, until the store compacts them, and most items are
// gone long before their time: a scan begins where the last one has left nothing.
type expiryIndex struct {
	prefix string
	from   exchange.Time // of every item, at least; writer's turn only
}

// due scans an expiry index up to the batch's time. Keys beyond it set next.
// Those of retailers that wait is true for are passed by. empty is the time before
// which the index has nothing once the list has ended.
func (x *expiryIndex) due(b *batch, next *exchange.Time, wait func(exchange.ShopID) bool) (list []expiry, empty exchange.Time, err error) {
	empty = b.now
	r := kv.Range{From: kv.Key(x.prefix, kv.Uint64(uint64(x.from))), To: kv.Prefix([]byte(x.prefix)).To}
	err = b.d.store.Scan(r, func(k, _ []byte) bool {
		at, retailer, id, ok := record.ParseExpiryKey(x.prefix, k)
		if !ok {
			return true
		}
		if at > b.now || len(list) >= expiriesPerBatch {
			empty = min(empty, at)
			*next = min(*next, max(at, b.now))
			return false
		}
		if wait != nil && wait(retailer) {
			empty = min(empty, at)
			return true
		}
		list = append(list, expiry{at, retailer, id})
		return true
	})
	return list, empty, err
}

// emptied notes, once the batch is durable, that the index has nothing before t.
func (x *expiryIndex) emptied(b *batch, t exchange.Time) {
	b.then(func() { x.from = max(x.from, t) })
}

type expiry struct {
	at       exchange.Time
	retailer exchange.ShopID
	id       exchange.HoldID
}

// endEach ends what is due until the batch is full; the rest comes with the next.
// all says that none is left. An item that cannot end is set aside: only an error of the
// store itself is fatal.
func (b *batch) endEach(list []expiry, indexKey func(expiry) []byte, next *exchange.Time, end func(*batch, expiry) error) (all bool, err error) {
	for _, e := range list {
		if b.full() {
			*next = b.now
			return false, nil
		}
		err := b.run(func(b *batch) error { return end(b, e) })
		if b.failed != nil {
			return false, b.failed
		}
		if err != nil {
			b.setAside(indexKey(e), e, err)
		}
	}
	return true, nil
}

// setAside takes an item out of its expiry index, where it would be met again with
// every batch and at every start, and keeps its key and why under prefixAside. Its
// units stay held or sold: stock that nobody can account for is never offered again
// by itself.
func (b *batch) setAside(indexKey []byte, e expiry, why error) {
	b.d.log.Error("a hold or order whose time has come cannot end; it is set aside, and its units stay as they are, until somebody looks at it",
		"id", e.id, "retailer", e.retailer, "due", e.at, "err", why)
	b.del(indexKey)
	b.put(record.QuarantineKey(indexKey), []byte(exchange.Clip(why.Error(), message.MaxReason)))
}

func (e expiry) holdKey() []byte  { return record.HoldExpiryKey(e.at, e.retailer, e.id) }
func (e expiry) orderKey() []byte { return record.OrderExpiryKey(e.at, e.retailer, e.id) }

func (d *Desk) expireHolds(b *batch, next *exchange.Time) error {
	list, empty, err := d.holdExpiry.due(b, next, nil)
	if err != nil {
		return err
	}
	all, err := b.endEach(list, expiry.holdKey, next, func(b *batch, e expiry) error {
		return d.endAlone(b, e, hold.Expire{})
	})
	if all {
		d.holdExpiry.emptied(b, empty)
	}
	return err
}

// endAlone ends a hold that nobody asked to end.
func (d *Desk) endAlone(b *batch, e expiry, event hold.Event) error {
	k := record.HoldKey(e.retailer, e.id)
	rec, err := b.holdRecord(k)
	if err != nil {
		return err
	}
	if rec == nil {
		return exchange.Errorf(exchange.CodeInternal, "the expiry index names hold %v, which has no record", e.id)
	}
	if err := d.endHold(b, e.id, rec, event); err != nil {
		return err
	}
	b.setHold(k, rec)
	return nil
}

// expireOrders ends the orders that were not accepted in time. A shop that has
// stopped selling enters nothing: they wait until it sells again. So do they for a
// retailer that must be heard first; the owner can still reject them.
func (d *Desk) expireOrders(b *batch, next *exchange.Time) error {
	if d.meta.Stopped != "" {
		return nil
	}
	list, empty, err := d.orderExpiry.due(b, next, d.unheard())
	if err != nil {
		return err
	}
	all, err := b.endEach(list, expiry.orderKey, next, func(b *batch, e expiry) error {
		err := d.perform(b, ledger.ID{Supplier: d.me, Retailer: e.retailer}, message.ExpireOrder{Order: e.id})
		if exchange.CodeOf(err) == exchange.CodeRestored {
			empty = min(empty, e.at)
			return nil // it expires when the shop sells again
		}
		return err
	})
	if all {
		d.orderExpiry.emptied(b, empty)
	}
	return err
}

// allTerms is beyond every version of terms.
const allTerms = 1<<32 - 1

// runJanitor prunes the records of windows older than WindowsKept.
func (d *Desk) runJanitor(ctx context.Context) {
	ticker := time.NewTicker(janitorPause)
	defer ticker.Stop()
	for {
		for {
			more, err := d.Prune(ctx)
			if err != nil && ctx.Err() == nil {
				d.log.Warn("pruning old holds", "err", err)
			}
			if !more || err != nil {
				break
			}
		}
		select {
		case <-ticker.C:
			d.alarmClock()
		case <-ctx.Done():
			return
		}
	}
}

// Prune deletes up to prunesPerBatch terminal holds, as supplier and retailer,
// whose window is more than WindowsKept old, and reports whether there may be more.
// An absent hold of such a window is refused, so nothing can run twice.
func (d *Desk) Prune(ctx context.Context) (more bool, err error) {
	current := exchange.WindowAt(max(d.clock.Now(), 0))
	if current <= exchange.WindowsKept {
		return false, nil
	}
	old := current - exchange.WindowsKept
	err = d.do(ctx, func(b *batch) error {
		more, err = d.prune(b, old)
		return err
	})
	return more, err
}

// keepsHold reports whether the record of a hold cannot have been pruned yet.
func (b *batch) keepsHold(id exchange.HoldID) bool {
	return id.Window()+exchange.WindowsKept >= exchange.WindowAt(b.now)
}

func (d *Desk) prune(b *batch, old exchange.Window) (more bool, err error) {
	if w := exchange.WindowAt(b.now) - exchange.WindowsKept; old > w {
		old = w
	}
	count := 0
	for _, retailer := range d.retailers() {
		from := record.HoldKey(retailer, exchange.HoldID{})
		to := record.HoldKey(retailer, exchange.NewHoldID(old, [12]byte{}))
		err = d.store.Scan(kv.Range{From: from, To: to}, func(k, v []byte) bool {
			rec, derr := d.codec.Decode(record.KindHold, v)
			if derr != nil || rec.(*record.Hold).Hold.State == hold.Held {
				return true
			}
			b.del(append([]byte(nil), k...))
			count++
			return count < prunesPerBatch
		})
		if err != nil || count >= prunesPerBatch {
			return true, err
		}
	}
	err = d.store.Scan(kv.Range{From: record.ReservationKey(exchange.HoldID{}), To: record.ReservationKey(exchange.NewHoldID(old, [12]byte{}))}, func(k, _ []byte) bool {
		b.del(append([]byte(nil), k...))
		count++
		return count < prunesPerBatch
	})
	return count >= prunesPerBatch, err
}
