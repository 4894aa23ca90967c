package replica

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bucket"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
)

// mismatch begins the next round that may repair a copy that is not what the head states.
func (p *Pull) mismatch() error {
	p.r.stats.mismatches.Add(1)
	switch {
	case !p.fixed:
		p.r.raise(p.rep.shop, "its digest is not that of the changes it sent; pulling the buckets that differ")
		p.ask(roundDigests, message.FeedPull{BucketDigests: true})
		return nil
	case !p.beside:
		p.r.raise(p.rep.shop, "repairing buckets did not help; pulling everything")
		p.fixed = false
		p.ask(roundChanges, message.FeedPull{})
		return nil
	}
	p.r.raise(p.rep.shop, "its whole catalog is not what its head states; what was known before stays")
	if err := p.discard(); err != nil {
		return err
	}
	return exchange.Errorf(exchange.CodeSignature, "%v's catalog is not what its signed head states", p.rep.shop)
}

// discard gives up the copy beside the live copy.
func (p *Pull) discard() error {
	if p.rep.pulling.Number == 0 {
		return nil
	}
	gone := kv.Write{Key: generationKey(prefixGone, p.rep.pulling.Number)}
	if err := p.r.commit([]kv.Write{gone, p.rep.workWrite(p.rep.live, generation{})}); err != nil {
		return err
	}
	p.rep.pulling = generation{}
	return nil
}

// digests compares the supplier's bucket digests with the copy's.
func (p *Pull) digests(c *message.FeedChunk) error {
	if !c.Last || len(c.Digests) != catalog.Buckets {
		return exchange.Errorf(exchange.CodeInvalid, "%v answers with %d bucket digests, not %d", p.rep.shop, len(c.Digests), catalog.Buckets)
	}
	root, err := catalog.SetDigest(c.Digests)
	if err != nil {
		return err
	}
	if root != p.head.Digest {
		p.r.raise(p.rep.shop, "its bucket digests are not those of its signed head")
		return exchange.Errorf(exchange.CodeSignature, "%v's bucket digests are not those of its signed head", p.rep.shop)
	}
	p.fixed = true
	if p.head.Epoch != p.copy().Epoch {
		p.askChanges()
		return nil
	}
	p.differ = catalog.Diff(p.ours, c.Digests)
	p.nextBuckets()
	return nil
}

// nextBuckets asks for the next buckets that differ and, after all, for the changes since.
func (p *Pull) nextBuckets() {
	if len(p.differ) == 0 {
		p.askChanges()
		return
	}
	n := min(len(p.differ), message.MaxPullBuckets)
	p.asked, p.differ = p.differ[:n], p.differ[n:]
	p.content, p.size = nil, 0
	p.ask(roundBuckets, message.FeedPull{Buckets: p.asked})
}

// buckets replaces whole buckets of the copy by those of a chunk.
func (p *Pull) buckets(c *message.FeedChunk) error {
	for _, it := range c.Items {
		if err := checkItemSize(it); err != nil {
			return err
		}
		bucket := catalog.BucketOf(it.SKU)
		for len(p.asked) > 0 && p.asked[0] < bucket {
			if err := p.replaceBucket(); err != nil {
				return err
			}
		}
		if len(p.asked) == 0 || p.asked[0] != bucket || len(it.Record) == 0 {
			return exchange.Errorf(exchange.CodeInvalid, "%v sends %.40q, which is in no bucket that was asked for", p.rep.shop, it.SKU)
		}
		if n := len(p.content); n > 0 && p.content[n-1].SKU >= it.SKU {
			return exchange.Errorf(exchange.CodeInvalid, "%v sends %.40q out of order in its bucket", p.rep.shop, it.SKU)
		}
		if p.size += len(it.SKU) + len(it.Record); p.size > maxBucketBytes {
			return exchange.Errorf(exchange.CodeLimit, "bucket %d of %v's catalog has more than %d bytes", bucket, p.rep.shop, maxBucketBytes)
		}
		p.content = append(p.content, it)
	}
	if !c.Last {
		return nil
	}
	for len(p.asked) > 0 {
		if err := p.replaceBucket(); err != nil {
			return err
		}
	}
	p.nextBuckets()
	return nil
}

// replaceBucket makes bucket asked[0] what the supplier sent: it removes the products that
// the supplier did not send, and writes the others.
func (p *Pull) replaceBucket() error {
	number, content := p.asked[0], p.content
	p.asked, p.content, p.size = p.asked[1:], nil, 0
	sent := make(map[exchange.SKU]bool, len(content))
	for _, it := range content {
		sent[it.SKU] = true
	}
	at := bucket.GroupKey(generationKey(prefixItem, p.copy().Number), uint16(number))
	for row, err := range kv.Rows(p.r.store, kv.Prefix(at)) {
		if err != nil {
			return err
		}
		if sku := exchange.SKU(row.Key[len(at):]); !sent[sku] {
			content = append(content, message.FeedItem{SKU: sku})
		}
	}
	for len(content) > 0 {
		g := *p.copy()
		g.mark(number)
		w := p.r.newWrites(p.rep, g, !p.beside)
		for len(content) > 0 && !w.full() {
			if err := w.item(content[0]); err != nil {
				return err
			}
			content = content[1:]
		}
		if err := p.commitCopy(g, w.take()); err != nil {
			return err
		}
	}
	return nil
}
