package replica

import (
	"sync/atomic"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
)

// Key is the key of a shop's gossip; ok is false while this shop does not know the key.
func (r *Replicas) Key(shop exchange.ShopID) (key message.FeedKey, ok bool) {
	r.mu.Lock()
	p := r.shops[shop]
	r.mu.Unlock()
	if p == nil {
		return message.FeedKey{}, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.meta.Key, p.meta.Key != message.FeedKey{}
}

// SetKey records the key of a shop's gossip, as a greeting told it.
func (r *Replicas) SetKey(shop exchange.ShopID, key message.FeedKey) error {
	p := r.replica(shop)
	p.mu.Lock()
	defer p.mu.Unlock()
	return r.setKey(p, key)
}

func (r *Replicas) setKey(p *replica, key message.FeedKey) error {
	if p.gone || p.meta.Key == key {
		return nil
	}
	meta := p.meta
	meta.Key = key
	w, err := r.metaWrite(meta)
	if err != nil {
		return err
	}
	if err := r.commit([]kv.Write{w}); err != nil {
		return err
	}
	p.meta = meta
	return nil
}

// Status says where a replica stands.
type Status struct {
	Shop      exchange.ShopID
	Head      message.FeedHead // the head proven last; zero before the first
	Epoch     uint64           // of the live copy
	At        uint64           // changes applied to it
	Proven    bool             // equal to Head; false within a pull and after a mismatch
	Pulling   bool             // a full pull is under way
	Refreshed exchange.Time    // when the copy was last known equal to the supplier's feed
}

// Status is a shop's replica; ok is false where there is none.
func (r *Replicas) Status(shop exchange.ShopID) (s Status, ok bool) {
	r.mu.Lock()
	p := r.shops[shop]
	r.mu.Unlock()
	if p == nil {
		return s, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return Status{
		Shop: shop, Head: p.head, Epoch: p.live.Epoch, At: p.live.At, Proven: p.proven(),
		Pulling: p.pulling.Number != 0, Refreshed: p.meta.Refreshed,
	}, true
}

// Stats counts what happened to replicas since the start.
type Stats struct {
	Updates    uint64 // applied from gossip
	Pulls      uint64 // finished, and the copy proven
	FullPulls  uint64 // pulls that brought a whole set
	Mismatches uint64 // copies whose digest was not the signed digest
	Conflicts  uint64 // heads that state another set than an earlier head of the same position
	BadRecords uint64 // products that were kept and not shown
}

type stats struct {
	updates, pulls, fullPulls, mismatches, conflicts, badRecords atomic.Uint64
}

// Stats returns the counts since the start.
func (r *Replicas) Stats() Stats {
	s := &r.stats
	return Stats{s.updates.Load(), s.pulls.Load(), s.fullPulls.Load(), s.mismatches.Load(), s.conflicts.Load(), s.badRecords.Load()}
}
