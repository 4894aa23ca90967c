package trade

import (
	"context"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/backoff"
	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/wake"
	"github.com/souk-market/souk/exchange/writer"
)

const (
	// askTime is by when the system must have answered for a hold. With the commits before and
	// after it, a retailer has its answer well within the 8 s that it waits.
	askTime = 2 * time.Second
	// callTime is how long the system has for any other call.
	callTime = 5 * time.Second
	// askPause is how long an ask waits for others to share its call, where a call is under way.
	askPause = 5 * time.Millisecond
	// maxCalls are under way at once, maxTold of them commits and releases, so that a hold does not
	// wait behind those.
	maxCalls, maxTold = 4, 2
	// settledAtOnce bounds the holds, or the answers of the outbox, that one operation takes: of 64
	// lines each, some 2,200 rows.
	settledAtOnce = 32
	// shortFor is how long the system's word that a product is short is believed.
	shortFor = time.Second
	// maxShort bounds the products of which that is remembered.
	maxShort = 10_000
	// MaxUntold bounds the commits and releases that the system has not answered. Beyond it nothing
	// new is asked for. At some 200 bytes each in memory, 20 MB.
	MaxUntold = 100_000
	// maxAsking bounds the asks that wait.
	maxAsking = 10_000
)

// Bridged is the shop's side of its bridge: what its own system is asked and told, where that has
// the authority over the stock (package bridge). A shop without a bridge has one with no system,
// which is never asked.
type Bridged struct {
	*shop
	system   bridge.Bridge // nil = none
	supplier *Supplier
	orders   *Orders
	ledgers  *Ledgers

	rows *writer.Table[exchange.HoldID, record.Asked]
	// begun are the holds asked for in the batch that runs.
	begun *writer.Table[holdID, *asking]
	// number is that of the newest message of the outbox. Writer's turn only.
	number uint64

	// left are the holds that a process before was asking for. Writer's turn only.
	left []expiry

	breaker breaker
	outbox  told
	catchUp catchUp
	wake    wake.Signal

	mu      sync.Mutex
	asked   map[holdID]*asking // asked for, and not settled
	waiting []*asking          // of them those whose call has not begun, the oldest first
	holds   int                // calls for holds that are under way
	telling int                // calls of the outbox that are under way
	short   map[exchange.SKU]shortUntil
}

// asking is a hold that the system is asked for.
type asking struct {
	holdID
	ask      bridge.Ask
	quote    *exchange.Quote // sealed where the answer is yes; nil of an own reservation
	deadline exchange.Time
	due      exchange.Time // when its call begins at the latest
	after    exchange.Time // and not before: the system was busy; 0 = at once
	done     chan struct{} // closed once it is settled
	err      error         // of those who wait, where no record keeps the answer; set before done is closed
}

// shortUntil is the system's word on what is left of a product.
type shortUntil struct {
	available int64
	until     exchange.Time
}

func newBridged(base *shop, system bridge.Bridge) *Bridged {
	return &Bridged{
		shop: base, system: system, wake: wake.New(), asked: make(map[holdID]*asking), short: make(map[exchange.SKU]shortUntil),
		outbox: told{queues: make(map[exchange.HoldID]*untold)}, breaker: breaker{clock: base.clock},
	}
}

func (x *Bridged) makeTables() {
	x.rows = writer.NewTable(x.writer, writer.Rows[exchange.HoldID, record.Asked]{
		Key:    record.AskedKey,
		Decode: decoder[record.Asked](x.codec),
		Encode: func(rec record.Asked) ([]byte, error) { return record.Encode(x.codec, &rec) },
		Size:   func(exchange.HoldID, record.Asked) int { return overhead },
	})
	x.begun = writer.NewTable(x.writer, writer.Rows[holdID, *asking]{})
}

// On reports whether the shop has a bridge: then its system has the authority over the stock.
func (x *Bridged) On() bool { return x.system != nil }

