package replica

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
)

// place is a hit's position in the order of a search; a cursor encodes a place.
type place struct {
	score uint32
	shop  exchange.ShopID
	rest  string // of a ranked search the SKU, of a list the index key without its generation
}

func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(o.score, p.score), p.shop.Compare(o.shop), cmp.Compare(p.rest, o.rest))
}

var errCursor = exchange.Errorf(exchange.CodeInvalid, "the cursor is not one of this query; start again without it")

// Cursors are version (1) ‖ score (4) ‖ shop (32) ‖ rest, in base64url.
const (
	cursorRanked = 1
	cursorListed = 2
	cursorHead   = 1 + 4 + 32
	maxCursor    = cursorHead + 1 + catalog.MaxToken + 1 + exchange.MaxSKU + 16
)

func (p place) cursor() string {
	version := byte(cursorListed)
	if p.score > 0 {
		version = cursorRanked
	}
	b := binary.BigEndian.AppendUint32([]byte{version}, p.score)
	b = append(b, p.shop[:]...)
	return base64.RawURLEncoding.EncodeToString(append(b, p.rest...))
}

func parseCursor(text string, ranked bool) (*place, error) {
	if text == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) <= cursorHead || len(b) > maxCursor {
		return nil, errCursor
	}
	p := &place{score: binary.BigEndian.Uint32(b[1:]), rest: string(b[cursorHead:])}
	copy(p.shop[:], b[5:])
	want := byte(cursorListed)
	if ranked {
		want = cursorRanked
	}
	if b[0] != want || (p.score > 0) != ranked || !ranked && b[cursorHead] != tokenTitle[0] {
		return nil, errCursor
	}
	return p, nil
}
