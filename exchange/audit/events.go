package audit

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/record"
)

// eventLog is how much of the event log was read.
type eventLog struct {
	rows       int
	first, end uint64 // numbers of its first and of its last event
	at         exchange.Time
}

// events reads a row of the event log. Scans run in the order of the numbers.
func (r reader) events(key, value []byte) {
	first, ok := record.ParseEventsKey(append([]byte(record.PrefixEvents), key...))
	v := decode[record.Events](r, value)
	if !ok {
		r.f.fault(Records, "its key has a wrong length")
	}
	if !ok || v == nil {
		return
	}
	log := &r.Books.events
	if log.rows > 0 && (first != log.end+1 || v.At < log.at) {
		r.f.fault(Records, "it begins at event %d at %v; the row before ended at event %d at %v", first, v.At, log.end, log.at)
	}
	if log.rows++; log.rows == 1 {
		log.first = first
	}
	log.end, log.at = first+uint64(len(v.List))-1, v.At
}

// checkEvents holds the event log against what the shop's own bookkeeping says of it.
func (b *Books) checkEvents(f notes) {
	log, meta := b.events, b.Meta
	f = f.at("the event log")
	switch {
	case log.rows == 0 && meta.LastEvent != meta.PrunedEvent:
		f.fault(Records, "its events %d to %d are missing", meta.PrunedEvent+1, meta.LastEvent)
	case log.rows > 0 && (log.first != meta.PrunedEvent+1 || log.end != meta.LastEvent):
		f.fault(Records, "it has events %d to %d; it should have %d to %d", log.first, log.end, meta.PrunedEvent+1, meta.LastEvent)
	}
}
