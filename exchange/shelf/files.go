package shelf

import (
	"sync"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// files counts the steps in which files were read, those of imports that run too.
type files struct {
	store kv.Store
	codec message.Codec

	mu      sync.Mutex
	loaded  bool
	steps   uint64
	pending map[string]pendingFile // by source
}

// pendingFile is a file that is being read, or that was not read to its end.
type pendingFile struct {
	steps uint64
	at    exchange.Time // of the newest step
}

// read notes a step of an import.
func (f *files) read(source string, now exchange.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.pending[source]
	p.steps, p.at = p.steps+1, now
	f.pending[source] = p
	f.steps++
}

// coming is when a file of a source that was not read to its end was read last; 0 = there is none.
func (f *files) coming(source string) exchange.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pending[source].at
}

// ending is how many steps the file of a source took until now.
func (f *files) ending(source string) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pending[source].steps
}

// ended notes that so many steps of a source stand in its record.
func (f *files) ended(source string, steps uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.pending[source]
	if p.steps -= min(steps, p.steps); p.steps == 0 {
		delete(f.pending, source)
		return
	}
	f.pending[source] = p
}

// count is how many steps there were, ever.
func (f *files) count() (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.loaded {
		for row, err := range record.Rows[record.Source](f.store, f.codec, kv.Prefix([]byte(record.PrefixSource))) {
			if err != nil {
				return 0, err
			}
			f.steps += row.Record.Steps
		}
		f.loaded = true
	}
	return f.steps, nil
}

// Revision counts the changes of a stock's shelf, and the files that were read: whoever writes what
// it made of the figures of one revision has seen all that was told until then. An import
// that finds a figure as it was writes nothing, so the stock's own revision does not show it.
func (s *Shelf) Revision(stock hold.Stock) (uint64, error) {
	steps, err := s.files.count()
	return stock.Revision + steps, err
}
