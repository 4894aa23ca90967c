package replica

import (
	"github.com/souk-market/souk/exchange/bucket"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
)

// scanBuckets is how many buckets are digested by a scan each; for more, one scan over the
// whole copy is cheaper.
const scanBuckets = catalog.Buckets / 4

// settle digests what a pull changed and compares the copy with the head. A copy that equals
// the head becomes, or stays, the live copy.
func (p *Pull) settle() (proven bool, err error) {
	g := *p.copy()
	sums, err := p.r.sums(g)
	if err != nil {
		return false, err
	}
	set := bucket.NewSet()
	if !g.Fresh {
		if set, err = p.r.bucketSet(p.rep); err != nil {
			return false, err
		}
	}
	change := set.With(sums)
	if !change.States(&p.head) {
		p.ours = change.Digests()
		return false, nil
	}
	if p.beside {
		return true, p.swap(g, change)
	}
	g.Dirty = [len(g.Dirty)]byte{}
	return true, p.r.prove(p.rep, &p.head, p.signed, change, g, p.rep.pulling, nil)
}

// sums digests the buckets of a copy that are out of date.
func (r *Replicas) sums(g generation) (map[uint32]bucket.Sum, error) {
	dirty := g.markedBuckets()
	prefix := generationKey(prefixItem, g.Number)
	if len(dirty) <= scanBuckets {
		sums := make(map[uint32]bucket.Sum, len(dirty))
		for _, b := range dirty {
			sum, err := bucket.SumOne(r.store, prefix, b, itemRow, nil)
			if err != nil {
				return nil, err
			}
			sums[b] = sum
		}
		return sums, nil
	}
	all, err := bucket.SumAll(r.store, prefix, itemRow)
	if err != nil {
		return nil, err
	}
	sums := make(map[uint32]bucket.Sum, len(dirty))
	for _, b := range dirty {
		sum, ok := all[b]
		if !ok {
			sum = bucket.Sum{Digest: catalog.EmptyBucket()}
		}
		sums[b] = sum
	}
	return sums, nil
}

// swap builds the finished copy's search index and then makes the copy live, in one commit.
// Sweep removes the old copy.
func (p *Pull) swap(g generation, change *bucket.Change) error {
	if err := p.r.buildIndex(p.rep, g.Number); err != nil {
		return err
	}
	p.rep.log = p.r.beginChanges()
	rows := []kv.Write{p.rep.log.write(g.Number)}
	if old := p.rep.live.Number; old != 0 {
		rows = append(rows, kv.Write{Key: generationKey(prefixGone, old)})
	}
	g.Fresh, g.Dirty = false, [len(g.Dirty)]byte{}
	if err := p.r.prove(p.rep, &p.head, p.signed, change, g, generation{}, rows); err != nil {
		return err
	}
	p.r.stats.fullPulls.Add(1)
	return nil
}

// prove commits a live copy that equals head: the changed buckets, the copy's position, and
// the given rows.
func (r *Replicas) prove(p *replica, head *message.FeedHead, signed message.SignedFeedHead, change *bucket.Change, live, pulling generation, rows []kv.Write) error {
	meta := p.meta
	meta.Head, meta.Epoch, meta.At, meta.Refreshed = signed, live.Epoch, live.At, r.clock.Now()
	metaWrite, err := r.metaWrite(meta)
	if err != nil {
		return err
	}
	rows = append(rows, change.Rows(generationKey(prefixGroup, live.Number))...)
	rows = append(rows, metaWrite, p.workWrite(live, pulling))
	if err := r.commit(rows); err != nil {
		return err
	}
	p.meta, p.head, p.live, p.pulling = meta, *head, live, pulling
	r.keepSet(p, change.Apply())
	p.show()
	if r.cfg.Proven != nil {
		r.cfg.Proven(p.shop, p.head)
	}
	return nil
}
