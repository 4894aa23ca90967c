package bucket

import (
	"encoding/binary"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
)

// Key is prefix ‖ bucket ‖ SKU: the key of a product's row.
func Key(prefix string, sku exchange.SKU) []byte {
	k := make([]byte, 0, len(prefix)+2+len(sku))
	k = append(k, prefix...)
	k = binary.BigEndian.AppendUint16(k, uint16(catalog.BucketOf(sku)))
	return append(k, sku...)
}

// GroupKey is prefix ‖ number: the key of a group's row, or what all keys of a bucket start with.
func GroupKey(prefix []byte, number uint16) []byte {
	return binary.BigEndian.AppendUint16(append(make([]byte, 0, len(prefix)+2), prefix...), number)
}
