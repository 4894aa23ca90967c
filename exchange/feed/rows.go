package feed

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
)

// Prefixes of the feed's rows, which the package's doc describes.
const (
	prefixChange    = "c/c/"
	prefixItem      = "c/i/"
	prefixTombstone = "c/t/"
	prefixGroup     = "c/g/"
)

var keyFeed = []byte("c/f")

func changeKey(seq uint64) []byte { return kv.Key(prefixChange, kv.Uint64(seq)) }

func changeRow(sku exchange.SKU, record []byte) []byte {
	row := make([]byte, 0, 2+len(sku)+len(record))
	row = binary.BigEndian.AppendUint16(row, uint16(len(sku)))
	row = append(row, sku...)
	return append(row, record...)
}

// parseChange copies a c/c row into an item.
func parseChange(key, row []byte) (message.FeedItem, error) {
	if len(key) != len(prefixChange)+8 || len(row) < 2 || len(row)-2 < int(binary.BigEndian.Uint16(row)) {
		return message.FeedItem{}, exchange.Errorf(exchange.CodeInternal, "a catalog change of %d bytes is damaged", len(row))
	}
	n := 2 + int(binary.BigEndian.Uint16(row))
	return message.FeedItem{
		Sequence: binary.BigEndian.Uint64(key[len(prefixChange):]),
		SKU:      exchange.SKU(row[2:n]),
		Record:   slices.Clone(row[n:]),
	}, nil
}

// itemRow reads a c/i row: the sequence and, for a live product, the record's hash.
func itemRow(row []byte) (seq uint64, hash catalog.Digest, live bool, err error) {
	switch len(row) {
	case 8:
	case 8 + sha256.Size:
		live = true
		hash = catalog.Digest(row[8:])
	default:
		return 0, hash, false, exchange.Errorf(exchange.CodeInternal, "a catalog item of %d bytes is damaged", len(row))
	}
	return binary.BigEndian.Uint64(row), hash, live, nil
}
