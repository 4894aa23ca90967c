package trade

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Greeting is this shop's greeting for a partner: the first message on each connection.
func (l *Ledgers) Greeting(to exchange.ShopID) (*message.Greeting, error) {
	g := &message.Greeting{}
	for _, id := range []ledger.ID{{Supplier: l.me, Retailer: to}, {Supplier: to, Retailer: l.me}} {
		rec := l.committed(id)
		if rec == nil {
			continue
		}
		chain := rec.Chain
		cg := message.LedgerGreeting{Head: message.Head{Supplier: id.Supplier, Retailer: id.Retailer, Position: chain.Position, Hash: chain.Hash}}
		if chain.Position > 0 {
			var err error
			if cg.Proof, _, err = l.store.Get(record.EntryKey(id, chain.Position)); err != nil {
				return nil, err
			}
		}
		g.Ledgers = append(g.Ledgers, cg)
	}
	if l.partnerships.MayReadFeed(to) {
		var err error
		if g.Window, err = l.window(); err != nil {
			return nil, err
		}
		if g.FeedHead, g.FeedKey, err = l.feed.Greeting(); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// window is the hold window that this shop issues now. Its time is not before the newest
// commit, whatever the clock says, since the next batch's time is not either.
func (l *Ledgers) window() (exchange.Window, error) {
	now := max(l.clock.Now(), 0)
	meta, err := record.Get[record.Meta](l.store, l.codec, record.KeyMeta)
	if err == nil && meta != nil {
		now = max(now, meta.Written)
	}
	return exchange.WindowAt(now), err
}

// Greeted takes a partner's greeting. It compares heads before any request is sent (design:
// Holds and orders, Restore).
func (l *Ledgers) Greeted(ctx context.Context, from exchange.ShopID, g *message.Greeting) error {
	if g.Window != 0 {
		l.partnerships.view.setWindow(from, g.Window)
	}
	for _, cg := range g.Ledgers {
		switch (ledger.ID{Supplier: cg.Head.Supplier, Retailer: cg.Head.Retailer}) {
		case ledger.ID{Supplier: from, Retailer: l.me}:
			l.partnerships.view.noteAhead(from, cg.Head.Position)
		case ledger.ID{Supplier: l.me, Retailer: from}:
			if err := l.compareHead(ctx, from, cg); err != nil {
				return err
			}
		default:
			return exchange.Errorf(exchange.CodeInvalid, "a greeting names the ledger of other shops")
		}
	}
	l.greetedBy(from)
	l.sender.connected(from)
	return nil
}

// compareHead looks for proof that this shop, the supplier, has lost entries that it sealed.
// The proof is the retailer's last entry: its seal is this shop's, and the store has no such
// entry. A position alone proves nothing.
func (l *Ledgers) compareHead(ctx context.Context, from exchange.ShopID, cg message.LedgerGreeting) error {
	if cg.Head.Position == 0 || len(cg.Proof) == 0 {
		return nil
	}
	payload, err := l.verifier.Open(l.me, cg.Proof)
	if err != nil {
		return err
	}
	e, err := message.Decode[message.Entry](l.codec, payload)
	if err != nil {
		return err
	}
	id := ledger.ID{Supplier: l.me, Retailer: from}
	if e.Supplier != l.me || e.Retailer != from || e.Position != cg.Head.Position {
		return exchange.Errorf(exchange.CodeInvalid, "a greeting's proof is not of its head")
	}
	return l.writer.Do(ctx, func(b *writer.Batch) error {
		rec, err := l.get(b, id)
		if err != nil || rec.Chain.Frozen {
			return err
		}
		hash := rec.Chain.Hash
		if e.Position < rec.Chain.Position {
			if hash, err = l.entryHash(b, id, e.Position); err != nil {
				return err
			}
		}
		switch {
		case e.Position > rec.Chain.Position:
			l.selling.Stop(b, "shop "+from.String()+" holds an entry sealed by this shop that is not in this store; the store was restored from an old backup or lost data")
		case hash != message.Digest(payload):
			l.selling.Stop(b, "this shop sealed two different entries in its ledger with "+from.String()+"; its key is used by two processes, or its store was restored from an old backup")
		}
		return nil
	})
}
