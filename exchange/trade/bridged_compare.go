package trade

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/writer"
)

// What keeps this shop and its own system of one mind: the asks that are open there are compared
// with those here, and what the system says is free goes into the catalog.

const (
	// compareEvery is how often the open asks are compared.
	compareEvery = 10 * time.Minute
	// settledFor is how long nothing must have changed of an ask before it is compared: what was
	// under way has arrived by then, on both sides.
	settledFor = time.Minute
	// changesEvery is how often the system is asked what became free or was taken.
	changesEvery = 5 * time.Second
	// pollEvery is how often it is looked what of this is due.
	pollEvery = time.Second
	// suspendAfter is how long the system must not have answered before the catalog says that
	// nothing is available: to say so of a million products, and to take it back, is work for
	// every partner.
	suspendAfter = 10 * time.Second
)

// catchUp is how far the comparisons are.
type catchUp struct {
	mu       sync.Mutex
	compared exchange.Time // when the last one began; 0 = none since the start
	changes  exchange.Time // when the system's changes were last read
	// foreign are orders there that this shop does not know; told are those that the log has named.
	foreign int
	told    map[exchange.HoldID]bool
	denied  uint64
	lost    uint64
}

func (c *catchUp) alarm(note func(*catchUp)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	note(c)
}

func (c *catchUp) status(s *BridgeStatus) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Compared, s.Denied, s.Lost, s.Unknown = c.compared, c.denied, c.lost, uint64(c.foreign)
}

// due reports whether something that is done every so often is due, and notes that it is done now.
func (c *catchUp) due(at *exchange.Time, now exchange.Time, every time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *at != 0 && *at <= now && now.Sub(*at) < every {
		return false
	}
	*at = now
	return true
}

