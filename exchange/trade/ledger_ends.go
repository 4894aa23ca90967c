package trade

import (
	"sync"

	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/record"
)

// ledgerEnds are the committed records of all ledgers, in memory: each order asks six times
// where a ledger ends, outside the writer's turn. At some 1 KB each, a thousand partners take
// 2 MB. Invariant: a record in the map is never changed, only replaced.
type ledgerEnds struct {
	mu sync.RWMutex
	of map[ledger.ID]*record.Ledger
}

func (e *ledgerEnds) set(id ledger.ID, rec *record.Ledger) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.of[id] = rec
}

// load reads the records of all ledgers from the store.
func (l *Ledgers) load() error {
	l.ends.of = make(map[ledger.ID]*record.Ledger)
	for row, err := range record.Rows[record.Ledger](l.store, l.codec, kv.Prefix([]byte(record.PrefixLedger))) {
		if err != nil {
			return err
		}
		rec := row.Record
		l.ends.set(ledger.ID{Supplier: rec.Chain.Supplier, Retailer: rec.Chain.Retailer}, rec)
	}
	return nil
}

// committed is the committed record of a ledger, for reading only; nil where the ledger has
// none.
func (l *Ledgers) committed(id ledger.ID) *record.Ledger {
	l.ends.mu.RLock()
	defer l.ends.mu.RUnlock()
	return l.ends.of[id]
}
