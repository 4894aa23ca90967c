package event

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/wake"
	"github.com/souk-market/souk/exchange/writer"
)

const (
	// Kept is how long the log keeps an event.
	Kept = 30 * 24 * time.Hour
	// MaxKept is how many events the log keeps: some 200 MB.
	MaxKept = 1_000_000

	// rowEvents and rowBytes bound a row, well below protocol.MaxRecord. A batch that tells more has
	// several.
	rowEvents = 256
	rowBytes  = 64 << 10
)

// LogConfig is what a Log is made of. Everything is required.
type LogConfig struct {
	Store    kv.Store
	Codec    message.Codec
	Clock    exchange.Clock
	Watchers *Watchers
	Logger   *slog.Logger
}

// Log is the shop's durable event log. Its methods are safe for concurrent use; methods that
// take a batch belong to the writer's turn.
type Log struct {
	cfg      LogConfig
	writer   *writer.Writer
	maxKept  uint64
	extent   atomic.Pointer[extent] // as committed
	found    exchange.Time          // of the newest commit in the store as it was opened
	prune    *writer.Table[struct{}, pruned]
	crowded  wake.Signal // more is kept than may be
	finished bool        // writer's turn only: the Started of this opening is committed
}

// extent is what the log has.
type extent struct {
	pruned
	last      ID
	lastStart uint64 // the number of the newest Started
}

// pruned is the newest event that was deleted.
type pruned struct{ upTo ID }

// appended: a batch has added events to the log, or deleted some.
type appended struct {
	extent extent
	first  uint64 // the number of the first of events
	events []kept
}

// OpenLog reads where the log of a store begins and ends; meta is the store's, which may be its
// zero value.
func OpenLog(cfg LogConfig, meta record.Meta) (*Log, error) {
	l := &Log{cfg: cfg, maxKept: MaxKept, found: meta.Written, crowded: wake.New()}
	x := extent{pruned: pruned{ID{meta.PrunedAt, meta.PrunedEvent}}, lastStart: meta.LastStart}
	x.last = ID{Number: meta.LastEvent}
	// The newest row may end later than meta says: a version before the log, run on the store in
	// between, has dropped the fields.
	row, ok, err := l.rowBefore(^uint64(0))
	switch {
	case err != nil:
		return nil, err
	case ok:
		x.last = ID{row.at, max(row.end(), x.last.Number)}
	case x.last.Number == x.upTo.Number:
		x.last.At = x.upTo.At
	}
	l.extent.Store(&x)
	return l, nil
}

// Attach connects the log to the writer whose batches it is a part of, before the writer runs.
func (l *Log) Attach(w *writer.Writer) {
	l.writer = w
	l.prune = writer.NewTable(w, writer.Rows[struct{}, pruned]{})
}

// Stamp adds to a batch the row of the events that are among its effects, and to meta where the
// log ends. It is the last that changes the batch.
func (l *Log) Stamp(b *writer.Batch, meta *record.Meta) error {
	next := *l.extent.Load()
	done := appended{first: next.last.Number + 1}
	if !l.finished {
		done.events = append(done.events, Started{At: b.Now(), Found: l.found, Previous: next.lastStart})
		next.lastStart = done.first
	}
	for e := range b.Effects() {
		if e, ok := e.(kept); ok {
			done.events = append(done.events, e)
		}
	}
	if p, ok, err := l.prune.Get(b, struct{}{}); err != nil {
		return err
	} else if ok {
		next.pruned = p
	}
	if err := l.put(b, done); err != nil {
		return err
	}
	if n := uint64(len(done.events)); n > 0 {
		next.last = ID{b.Now(), next.last.Number + n}
	}
	meta.LastEvent, meta.LastStart = next.last.Number, next.lastStart
	meta.PrunedEvent, meta.PrunedAt = next.upTo.Number, next.upTo.At
	if next != *l.extent.Load() {
		done.extent = next
		b.Then(done)
	}
	return nil
}

// put adds the rows of the events.
func (l *Log) put(b *writer.Batch, done appended) error {
	first, bytes := done.first, 0
	row := record.Events{At: b.Now()}
	for i, e := range done.events {
		v := e.stored()
		if v.At == row.At {
			v.At = 0
		}
		row.List = append(row.List, v)
		if s, ok := e.(writer.Sized); ok {
			bytes += s.Size()
		}
		if len(row.List) < rowEvents && bytes < rowBytes && i+1 < len(done.events) {
			continue
		}
		if err := record.Put(b, l.cfg.Codec, record.EventsKey(first), &row); err != nil {
			return err
		}
		first, bytes, row.List = first+uint64(len(row.List)), 0, nil
	}
	return nil
}

// Apply carries out an effect of a batch that is durable: it tells watchers and followers. It
// reports whether the effect is an event or one of the log's.
func (l *Log) Apply(e writer.Effect) bool {
	switch e := e.(type) {
	case kept: // told with its number, below
	case Event:
		l.cfg.Watchers.Notify(e)
	case appended:
		l.finished = true
		l.extent.Store(&e.extent)
		for i, event := range e.events {
			l.cfg.Watchers.tell(Told{ID{e.extent.last.At, e.first + uint64(i)}, event})
		}
		if e.extent.last.Number-e.extent.upTo.Number > l.maxKept {
			l.crowded.Set()
		}
	default:
		return false
	}
	return true
}

// Last is the place after the newest event.
func (l *Log) Last() ID { return l.extent.Load().last }

// row is a stored row.
type row struct {
	first  uint64
	at     exchange.Time
	events []record.Event
}

// end is the number of the row's last event.
func (r row) end() uint64 { return r.first + uint64(len(r.events)) - 1 }

// parseRow reads a row; where it is damaged, only its first number.
func (l *Log) parseRow(key, value []byte) (row, error) {
	first, ok := record.ParseEventsKey(key)
	if !ok {
		return row{}, exchange.Errorf(exchange.CodeInternal, "a key of the event log is damaged")
	}
	rec, err := record.Decode[record.Events](l.cfg.Codec, value)
	if err != nil {
		return row{first: first}, err
	}
	return row{first, rec.At, rec.List}, nil
}

// rowBefore is the newest readable row that begins at number n or before.
func (l *Log) rowBefore(n uint64) (found row, ok bool, err error) {
	r := kv.Range{From: record.EventsKey(0), To: append(record.EventsKey(n), 0), Reverse: true}
	for stored, err := range kv.Rows(l.cfg.Store, r) {
		if err != nil {
			return row{}, false, err
		}
		if found, err = l.parseRow(stored.Key, stored.Value); err == nil {
			return found, true, nil
		}
	}
	return row{}, false, nil
}
