package replica

import (
	"bytes"
	"encoding/binary"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

// When a live copy learned of its products' latest changes, by this shop's clock: what a shop's
// own system asks for to follow the catalogs ([Query.UpdatedSince]).
//
//	u/ generation(4) 'b'                   time (8) ‖ horizon (8) ‖ removals (8)
//	u/ generation(4) 'p' ^time(8) sku      → nothing: a product that came or changed then
//	u/ generation(4) 'r' ^time(8) sku      → nothing: a product that was removed then
//	c/ generation(4) sku                   'p' or 'r' ‖ time (8): which row of the two
//
// A copy that is pulled as a whole is swapped in at its base time, and has no row for any product:
// each counts as changed then. So a first pull costs nothing here, and a change three writes.
// Removals before the horizon are forgotten: the base time or, where there were more than
// maxRemovals, the time of the latest that was dropped. Times of one copy never decrease.
const (
	prefixChanged  = "u/"
	prefixChangeOf = "c/"

	changeBase    = 'b'
	changePut     = 'p'
	changeRemoved = 'r'
)

// maxRemovals bounds the removals that a copy remembers, whatever a supplier puts up and takes
// down again: 10 MB. As many as its feed keeps tombstones would be of no use after a full pull.
const maxRemovals = 100_000

// changeLog is the state of a live copy's changes. It is brought up to date as the rows are made: a
// commit that the store refuses leaves it ahead, which at most has more told than changed.
type changeLog struct {
	base     exchange.Time
	horizon  exchange.Time
	removals uint64
	last     exchange.Time // the latest time given to a change
}

func changedPrefix(number uint32, kind byte) []byte {
	return append(generationKey(prefixChanged, number), kind)
}

func changedKey(number uint32, kind byte, at exchange.Time, sku exchange.SKU) []byte {
	return append(binary.BigEndian.AppendUint64(changedPrefix(number, kind), ^uint64(at)), sku...)
}

func changeOfKey(number uint32, sku exchange.SKU) []byte {
	return append(generationKey(prefixChangeOf, number), sku...)
}

func (l changeLog) write(number uint32) kv.Write {
	row := binary.BigEndian.AppendUint64(nil, uint64(l.base))
	row = binary.BigEndian.AppendUint64(row, uint64(l.horizon))
	return kv.Write{Key: changedPrefix(number, changeBase), Value: binary.BigEndian.AppendUint64(row, l.removals)}
}

// beginChanges is the log of a copy that is swapped in now.
func (r *Replicas) beginChanges() changeLog {
	now := r.clock.Now()
	return changeLog{base: now, horizon: now, last: now}
}

// openChanges reads the log of a live copy; ok is false where it has none.
func (r *Replicas) openChanges(number uint32) (l changeLog, ok bool, err error) {
	row, ok, err := r.store.Get(changedPrefix(number, changeBase))
	if err != nil || !ok || len(row) != 24 {
		return l, false, err
	}
	l.base = exchange.Time(binary.BigEndian.Uint64(row))
	l.horizon = exchange.Time(binary.BigEndian.Uint64(row[8:]))
	l.removals = binary.BigEndian.Uint64(row[16:])
	l.last = l.base
	for _, kind := range []byte{changePut, changeRemoved} {
		for row, err := range kv.Rows(r.store, kv.Prefix(changedPrefix(number, kind))) {
			if err != nil {
				return l, false, err
			}
			if at, _, ok := parseChanged(row.Key); ok {
				l.last = max(l.last, at)
			}
			break // the latest stands first
		}
	}
	return l, true, nil
}

const changedHead = len(prefixChanged) + 4 + 1 // before the time in a key

func parseChanged(key []byte) (at exchange.Time, sku exchange.SKU, ok bool) {
	if len(key) <= changedHead+8 {
		return 0, "", false
	}
	return exchange.Time(^binary.BigEndian.Uint64(key[changedHead:])), exchange.SKU(key[changedHead+8:]), true
}

// changeOf is what a copy noted of a product, if anything.
func (r *Replicas) changeOf(number uint32, sku exchange.SKU) (kind byte, at exchange.Time, ok bool, err error) {
	row, ok, err := r.store.Get(changeOfKey(number, sku))
	if err != nil || !ok || len(row) != 9 {
		return 0, 0, false, err
	}
	return row[0], exchange.Time(binary.BigEndian.Uint64(row[1:])), true, nil
}

// changed notes that a product of the live copy came, changed or was removed.
func (w *writes) changed(sku exchange.SKU, kind byte) error {
	log := &w.p.log
	before, at, ok, err := w.r.changeOf(w.g.Number, sku)
	if err != nil {
		return err
	}
	if ok {
		w.add(kv.Write{Key: changedKey(w.g.Number, before, at, sku), Delete: true})
		if before == changeRemoved && log.removals > 0 {
			log.removals--
		}
	}
	log.last = max(log.last, w.r.clock.Now())
	if kind == changeRemoved {
		log.removals++
		if log.removals > maxRemovals {
			w.r.crowded.Set()
		}
	}
	w.add(kv.Write{Key: changedKey(w.g.Number, kind, log.last, sku)})
	w.add(kv.Write{Key: changeOfKey(w.g.Number, sku), Value: binary.BigEndian.AppendUint64([]byte{kind}, uint64(log.last))})
	w.noted = w.noted || kind == changeRemoved || before == changeRemoved
	return nil
}

// dropRemovals forgets the oldest removals of a copy that has more than maxRemovals, at most n.
func (r *Replicas) dropRemovals(p *replica, n int) (more bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	over := min(int(p.log.removals)-maxRemovals, n)
	if over <= 0 || p.live.Number == 0 || p.gone {
		return false, nil
	}
	log, writes := p.log, []kv.Write{}
	rows := kv.Prefix(changedPrefix(p.live.Number, changeRemoved))
	rows.Reverse = true
	for row, err := range kv.Rows(r.store, rows) {
		if err != nil {
			return false, err
		}
		if over--; over < 0 {
			break
		}
		at, sku, ok := parseChanged(row.Key)
		writes = append(writes, kv.Write{Key: bytes.Clone(row.Key), Delete: true})
		if ok {
			writes = append(writes, kv.Write{Key: changeOfKey(p.live.Number, sku), Delete: true})
			log.horizon = max(log.horizon, at)
		}
		log.removals--
	}
	if err := r.commit(append(writes, log.write(p.live.Number))); err != nil {
		return false, err
	}
	p.log = log
	p.show()
	return int(log.removals) > maxRemovals, nil
}
