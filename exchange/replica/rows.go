package replica

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bucket"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
)

const (
	prefixMeta  = "m/"
	prefixWork  = "w/"
	prefixGone  = "x/"
	prefixItem  = "i/"
	prefixGroup = "d/"
	prefixToken = "t/"
)

var keyNextGeneration = []byte("n")

func generationKey(prefix string, number uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte(prefix), number)
}

func itemKey(number uint32, sku exchange.SKU) []byte {
	return bucket.Key(string(generationKey(prefixItem, number)), sku)
}

func metaKey(shop exchange.ShopID) []byte { return kv.Key(prefixMeta, shop[:]) }

func workKey(shop exchange.ShopID) []byte { return kv.Key(prefixWork, shop[:]) }

// workWrite is the replica's w/ row.
func (p *replica) workWrite(live, pulling generation) kv.Write {
	row := live.append(make([]byte, 0, 2*generationBytes))
	return kv.Write{Key: workKey(p.shop), Value: pulling.append(row)}
}

func (r *Replicas) metaWrite(m record.Replica) (kv.Write, error) {
	raw, err := r.codec.Encode(&m)
	return kv.Write{Key: metaKey(m.Shop), Value: raw}, err
}

// itemRow reads an i/ row for a bucket digest; a copy has no rows of removed products.
func itemRow(row []byte) (seq uint64, hash catalog.Digest, live bool, err error) {
	if len(row) < 8 {
		return 0, hash, false, exchange.Errorf(exchange.CodeInternal, "a replicated product of %d bytes is damaged", len(row))
	}
	return binary.BigEndian.Uint64(row), sha256.Sum256(row[8:]), true, nil
}
