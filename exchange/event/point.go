package event

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/record"
)

// Point is a state of the store that somebody has read: what follows it is what they do not know.
type Point struct {
	ID      ID            // of the newest event then, or an earlier one
	Written exchange.Time // of the newest commit then
}

// Point is the state of the store now. Whoever reads first and calls it after that finds out by
// [Log.Has] that what they read was taken back.
func (l *Log) Point(id ID) (Point, error) {
	meta, err := l.meta()
	return Point{id, meta.Written}, err
}

// Has reports whether the store still has all that it had at a point, and the log all events
// since. It has not where a copy of the store was put back that is older, though nothing that
// was lost was an event: each opening of a store begins with a [Started], which says with what.
func (l *Log) Has(p Point) (bool, error) {
	why, err := l.locate(p.ID)
	if err != nil || why != "" {
		return false, err
	}
	meta, err := l.meta()
	if err != nil || meta.Written < p.Written {
		return false, err
	}
	for n := l.extent.Load().lastStart; n > p.ID.Number; {
		page, err := l.Read(n, 1)
		if err != nil || len(page) == 0 {
			return false, err
		}
		start, ok := page[0].Event.(Started)
		if !ok || start.Found < p.Written {
			return false, nil
		}
		n = start.Previous
	}
	return true, nil
}

// meta is the committed Meta record; zero before the first commit.
func (l *Log) meta() (record.Meta, error) {
	rec, err := record.Get[record.Meta](l.cfg.Store, l.cfg.Codec, record.KeyMeta)
	if err != nil || rec == nil {
		return record.Meta{}, err
	}
	return *rec, nil
}
