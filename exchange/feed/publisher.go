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
	// publishShareQuiet takes its place when nothing was marked while the publisher worked.
	// So the rest of a large import is published 2.5 times as fast once the import is over.
	publishShareQuiet = 1
	// maxPublishPause ends a rest on a machine so busy that an operation took long.
	maxPublishPause = time.Second
	// MaxPublish is how many marks one operation drains. A mark takes 30 µs (three reads,
	// a record, a bucket of 244 rows in a feed of a million): 256 hold the writer up for 8 ms.
	MaxPublish = 256
	// writesPerChange counts the mark, the change, the old change, the item, a tombstone's
	// row that comes or goes, and the three rows of a dropped tombstone.
	writesPerChange = 8
	// MaxUpdateBytes bounds the items of an update: a gossip message of 64 KiB less
	// the encryption's 48 bytes, a head of 600, and 5% for tags.
	MaxUpdateBytes = 60 << 10
	// itemOverhead is what an item takes beside SKU and record: sequence, tags, lengths.
	itemOverhead = 24
)

// OnPublish has listener called with every durable update and the key to encrypt the update
// with. The publisher calls listener, which must be quick. Call OnPublish before Run.
func (f *Feed) OnPublish(listener func(*message.FeedUpdate, message.FeedKey)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listeners = append(f.listeners, listener)
}

// Run publishes whenever there are marks, until ctx ends. It rests after each operation: so
// a large import holds up neither the writer nor the updates that are ready.
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

// publishRest is how long the publisher rests after an operation that took so long. more says
// that marks are left, quiet that no mark came during the operation.
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

// Publish drains all dirty marks and hands the updates to the listeners of OnPublish. It is
// for a shop whose Run does not run, as in a simulation.
func (f *Feed) Publish(ctx context.Context) error {
	for more := true; more; {
		var err error
		if more, err = f.PublishSome(ctx); err != nil {
			return err
		}
	}
	return nil
}

// PublishSome drains as many marks as one operation takes and hands out the update. more
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
	update, listeners := f.update, slices.Clone(f.listeners)
	f.update = nil
	f.mu.Unlock()
	if update == nil {
		return more, nil
	}
	meta, err := f.meta()
	if err != nil {
		return more, err
	}
	for _, listener := range listeners {
		listener(update, meta.Key)
	}
	return more, nil
}

// publish drains up to MaxPublish marks within a batch. It compares each product's public
// record with the record published last, gives a sequence to each that differs, and signs
// the new head. more reports that marks are left.
//
// A shop that has stopped selling keeps its marks and signs no head: partners would take
// that head for later than the heads in the newest copy of the folder.
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
	d := &drained{}
	left, done := f.expands, make(map[exchange.SKU]bool, len(marks))
	for i, sku := range marks {
		if i > 0 && (p.full() || p.left() < writesPerChange) {
			more = true
			break
		}
		if err := p.product(sku); err != nil {
			return false, err
		}
		step, err := f.expand(b, exchange.StockID(sku), max(1, min(left, p.left())), done)
		if err != nil {
			return false, err
		}
		left -= step.marked
		more = more || step.marked > 0
		if step.more {
			d.pool, d.at, more = sku, step.at, true
			break
		}
		b.Delete(dirtyKey(sku))
		d.marks = append(d.marks, sku)
		done[sku] = true
	}
	if err := p.dropTombstones(); err != nil {
		return false, err
	}
	b.Then(d)
	f.turn, f.drained = b, d
	return more, p.finish()
}

// maxExpanded is how many products one operation marks for their stocks.
const maxExpanded = 1000

// expansion is a step of marking the products of one stock.
type expansion struct {
	marked int
	at     exchange.SKU // the last of them
	more   bool         // others follow it
}

// expand marks up to most products that sell from a stock which is not named for them, for a
// stock's mark is a single one, however many products sell from it. The stock's own mark stays
// until all of them are marked, over as many operations as it takes. Products that are done need
// no other mark.
func (f *Feed) expand(b *writer.Batch, id exchange.StockID, most int, done map[exchange.SKU]bool) (step expansion, err error) {
	shared, err := f.cfg.Shelf.Shared(b, id)
	if err != nil || !shared {
		return expansion{}, err
	}
	skus, err := f.cfg.Shelf.Sharers(id, f.expanded[exchange.SKU(id)], most+1)
	if err != nil {
		return expansion{}, err
	}
	if step.more = len(skus) > most; step.more {
		skus = skus[:most]
	}
	for _, sku := range skus {
		if step.at = sku; !done[sku] {
			f.Changed(b, sku)
			step.marked++
		}
	}
	return step, nil
}

// Effects of the feed, which [Feed.Apply] does.
type (
	// drained: the marks of these products are removed, and their changes published. The products
	// of the stock that pool marks are marked up to at; pool is "" where no stock has more.
	drained struct {
		marks []exchange.SKU
		pool  exchange.SKU
		at    exchange.SKU
		// again are the products that the same batch has marked after it published.
		again map[exchange.SKU]bool
	}
	// changed: the set of products changed, as update says.
	changed struct {
		set    *bucket.Change
		update *message.FeedUpdate
	}
	// marked: a product's mark is durable.
	marked struct{ sku exchange.SKU }
)

// Apply does an effect of a durable batch, and reports whether the effect is the feed's.
func (f *Feed) Apply(e writer.Effect) bool {
	switch e := e.(type) {
	case *drained:
		f.quiet.Store(f.marks.quiet())
		for _, sku := range e.marks {
			delete(f.expanded, sku)
			if !e.again[sku] {
				f.marks.drop(sku)
			}
		}
		if e.pool != "" && !e.again[e.pool] {
			f.expanded[e.pool] = e.at
		}
	case changed:
		e.set.Apply()
		f.mu.Lock()
		f.update = mergeUpdates(f.update, e.update)
		f.mu.Unlock()
		f.wake.Set()
	case marked:
		delete(f.expanded, e.sku) // those marked for its last change need a mark for this one
		f.marks.add(e.sku)
		f.wake.Set()
	default:
		return false
	}
	return true
}

// Changed marks a product for the publisher. The shelf calls it for every change of a product
// or its stock, in the batch of the change. A product that sells many times between two
// publishings has one mark.
func (f *Feed) Changed(b *writer.Batch, sku exchange.SKU) {
	if f.turn == b {
		if f.drained.again == nil {
			f.drained.again = make(map[exchange.SKU]bool)
		}
		f.drained.again[sku] = true
	}
	if k := dirtyKey(sku); b.Touched(k) || !f.marks.has(sku) {
		b.Put(k, nil)
	}
	b.Then(marked{sku})
}
