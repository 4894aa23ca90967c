package trade

import (
	"bytes"
	"container/heap"
	"context"
	"sync"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/backoff"
	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// The outbox to the shop's own system: commits and releases, each stored in the commit that it
// tells of, in order of one id, until they are answered.

// told is what the outbox has, in memory: the numbers alone.
type told struct {
	mu     sync.Mutex
	queues map[exchange.HoldID]*untold // no empty queue
	due    dueUntold                   // the queues whose first message is not under way
	all    int
	most   int // how many one call tells; fewer after a failure, so that one that always fails stops no other
}

// untold is the messages of one id, the oldest first.
type untold struct {
	id      exchange.HoldID
	numbers []uint64
	commits []bool // of each number
	due     exchange.Time
	pauses  backoff.Doubling
	place   int // in due; -1 = its first is under way
}

type dueUntold []*untold

func (d dueUntold) Len() int { return len(d) }
func (d dueUntold) Less(i, j int) bool {
	if d[i].due != d[j].due {
		return d[i].due < d[j].due
	}
	return d[i].numbers[0] < d[j].numbers[0]
}
func (d dueUntold) Swap(i, j int) { d[i], d[j] = d[j], d[i]; d[i].place, d[j].place = i, j }
func (d *dueUntold) Push(v any)   { q := v.(*untold); q.place = len(*d); *d = append(*d, q) }
func (d *dueUntold) Pop() any {
	q := (*d)[len(*d)-1]
	*d, q.place = (*d)[:len(*d)-1], -1
	return q
}

// load reads the outbox at the opening.
func (o *told) load(x *Bridged) error {
	for row, err := range record.Rows[record.Bridged](x.store, x.codec, kv.Prefix([]byte(record.PrefixBridged))) {
		if err != nil {
			return exchange.Errorf(exchange.CodeInternal, "what is to be told to the shop's own system is unreadable: %w", err)
		}
		number, ok := record.ParseBridgedKey(row.Key)
		if !ok {
			return exchange.Errorf(exchange.CodeInternal, "%x is no key of the outbox to the shop's own system", row.Key)
		}
		o.add(row.Record.ID, number, row.Record.Commit, x.clock.Now())
		x.number = max(x.number, number)
	}
	return nil
}

// add takes a committed message, at the end of its id's.
func (o *told) add(id exchange.HoldID, number uint64, commit bool, now exchange.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	q := o.queues[id]
	if q == nil {
		q = &untold{id: id, due: now, place: -1}
		o.queues[id] = q
	}
	q.numbers, q.commits = append(q.numbers, number), append(q.commits, commit)
	if o.all++; len(q.numbers) == 1 {
		heap.Push(&o.due, q)
	}
}

// answered drops the first message of an id, which the system has answered.
func (o *told) answered(id exchange.HoldID, number uint64, now exchange.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	q := o.queues[id]
	if q == nil || q.numbers[0] != number {
		return
	}
	q.numbers, q.commits = q.numbers[1:], q.commits[1:]
	o.all--
	if len(q.numbers) == 0 {
		delete(o.queues, id)
		return
	}
	q.due = now
	q.pauses.Reset()
	heap.Push(&o.due, q)
}

// unanswered plans the first message of each id again.
func (o *told) unanswered(ids []exchange.HoldID, now exchange.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range ids {
		if q := o.queues[id]; q != nil && q.place < 0 {
			q.due = now.Add(q.pauses.Next())
			heap.Push(&o.due, q)
		}
	}
}

// carried takes how many messages a call carried, and whether it was answered.
func (o *told) carried(n int, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case !ok:
		o.most = max(1, n/4)
	case o.most != 0:
		if o.most *= 2; o.most >= bridge.MaxBatch {
			o.most = 0
		}
	}
}

// next is when the next message is due; 0 = there is none that waits.
func (o *told) next(now exchange.Time) exchange.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.due) == 0 {
		return 0
	}
	if latest := now.Add(backoff.Longest); o.due[0].due > latest { // the clock has fallen back
		for _, q := range o.due {
			q.due = min(q.due, latest)
		}
		heap.Init(&o.due)
	}
	return o.due[0].due
}

// take takes up to most messages that are due, all of one kind, at most one of each id.
func (o *told) take(x *Bridged, now exchange.Time, most int) (list []tell, commits bool) {
	o.mu.Lock()
	if o.most > 0 {
		most = min(most, o.most)
	}
	var taken, other []*untold
	for len(o.due) > 0 && len(taken) < most && len(other) < bridge.MaxBatch && o.due[0].due <= now {
		q := heap.Pop(&o.due).(*untold)
		if len(taken) == 0 {
			commits = q.commits[0]
		}
		if q.commits[0] != commits {
			other = append(other, q)
			continue
		}
		taken = append(taken, q)
	}
	for _, q := range other {
		heap.Push(&o.due, q)
	}
	numbers := make([]uint64, len(taken))
	for i, q := range taken {
		numbers[i] = q.numbers[0]
	}
	o.mu.Unlock()
	var failed []exchange.HoldID
	for i, q := range taken {
		msg, err := record.Get[record.Bridged](x.store, x.codec, record.BridgedKey(numbers[i]))
		if err != nil || msg == nil {
			x.log.Error("what is to be told to the shop's own system cannot be read", "id", q.id, "number", numbers[i], "err", err)
			failed = append(failed, q.id)
			continue
		}
		list = append(list, tell{numbers[i], msg})
	}
	o.unanswered(failed, now)
	return list, commits
}