// runPolls polls until ctx ends.
func (x *Bridged) runPolls(ctx context.Context) {
	if !x.On() {
		return
	}
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		x.Poll(ctx)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// Poll does what is due of the comparisons, tries a system that does not answer, and has the
// catalog say whether it does. [Trade.Run] calls it every second.
func (x *Bridged) Poll(ctx context.Context) {
	if !x.On() {
		return
	}
	if x.breaker.down() {
		x.try(ctx)
	}
	x.tellBreaker()
	x.suspend(ctx)
	if x.breaker.down() {
		return
	}
	now := x.clock.Now()
	c := &x.catchUp
	if c.due(&c.changes, now, changesEvery) {
		if err := x.readChanges(ctx); err != nil && ctx.Err() == nil {
			x.note("reading what the shop's own system has free; the catalog may be behind", err)
		}
	}
	if c.due(&c.compared, now, compareEvery) {
		if err := x.Compare(ctx); err != nil && ctx.Err() == nil {
			x.note("comparing what is open at the shop's own system; it is tried again in ten minutes", err)
		}
	}
}

// note logs an error of a call that is nobody's hold or order. It is no reason to open the breaker,
// unless the bridge is set up wrongly.
func (x *Bridged) note(what string, err error) {
	x.log.Warn(what, "err", err)
	x.breaker.mu.Lock()
	x.breaker.last, x.breaker.failed = exchange.Clip(err.Error(), exchange.MaxText), x.clock.Now()
	x.breaker.mu.Unlock()
}

// try is the trial of a system that does not answer, where no message of the outbox is.
func (x *Bridged) try(ctx context.Context) {
	if x.outbox.count() > 0 {
		return
	}
	if ok, _ := x.breaker.may(); !ok {
		return
	}
	ctx, cancel := under(ctx, callTime)
	defer cancel()
	_, err := x.system.Open(ctx, exchange.HoldID{})
	x.outcome(err)
}

// tellBreaker tells watchers that the system does not answer, or does again.
func (x *Bridged) tellBreaker() {
	changed, down := x.breaker.take()
	if !changed {
		return
	}
	var s BridgeStatus
	x.breaker.status(&s)
	e := event.Bridge{Status: event.BridgeUp}
	if down {
		e.Status, e.Detail = event.BridgeDown, s.LastError
		x.log.Error("the shop's own system does not answer: nothing of it can be reserved until it does", "err", s.LastError, "set up wrongly", s.Setup)
	} else {
		x.log.Info("the shop's own system answers again")
	}
	x.writer.WriteBehind(func(b *writer.Batch) error {
		e.At = b.Now()
		b.Then(e)
		return nil
	}, nil)
}

// suspend has the catalog say that nothing is available while the system does not answer.
func (x *Bridged) suspend(ctx context.Context) {
	var s BridgeStatus
	x.breaker.status(&s)
	down := s.Down && x.clock.Now().Sub(s.Since) >= suspendAfter
	bounds := x.supplier.shelf.Bounds
	if s.Down && !down || !bounds.Suspend(down) {
		return
	}
	if err := bounds.Republish(ctx); err != nil && ctx.Err() == nil {
		x.log.Error("partners are not told whether products can be reserved now", "err", err)
	}
}

// readChanges reads what became free or was taken at the system.
func (x *Bridged) readChanges(ctx context.Context) error {
	since, _, err := x.store.Get(record.KeyBridge)
	if err != nil {
		return err
	}
	for from := string(since); ; {
		page, err := x.changes(ctx, from)
		if err != nil {
			return err
		}
		if page.Gap && from != "" {
			from = ""
			continue
		}
		free, skus := make(map[exchange.SKU]int64), []exchange.SKU(nil)
		for _, c := range page.Changes {
			if _, again := free[c.SKU]; !again {
				skus = append(skus, c.SKU)
			}
			free[c.SKU] = c.Free
		}
		for chunk := range slices.Chunk(skus, bridge.MaxBatch) {
			if err := x.moves().FreeAll(ctx, free, chunk, nil, nil); err != nil {
				return err
			}
		}
		if page.Next != from {
			if err := x.moves().FreeAll(ctx, nil, nil, record.KeyBridge, []byte(page.Next)); err != nil {
				return err
			}
		}
		if !page.More || page.Next == from {
			return nil
		}
		from = page.Next
	}
}

func (x *Bridged) moves() shelf.Moves { return shelf.Moves{Shelf: x.supplier.shelf} }

func (x *Bridged) changes(ctx context.Context, since string) (bridge.Page, error) {
	ctx, cancel := under(ctx, callTime)
	defer cancel()
	page, err := x.system.Changes(ctx, since)
	if err == nil && len(page.Next) > bridge.MaxCursor {
		err = exchange.Errorf(exchange.CodeInvalid, "a cursor of %d bytes is longer than %d", len(page.Next), bridge.MaxCursor)
	}
	return page, err
}

// Compare compares what is open at the system with what is here, both in the order of their ids.
func (x *Bridged) Compare(ctx context.Context) error {
	foreign := 0
	for after := (exchange.HoldID{}); ; {
		page, err := x.openAfter(ctx, after)
		if err != nil {
			return err
		}
		last := exchange.HoldID{} // no end
		if len(page) > 0 {
			last = page[len(page)-1].ID
		}
		n, err := x.comparePage(ctx, page, after, last)
		if err != nil {
			return err
		}
		if foreign += n; len(page) == 0 {
			break
		}
		after = last
	}
	x.catchUp.alarm(func(c *catchUp) { c.foreign = foreign })
	return nil
}

func (x *Bridged) openAfter(ctx context.Context, after exchange.HoldID) ([]bridge.Standing, error) {
	ctx, cancel := under(ctx, callTime)
	defer cancel()
	page, err := x.system.Open(ctx, after)
	if err != nil {
		return nil, err
	}
	for _, s := range page {
		if bytes.Compare(s.ID[:], after[:]) <= 0 {
			return nil, exchange.Errorf(exchange.CodeInvalid, "the open asks after %v are not in the order of their ids: %v is among them", after, s.ID)
		}
		after = s.ID
	}
	return page, nil
}

// comparePage compares the asks whose ids are after one, up to and with last. It counts the
// orders there that this shop does not know.
func (x *Bridged) comparePage(ctx context.Context, page []bridge.Standing, after, last exchange.HoldID) (foreign int, err error) {
	there := make(map[exchange.HoldID]bridge.Standing, len(page))
	for _, s := range page {
		there[s.ID] = s
	}
	known := make(map[exchange.HoldID]bool)
	for row, err := range record.Rows[record.Asked](x.store, x.codec, askedFrom(after, last)) {
		if err != nil {
			return foreign, err
		}
		if ctx.Err() != nil {
			return foreign, ctx.Err()
		}
		id := exchange.HoldID(row.Key[len(record.PrefixAsked):])
		known[id] = true
		if err := x.compareOne(ctx, id, *row.Record, there[id]); err != nil {
			return foreign, err
		}
	}
	for _, s := range page {
		if known[s.ID] {
			continue
		}
		if s.State == bridge.Committed {
			foreign++
			x.tellForeign(s.ID)
			continue
		}
		if err := x.giveBackForeign(ctx, s.ID); err != nil {
			return foreign, err
		}
	}
	return foreign, nil
}

// giveBackForeign gives back what is set aside under an id that this store does not know: an ask
// is in the store before it is made, so it is of a store that this one has replaced, or its row has
// been pruned.
func (x *Bridged) giveBackForeign(ctx context.Context, id exchange.HoldID) error {
	return x.writer.Do(ctx, func(b *writer.Batch) error {
		if _, ok, err := x.rows.Get(b, id); err != nil || ok { // asked since
			return err
		}
		return x.queue(b, &record.Bridged{ID: id, Seq: 1, Reason: "not known here", At: b.Now()})
	})
}

// tellForeign logs, once, an order there that this shop does not know.
func (x *Bridged) tellForeign(id exchange.HoldID) {
	c := &x.catchUp
	c.mu.Lock()
	before := c.told[id]
	if c.told == nil || len(c.told) > maxShort {
		c.told = make(map[exchange.HoldID]bool)
	}
	c.told[id] = true
	c.mu.Unlock()
	if !before {
		x.log.Error("the shop's own system has an order that this shop does not know; it is left as it is, for its owner to see to", "id", id)
	}
}

// compareOne mends what this shop and its system have differently of one ask. there is zero where
// the system does not have it open.
func (x *Bridged) compareOne(ctx context.Context, id exchange.HoldID, row record.Asked, there bridge.Standing) error {
	// The clock may be behind the writer's time. What is compared too early is told twice, and changes
	// nothing.
	if age := x.clock.Now().Sub(row.At); age >= 0 && age < settledFor || x.outbox.has(id) {
		return nil
	}
	var again *bridge.Ask
	err := x.writer.Do(ctx, func(b *writer.Batch) (err error) {
		again = nil
		now, ok, err := x.rows.Get(b, id)
		if err != nil || !ok || now != row {
			return err // it has changed since it was read
		}
		rec, err := x.supplier.get(b, holdID{row.Retailer, id})
		if err != nil {
			return err
		}
		o, err := x.orderOf(b, id, row.Retailer)
		if err != nil {
			return err
		}
		switch {
		case o != nil:
			return x.compareOrder(b, o, now, there)
		case rec != nil && rec.Hold.State == hold.Held:
			if there.State == "" {
				again = &bridge.Ask{ID: id, Partner: row.Retailer, Expires: rec.Hold.Expires}
				for _, l := range rec.Hold.Lines.All() {
					again.Lines = append(again.Lines, bridge.Line{SKU: l.SKU, Units: int64(l.Quantity)})
				}
			}
		case rec != nil && rec.Hold.State == hold.Asked:
		case there.State != "":
			return x.giveBack(b, id, nil, "it has ended")
		}
		return nil
	})
	if err != nil || again == nil {
		return err
	}
	return x.holdAgain(ctx, *again)
}

// compareOrder mends what is different of an order: it is committed there as long as it has units,
// and nothing more than those is set aside. What it has less there, the next commit or shipment
// shows.
func (x *Bridged) compareOrder(b *writer.Batch, o *record.Order, row record.Asked, there bridge.Standing) error {
	stands, open := false, false
	wanted := make(map[exchange.SKU]int64)
	for _, l := range o.Order.Lines {
		wanted[l.SKU] = l.Ordered - l.Cancelled
		stands, open = stands || wanted[l.SKU] > 0, open || l.Open() > 0
	}
	switch {
	case !stands && there.State != "":
		return x.giveBack(b, o.ID, nil, "it has ended")
	case !stands || there.State == "" && !open: // what has gone is the system's business
		return nil
	case there.State != bridge.Committed:
		if row.Denied {
			return nil // it is rejected, or its owner sees to it
		}
		row.At = b.Now()
		x.rows.Set(b, o.ID, row)
		return x.commit(b, o.ID, "")
	}
	var more []order.Units
	for _, l := range there.Lines {
		if n := l.Units - wanted[l.SKU]; n > 0 {
			more = append(more, order.Units{SKU: l.SKU, Units: n})
		}
	}
	if len(more) == 0 {
		return nil
	}
	return x.giveBack(b, o.ID, more, "it was cancelled")
}

// holdAgain asks once more for a hold that is HELD here and that the system has lost. A retailer
// has its sealed answer, so a no is an alarm and takes nothing back: should it be ordered, the
// commit is answered no.
func (x *Bridged) holdAgain(ctx context.Context, ask bridge.Ask) error {
	ctx, cancel := under(ctx, callTime)
	defer cancel()
	answers, err := x.system.Hold(ctx, []bridge.Ask{ask})
	if err == nil {
		err = bridge.CheckAnswers([]exchange.HoldID{ask.ID}, answers)
	}
	x.outcome(err)
	if err != nil || answers[0].OK || answers[0].Problem == bridge.Busy {
		return err
	}
	x.catchUp.alarm(func(c *catchUp) { c.lost++ })
	x.log.Error("the shop's own system has lost a hold and does not set its goods aside again", "hold", ask.ID, "partner", ask.Partner)
	return x.writer.Do(ctx, func(b *writer.Batch) error {
		row, ok, err := x.rows.Get(b, ask.ID)
		if err != nil || !ok {
			return err
		}
		row.At = b.Now() // told again after the next comparisons alone
		x.rows.Set(b, ask.ID, row)
		b.Then(event.Bridge{At: b.Now(), Status: event.BridgeLost, Partner: ask.Partner, Order: ask.ID})
		return nil
	})
}
