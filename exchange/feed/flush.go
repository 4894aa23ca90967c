package feed

import (
	"context"
	"sync"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
)

// flushes tells who waits in Flush how far the publisher has come. Invariant: every mark
// committed before the call that took number n is published once done ≥ n.
type flushes struct {
	mu    sync.Mutex // guards what follows
	asked uint64     // calls so far
	done  uint64
	next  chan struct{} // closed when done grows
}

// ask takes a number.
func (f *flushes) ask() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	return f.asked
}

// last is the number taken last.
func (f *flushes) last() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// reach answers the calls up to n: a publishing that began after them left no mark.
func (f *flushes) reach(n uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n > f.done {
		f.done = n
		close(f.next)
		f.next = make(chan struct{})
	}
}

func (f *flushes) wait(ctx context.Context, n uint64) error {
	for {
		f.mu.Lock()
		done, next := f.done, f.next
		f.mu.Unlock()
		if done >= n {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Flush waits until the changes committed before the call are published, and returns where
// the feed then stands or beyond. It hurries nobody: the publisher keeps its interval
// and its share of the writer's time. Errors: CodeRestored where the shop has stopped
// selling, for it publishes nothing; ctx's, also where changes come faster than they are
// published or [Feed.Run] does not run.
func (f *Feed) Flush(ctx context.Context) (catalog.Position, error) {
	if err := f.cfg.Selling.MaySell(); err != nil {
		return catalog.Position{}, err
	}
	n := f.flushes.ask()
	f.wake.Set()
	if err := f.flushes.wait(ctx, n); err != nil {
		return catalog.Position{}, err
	}
	if err := f.cfg.Selling.MaySell(); err != nil { // stopped meanwhile: the marks stay
		return catalog.Position{}, err
	}
	meta, err := f.meta()
	return catalog.Position{Epoch: meta.Epoch, Sequence: meta.Sequence}, err
}

// Lacks lists the products of which a copy that stands at a position may not say what the
// shelf says: those with a change after it, published or only marked. All, where the copy
// must take the whole set. Some may be listed twice, or be removed ones.
func (f *Feed) Lacks(at catalog.Position) ([]exchange.SKU, error) {
	var skus []exchange.SKU
	// The marks first: what is published meanwhile is among the changes then.
	const head = len(record.PrefixDirty) + 2
	for row, err := range kv.Rows(f.cfg.Store, kv.Prefix([]byte(record.PrefixDirty))) {
		if err != nil {
			return nil, err
		}
		skus = append(skus, exchange.SKU(row.Key[min(head, len(row.Key)):]))
	}
	meta, err := f.meta()
	if err != nil {
		return nil, err
	}
	after := at.Sequence
	if catalog.NeedsFull(at, catalog.Position{Epoch: meta.Epoch, Sequence: meta.Sequence}, meta.Floor) {
		after = 0
	}
	changes := kv.Range{From: changeKey(after + 1), To: kv.Prefix([]byte(prefixChange)).To}
	for row, err := range kv.Rows(f.cfg.Store, changes) {
		if err != nil {
			return nil, err
		}
		change, err := parseChange(row.Key, row.Value)
		if err != nil {
			return nil, err
		}
		skus = append(skus, change.SKU)
	}
	return skus, nil
}
