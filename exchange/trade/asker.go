package trade

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/wake"
)

// What a supplier owes an answer about: holds, releases and extensions whose answer is missing
// (doc.go: When the answer is lost).

const (
	// ReturnTime is how long a reservation is kept for a caller that left without its answer and
	// can name it again, by key or by id. Whoever repeats a request does so within seconds. It is
	// short enough that what nobody came back for is given back within 30 s of a network's healing:
	// the last caller gives up 8 s after it.
	ReturnTime = 20 * time.Second
	// noteAfter is how long a request about a reservation waits for its answer before the shop notes
	// it in the store. Answers come sooner from any continent, so that they cost no row more. A
	// process that ends within it has noted nothing.
	noteAfter = 200 * time.Millisecond
	// askLanes is how many reservations one supplier is asked about at once. With round trips of
	// 200 ms these are 80 a second: 2,000 within 25 s.
	askLanes = 16
	// awayLook is how often the asker looks whether a supplier that is away is back, beside the
	// greetings, which come a moment before the network has the connection.
	awayLook = time.Second
	// maxOpenAsks bounds the reservations in memory about which an answer is missing, at some 200
	// bytes each. Beyond it they stay in the store, and are read when others are done.
	maxOpenAsks = 1 << 16
)

// asker asks suppliers about reservations: for callers, who wait, and for those whose callers have
// left, through the sender's queues.
type asker struct {
	*shop
	retailer *Retailer
	sender   *sender
	reload   wake.Signal // set: the store may have reservations that are not in asks

	mu    sync.Mutex
	asks  map[exchange.HoldID]*openAsk           // guarded by mu
	lanes map[queue]map[exchange.HoldID]*openAsk // guarded by mu: the same asks, by their queue; no empty map
	// missed says that maxOpenAsks kept a reservation out. Guarded by mu.
	missed bool
	// callers counts who works on a reservation now. Guarded by mu.
	callers map[exchange.HoldID]int
	// greetings has a channel for each supplier that an asking caller waits for. It is closed when
	// the supplier greets. Guarded by mu.
	greetings map[exchange.ShopID]chan struct{}
}

// openAsk is one reservation about which the supplier owes an answer. Its fields are guarded by
// asker.mu. What is to be asked is in the reservation's record.
type openAsk struct {
	to queue
	id exchange.HoldID
	at exchange.Time // when to look at its record next
	// releasing says that the release has been sent: nobody may come back for the hold any more.
	releasing bool
	// sent is the message under way; nil = none, or a caller has come since, so that what it is
	// answered counts no more.
	sent *sentAsk
	// adds counts up with every add: what was read of the record before one may be old.
	adds int
	// owed is since when the supplier has left unanswered what it was asked; 0 = it has not.
	owed exchange.Time
	// unsaved is the record where the store did not take it; else nil.
	unsaved *record.Reservation
}

func newAsker(base *shop, r *Retailer, s *sender) *asker {
	return &asker{
		shop: base, retailer: r, sender: s, reload: wake.New(),
		asks: make(map[exchange.HoldID]*openAsk), lanes: make(map[queue]map[exchange.HoldID]*openAsk),
		callers: make(map[exchange.HoldID]int), greetings: make(map[exchange.ShopID]chan struct{}),
	}
}

var errGivenBack = exchange.Errorf(exchange.CodeReleased, "nobody came back for the reservation in time, and its stock is being given back; reserve again, with a new key")

// enter keeps the asker off a reservation while a caller works on it. It fails with CodeReleased
// where the release is under way. first reports that no other caller works on it. leave must be
// called.
func (a *asker) enter(id exchange.HoldID) (leave func(), first bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if o := a.asks[id]; o != nil && o.releasing {
		return nil, false, errGivenBack
	}
	return a.entered(id), a.callers[id] == 1, nil
}

// enterToRelease is enter for a caller that wants nothing but the release.
func (a *asker) enterToRelease(id exchange.HoldID) (leave func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.entered(id)
}

// entered counts a caller. The caller holds mu.
func (a *asker) entered(id exchange.HoldID) (leave func()) {
	if o := a.asks[id]; o != nil {
		o.sent = nil
	}
	a.callers[id]++
	return func() { a.leave(id) }
}

func (a *asker) leave(id exchange.HoldID) {
	a.mu.Lock()
	if a.callers[id]--; a.callers[id] > 0 {
		a.mu.Unlock()
		return
	}
	delete(a.callers, id)
	o := a.asks[id]
	if o != nil {
		o.at = a.clock.Now()
	}
	a.mu.Unlock()
	if o != nil {
		a.sender.plan(o.to, o.at, false)
	}
}

