package replica

import "github.com/souk-market/souk/exchange/bucket"

// maxLoadedSets is how many replicas' bucket sets stay in memory: 32 × 400 KiB. Another
// replica's set is loaded when it changes: 256 rows and 8,191 hashes, some milliseconds.
const maxLoadedSets = 32

// bucketSet is the live copy's set, from memory or the store. If the stored digests are
// unreadable, bucketSet makes them again from the products.
func (r *Replicas) bucketSet(p *replica) (*bucket.Set, error) {
	if set := p.set.Load(); set != nil {
		return set, nil
	}
	set, err := bucket.Load(r.store, generationKey(prefixGroup, p.live.Number))
	if err != nil {
		r.log.Warn("a replica's bucket digests are unreadable and made again", "shop", p.shop, "err", err)
		sums, err := bucket.SumAll(r.store, generationKey(prefixItem, p.live.Number), itemRow)
		if err != nil {
			return nil, err
		}
		set = bucket.NewSet().With(sums).Apply()
	}
	r.keepSet(p, set)
	return set, nil
}

// keepSet keeps a set in memory. Beyond maxLoadedSets it drops the set loaded first.
func (r *Replicas) keepSet(p *replica, set *bucket.Set) {
	if p.set.Swap(set) != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.loaded = append(r.loaded, p)
	if len(r.loaded) > maxLoadedSets {
		r.loaded[0].set.Store(nil)
		r.loaded = r.loaded[1:]
	}
}
