package desk

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// Greeting is what this shop tells a partner about trade, first on each connection.
func (d *Desk) Greeting(to exchange.ShopID) (*message.Greeting, error) {
	g := &message.Greeting{}
	for _, c := range []ledger.ID{{Supplier: d.me, Retailer: to}, {Supplier: to, Retailer: d.me}} {
		v, err := d.read(record.KindLedger, record.LedgerKey(c))
		if err != nil {
			return nil, err
		}
		if v == nil {
			continue
		}
		chain := v.(*record.Ledger).Chain
		cg := message.ChainGreeting{Head: message.Head{Supplier: c.Supplier, Retailer: c.Retailer, Position: chain.Position, Hash: chain.Hash}}
		if chain.Position > 0 {
			if cg.Proof, _, err = d.store.Get(record.EntryKey(c, chain.Position)); err != nil {
				return nil, err
			}
		}
		g.Chains = append(g.Chains, cg)
	}
	if d.mayReadFeed(to) {
		var err error
		if g.Window, err = d.window(); err != nil {
			return nil, err
		}
		if g.FeedHead, g.FeedKey, err = d.feedGreeting(); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// window is the hold window that this shop issues now: of the time that its next
// batch will have at least, whatever its clock says.
func (d *Desk) window() (exchange.Window, error) {
	now := max(d.clock.Now(), 0)
	v, err := d.read(record.KindMeta, record.KeyMeta)
	if err == nil && v != nil {
		now = max(now, v.(*record.Meta).Written)
	}
	return exchange.WindowAt(now), err
}

// Greeted takes a partner's greeting: heads are compared before any request is
// sent (design: Holds and orders, Restore).
func (d *Desk) Greeted(ctx context.Context, from exchange.ShopID, g *message.Greeting) error {
	if g.Window != 0 {
		d.partners.setWindow(from, g.Window)
	}
	for _, cg := range g.Chains {
		switch (ledger.ID{Supplier: cg.Head.Supplier, Retailer: cg.Head.Retailer}) {
		case ledger.ID{Supplier: from, Retailer: d.me}:
			d.partners.seen(from, cg.Head.Position)
		case ledger.ID{Supplier: d.me, Retailer: from}:
			if err := d.compareHead(ctx, from, cg); err != nil {
				return err
			}
		default:
			return exchange.Errorf(exchange.CodeInvalid, "a greeting names the ledger of other shops")
		}
	}
	d.heardFrom(from)
	d.courier.connected(from)
	return nil
}

// compareHead looks for proof that this shop, a supplier, has lost entries it
// sealed: the retailer's last entry opens and is not in the store. The position
// alone proves nothing.
func (d *Desk) compareHead(ctx context.Context, from exchange.ShopID, cg message.ChainGreeting) error {
	if cg.Head.Position == 0 || len(cg.Proof) == 0 {
		return nil
	}
	payload, err := d.verifier.Open(d.me, cg.Proof)
	if err != nil {
		return err
	}
	v, err := d.codec.Decode(message.KindEntry, payload)
	if err != nil {
		return err
	}
	e := v.(*message.Entry)
	c := ledger.ID{Supplier: d.me, Retailer: from}
	if e.Supplier != d.me || e.Retailer != from || e.Position != cg.Head.Position {
		return exchange.Errorf(exchange.CodeInvalid, "a greeting's proof is not of its head")
	}
	return d.do(ctx, func(b *batch) error {
		rec, err := b.chain(c)
		if err != nil || rec.Chain.Frozen {
			return err
		}
		hash := rec.Chain.Hash
		if e.Position < rec.Chain.Position {
			if hash, err = d.entryHash(b, c, e.Position); err != nil {
				return err
			}
		}
		switch {
		case e.Position > rec.Chain.Position:
			d.stopSelling(b, "shop "+from.String()+" holds an entry sealed by this shop that is not in this store; the store was restored from an old backup or lost data")
		case hash != message.Digest(payload):
			d.stopSelling(b, "this shop sealed two different entries in its ledger with "+from.String()+"; its key is used by two processes, or its store was restored from an old backup")
		}
		return nil
	})
}
