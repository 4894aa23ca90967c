package event

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
)

// pageEvents is how many events of the log a follower has in memory before it reads on: with the
// rest of a row, some 100 KB.
const pageEvents = 256

// Follower is told the events of the log from a place on, each once and in order, and between
// them those that the log does not keep. It reads behind its own pace from the store, so it may
// be as slow as it likes; of events that the log does not keep it loses the oldest, as a watcher
// does. It belongs to one goroutine.
type Follower struct {
	log   *Log
	watch <-chan Told
	stop  func()

	next  uint64 // the number of the event that comes next
	after ID     // the place after all that was told
	queue []Told // read, and not told yet
	live  bool   // Live was told
}

// Follow is a follower of what happens from now on.
func (l *Log) Follow() *Follower {
	f := l.follower()
	f.begin(l.Last())
	f.live = true
	return f
}

// FollowAfter is a follower of what came after the event id, and then of what happens. Where the
// log has not that event, the follower is told a [Gap] first: after GapPruned comes all that the
// log has; after GapRestored what was committed after that event's time.
func (l *Log) FollowAfter(id ID) (*Follower, error) {
	f := l.follower()
	why, err := l.locate(id)
	if err == nil && why == "" {
		f.begin(id)
		return f, nil
	}
	x := l.extent.Load()
	from := x.upTo
	if err == nil && why == GapRestored {
		from, err = l.placeAt(id.At + 1)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	f.begin(from)
	f.gap(why)
	return f, nil
}

// FollowSince is a follower of what was committed at a time or later, and then of what happens.
// Where the log does not reach back as far, the follower is told a [Gap] first.
func (l *Log) FollowSince(at exchange.Time) (*Follower, error) {
	f := l.follower()
	from, err := l.placeAt(at)
	if err != nil {
		f.Close()
		return nil, err
	}
	f.begin(from)
	if upTo := l.extent.Load().upTo; upTo.Number > 0 && upTo.At >= at {
		f.gap(GapPruned)
	}
	return f, nil
}

// FollowUnknown is Follow, after a [Gap]: of a caller that names no place in a log.
func (l *Log) FollowUnknown() *Follower {
	f := l.follower()
	f.begin(l.Last())
	f.gap(GapUnknown)
	return f
}

func (l *Log) follower() *Follower {
	f := &Follower{log: l}
	f.watch, f.stop = l.cfg.Watchers.follow() // before the log's end is read, so that nothing is missed between
	return f
}

// Close ends the follower.
func (f *Follower) Close() { f.stop() }

func (f *Follower) begin(after ID) { f.after, f.next = after, after.Number+1 }

// gap queues a Gap at the follower's place.
func (f *Follower) gap(why GapReason) {
	f.queue = append(f.queue, Told{f.after, Gap{f.log.cfg.Clock.Now(), why}})
}

// After is the place after all that the follower was told: from there another goes on.
func (f *Follower) After() ID { return f.after }

// Next is the next event; it waits for one until ctx ends. The ID of a Gap and of Live is the
// place after them.
func (f *Follower) Next(ctx context.Context) (Told, error) {
	for {
		if len(f.queue) > 0 {
			t := f.queue[0]
			f.queue = f.queue[1:]
			if t.ID.Number != 0 {
				f.after = t.ID
			}
			if t.Event == nil { // of a newer version
				continue
			}
			return t, nil
		}
		if f.next <= f.log.Last().Number {
			if err := f.read(); err != nil {
				return Told{}, err
			}
			continue
		}
		if !f.live {
			f.live = true
			return Told{f.after, Live{f.log.cfg.Clock.Now()}}, nil
		}
		select {
		case t := <-f.watch:
			f.hear(t)
		case <-ctx.Done():
			return Told{}, ctx.Err()
		}
	}
}

// hear takes what happens. Events of the log that a full channel has dropped are read.
func (f *Follower) hear(t Told) {
	switch {
	case t.ID.Number == f.next:
		f.next++
	case t.ID.Number != 0:
		return // it was read before, or will be with those before it
	}
	f.queue = append(f.queue, t)
}

// read queues the next page of the log. The log has an event with the number next.
func (f *Follower) read() error {
	last := f.log.Last().Number
	page, err := f.log.Read(f.next, pageEvents)
	if err != nil {
		return err
	}
	for _, t := range page {
		if f.next < t.ID.Number {
			f.missed(ID{t.ID.At, t.ID.Number - 1})
		}
		f.queue, f.next = append(f.queue, t), t.ID.Number+1
	}
	if len(page) == 0 {
		f.missed(ID{f.log.Last().At, last})
	}
	return nil
}

// missed queues a Gap for the events from next to upTo, which the log has not any more.
func (f *Follower) missed(upTo ID) {
	why := GapDamaged
	if x := f.log.extent.Load(); f.next <= x.upTo.Number {
		why = GapPruned
		if upTo.Number == x.upTo.Number {
			upTo = x.upTo
		}
	}
	f.queue = append(f.queue, Told{upTo, Gap{f.log.cfg.Clock.Now(), why}})
	f.next = upTo.Number + 1
}

// Read is the events from a number on, at least most where there are as many, and those of whole
// rows. Rows of a commit that is not applied yet are not read: nobody is told a place that the log
// would not know, should the caller go on from there at once. It leaves out rows that are damaged: their numbers are missing. An event of a newer version
// is nil.
func (l *Log) Read(from uint64, most int) (page []Told, err error) {
	last := l.Last().Number
	r := kv.Prefix([]byte(record.PrefixEvents))
	switch row, ok, err := l.rowBefore(from); {
	case err != nil:
		return nil, err
	case ok:
		r.From = record.EventsKey(row.first)
	}
	for stored, err := range kv.Rows(l.cfg.Store, r) {
		if err != nil {
			return nil, err
		}
		row, err := l.parseRow(stored.Key, stored.Value)
		if err != nil {
			l.cfg.Logger.Error("a row of the event log is left out", "first", row.first, "err", err)
			continue
		}
		for i, v := range row.events {
			if n := row.first + uint64(i); n >= from && n <= last {
				page = append(page, Told{ID{row.at, n}, restored(v, row.at)})
			}
		}
		if len(page) >= most || row.first > last {
			break
		}
	}
	return page, nil
}

// locate says why the log has no place after the event id; "" where it has.
func (l *Log) locate(id ID) (GapReason, error) {
	x := l.extent.Load()
	switch {
	case id == x.upTo || id == x.last:
		return "", nil
	case id.Number > x.last.Number:
		return GapRestored, nil
	case id.Number <= x.upTo.Number:
		return GapPruned, nil
	}
	row, ok, err := l.rowBefore(id.Number)
	switch {
	case err != nil:
		return "", err
	case ok && id.Number <= row.end() && id.At != row.at:
		return GapRestored, nil
	}
	return "", nil // where its row is damaged, or was pruned just now, reading on tells the gap
}

// placeAt is the place before the first event that was committed at a time or later.
func (l *Log) placeAt(at exchange.Time) (ID, error) {
	x := l.extent.Load()
	low, high := x.upTo, x.last // low was committed before at; what follows high, at or after
	if high.At < at {
		return high, nil
	}
	for low.Number < high.Number {
		row, ok, err := l.rowBefore(low.Number + (high.Number-low.Number+1)/2)
		if err != nil {
			return ID{}, err
		}
		if !ok || row.end() <= low.Number { // pruned meanwhile, or damaged
			break
		}
		if row.at < at {
			low = ID{row.at, row.end()}
			continue
		}
		before, ok, err := l.rowBefore(row.first - 1)
		if err != nil {
			return ID{}, err
		}
		if !ok || before.end() <= low.Number {
			break
		}
		high = ID{before.at, before.end()}
		if high.At < at {
			return high, nil
		}
	}
	return low, nil
}
