package desk

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/ledger"
)

// openChains verifies every ledger in the store and builds what the desk keeps
// in memory about partners.
func (d *Desk) openChains() error {
	d.partners.trade = make(map[chainID]tradeView)
	d.partners.windows = make(map[exchange.ShopID]exchange.Window)
	d.partners.ahead = make(map[exchange.ShopID]uint64)
	trades, err := d.Trades()
	if err != nil {
		return err
	}
	now := d.clock.Now()
	for _, t := range trades {
		c := chainID{t.Supplier, t.Retailer}
		ended, err := d.verifyChain(c, t)
		if err != nil {
			return err
		}
		d.partners.trade[c] = t.view()
		partner, side := c.partner(d.me)
		if side == exchange.Supplier && ended > 0 {
			d.end(c, ended) // some holds may not have been released before the stop
		}
		if side == exchange.Supplier && t.Ending {
			d.end(c, t.State.Version) // an end that is in no entry
		}
		if side == exchange.Supplier && !d.members.IsMember(partner) {
			d.end(c, allTerms)
		}
		kind := KindPush
		if side == exchange.Retailer {
			kind = KindSubmit
		}
		d.courier.plan(lane{partner, kind}, now, true)
	}
	return nil
}

// verifyChain reads a ledger from its first entry and compares its end with the
// record. Every entry was verified before it was stored, so form and hashes are
// enough to find damage. It returns the last version of terms that ended.
func (d *Desk) verifyChain(c chainID, t Trade) (ended uint32, err error) {
	chain := ledger.Chain{Supplier: c.supplier, Retailer: c.retailer}
	var failed error
	var terms uint32
	err = d.store.Scan(Prefix(key(prefixEntry, c.supplier[:], c.retailer[:])), func(_, sealed []byte) bool {
		var e *Entry
		if chain, e, failed = d.verifyEntry(chain, sealed); failed != nil {
			return false
		}
		if e.Terms == 0 && terms > 0 {
			ended = terms
		}
		terms = e.Terms
		return true
	})
	if err != nil {
		return 0, err
	}
	if failed == nil && (chain.Position != t.Position || chain.Hash != t.Hash) {
		failed = exchange.Errorf(exchange.CodeSignature, "its entries end at %d, its record says %d", chain.Position, t.Position)
	}
	if failed != nil {
		partner, _ := c.partner(d.me)
		return 0, exchange.Errorf(exchange.CodeSignature, "the stored ledger with %v is damaged after entry %d (%w); restore the latest backup and start again, partners then return what is missing", partner, chain.Position, failed)
	}
	return ended, nil
}

func (d *Desk) verifyEntry(chain ledger.Chain, sealed []byte) (ledger.Chain, *Entry, error) {
	payload, err := d.verifier.Peek(sealed)
	if err != nil {
		return chain, nil, err
	}
	v, err := d.codec.Decode(KindEntry, payload)
	if err != nil {
		return chain, nil, err
	}
	e := v.(*Entry)
	chain, err = chain.Append(e.Link, digest(payload))
	return chain, e, err
}

// entryOf is the entry that answers a request number; nil where it is being
// entered in this very batch.
func (d *Desk) entryOf(b *batch, c chainID, number uint64) (*Entry, error) {
	at, ok, err := b.get(numberKey(c, number))
	if err != nil || !ok {
		return nil, err
	}
	sealed, ok, err := b.get(key(prefixEntry, c.supplier[:], c.retailer[:], at))
	if err != nil || !ok {
		return nil, err
	}
	payload, err := d.verifier.Peek(sealed)
	var v Value
	if err == nil {
		v, err = d.codec.Decode(KindEntry, payload)
	}
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInternal, "the entry that answers request %d is damaged: %w", number, err)
	}
	return v.(*Entry), nil
}