// open reads the outbox, and which holds a process before was asking for.
func (x *Bridged) open() error {
	if !x.On() {
		return nil
	}
	if err := x.outbox.load(x); err != nil {
		return err
	}
	last := x.supplier.selling.Written().Add(askTime)
	r := kv.Range{From: []byte(record.PrefixHoldExpiry), To: kv.Key(record.PrefixHoldExpiry, kv.Uint64(uint64(last+1)))}
	for row, err := range kv.Rows(x.store, r) {
		if err != nil {
			return err
		}
		at, retailer, id, ok := record.ParseExpiryKey(record.PrefixHoldExpiry, row.Key)
		if !ok {
			continue
		}
		rec, err := record.Get[record.Hold](x.store, x.codec, record.HoldKey(retailer, id))
		if err == nil && rec != nil && rec.Hold.State == hold.Asked { // a damaged one goes into quarantine at its time
			x.left = append(x.left, expiry{at, retailer, id})
		}
	}
	return nil
}

// refuseLeft refuses the holds that a process before was asking for.
func (x *Bridged) refuseLeft(b *writer.Batch, next *exchange.Time) error {
	list := x.left[:min(len(x.left), expiriesPerBatch)]
	if len(list) == 0 {
		return nil
	}
	all, err := x.supplier.endEach(b, list, expiry.holdKey, next, func(b *writer.Batch, e expiry) error {
		if rec, err := x.supplier.get(b, holdID{e.retailer, e.id}); err != nil || rec == nil || rec.Hold.State != hold.Asked {
			return err // it has ended since
		}
		return x.supplier.endAlone(b, e, hold.Refuse{Code: exchange.CodeUnavailable}, errNotAsked)
	})
	if all {
		b.Then(leftRefused{len(list)})
	}
	if !all || len(list) < len(x.left) {
		*next = b.Now()
	}
	return err
}

// Effects of the bridge.
type (
	// holdAsked: the system is to be asked for a hold.
	holdAsked struct{ asking *asking }
	// holdSettled: a hold that the system was asked for is not ASKED any more. err is what those
	// who wait get where no record keeps it.
	holdSettled struct {
		id    holdID
		state hold.State
		why   exchange.Code
		err   error
	}
	// leftRefused: the first n of those that a process before was asking for are refused.
	leftRefused struct{ n int }
	// messageQueued: a commit or release is to be told to the system.
	messageQueued struct {
		id     exchange.HoldID
		number uint64
		commit bool
	}
	// messageAnswered: the system has answered it.
	messageAnswered struct {
		id     exchange.HoldID
		number uint64
	}
)

// apply carries out an effect, and reports whether it is one of the bridge.
func (x *Bridged) apply(e writer.Effect) bool {
	switch e := e.(type) {
	case holdAsked:
		x.mu.Lock()
		e.asking.due = x.clock.Now().Add(askPause)
		x.asked[e.asking.holdID] = e.asking
		x.waiting = append(x.waiting, e.asking)
		x.mu.Unlock()
		x.wake.Set()
	case holdSettled:
		x.settled(e)
	case leftRefused:
		x.left = x.left[e.n:]
	case messageQueued:
		x.outbox.add(e.id, e.number, e.commit, x.clock.Now())
		x.wake.Set()
	case messageAnswered:
		x.outbox.answered(e.id, e.number, x.clock.Now())
		x.wake.Set()
	default:
		return false
	}
	return true
}

func (x *Bridged) settled(e holdSettled) {
	x.mu.Lock()
	a := x.asked[e.id]
	delete(x.asked, e.id)
	x.mu.Unlock()
	if a != nil {
		a.err = e.err
		close(a.done)
	}
	if m := x.supplier.meter.Load(); m != nil && m.Hold != nil && (e.state == hold.Held || e.state == hold.Refused) {
		m.Hold(e.id.retailer, e.state, e.why)
	}
}

// pending is what is being asked for under an id; nil where nothing is.
func (x *Bridged) pending(k holdID) *asking {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.asked[k]
}

// asking reports whether the system is being asked for a hold, or will be once the batch is
// durable. It is false of an ASKED hold of a process before: nobody will confirm it.
func (x *Bridged) asking(b *writer.Batch, k holdID) (bool, error) {
	if x.pending(k) != nil {
		return true, nil
	}
	_, ok, err := x.begun.Get(b, k)
	return ok, err
}

// commit queues the word that a hold became an order.
func (x *Bridged) commit(b *writer.Batch, id exchange.HoldID, reference string) error {
	return x.queue(b, &record.Bridged{ID: id, Commit: true, Reference: reference, At: b.Now()})
}

