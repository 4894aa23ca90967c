package feed

import (
	"context"
	"slices"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bucket"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/writer"
)

// Limits of publishing.
const (
	// PublishInterval is the shortest time between two publishings (design: Catalogs).
	PublishInterval = 100 * time.Millisecond
	// publishShare bounds the publisher's part of the writer's time to 1/(1+share) while
	// the shop sells or imports: it rests for share times as long as it worked.
	publishShare = 4
	// publishShareQuiet is the same where nothing was marked while it worked: what is
	// left of a large import goes out 2.5 times as fast when the import is over.
	publishShareQuiet = 1
	// maxPublishPause ends a rest on a machine so busy that an operation took long.
	maxPublishPause = time.Second
	// MaxPublish is how many marks one operation drains: 256 × 30 µs (three reads,
	// a record, a bucket of 244 rows in a feed of a million) hold the writer up for 8 ms.
	MaxPublish = 256
	// writesPerChange: the mark, the change, the old change, the item, a tombstone's
	// row gone or come, and one dropped tombstone's three.
	writesPerChange = 8
	// MaxUpdateBytes bounds the items of an update: a gossip message of 64 KiB less
	// the encryption's 48 bytes, a head of 600, and 5% for tags.
	MaxUpdateBytes = 60 << 10
	// itemOverhead is what an item takes beside SKU and record: sequence, tags, lengths.
	itemOverhead = 24
)

// OnPublish has hear called with every update, after it is durable and merged with
// others of the same publishing, and the key to encrypt it with. hear is called by
// the publisher and must be quick. Call OnPublish before Run.
func (f *Feed) OnPublish(hear func(*message.FeedUpdate, message.FeedKey)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heard = append(f.heard, hear)
}

// Run publishes when there is something to, until ctx ends. After each
// operation it rests, so that a large import holds up neither the writer nor the
// updates of what was drained already.
func (f *Feed) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wake.C():
		}
		for more := true; more; {
			start, asked := time.Now(), f.flushes.last()
			var err error
			switch more, err = f.PublishSome(ctx); {
			case err != nil && ctx.Err() == nil:
				f.cfg.Logger.Error("publishing the catalog failed; trying again", "err", err)
				f.wake.Set()
			case err == nil && !more:
				f.flushes.reach(asked)
			}
			rest := time.NewTimer(publishRest(time.Since(start), more, f.quiet.Load()))
			select {
			case <-ctx.Done():
				rest.Stop()
				return
			case <-rest.C:
			}
		}
	}
}

// publishRest is how long the publisher rests after an operation that took so long:
// more reports that marks are left, quiet that none came meanwhile.
func publishRest(took time.Duration, more, quiet bool) time.Duration {
	share := time.Duration(publishShare)
	if quiet {
		share = publishShareQuiet
	}
	rest := min(share*took, maxPublishPause)
	if !more {
		rest = max(rest, PublishInterval)
	}
	return rest
}

// Publish drains the dirty marks and hands the updates to those who asked with
// OnPublish. A desk that runs inline calls it where a running one publishes by itself.
func (f *Feed) Publish(ctx context.Context) error {
	for more := true; more; {
		var err error
		if more, err = f.PublishSome(ctx); err != nil {
			return err
		}
	}
	return nil
}

// PublishSome drains what fits one operation and hands out the update; more
// reports that marks are left.
func (f *Feed) PublishSome(ctx context.Context) (more bool, err error) {
	err = f.cfg.Writer.Do(ctx, func(b *writer.Batch) (err error) {
		more, err = f.publish(b)
		return err
	})
	if err != nil {
		return false, err
	}
	f.mu.Lock()
	update, heard := f.update, slices.Clone(f.heard)
	f.update = nil
	f.mu.Unlock()
	if update == nil {
		return more, nil
	}
	meta, err := f.meta()
	if err != nil {
		return more, err
	}
	for _, h := range heard {
		h(update, meta.Key)
	}
	return more, nil
}

// publish drains up to MaxPublish marks within a batch: it compares each
// product's public record to the one last published, gives those that differ a
// sequence, and signs the new head. more reports that marks are left. A shop that has
// stopped selling signs no head: partners would take it for later than those of the
// newest copy of the folder. The marks stay.
func (f *Feed) publish(b *writer.Batch) (more bool, err error) {
	if f.cfg.Selling.MaySell() != nil {
		return false, nil
	}
	if f.turn == b {
		return true, nil
	}
	p, err := f.newPublishing(b)
	if err != nil {
		return false, err
	}
	marks, more, err := f.marks.some(f.cfg.Store, p.room())
	if err != nil {
		return false, err
	}
	for i, sku := range marks {
		if p.full() {
			marks, more = marks[:i], true
			break
		}
		b.Delete(dirtyKey(sku))
		if err := p.product(sku); err != nil {
			return false, err
		}
	}
	if err := p.dropTombstones(); err != nil {
		return false, err
	}
	b.Then(drained{marks})
	f.turn = b
	return more, p.finish()
}

// Effects of the feed, which [Feed.Apply] does.
type (
	// drained: the marks of these products are gone, and what they told is published.
	drained struct{ marks []exchange.SKU }
	// changed: the set is another, and update tells how.
	changed struct {
		set    *bucket.Change
		update *message.FeedUpdate
	}
	// marked: a product's mark is durable.
	marked struct{ sku exchange.SKU }
)

// Apply does an effect of a durable batch; it reports whether the effect is the feed's.
func (f *Feed) Apply(e writer.Effect) bool {
	switch e := e.(type) {
	case drained:
		f.quiet.Store(f.marks.turn())
		for _, sku := range e.marks {
			f.marks.drop(sku)
		}
	case changed:
		e.set.Apply()
		f.mu.Lock()
		f.update = mergeUpdates(f.update, e.update)
		f.mu.Unlock()
		f.wake.Set()
	case marked:
		f.marks.add(e.sku)
		f.wake.Set()
	default:
		return false
	}
	return true
}

// Changed marks a product for the publisher; it follows every change of a product or its
// stock, in the batch of the change. A product that sells many times between two publishings
// is marked once.
func (f *Feed) Changed(b *writer.Batch, sku exchange.SKU) {
	if k := dirtyKey(sku); b.Touched(k) || !f.marks.has(sku) {
		b.Put(k, nil)
	}
	b.Then(marked{sku})
}
