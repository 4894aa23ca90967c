package bucket

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
)

// SumOne digests one bucket of the rows under prefix ‖ bucket ‖ SKU, as it will be once the
// changed rows are committed. changed has products of this bucket only, by SKU.
func SumOne(store kv.Store, prefix []byte, bucket uint32, read RowReader, changed map[string]Row) (Sum, error) {
	h := catalog.NewBucketHash()
	add := slices.Sorted(maps.Keys(changed)) // those not hashed yet
	addFirst := func() error {
		sku := add[0]
		add = add[1:]
		row := changed[sku]
		if !row.Live {
			return nil
		}
		return h.Add([]byte(sku), row.Sequence, row.Hash)
	}
	at := GroupKey(prefix, uint16(bucket))
	for row, err := range kv.Rows(store, kv.Prefix(at)) {
		if err != nil {
			return Sum{}, err
		}
		sku := row.Key[len(at):]
		for len(add) > 0 && add[0] <= string(sku) {
			if err := addFirst(); err != nil {
				return Sum{}, err
			}
		}
		if _, replaced := changed[string(sku)]; replaced {
			continue
		}
		seq, hash, live, err := read(row.Value)
		if err == nil && live {
			err = h.Add(sku, seq, hash)
		}
		if err != nil {
			return Sum{}, err
		}
	}
	for len(add) > 0 {
		if err := addFirst(); err != nil {
			return Sum{}, err
		}
	}
	count := uint32(h.Count())
	return Sum{h.Sum(), count}, nil
}

// SumAll digests every bucket that has live products under prefix, in one scan.
func SumAll(store kv.Store, prefix []byte, read RowReader) (map[uint32]Sum, error) {
	sums := make(map[uint32]Sum)
	h := catalog.NewBucketHash()
	var bucket uint32
	flush := func() {
		if n := h.Count(); n > 0 {
			sums[bucket] = Sum{h.Sum(), uint32(n)}
		}
	}
	for row, err := range kv.Rows(store, kv.Prefix(prefix)) {
		if err != nil {
			return nil, err
		}
		rest := row.Key[len(prefix):]
		if len(rest) < 3 {
			return nil, exchange.Errorf(exchange.CodeInternal, "a catalog row has a key of %d bytes", len(row.Key))
		}
		if b := uint32(binary.BigEndian.Uint16(rest)); b != bucket {
			flush()
			bucket = b
		}
		seq, hash, live, err := read(row.Value)
		if err == nil && live {
			err = h.Add(rest[2:], seq, hash)
		}
		if err != nil {
			return nil, err
		}
	}
	flush()
	return sums, nil
}

// RowReader reads what a stored row adds to its bucket's digest; a row that is not live adds
// nothing.
type RowReader func(row []byte) (seq uint64, hash catalog.Digest, live bool, err error)

// Row is what a product will add to its bucket's digest; nothing if it is not live.
type Row struct {
	Sequence uint64
	Hash     catalog.Digest
	Live     bool
}
