package feed

import (
	"bytes"
	"maps"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bucket"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
)

const (
	// maxKnownMarks bounds the marks that add learns: at some 100 bytes each, 6.5 MB. Marks
	// that refill reads may come on top, 0.4 MB.
	maxKnownMarks = 65_536
	// refillMarks is how many marks one operation reads from the store, at 1 µs each: 4,096
	// hold the writer up for 4 ms.
	refillMarks = 4_096
	// refillTurns is how many operations pass at most between two reads from the store: 16,
	// which drain the marks that one read brought.
	refillTurns = refillMarks / MaxPublish
)

// markSet is the publisher's in-memory copy of the dirty marks. It saves scans: a drained
// mark stays in the store's way as a deletion until the store compacts, and stepping over
// 100,000 deletions takes 30 ms. Marks are read from the store once after a start, and when
// there are more than max.
//
// Invariant: a committed mark
//   - is in known, or
//   - has a key ≥ cursor and unread is set (this pass will read it), or
//   - has a key < cursor and again is set (another pass follows).
//
// Only the writer's turn uses a markSet. add and drop follow the commit of the mark.
type markSet struct {
	known map[uint32]map[exchange.SKU]struct{} // by bucket
	count int                                  // of the marks in known
	max   int                                  // of the marks that add learns
	turns int                                  // calls of refill
	next  uint32                               // the bucket to drain next, so that all get their turn
	added bool                                 // add was called since quiet was

	unread bool   // a pass over the store is under way
	cursor []byte // the key where the pass goes on
	again  bool   // another pass must follow
}

// newMarkSet knows no mark yet and will read the store: a shop that starts may have marks
// from its last run.
func newMarkSet() *markSet {
	return &markSet{known: make(map[uint32]map[exchange.SKU]struct{}), max: maxKnownMarks, unread: true, cursor: []byte(record.PrefixDirty)}
}

func (m *markSet) has(sku exchange.SKU) bool {
	_, ok := m.known[catalog.BucketOf(sku)][sku]
	return ok
}

// add learns a mark that is committed.
func (m *markSet) add(sku exchange.SKU) {
	m.added = true
	bucket := catalog.BucketOf(sku)
	if _, ok := m.known[bucket][sku]; ok {
		return
	}
	switch {
	case m.count < m.max:
		m.learn(bucket, sku)
	case !m.unread:
		m.unread, m.cursor = true, []byte(record.PrefixDirty)
	case bytes.Compare(dirtyKey(sku), m.cursor) < 0:
		m.again = true
	}
}

// quiet reports whether nothing was marked since quiet was called last.
func (m *markSet) quiet() bool {
	added := m.added
	m.added = false
	return !added
}

func (m *markSet) learn(bucket uint32, sku exchange.SKU) {
	if m.known[bucket] == nil {
		m.known[bucket] = make(map[exchange.SKU]struct{})
	}
	m.known[bucket][sku] = struct{}{}
	m.count++
}

// drop forgets a mark whose removal is committed.
func (m *markSet) drop(sku exchange.SKU) {
	bucket := catalog.BucketOf(sku)
	marks := m.known[bucket]
	if _, ok := marks[sku]; !ok {
		return
	}
	m.count--
	if delete(marks, sku); len(marks) == 0 {
		delete(m.known, bucket)
	}
}

// refill reads marks from the store while unread is set: when fewer than n are known, and at
// every refillTurns-th call, even beyond max. Without the latter, products that change all
// the time would keep the marks in the store from ever being drained.
func (m *markSet) refill(store kv.Store, n int) error {
	room := m.max - m.count
	m.turns++
	if due := m.turns%refillTurns == 0; due {
		room += refillMarks
	} else if m.count >= n {
		return nil
	}
	if !m.unread {
		return nil
	}
	room = min(refillMarks, room)
	end := true
	r := kv.Range{From: m.cursor, To: kv.Prefix([]byte(record.PrefixDirty)).To}
	for row, err := range kv.Rows(store, r) {
		if err != nil {
			return err
		}
		if room <= 0 {
			m.cursor, end = bytes.Clone(row.Key), false
			break
		}
		if sku := markedBy(row.Key); sku != "" && !m.has(sku) {
			m.learn(catalog.BucketOf(sku), sku)
		}
		room--
	}
	if end {
		m.unread, m.again, m.cursor = m.again, false, []byte(record.PrefixDirty)
	}
	return nil
}

// some returns up to n marks in bucket order and goes on where the last call ended. So a large
// import reads each bucket once, not once for every product, and holds up no bucket for
// good. more reports that marks are left.
func (m *markSet) some(store kv.Store, n int) (skus []exchange.SKU, more bool, err error) {
	if err := m.refill(store, n); err != nil {
		return nil, false, err
	}
	buckets := slices.Sorted(maps.Keys(m.known))
	first, _ := slices.BinarySearch(buckets, m.next)
	for i := range buckets {
		bucket := buckets[(first+i)%len(buckets)]
		m.next = bucket
		marks := slices.Sorted(maps.Keys(m.known[bucket]))
		if skus = append(skus, marks[:min(len(marks), n-len(skus))]...); len(skus) == n {
			break
		}
	}
	return skus, m.unread || m.count > len(skus), nil
}

func dirtyKey(sku exchange.SKU) []byte { return bucket.Key(record.PrefixDirty, sku) }

// markedBy is the product of a mark's key; empty where the key is too short for one.
func markedBy(key []byte) exchange.SKU {
	const head = len(record.PrefixDirty) + 2 // and the bucket
	return exchange.SKU(key[min(head, len(key)):])
}
