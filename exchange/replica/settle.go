package replica

import (
	"sync/atomic"

	"github.com/souk-market/souk/exchange/bucket"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
)

// scanBuckets is how many buckets out of date make one scan over the whole copy
// cheaper than a scan of each.
const scanBuckets = catalog.Buckets / 4

// settle digests what a pull changed and holds the copy against the head. A copy
// that is proven becomes, or stays, the live one.
func (f *Pulling) settle() (proven bool, err error) {
	g := *f.copy()
	sums, err := f.r.sums(g)
	if err != nil {
		return false, err
	}
	set := bucket.NewSet()
	if !g.Fresh {
		if set, err = f.r.bucketSet(f.p); err != nil {
			return false, err
		}
	}
	change := set.With(sums)
	if !change.States(&f.head) {
		f.ours = change.Digests()
		return false, nil
	}
	if f.beside {
		return true, f.swap(g, change)
	}
	g.Dirty = [len(g.Dirty)]byte{}
	return true, f.r.prove(f.p, &f.head, f.signed, change, g, f.p.pulling, nil)
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

// swap makes the finished copy the live one, with its search index, in one
// commit at the end; the old copy is left to Sweep.
func (f *Pulling) swap(g generation, change *bucket.Change) error {
	if err := f.r.buildIndex(f.p, g.Number); err != nil {
		return err
	}
	var rows []kv.Write
	if old := f.p.live.Number; old != 0 {
		rows = append(rows, kv.Write{Key: generationKey(prefixGone, old)})
	}
	g.Fresh, g.Dirty = false, [len(g.Dirty)]byte{}
	if err := f.r.prove(f.p, &f.head, f.signed, change, g, generation{}, rows); err != nil {
		return err
	}
	f.r.stats.fullPulls.Add(1)
	return nil
}

// Stats counts what happened to replicas since the start; for metrics.
type Stats struct {
	Updates    uint64 // applied from gossip
	Pulls      uint64 // finished and proven
	FullPulls  uint64 // those that brought a whole set
	Mismatches uint64 // digests that were not the signed one
	Conflicts  uint64 // two sets signed for one position
	BadRecords uint64 // products that were kept and not shown
}

type stats struct {
	updates, pulls, fullPulls, mismatches, conflicts, badRecords atomic.Uint64
}

// Stats counts since the start.
func (r *Replicas) Stats() Stats {
	s := &r.stats
	return Stats{s.updates.Load(), s.pulls.Load(), s.fullPulls.Load(), s.mismatches.Load(), s.conflicts.Load(), s.badRecords.Load()}
}