func (o *told) has(id exchange.HoldID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.queues[id] != nil
}

func (o *told) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all
}

// size is how many messages there are, and when the oldest was queued.
func (o *told) size(x *Bridged) (n int, oldest exchange.Time) {
	for row, err := range record.Rows[record.Bridged](x.store, x.codec, kv.Prefix([]byte(record.PrefixBridged))) {
		if err == nil {
			oldest = row.Record.At
		}
		break
	}
	return o.count(), oldest
}

// answered takes what came of a call of the outbox into the records.
func (x *Bridged) answered(ctx context.Context, c *BridgeCall) {
	now := x.clock.Now()
	x.outbox.carried(len(c.told), c.err == nil)
	var again []exchange.HoldID
	var done []tell
	for _, t := range c.told {
		if answer, known := c.answers[t.msg.ID]; known && (answer.OK || answer.Problem != bridge.Busy) {
			done = append(done, t)
			continue
		}
		again = append(again, t.msg.ID)
	}
	for len(done) > 0 {
		some := done[:min(len(done), settledAtOnce)]
		done = done[len(some):]
		err := x.writer.Do(ctx, func(b *writer.Batch) error {
			for _, t := range some {
				if err := x.answerOne(b, t, c.answers[t.msg.ID]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			x.log.Error("what the shop's own system answered is not noted; it is told again", "messages", len(some), "err", err)
			for _, t := range some {
				again = append(again, t.msg.ID)
			}
		}
	}
	x.outbox.unanswered(again, now)
}

func (x *Bridged) answerOne(b *writer.Batch, t tell, answer bridge.Answer) error {
	b.Delete(record.BridgedKey(t.number))
	b.Then(messageAnswered{t.msg.ID, t.number})
	if !t.msg.Commit {
		return nil
	}
	row, ok, err := x.rows.Get(b, t.msg.ID)
	if err != nil || !ok {
		return err
	}
	if answer.OK {
		return x.committed(b, t.msg.ID, row)
	}
	return x.denied(b, t.msg.ID, row, answer)
}

// committed: the system has the goods of an order, which is accepted now, unless the owner does
// that by hand.
func (x *Bridged) committed(b *writer.Batch, id exchange.OrderID, row record.Asked) error {
	row.Sure, row.Denied, row.At = true, false, b.Now()
	x.rows.Set(b, id, row)
	if row.Retailer == x.me || x.supplier.policy.Load().AcceptByHand {
		return nil
	}
	o, err := x.orders.get(b, orderID{exchange.Supplier, id, row.Retailer})
	if err != nil || o == nil || o.Order.Status() != order.Submitted {
		return err
	}
	return x.ledgers.attemptQuietly(b, func(b *writer.Batch) error {
		return x.ledgers.perform(b, ledger.ID{Supplier: x.me, Retailer: row.Retailer}, message.AcceptOrder{Order: id})
	})
}

// noGoods is what a retailer is told of an order whose goods the system does not have.
const noGoods = "the supplier's own system does not have the goods any more"

// denied: the system does not have the goods of an order. It had said that it sets them aside, so
// this is an alarm. One that is accepted already stays so, for the owner to see to.
func (x *Bridged) denied(b *writer.Batch, id exchange.OrderID, row record.Asked, answer bridge.Answer) error {
	row.Denied, row.At = !row.Sure, b.Now()
	x.rows.Set(b, id, row)
	x.catchUp.alarm(func(c *catchUp) { c.denied++ })
	why := string(answer.Problem)
	for _, s := range answer.Short {
		why += " " + s.String()
	}
	x.log.Error("the shop's own system says no to an order of goods that it had set aside", "order", id, "partner", row.Retailer, "accepted", row.Sure, "why", why)
	b.Then(event.Bridge{At: b.Now(), Status: event.BridgeDenied, Partner: row.Retailer, Order: id, Detail: why})
	o, err := x.orderOf(b, id, row.Retailer)
	if err != nil || o == nil || row.Retailer == x.me || o.Order.Status() != order.Submitted {
		return err
	}
	return x.ledgers.attemptQuietly(b, func(b *writer.Batch) error {
		return x.ledgers.perform(b, ledger.ID{Supplier: x.me, Retailer: row.Retailer}, message.RejectOrder{Order: id, Reason: noGoods})
	})
}

// askedBefore is the rows of asks of windows before one.
func askedBefore(old exchange.Window) kv.Range {
	return kv.Range{From: []byte(record.PrefixAsked), To: record.AskedKey(exchange.NewHoldID(old, [12]byte{}))}
}

// askedFrom is the rows of asks whose ids come after one, up to and with another; a zero last has no
// end.
func askedFrom(after, last exchange.HoldID) kv.Range {
	r := kv.Range{From: append(bytes.Clone(record.AskedKey(after)), 0), To: kv.Prefix([]byte(record.PrefixAsked)).To}
	if after.IsZero() {
		r.From = []byte(record.PrefixAsked)
	}
	if !last.IsZero() {
		r.To = append(bytes.Clone(record.AskedKey(last)), 0)
	}
	return r
}
