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
	// maxKnownMarks bounds the marks learned as they are made: at some 100 bytes each,
	// 6.5 MB. Those read from the store may come on top, 0.4 MB.
	maxKnownMarks = 65_536
	// refillMarks is how many one operation reads from the store: 4,096 × 1 µs hold
	// the writer up for 4 ms.
	refillMarks = 4_096
	// refillTurns is how many operations pass at most between two reads from the store:
	// 4,096 / 256 = 16, which drain what one read brought.
	refillTurns = refillMarks / MaxPublish
)

// markSet is what the publisher knows of the dirty marks: most of them, or all, by
// bucket. The rows are the truth, but drained ones stay in the store's way as
// deletions until it compacts them, and 100,000 of those take 30 ms to step over. So a
// mark is read from the store only once after a start, or where there are more than fit.
//
// Every committed mark is in known, or lies at or behind 'at' while unread is set, or
// will after that pass, where again is set. Only the writer's turn touches it, after the
// commit that made it so.
type markSet struct {
	known map[uint32]map[exchange.SKU]struct{} // by bucket
	count int
	max   int    // maxKnownMarks: add learns no more
	turns int    // calls of refill
	next  uint32 // the bucket to drain next: all get their turn
	heard bool   // add was called since the last turn

	unread bool
	at     []byte
	again  bool
}

// newMarkSet knows nothing yet: a shop that starts may have marks from before.
func newMarkSet() *markSet {
	return &markSet{known: make(map[uint32]map[exchange.SKU]struct{}), max: maxKnownMarks, unread: true, at: []byte(record.PrefixDirty)}
}

func (m *markSet) has(sku exchange.SKU) bool {
	_, ok := m.known[catalog.BucketOf(sku)][sku]
	return ok
}

// add learns of a mark that is committed.
func (m *markSet) add(sku exchange.SKU) {
	m.heard = true
	bucket := catalog.BucketOf(sku)
	if _, ok := m.known[bucket][sku]; ok {
		return
	}
	switch {
	case m.count < m.max:
		m.learn(bucket, sku)
	case !m.unread:
		m.unread, m.at = true, []byte(record.PrefixDirty)
	case bytes.Compare(dirtyKey(sku), m.at) < 0:
		m.again = true
	}
}

// turn reports whether nothing was marked since it was called last.
func (m *markSet) turn() (quiet bool) {
	quiet, m.heard = !m.heard, false
	return quiet
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

// refill reads marks from the store where others may be there: when few are known, and
// every refillTurns calls however many are, or products that change all the time would
// keep those in the store there. Then it reads beyond max what add leaves alone.
func (m *markSet) refill(store kv.Store, n int) error {
	const head = len(record.PrefixDirty) + 2
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
	r := kv.Range{From: m.at, To: kv.Prefix([]byte(record.PrefixDirty)).To}
	for row, err := range kv.Rows(store, r) {
		if err != nil {
			return err
		}
		if room <= 0 {
			m.at, end = bytes.Clone(row.Key), false
			break
		}
		if sku := exchange.SKU(row.Key[min(head, len(row.Key)):]); sku != "" && !m.has(sku) {
			m.learn(catalog.BucketOf(sku), sku)
		}
		room--
	}
	if end {
		m.unread, m.again, m.at = m.again, false, []byte(record.PrefixDirty)
	}
	return nil
}

// some returns up to n marks in bucket order, going on where the last call ended, so
// that a large import re-reads each bucket once and not once for every product, and
// holds up no bucket for good. more reports that others are left.
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
