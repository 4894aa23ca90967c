package trade

import (
	"context"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// What a shop that has just been opened cannot know of its earlier life: whether its
// store is the newest one, and what was under way when the process ended.

const (
	// awayAtLeast is how long nothing was committed before a start that may be one on an
	// old copy of the store: whoever puts a copy back takes longer than a supervisor that
	// starts a killed process again.
	awayAtLeast = 5 * time.Minute
	// keyedFor is how long a key is promised to find its reservation, and so how long
	// after a start one that an earlier life asked for is looked for at its supplier.
	keyedFor = 24 * time.Hour
	// lastAsked is how long before the last commit of an earlier life a request that it
	// did not record may have been made: a request waits for seconds, and what is known of
	// the supplier's window may be an hour old.
	lastAsked = time.Hour
)

// coldStart is what an opened shop knows of its earlier life.
type coldStart struct {
	at   exchange.Time // when the desk was opened, by its clock
	last exchange.Time // the last commit before; 0 = there was none

	mu      sync.Mutex
	greeted map[exchange.ShopID]bool // since then
	fresh   bool                     // somebody greeted first since the writer looked
}

func (c *coldStart) init(at, last exchange.Time) {
	c.at, c.last, c.greeted = at, last, make(map[exchange.ShopID]bool)
}

func (c *coldStart) note(partner exchange.ShopID) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first = !c.greeted[partner]
	c.greeted[partner] = true
	c.fresh = c.fresh || first
	return first
}

// takeFresh reports, once, whether a partner has greeted first.
func (c *coldStart) takeFresh() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh := c.fresh
	c.fresh = false
	return fresh
}

// mustBeGreeted reports whether this shop should hear a retailer's greeting before it does
// anything by itself in their ledger: the store may be an old copy, in which the order
// that is overdue was accepted and shipped long since, and an entry that says otherwise
// would be a fork. One that is no member has nobody to greet for.
func (l *Ledgers) mustBeGreeted(retailer exchange.ShopID) bool {
	start := &l.start
	if start.last == 0 || start.at.Sub(start.last) < awayAtLeast || !l.members.IsMember(retailer) {
		return false
	}
	start.mu.Lock()
	defer start.mu.Unlock()
	return !start.greeted[retailer]
}

// greetedBy lets what waited for a retailer's greeting go on, with the next batch.
func (l *Ledgers) greetedBy(retailer exchange.ShopID) {
	if l.start.note(retailer) {
		l.writer.Wake()
	}
}

// Ungreeted is a submitted order that is overdue and waits, its units off sale, for its
// retailer's greeting. The owner can reject it without.
type Ungreeted struct {
	Retailer exchange.ShopID
	ID       exchange.OrderID
	Due      exchange.Time // when it would have expired
}

// MaxUngreeted bounds what Ungreeted lists: enough to see that there are many.
const MaxUngreeted = 100

// Ungreeted lists the overdue orders that wait for their retailers' greetings, up to
// MaxUngreeted, by when they were due.
func (s *Supplier) Ungreeted() ([]Ungreeted, error) {
	var list []Ungreeted
	now, wait := s.clock.Now(), s.mustGreet()
	for row, err := range kv.Rows(s.store, kv.Prefix([]byte(record.PrefixOrderExpiry))) {
		if err != nil {
			return list, err
		}
		at, retailer, id, ok := record.ParseExpiryKey(record.PrefixOrderExpiry, row.Key)
		if !ok {
			continue
		}
		if at > now || len(list) >= MaxUngreeted {
			break
		}
		if wait(retailer) {
			list = append(list, Ungreeted{Retailer: retailer, ID: id, Due: at})
		}
	}
	return list, nil
}

// mustGreet is mustBeGreeted for one run over many orders: each retailer is asked for once.
func (s *Supplier) mustGreet() func(exchange.ShopID) bool {
	known := make(map[exchange.ShopID]bool)
	return func(retailer exchange.ShopID) bool {
		wait, ok := known[retailer]
		if !ok {
			wait = s.ledgers.mustBeGreeted(retailer)
			known[retailer] = wait
		}
		return wait
	}
}

// keyedID is newID for a tail that a caller's key decides, and
// that may have been used in the supplier's window before: a reservation that was made
// then, at most 24 hours ago, has its id. Only an earlier life of this process can have asked for one that it
// did not record; then the supplier is asked, in the first day after a start. Where it does
// not answer, the error is CodeUnavailable and nothing is known.
func (r *Retailer) keyedID(ctx context.Context, supplier exchange.ShopID, tail [12]byte) (exchange.HoldID, error) {
	id, err := r.newID(supplier, tail)
	if err != nil {
		return id, err
	}
	if rec, err := r.known(id); err != nil || rec != nil {
		return id, err
	}
	before := exchange.NewHoldID(id.Window()-1, tail)
	rec, err := r.known(before)
	if err != nil {
		return id, err
	}
	if rec != nil && r.clock.Now().Sub(rec.Created) <= keyedFor {
		return before, nil
	}
	if rec != nil { // the key's time is over, and it is used for a new wish
		return id, nil
	}
	if !r.mayHaveAsked(before.Window()) {
		return id, nil
	}
	raw, err := r.frame(&message.HoldStatus{ID: before})
	if err != nil {
		return id, err
	}
	_, err = r.ask(ctx, supplier, raw)
	switch exchange.CodeOf(err) {
	case exchange.CodeNotFound:
		return id, nil
	case exchange.CodeOK, exchange.CodeReleased: // released before it arrived: the id is used up
		return before, nil
	}
	return id, err
}

// mayHaveAsked reports whether an earlier life may have asked for a hold of window w and
// have recorded nothing of it.
func (r *Retailer) mayHaveAsked(w exchange.Window) bool {
	start := &r.ledgers.start
	return start.last != 0 && r.clock.Now().Sub(start.at) < keyedFor && exchange.WindowAt(max(start.last.Add(-lastAsked), 0)) <= w
}
