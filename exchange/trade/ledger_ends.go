package trade

import (
	"sync"

	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/record"
)

// ledgerEnds are the durable records of all ledgers, in memory: an order asks six times how
// far a ledger is, outside the writer's turn. At some 1 KB each, a thousand partners take 2 MB.
// A record that was set is not changed any more.
type ledgerEnds struct {
	mu sync.RWMutex
	of map[ledger.ID]*record.Ledger
}

func (e *ledgerEnds) set(id ledger.ID, rec *record.Ledger) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.of[id] = rec
}

// load reads the records of a store.
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

// committed is the durable record of a ledger, for reading only; nil where nobody has written
// to it.
func (l *Ledgers) committed(id ledger.ID) *record.Ledger {
	l.ends.mu.RLock()
	defer l.ends.mu.RUnlock()
	return l.ends.of[id]
}
