package trade

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/basket"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// What becomes of baskets after a crash, and of those whose caller has left.

// lookPause is how often suppliers are asked again about baskets that a crash has left HOLDING.
const lookPause = 2 * time.Second

// load reads the baskets that are not settled, before the writer runs.
func (k *Baskets) load() error {
	for row, err := range record.Rows[record.Basket](k.store, k.codec, kv.Prefix([]byte(record.PrefixBasket))) {
		if row.Key == nil {
			return err
		}
		if err != nil || row.Record.Settled() {
			continue // a damaged record stays, so that an audit can show it
		}
		rec := row.Record
		k.due(k.open.put(rec))
		if rec.State == basket.Holding {
			k.calls.resume(rec.ID)
		}
	}
	k.count.Store(int64(len(k.open.of)))
	k.calls.setBehind(true)
	return nil
}

// departed has the parts at a departed supplier ended: it holds nothing, and answers nobody.
func (k *Baskets) departed() {
	k.calls.setBehind(true)
	k.stir.Set()
}

// run looks after baskets until ctx ends.
func (k *Baskets) run(ctx context.Context) {
	for {
		more, err := k.Look(ctx)
		if err != nil && ctx.Err() == nil {
			k.log.Warn("looking after baskets; it is tried again", "err", err)
		}
		again := make(<-chan time.Time)
		if more || err != nil {
			again = time.After(lookPause)
		}
		select {
		case <-k.stir.C():
		case <-again:
		case <-ctx.Done():
			return
		}
	}
}

// Look brings baskets forward that nobody calls for: it asks suppliers about those that a crash has
// left HOLDING, and gives those back whose caller has left. more says that it has to be called
// again. A running desk does it by itself.
func (k *Baskets) Look(ctx context.Context) (more bool, err error) {
	if behind := k.calls.setBehind(false); behind && k.count.Load() > 0 {
		if err := k.catchUp(ctx); err != nil {
			k.calls.setBehind(true)
			return true, err
		}
	}
	for _, id := range k.calls.unattended() {
		if err := k.attend(ctx, id); err != nil {
			return true, err
		}
	}
	return len(k.calls.unattended()) > 0, nil
}

// catchUp steps every open basket by what its parts' records say.
func (k *Baskets) catchUp(ctx context.Context) error {
	var ids []exchange.BasketID
	if err := k.writer.Do(ctx, func(*writer.Batch) error {
		ids = ids[:0]
		for id := range k.open.of {
			ids = append(ids, id)
		}
		return nil
	}); err != nil {
		return err
	}
	slices.SortFunc(ids, compareIDs)
	for _, id := range ids {
		if err := k.writer.Do(ctx, func(b *writer.Batch) error { return k.refreshed(b, id) }); err != nil {
			return err
		}
	}
	return nil
}

// attend brings one basket forward, unless a call does.
func (k *Baskets) attend(ctx context.Context, id exchange.BasketID) error {
	busy, abandoned := k.calls.left(id)
	if busy {
		return nil
	}
	leave, err := k.calls.enter(ctx, id)
	if err != nil {
		return err
	}
	defer leave()
	rec, err := record.Get[record.Basket](k.store, k.codec, record.BasketKey(id))
	if err != nil {
		return err
	}
	switch {
	case rec == nil || rec.State != basket.Holding:
	case abandoned:
		if err := k.giveUp(ctx, id); err != nil {
			return err
		}
	default:
		if err := k.recover(ctx, rec); err != nil {
			return err
		}
		if rec, err = record.Get[record.Basket](k.store, k.codec, record.BasketKey(id)); err != nil || rec != nil && rec.State == basket.Holding {
			return err
		}
	}
	k.calls.attended(id)
	return nil
}

// giveUp gives up the parts of a basket that were not answered.
func (k *Baskets) giveUp(ctx context.Context, id exchange.BasketID) error {
	return k.writer.Do(ctx, func(b *writer.Batch) error {
		rec, err := k.get(b, id)
		if err != nil || rec == nil {
			return err
		}
		if err := k.refresh(b, rec); err != nil {
			return err
		}
		return k.step(b, rec, basket.GiveUp{})
	})
}

// recover finds out about a basket that a crash has left HOLDING. Its caller may have been told that
// it is held, if every supplier had answered: so nothing is given back before a supplier says that it
// has no such hold. About a request that is noted the asker asks: its answer had not come, so the
// caller was told nothing.
func (k *Baskets) recover(ctx context.Context, rec *record.Basket) error {
	missing := make([]bool, len(rec.Parts)+1)
	var all sync.WaitGroup
	asked := 0
	for i := range rec.Parts {
		p := &rec.Parts[i]
		if p.State == basket.PartAsked {
			asked++
		} else if p.State.Ended() && !rec.Partial {
			missing[len(rec.Parts)] = true // nobody was told that it is held
		}
		if p.State != basket.PartAsked || p.Supplier == k.me || !k.members.IsMember(p.Supplier) {
			continue
		}
		if res, err := k.retailer.asker.latest(p.Hold); err != nil {
			return err
		} else if res != nil {
			continue
		}
		ask := func() { missing[i] = k.isMissing(ctx, rec, p) }
		if k.writer.Inline() {
			ask()
		} else {
			all.Go(ask)
		}
	}
	all.Wait()
	if asked == 0 || slices.Contains(missing, true) {
		return k.giveUp(ctx, rec.ID)
	}
	return k.writer.Do(ctx, func(b *writer.Batch) error { return k.refreshed(b, rec.ID) })
}

// isMissing asks a supplier for a part that this shop has no record of, and records what it says. It
// reports whether the supplier has no such hold.
func (k *Baskets) isMissing(ctx context.Context, rec *record.Basket, p *basket.Part) bool {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	res, err := k.retailer.recall(ctx, p.Supplier, p.Hold, nil)
	switch code := exchange.CodeOf(err); {
	case err == nil:
		return res != nil && res.State == hold.None
	case code == exchange.CodeNotFound, isRefusal(err) && code != exchange.CodeSignature && code != exchange.CodeConflict:
		return true
	}
	return false
}

// prune deletes up to n settled baskets of windows before old, and counts them. One that is being
// ordered stays until its suppliers have answered. Of any other that is not settled every hold has
// ended by itself, eight windows later.
func (k *Baskets) prune(b *writer.Batch, old exchange.Window, n int) (count int, err error) {
	keys := kv.Range{From: record.BasketKey(exchange.BasketID{}), To: record.BasketKey(exchange.NewHoldID(old, [12]byte{}))}
	for row, err := range record.Rows[record.Basket](k.store, k.codec, keys) {
		if row.Key == nil {
			return count, err
		}
		if err != nil || row.Record.State == basket.Ordering {
			continue
		}
		if count == n {
			break
		}
		b.Delete(bytes.Clone(row.Key))
		b.Then(basketPruned{row.Record.ID})
		count++
	}
	return count, nil
}
