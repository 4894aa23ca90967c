package shelf

import (
	"encoding/binary"
	"sync"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// files counts the steps in which files were read, those of imports that run or failed too. Steps
// that changed nothing are written behind: a crash may forget those of the last fifth of a second.
type files struct {
	store  kv.Store
	writer *writer.Writer

	mu     sync.Mutex
	loaded bool
	steps  uint64
	queued bool                     // steps will be written
	coming map[string]exchange.Time // by source: when a file that was not read to its end was read last
}

// load reads the steps of before this start. mu is held.
func (f *files) load() error {
	if f.loaded {
		return nil
	}
	value, ok, err := f.store.Get(record.KeyFiles)
	if err != nil {
		return err
	}
	if ok && len(value) == 8 {
		f.steps = binary.BigEndian.Uint64(value)
	}
	f.loaded = true
	return nil
}

// read notes a step of an import.
func (f *files) read(source string, now exchange.Time) error {
	f.mu.Lock()
	if err := f.load(); err != nil {
		f.mu.Unlock()
		return err
	}
	f.steps++
	f.coming[source] = now
	first := !f.queued
	f.queued = true
	f.mu.Unlock()
	if first && !f.writer.WriteBehind(f.put, nil) {
		f.mu.Lock()
		f.queued = false
		f.mu.Unlock()
	}
	return nil
}

// put writes the steps.
func (f *files) put(b *writer.Batch) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queued = false
	if err := f.load(); err != nil {
		return err
	}
	b.Put(record.KeyFiles, binary.BigEndian.AppendUint64(nil, f.steps))
	return nil
}

// unfinished is when a file of a source that was not read to its end was read last; 0 = there is none.
func (f *files) unfinished(source string) exchange.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.coming[source]
}

// ended notes that the file of a source was read to its end.
func (f *files) ended(source string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.coming, source)
}

// count is how many steps there were, ever.
func (f *files) count() (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.load()
	return f.steps, err
}

// Revision counts the changes of a stock's shelf, and the steps in which files were read: whoever writes
// what it made of the figures of one revision has seen all that was told until then. An import
// that finds a figure as it was writes nothing, so the stock's own revision does not show it.
func (s *Shelf) Revision(stock hold.Stock) (uint64, error) {
	steps, err := s.files.count()
	return stock.Revision + steps, err
}
