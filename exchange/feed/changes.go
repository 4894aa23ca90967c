package feed

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
)

// Change is the latest change of a product that the catalog tells of.
type Change struct {
	SKU     exchange.SKU
	Removed bool // off sale
}

// Place is how far somebody has read the feed's changes; zero = nothing.
type Place struct {
	catalog.Position
	// Begun is the sequence at which the feed stood as the reading began: of what was removed before
	// that, the reader never knew.
	Begun uint64
}

// Changes are the latest changes of at most n products after a place in the feed, in their order,
// the place after them, and whether there are more. A product that has changed again is at its
// later place alone. From the zero place on they are all products that there are, and then what
// changes. The error is CodeTooOld where the feed has begun another epoch or does not reach back
// as far, so that a change may be missing: begin again at the zero place.
func (f *Feed) Changes(after Place, n int) (list []Change, to Place, more bool, err error) {
	to = after
	before, err := f.meta()
	if err != nil {
		return nil, to, false, err
	}
	if to.Sequence == 0 {
		to = Place{catalog.Position{Epoch: before.Epoch}, before.Sequence}
	}
	if to.Sequence > before.Sequence {
		return nil, to, false, errBegunAgain
	}
	for row, err := range kv.Rows(f.cfg.Store, kv.Range{From: changeKey(to.Sequence + 1), To: kv.Prefix([]byte(prefixChange)).To}) {
		if err != nil {
			return nil, to, false, err
		}
		if more = len(list) == n; more {
			break
		}
		it, err := parseChange(row.Key, row.Value)
		if err != nil {
			return nil, to, false, err
		}
		to.Sequence = it.Sequence
		if gone := len(it.Record) == 0; !gone || it.Sequence > to.Begun {
			list = append(list, Change{it.SKU, gone})
		}
	}
	now, err := f.meta() // it may have begun again, or forgotten removals, until it was read
	if err == nil && (now.Epoch != to.Epoch || now.Floor > max(after.Sequence, to.Begun)) {
		err = errBegunAgain
	}
	return list, to, more, err
}

var errBegunAgain = exchange.Errorf(exchange.CodeTooOld, "the catalog's changes do not reach back to that place any more")
