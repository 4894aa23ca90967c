package replica

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bucket"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
)

// mismatch goes on to the round that may mend a copy that is not what was signed.
func (f *Pulling) mismatch() error {
	f.r.stats.mismatches.Add(1)
	switch {
	case !f.fixed:
		f.r.raise(f.p.shop, "its digest is not that of the changes it sent; pulling the buckets that differ")
		f.ask(roundDigests, message.FeedPull{BucketDigests: true})
		return nil
	case !f.beside:
		f.r.raise(f.p.shop, "repairing buckets did not help; pulling everything")
		f.fixed = false
		f.ask(roundChanges, message.FeedPull{})
		return nil
	}
	f.r.raise(f.p.shop, "its whole catalog is not what its head states; what was known before stays")
	if err := f.discard(); err != nil {
		return err
	}
	return exchange.Errorf(exchange.CodeSignature, "%v's catalog is not what its signed head states", f.p.shop)
}

// discard gives up the copy beside the live one.
func (f *Pulling) discard() error {
	if f.p.pulling.Number == 0 {
		return nil
	}
	gone := kv.Write{Key: generationKey(prefixGone, f.p.pulling.Number)}
	if err := f.r.commit([]kv.Write{gone, f.p.workWrite(f.p.live, generation{})}); err != nil {
		return err
	}
	f.p.pulling = generation{}
	return nil
}

// digests compares the supplier's buckets to ours.
func (f *Pulling) digests(c *message.FeedChunk) error {
	if !c.Last || len(c.Digests) != catalog.Buckets {
		return exchange.Errorf(exchange.CodeInvalid, "%v answers with %d bucket digests, not %d", f.p.shop, len(c.Digests), catalog.Buckets)
	}
	root, err := catalog.SetDigest(c.Digests)
	if err != nil {
		return err
	}
	if root != f.head.Digest {
		f.r.raise(f.p.shop, "its bucket digests are not those of its signed head")
		return exchange.Errorf(exchange.CodeSignature, "%v's bucket digests are not those of its signed head", f.p.shop)
	}
	f.fixed = true
	if f.head.Epoch != f.copy().Epoch {
		f.askChanges()
		return nil
	}
	f.differ = catalog.Diff(f.ours, c.Digests)
	f.nextBuckets()
	return nil
}

// nextBuckets asks for more of the buckets that differ, then for the changes since.
func (f *Pulling) nextBuckets() {
	if len(f.differ) == 0 {
		f.askChanges()
		return
	}
	n := min(len(f.differ), message.MaxPullBuckets)
	f.asked, f.differ = f.differ[:n], f.differ[n:]
	f.content, f.size = nil, 0
	f.ask(roundBuckets, message.FeedPull{Buckets: f.asked})
}

// buckets replaces whole buckets of the copy.
func (f *Pulling) buckets(c *message.FeedChunk) error {
	for _, it := range c.Items {
		if err := checkItemSize(it); err != nil {
			return err
		}
		bucket := catalog.BucketOf(it.SKU)
		for len(f.asked) > 0 && f.asked[0] < bucket {
			if err := f.replaceBucket(); err != nil {
				return err
			}
		}
		if len(f.asked) == 0 || f.asked[0] != bucket || len(it.Record) == 0 {
			return exchange.Errorf(exchange.CodeInvalid, "%v sends %.40q, which is in no bucket that was asked for", f.p.shop, it.SKU)
		}
		if n := len(f.content); n > 0 && f.content[n-1].SKU >= it.SKU {
			return exchange.Errorf(exchange.CodeInvalid, "%v sends %.40q out of order in its bucket", f.p.shop, it.SKU)
		}
		if f.size += len(it.SKU) + len(it.Record); f.size > maxBucketBytes {
			return exchange.Errorf(exchange.CodeLimit, "bucket %d of %v's catalog has more than %d bytes", bucket, f.p.shop, maxBucketBytes)
		}
		f.content = append(f.content, it)
	}
	if !c.Last {
		return nil
	}
	for len(f.asked) > 0 {
		if err := f.replaceBucket(); err != nil {
			return err
		}
	}
	f.nextBuckets()
	return nil
}

// replaceBucket makes the first asked bucket what was sent of it: products that
// are missing from it go, the rest come.
func (f *Pulling) replaceBucket() error {
	number, content := f.asked[0], f.content
	f.asked, f.content, f.size = f.asked[1:], nil, 0
	sent := make(map[exchange.SKU]bool, len(content))
	for _, it := range content {
		sent[it.SKU] = true
	}
	at := bucket.GroupKey(generationKey(prefixItem, f.copy().Number), uint16(number))
	for row, err := range kv.Rows(f.r.store, kv.Prefix(at)) {
		if err != nil {
			return err
		}
		if sku := exchange.SKU(row.Key[len(at):]); !sent[sku] {
			content = append(content, message.FeedItem{SKU: sku})
		}
	}
	for len(content) > 0 {
		g := *f.copy()
		g.mark(number)
		w := f.r.newWrites(f.p, g, !f.beside)
		for len(content) > 0 && !w.full() {
			if err := w.item(content[0]); err != nil {
				return err
			}
			content = content[1:]
		}
		if err := f.commitCopy(g, w.take()); err != nil {
			return err
		}
	}
	return nil
}