// giveBack queues units of an ask to be given back; none = everything that is set aside. Of an id
// that the system was not asked for there is nothing to give back.
func (x *Bridged) giveBack(b *writer.Batch, id exchange.HoldID, lines []order.Units, reason string) error {
	if !x.On() {
		return nil
	}
	row, ok, err := x.rows.Get(b, id)
	if err != nil || !ok {
		return err
	}
	row.Seq, row.At = row.Seq+1, b.Now()
	x.rows.Set(b, id, row)
	x.forgetShort()
	return x.queue(b, &record.Bridged{ID: id, Seq: row.Seq, Lines: lines, Reason: exchange.Clip(reason, bridge.MaxText), At: b.Now()})
}

// queue puts a message into the outbox.
func (x *Bridged) queue(b *writer.Batch, msg *record.Bridged) error {
	x.number++ // an operation that is undone leaves a gap
	if err := x.put(b, record.BridgedKey(x.number), msg); err != nil {
		return err
	}
	b.Then(messageQueued{msg.ID, x.number, msg.Commit})
	return nil
}

// freed gives back what a step has freed of an order: the units, or everything where nothing of
// the order has gone.
func (x *Bridged) freed(b *writer.Batch, id exchange.OrderID, next order.Order, freed []order.Units, reason string) error {
	if len(freed) == 0 {
		return nil
	}
	whole := next.Status().Terminal()
	for _, l := range next.Lines {
		whole = whole && l.Shipped == 0
	}
	if whole {
		freed = nil
	}
	return x.giveBack(b, id, freed, reason)
}

// mayAccept refuses to accept an order before the system has said yes to it. An order of before
// the bridge was set up needs nobody's yes.
func (x *Bridged) mayAccept(b *writer.Batch, id exchange.OrderID) error {
	if !x.On() {
		return nil
	}
	row, ok, err := x.rows.Get(b, id)
	switch {
	case err != nil || !ok || row.Sure:
		return err
	case row.Denied:
		return exchange.Errorf(exchange.CodeState, "the shop's own system says that it does not have the goods of order %v; reject it", id)
	}
	return exchange.Errorf(exchange.CodeUnavailable, "the shop's own system has not yet said that it has the goods of order %v; it is asked again until it answers (souk bridge show)", id)
}

// ended tells the system how a hold that it was asked for has ended.
func (x *Bridged) ended(b *writer.Batch, id exchange.HoldID, rec *heldRecord, next hold.Hold) error {
	if !x.On() {
		return nil
	}
	row, ok, err := x.rows.Get(b, id)
	if err != nil || !ok {
		return err
	}
	switch {
	case next.State == hold.Committed:
		row.At, row.Sure = b.Now(), rec.sure
		x.rows.Set(b, id, row)
		if rec.sure {
			return nil
		}
		return x.commit(b, id, rec.reference)
	case rec.declined:
		return nil // the system has nothing of it
	}
	return x.giveBack(b, id, nil, next.State.String())
}

// pruneRows deletes up to n rows of windows before old of which nothing is open here.
func (x *Bridged) pruneRows(b *writer.Batch, old exchange.Window, n int) (count int, err error) {
	for row, err := range record.Rows[record.Asked](x.store, x.codec, askedBefore(old)) {
		if row.Key == nil {
			return count, err
		}
		if err != nil {
			continue
		}
		id := exchange.HoldID(row.Key[len(record.PrefixAsked):])
		open, err := x.standsHere(b, id, row.Record.Retailer)
		if err != nil {
			return count, err
		}
		if open || x.outbox.has(id) {
			continue
		}
		if count == n {
			break
		}
		b.Delete(record.AskedKey(id))
		count++
	}
	return count, nil
}

// standsHere reports whether something of an ask is open here: its hold, or units of its order.
func (x *Bridged) standsHere(g record.Getter, id exchange.HoldID, retailer exchange.ShopID) (bool, error) {
	rec, err := record.Get[record.Hold](g, x.codec, record.HoldKey(retailer, id))
	if err != nil || rec != nil && rec.Hold.State.Open() {
		return true, err
	}
	o, err := x.orderOf(g, id, retailer)
	if err != nil || o == nil {
		return false, err
	}
	for _, l := range o.Order.Lines {
		if l.Open() > 0 {
			return true, nil
		}
	}
	return false, nil
}

