package replica

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

// Drop forgets a shop's catalog, because the partnership ended. Sweep removes the rows.
func (r *Replicas) Drop(shop exchange.ShopID) error {
	r.mu.Lock()
	p := r.shops[shop]
	r.mu.Unlock()
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	writes := []kv.Write{{Key: metaKey(shop), Delete: true}, {Key: workKey(shop), Delete: true}}
	for _, g := range []generation{p.live, p.pulling} {
		if g.Number != 0 {
			writes = append(writes, kv.Write{Key: generationKey(prefixGone, g.Number)})
		}
	}
	if err := r.commit(writes); err != nil {
		return err
	}
	p.gone, p.session = true, nil
	p.show()
	r.mu.Lock()
	delete(r.shops, shop)
	r.mu.Unlock()
	return nil
}

// sweepKeys is how many keys one Sweep removes: a commit of some 200 KB.
const sweepKeys = 2000

// Sweep removes up to sweepKeys rows of a copy that nothing names any more, or of removals that
// are too many to remember. more asks for another call.
func (r *Replicas) Sweep() (more bool, err error) {
	var gone []byte
	for row, err := range kv.Rows(r.store, kv.Prefix([]byte(prefixGone))) {
		if err != nil {
			return false, err
		}
		gone = bytes.Clone(row.Key)
		break
	}
	if gone == nil {
		return r.sweepRemovals()
	}
	number := binary.BigEndian.Uint32(gone[len(prefixGone):])
	var writes []kv.Write
	for _, prefix := range []string{prefixToken, prefixItem, prefixGroup, prefixChanged, prefixChangeOf} {
		rows, err := r.deletions(generationKey(prefix, number), sweepKeys-len(writes))
		if err != nil {
			return false, err
		}
		writes = append(writes, rows...)
	}
	if len(writes) < sweepKeys {
		writes = append(writes, kv.Write{Key: gone, Delete: true})
	}
	return true, r.commit(writes)
}

// deletions are the writes that remove the first rows under prefix, at most n.
func (r *Replicas) deletions(prefix []byte, n int) ([]kv.Write, error) {
	var writes []kv.Write
	for row, err := range kv.Rows(r.store, kv.Prefix(prefix)) {
		if err != nil {
			return nil, err
		}
		if len(writes) == n {
			break
		}
		writes = append(writes, kv.Write{Key: bytes.Clone(row.Key), Delete: true})
	}
	return writes, nil
}

func (r *Replicas) sweepRemovals() (more bool, err error) {
	r.mu.Lock()
	shops := slices.Collect(maps.Values(r.shops))
	r.mu.Unlock()
	for _, p := range shops {
		again, err := r.dropRemovals(p, sweepKeys/2)
		if err != nil {
			return false, err
		}
		more = more || again
	}
	return more, nil
}
