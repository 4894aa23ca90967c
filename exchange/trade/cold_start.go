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

// The cold start: a shop that was just opened does not know whether its store is the
// newest copy, nor what was under way when the last process ended.

const (
	// awayAtLeast is the shortest absence after which a start may be one on an old copy of
	// the store. Whoever puts a copy back takes longer; a supervisor that starts a killed
	// process again takes less.
	awayAtLeast = 5 * time.Minute
	// keyedFor is how long a key is promised to find its reservation. For as long after a
	// start, the supplier is asked for reservations that an earlier life may have made.
	keyedFor = 24 * time.Hour
	// lastAsked is how far the window of an unrecorded request may lie before the last
	// commit of an earlier life: a request waits for seconds, and what this shop knows of
	// the supplier's window may be an hour old.
	lastAsked = time.Hour
)

// coldStart is what an opened shop knows of its earlier life, and who has greeted since.
type coldStart struct {
	at   exchange.Time // when the desk was opened, by its clock
	last exchange.Time // the last commit before; 0 = there was none

	mu      sync.Mutex
	greeted map[exchange.ShopID]bool // since at
	fresh   bool                     // a first greeting came since takeFresh was called
}

func (c *coldStart) init(at, last exchange.Time) {
	c.at, c.last, c.greeted = at, last, make(map[exchange.ShopID]bool)
}

// note notes a partner's greeting, and reports whether it is the first since the start.
func (c *coldStart) note(partner exchange.ShopID) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first = !c.greeted[partner]
	c.greeted[partner] = true
	c.fresh = c.fresh || first
	return first
}

// takeFresh reports, once, whether some partner's first greeting has come.
func (c *coldStart) takeFresh() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh := c.fresh
	c.fresh = false
	return fresh
}

// mustBeGreeted reports whether this shop waits for a retailer's greeting before it does
// anything by itself in their ledger. The store may be an old copy: the overdue order may
// have been accepted and shipped since, and an entry that says otherwise would be a fork.
// A retailer that has departed greets nobody, so nothing waits for it.
func (l *Ledgers) mustBeGreeted(retailer exchange.ShopID) bool {
	start := &l.start
	if start.last == 0 || start.at.Sub(start.last) < awayAtLeast || !l.members.IsMember(retailer) {
		return false
	}
	start.mu.Lock()
	defer start.mu.Unlock()
	return !start.greeted[retailer]
}

// greetedBy notes a retailer's greeting. What waited for it goes on with the next batch.
func (l *Ledgers) greetedBy(retailer exchange.ShopID) {
	if l.start.note(retailer) {
		l.writer.Wake()
	}
}

// Ungreeted is a submitted order that is overdue and waits for its retailer's greeting.
// Its units stay sold meanwhile. The owner can reject it without waiting.
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

// mustGreet is mustBeGreeted for one run over many orders: it remembers each retailer's
// result.
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

// keyedWish is the wish whose id ends with tail, which a caller's key decides. A reservation with
// the same key may have been made in the supplier's previous window: if it is at most 24 hours
// old, the wish is that reservation. Only an earlier life of this process can have made a
// reservation that is not recorded here; in the first day after a start the supplier is asked
// about it. Where the supplier does not answer, the error is CodeUnavailable.
func (r *Retailer) keyedWish(ctx context.Context, supplier exchange.ShopID, tail [12]byte) (wish, error) {
	id, err := r.newID(supplier, tail)
	if err != nil {
		return wish{}, err
	}
	if rec, err := r.known(id); err != nil || rec != nil {
		return wish{id: id, known: rec}, err
	}
	before := exchange.NewHoldID(id.Window()-1, tail)
	rec, err := r.known(before)
	if err != nil {
		return wish{}, err
	}
	if rec != nil && r.clock.Now().Sub(rec.Created) <= keyedFor {
		return wish{id: before, known: rec}, nil
	}
	if rec != nil { // older than 24 hours: the key now means a new reservation
		return wish{id: id}, nil
	}
	if !r.ledgers.mayHaveAsked(before.Window()) {
		return wish{id: id}, nil
	}
	raw, err := r.frame(&message.HoldStatus{ID: before})
	if err != nil {
		return wish{id: id}, err
	}
	_, err = r.asker.ask(ctx, supplier, raw)
	switch exchange.CodeOf(err) {
	case exchange.CodeNotFound:
		return wish{id: id}, nil
	case exchange.CodeOK, exchange.CodeReleased: // CodeReleased: a tombstone stands there, so the id is used up
		return wish{id: before}, nil
	}
	return wish{id: id}, err
}

// mayHaveAsked reports whether an earlier life may have asked for a hold of window w
// without recording it.
func (l *Ledgers) mayHaveAsked(w exchange.Window) bool {
	start := &l.start
	return start.last != 0 && l.clock.Now().Sub(start.at) < keyedFor && exchange.WindowAt(max(start.last.Add(-lastAsked), 0)) <= w
}