// add has a supplier asked about a reservation from at on, until its record is settled. unsaved is
// the record where the store did not take it, else nil.
func (a *asker) add(supplier exchange.ShopID, id exchange.HoldID, at exchange.Time, unsaved *record.Reservation) {
	to := laneOf(supplier, id)
	a.mu.Lock()
	o := a.asks[id]
	switch {
	case o != nil:
		o.at = at
		o.adds++
		if unsaved != nil {
			o.unsaved = unsaved
		}
	case len(a.asks) >= maxOpenAsks:
		a.missed = true
		a.mu.Unlock()
		return
	default:
		o = &openAsk{to: to, id: id, at: at, unsaved: unsaved}
		a.asks[id] = o
		if a.lanes[to] == nil {
			a.lanes[to] = make(map[exchange.HoldID]*openAsk)
		}
		a.lanes[to][id] = o
	}
	a.mu.Unlock()
	a.sender.plan(to, at, false)
}

// forget drops a reservation: its record is settled. The caller holds mu.
func (a *asker) forget(o *openAsk) {
	delete(a.asks, o.id)
	if delete(a.lanes[o.to], o.id); len(a.lanes[o.to]) == 0 {
		delete(a.lanes, o.to)
	}
	if a.missed && len(a.asks) < maxOpenAsks/2 {
		a.missed = false
		a.reload.Set()
	}
}

// departed forgets what a departed supplier was to be asked: it answers nobody. A later start finds
// it in the store again, should the shop be a member again.
func (a *asker) departed(to queue) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range maps.Clone(a.lanes[to]) {
		a.forget(o)
	}
}

// laneOf is the queue of a reservation.
func laneOf(supplier exchange.ShopID, id exchange.HoldID) queue {
	return queue{partner: supplier, kind: message.KindHold, lane: id[len(id)-1] % askLanes}
}

// connected: a supplier has greeted. Who waits for it asks again now, and so does the asker.
func (a *asker) connected(supplier exchange.ShopID) (due []queue) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.greetings[supplier]; c != nil {
		close(c)
		delete(a.greetings, supplier)
	}
	for lane := range uint8(askLanes) {
		if to := (queue{partner: supplier, kind: message.KindHold, lane: lane}); a.lanes[to] != nil {
			due = append(due, to)
		}
	}
	return due
}

// greeting is closed when a supplier greets next.
func (a *asker) greeting(supplier exchange.ShopID) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.greetings[supplier]
	if c == nil {
		c = make(chan struct{})
		a.greetings[supplier] = c
	}
	return c
}

// due is the open reservation of a lane that is to be looked at first; nil where there is none.
// Those that a caller works on are left out: the caller's leaving has them looked at.
func (a *asker) due(to queue) *openAsk {
	a.mu.Lock()
	defer a.mu.Unlock()
	var first *openAsk
	for id, o := range a.lanes[to] {
		if a.callers[id] == 0 && (first == nil || o.at < first.at || o.at == first.at && slices.Compare(o.id[:], first.id[:]) < 0) {
			first = o
		}
	}
	return first
}

// planNext plans a lane for the reservation that is to be looked at first. A queue has one time: that of
// the reservation that was looked at last has replaced all others.
func (a *asker) planNext(to queue) {
	o := a.due(to)
	if o == nil {
		return
	}
	a.mu.Lock()
	at := o.at
	a.mu.Unlock()
	a.sender.plan(to, at, false)
}

// note takes up a stored reservation at the start: nobody of this process waits for its answer.
// One of an older version does not say whether its caller can name it, so it is kept for ReturnTime.
func (a *asker) note(rec *record.Reservation) {
	if rec.Settled() {
		return
	}
	at := a.clock.Now()
	if rec.State == hold.None && rec.ReleaseAt == 0 {
		at = at.Add(ReturnTime)
	}
	a.add(rec.Supplier, rec.Request.ID, at, nil)
}

// run reads from the store what did not fit into memory, until ctx ends.
func (a *asker) run(ctx context.Context) {
	for {
		select {
		case <-a.reload.C():
		case <-ctx.Done():
			return
		}
		for row, err := range record.Rows[record.Reservation](a.store, a.codec, kv.Prefix([]byte(record.PrefixReservation))) {
			if ctx.Err() != nil {
				return
			}
			if err == nil { // a damaged record: Reservation reports it
				a.note(row.Record)
			}
		}
	}
}

// latest is what this shop has of a reservation, answered or not; nil = nothing.
func (a *asker) latest(id exchange.HoldID) (*record.Reservation, error) {
	if rec := a.retailer.pending.latest(id); rec != nil {
		return rec, nil
	}
	rec, err := record.Get[record.Reservation](a.store, a.codec, record.ReservationKey(id))
	if err != nil || rec != nil {
		return rec, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if o := a.asks[id]; o != nil && o.unsaved != nil {
		copied := *o.unsaved
		return &copied, nil
	}
	return nil, nil
}
