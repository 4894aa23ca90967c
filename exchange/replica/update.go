package replica

import (
	"crypto/sha256"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bucket"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/message"
)

// Update offers what gossip or a greeting brought: a head and, perhaps, the changes up to it.
// If the changes continue the replica and make it what the head states, Update applies them
// in one commit. The action says what the caller does next: PullAfter, PullFull and Conflict
// mean StartPull. A pull after a Conflict shows the supplier the head that it has lost.
// Errors: CodeSignature for a head that the supplier did not sign, CodeInvalid for a
// malformed head or change, and the store's.
func (r *Replicas) Update(shop exchange.ShopID, u *message.FeedUpdate) (catalog.Action, error) {
	head, err := r.openHead(shop, u.Head)
	if err != nil {
		return catalog.Ignore, err
	}
	p := r.replica(shop)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return catalog.Ignore, nil
	}
	action := catalog.Decide(
		catalog.Replica{At: p.live.position(), Proven: p.proven(), Digest: p.head.Digest},
		catalog.Offer{Head: head.Position(), Digest: head.Digest, Changes: len(u.Items) > 0, After: u.After},
	)
	switch action {
	case catalog.Apply:
		applied, err := r.applyUpdate(p, head, u)
		if err != nil || applied {
			return action, err
		}
		action = catalog.PullAfter
	case catalog.Conflict:
		r.stats.conflicts.Add(1)
		r.raise(shop, "it signed two different catalogs for one position")
	case catalog.Ignore:
		if head.Position() == p.live.position() {
			p.meta.Refreshed = r.clock.Now() // stored with the next change; it only tells people how fresh a copy is
			p.show()
		}
	}
	return action, nil
}

// Behind reports whether a head from a supplier's greeting is older than the head proven here.
// If so, the supplier has lost state, and a pull will show it the later head.
func (r *Replicas) Behind(shop exchange.ShopID, signed message.SignedFeedHead) (bool, error) {
	head, err := r.openHead(shop, signed)
	if err != nil {
		return false, err
	}
	p := r.replica(shop)
	p.mu.Lock()
	defer p.mu.Unlock()
	return head.Position().Compare(p.head.Position()) < 0, nil
}

// openHead verifies that shop signed a head of its main feed.
func (r *Replicas) openHead(shop exchange.ShopID, signed message.SignedFeedHead) (*message.FeedHead, error) {
	if err := r.verifier.Verify(message.DomainFeed, shop, signed.Payload, signed.Signature); err != nil {
		return nil, err
	}
	head, err := message.Decode[message.FeedHead](r.codec, signed.Payload)
	if err != nil {
		return nil, err
	}
	if head.Shop != shop || head.Feed != exchange.MainFeed || head.Epoch == 0 {
		return nil, exchange.Errorf(exchange.CodeInvalid, "the head of %v's catalog names shop %v, feed %.40q, epoch %d", shop, head.Shop, head.Feed, head.Epoch)
	}
	return head, nil
}

// raise tells the operator that a supplier's catalog is not what it signed.
func (r *Replicas) raise(shop exchange.ShopID, why string) {
	r.log.Warn("a partner's catalog does not add up", "shop", shop, "why", why)
	if r.cfg.Alarm != nil {
		r.cfg.Alarm(shop, why)
	}
}

// checkItems refuses changes that no honest supplier sends in one chunk: changes out of order,
// at or below after, two of one product, or beyond the limits. It does not decode records.
func checkItems(items []message.FeedItem, after uint64) error {
	seen := make(map[exchange.SKU]bool, len(items))
	for _, it := range items {
		switch {
		case it.Sequence <= after:
			return exchange.Errorf(exchange.CodeInvalid, "change %d of %.40q follows change %d; changes ascend", it.Sequence, it.SKU, after)
		case seen[it.SKU]:
			return exchange.Errorf(exchange.CodeInvalid, "%.40q stands twice among changes up to %d", it.SKU, it.Sequence)
		}
		if err := checkItemSize(it); err != nil {
			return err
		}
		seen[it.SKU] = true
		after = it.Sequence
	}
	return nil
}

func checkItemSize(it message.FeedItem) error {
	if len(it.SKU) == 0 || len(it.SKU) > exchange.MaxSKU || len(it.Record) > catalog.MaxRecord {
		return exchange.Errorf(exchange.CodeInvalid, "change %d has a SKU of %d bytes and a record of %d; %d and %d are allowed",
			it.Sequence, len(it.SKU), len(it.Record), exchange.MaxSKU, catalog.MaxRecord)
	}
	return nil
}

// applyUpdate applies the changes that the live copy lacks, if they make the copy what head
// states. It returns false, and writes nothing, if they do not or if one commit cannot hold
// them.
func (r *Replicas) applyUpdate(p *replica, head *message.FeedHead, u *message.FeedUpdate) (bool, error) {
	items := u.Items
	for len(items) > 0 && items[0].Sequence <= p.live.At {
		items = items[1:]
	}
	if err := checkItems(items, p.live.At); err != nil {
		return false, err
	}
	if len(items) == 0 || items[len(items)-1].Sequence > head.Sequence {
		return false, exchange.Errorf(exchange.CodeInvalid, "an update to sequence %d does not bring the changes it claims", head.Sequence)
	}
	set, err := r.bucketSet(p)
	if err != nil {
		return false, err
	}
	change, err := r.setAfter(p.live, set, items)
	if err != nil {
		return false, err
	}
	if !change.States(head) {
		r.stats.mismatches.Add(1)
		r.log.Info("an update does not make the replica what its head states; pulling", "shop", p.shop, "sequence", head.Sequence)
		return false, nil
	}
	w := r.newWrites(p, p.live, true)
	for _, it := range items {
		if err := w.item(it); err != nil {
			return false, err
		}
	}
	live := p.live
	live.At = head.Sequence
	if w.full() {
		return false, nil
	}
	if err := r.prove(p, head, u.Head, change, live, p.pulling, w.take()); err != nil {
		return false, err
	}
	r.stats.updates.Add(1)
	return true, nil
}

// setAfter is the set that a proven copy becomes by applying items.
func (r *Replicas) setAfter(g generation, set *bucket.Set, items []message.FeedItem) (*bucket.Change, error) {
	changed := make(map[uint32]map[string]bucket.Row)
	for _, it := range items {
		b := catalog.BucketOf(it.SKU)
		if changed[b] == nil {
			changed[b] = make(map[string]bucket.Row)
		}
		changed[b][string(it.SKU)] = bucket.Row{Sequence: it.Sequence, Hash: sha256.Sum256(it.Record), Live: len(it.Record) > 0}
	}
	sums := make(map[uint32]bucket.Sum, len(changed))
	prefix := generationKey(prefixItem, g.Number)
	for b, rows := range changed {
		sum, err := bucket.SumOne(r.store, prefix, b, itemRow, rows)
		if err != nil {
			return nil, err
		}
		sums[b] = sum
	}
	return set.With(sums), nil
}
