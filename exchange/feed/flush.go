package feed

import (
	"context"
	"sync"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
)

// flushes counts the calls of Flush and says which of them the publisher has served.
// Invariant: once done ≥ n, every mark that was committed before ask returned n is published.
type flushes struct {
	mu    sync.Mutex // guards all fields
	asked uint64     // the number taken last
	done  uint64
	next  chan struct{} // closed, and made anew, when done grows
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

// reach serves the calls up to n: a publishing that began after them left no mark.
func (f *flushes) reach(n uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n > f.done {
		f.done = n
		close(f.next)
		f.next = make(chan struct{})
	}
}

// wait returns nil once done ≥ n, or ctx's error.
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

// Flush waits until the changes committed before the call are published, and returns a
// position of the feed that includes them. The publisher keeps its interval and its share of
// the writer's time. Flush fails with CodeRestored if the shop has stopped selling, for then
// the feed publishes nothing. It waits until ctx ends if changes come faster than they are
// published, or if [Feed.Run] does not run.
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
// shelf says: products with a change after that position, published or only marked. It lists
// all products if the copy must pull the whole set. It may list a product twice, or a
// product that was removed.
func (f *Feed) Lacks(at catalog.Position) ([]exchange.SKU, error) {
	var skus []exchange.SKU
	// The marks come first: a mark that is published after this scan is among the changes.
	for row, err := range kv.Rows(f.cfg.Store, kv.Prefix([]byte(record.PrefixDirty))) {
		if err != nil {
			return nil, err
		}
		skus = append(skus, markedBy(row.Key))
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
