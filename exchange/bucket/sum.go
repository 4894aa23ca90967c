package bucket

import (
	"encoding/binary"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
)

// SumOne digests one bucket of the rows under prefix ‖ bucket ‖ SKU, as they
// will be once changed is committed.
func SumOne(store kv.Store, prefix []byte, bucket uint32, read RowReader, changed map[string]Row) (Sum, error) {
	add := make([]string, 0, len(changed))
	for sku := range changed {
		add = append(add, sku)
	}
	slices.Sort(add)
	h := catalog.NewBucketHash()
	put := func(sku string) error {
		row := changed[sku]
		if !row.Live {
			return nil
		}
		return h.Add([]byte(sku), row.Sequence, row.Hash)
	}
	var failed error
	at := GroupKey(prefix, uint16(bucket))
	err := store.Scan(kv.Prefix(at), func(key, value []byte) bool {
		sku := key[len(at):]
		for len(add) > 0 && add[0] <= string(sku) && failed == nil {
			failed = put(add[0])
			add = add[1:]
		}
		if _, replaced := changed[string(sku)]; replaced || failed != nil {
			return failed == nil
		}
		seq, hash, live, err := read(value)
		if err == nil && live {
			err = h.Add(sku, seq, hash)
		}
		failed = err
		return failed == nil
	})
	for len(add) > 0 && err == nil && failed == nil {
		failed = put(add[0])
		add = add[1:]
	}
	if err == nil {
		err = failed
	}
	count := uint32(h.Count())
	return Sum{h.Sum(), count}, err
}

// SumAll digests every bucket that has rows under prefix, in one scan.
func SumAll(store kv.Store, prefix []byte, read RowReader) (map[uint32]Sum, error) {
	sums := make(map[uint32]Sum)
	h := catalog.NewBucketHash()
	var bucket uint32
	flush := func() {
		if n := h.Count(); n > 0 {
			sums[bucket] = Sum{h.Sum(), uint32(n)}
		}
	}
	var failed error
	err := store.Scan(kv.Prefix(prefix), func(key, value []byte) bool {
		rest := key[len(prefix):]
		if len(rest) < 3 {
			failed = exchange.Errorf(exchange.CodeInternal, "a catalog row has a key of %d bytes", len(key))
			return false
		}
		if b := uint32(binary.BigEndian.Uint16(rest)); b != bucket {
			flush()
			bucket = b
		}
		seq, hash, live, err := read(value)
		if err == nil && live {
			err = h.Add(rest[2:], seq, hash)
		}
		failed = err
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	flush()
	return sums, err
}

// RowReader reads a stored row's place in a bucket digest.
type RowReader func(row []byte) (seq uint64, hash catalog.Digest, live bool, err error)

// Row is a product's place in a bucket digest after the batch.
type Row struct {
	Sequence uint64
	Hash     catalog.Digest
	Live     bool
}