// orderOf is the order, or own sale, of an ask; nil where there is none.
func (x *Bridged) orderOf(g record.Getter, id exchange.HoldID, retailer exchange.ShopID) (*record.Order, error) {
	if retailer != x.me {
		return record.Get[record.Order](g, x.codec, record.OrderKey(exchange.Supplier, id, retailer))
	}
	sale, err := record.Get[record.OwnSale](g, x.codec, record.OwnSaleKey(id))
	if err != nil || sale == nil {
		return nil, err
	}
	return &sale.Sale, nil
}

// BridgeStatus is how the bridge stands, for people.
type BridgeStatus struct {
	On     bool
	Down   bool          // the breaker is open: nothing is asked for
	Setup  bool          // for the bridge is set up wrongly
	Since  exchange.Time // when it went down
	Trial  exchange.Time // when it is tried again
	Asking int           // holds that the system is being asked for
	Untold int           // commits and releases that it has not answered
	Oldest exchange.Time // the oldest of those; 0 = there is none
	// LastError is what went wrong last, at LastFailed; it stays when the bridge is up again.
	LastError  string
	LastFailed exchange.Time
	LastYes    exchange.Time // when the system last answered a call
	Calls      BridgeCalls
	Compared   exchange.Time // when the asks that are open there were last compared; 0 = not since the start
	Denied     uint64        // commits that were answered no, since the start
	Lost       uint64        // holds that the system has lost and did not give again, since the start
	Unknown    uint64        // orders there that this shop does not know, in the last comparison
	Suspended  bool          // the catalog says that nothing is available
}

// BridgeCalls counts calls since the start.
type BridgeCalls struct{ Hold, Commit, Release, Other, Failed uint64 }

// Status is how the bridge stands.
func (x *Bridged) Status() BridgeStatus {
	s := BridgeStatus{On: x.On(), Suspended: x.supplier.shelf.Bounds.Suspended()}
	x.mu.Lock()
	s.Asking = len(x.asked)
	x.mu.Unlock()
	x.breaker.status(&s)
	s.Untold, s.Oldest = x.outbox.size(x)
	x.catchUp.status(&s)
	return s
}

// breaker stops asking a system that does not answer.
type breaker struct {
	clock exchange.Clock

	mu       sync.Mutex
	failures int
	open     bool
	setup    bool
	since    exchange.Time
	trial    exchange.Time // when the next call may go, while it is open
	trying   bool          // that call is under way
	pauses   backoff.Doubling
	last     string
	failed   exchange.Time
	yes      exchange.Time
	calls    BridgeCalls
	changed  bool // open changed, and nobody has been told
}

// breakAt is how many calls in a row must fail.
const breakAt = 5

func (k *breaker) status(s *BridgeStatus) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s.Down, s.Setup, s.Since, s.Trial = k.open, k.setup, k.since, k.trial
	s.LastError, s.LastFailed, s.LastYes, s.Calls = k.last, k.failed, k.yes, k.calls
	if !k.open {
		s.Since, s.Trial = 0, 0
	}
}

// down reports whether the breaker is open.
func (k *breaker) down() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.open
}

// may reports whether a call may go now. While the breaker is open that is one at a time, the
// trial.
func (k *breaker) may() (ok bool, trial exchange.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.open {
		return true, 0
	}
	now := k.clock.Now()
	k.trial = min(k.trial, now.Add(backoff.Longest)) // the clock may have fallen back
	if k.trying || now < k.trial {
		return false, k.trial
	}
	k.trying = true
	return true, 0
}

// back gives up a trial that may allowed and nobody made.
func (k *breaker) back() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.trying = false
}

// outcome takes what came of a call, and reports whether the breaker has opened or closed.
func (k *breaker) outcome(err error, setup bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.clock.Now()
	was := k.open
	k.trying = false
	if err == nil {
		k.failures, k.open, k.setup, k.yes = 0, false, false, now
		k.pauses.Reset()
	} else {
		k.failures, k.setup, k.last, k.failed = k.failures+1, setup, exchange.Clip(err.Error(), exchange.MaxText), now
		k.calls.Failed++
		if k.failures >= breakAt || setup {
			k.open = true
		}
		if k.open {
			k.trial = now.Add(k.pauses.Next())
		}
	}
	if k.open != was {
		k.since, k.changed = now, true
	}
}

// take reports, once, that the breaker has opened or closed.
func (k *breaker) take() (changed, open bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	changed = k.changed
	k.changed = false
	return changed, k.open
}

// under bounds a call of the system's.
func under(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, max(d, time.Millisecond))
}
