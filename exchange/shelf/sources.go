package shelf

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Now is the time by which the journals, readings and counts of the shelf are written. It never runs
// backwards: a file is dated by it, for what moved before must not seem to have moved after.
func (s *Shelf) Now() exchange.Time { return s.cfg.Writer.Now() }

// Source is what the last import of a source left; the zero Source with its name if there was
// none.
func (s *Shelf) Source(name string) (record.Source, error) {
	rec, err := record.Get[record.Source](s.cfg.Store, s.cfg.Codec, record.SourceKey(name))
	if err != nil || rec == nil {
		return record.Source{Name: name}, err
	}
	return *rec, nil
}

// SetSource records a source whose file was read to its end.
func (s *Shelf) SetSource(ctx context.Context, src record.Source) error {
	err := s.cfg.Writer.Do(ctx, func(b *writer.Batch) error {
		if err := s.files.put(b); err != nil {
			return err
		}
		return record.Put(b, s.cfg.Codec, record.SourceKey(src.Name), &src)
	})
	if err == nil {
		s.files.ended(src.Name)
	}
	return err
}

// Sources are all sources that were imported from, by name.
func (s *Shelf) Sources() ([]record.Source, error) {
	var list []record.Source
	for row, err := range record.Rows[record.Source](s.cfg.Store, s.cfg.Codec, kv.Prefix([]byte(record.PrefixSource))) {
		if err != nil {
			return nil, err
		}
		list = append(list, *row.Record)
	}
	return list, nil
}
