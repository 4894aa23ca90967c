package desk

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// openChains verifies every ledger in the store and builds what the desk keeps
// in memory about partners.
func (d *Desk) openChains() error {
	d.partners.trade = make(map[ledger.ID]tradeView)
	d.partners.windows = make(map[exchange.ShopID]exchange.Window)
	d.partners.ahead = make(map[exchange.ShopID]uint64)
	trades, err := d.Trades()
	if err != nil {
		return err
	}
	now := d.clock.Now()
	for _, t := range trades {
		c := ledger.ID{Supplier: t.Supplier, Retailer: t.Retailer}
		ended, err := d.verifyChain(c, t)
		if err != nil {
			return err
		}
		d.partners.trade[c] = viewOf(&t.Partnership)
		partner, side := c.Partner(d.me)
		if side == exchange.Supplier && ended > 0 {
			d.end(c, ended) // some holds may not have been released before the stop
		}
		if side == exchange.Supplier && t.Ending {
			d.end(c, t.State.Version) // an end that is in no entry
		}
		if side == exchange.Supplier && !d.members.IsMember(partner) {
			d.end(c, allTerms)
		}
		kind := message.KindPush
		if side == exchange.Retailer {
			kind = message.KindSubmit
		}
		d.courier.plan(lane{partner, kind}, now, true)
	}
	return nil
}

// verifyChain reads a ledger from its first entry and compares its end with the
// record. Every entry was verified before it was stored, so form and hashes are
// enough to find damage. It returns the last version of terms that ended.
func (d *Desk) verifyChain(c ledger.ID, t Trade) (ended uint32, err error) {
	chain := ledger.Chain{Supplier: c.Supplier, Retailer: c.Retailer}
	var failed error
	var terms uint32
	err = d.store.Scan(kv.Prefix(kv.Key(record.PrefixEntry, c.Supplier[:], c.Retailer[:])), func(_, sealed []byte) bool {
		var e *message.Entry
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
		partner, _ := c.Partner(d.me)
		return 0, exchange.Errorf(exchange.CodeSignature, "the stored ledger with %v is damaged after entry %d (%w); restore the latest backup and start again, partners then return what is missing", partner, chain.Position, failed)
	}
	return ended, nil
}

func (d *Desk) verifyEntry(chain ledger.Chain, sealed []byte) (ledger.Chain, *message.Entry, error) {
	payload, err := d.verifier.Peek(sealed)
	if err != nil {
		return chain, nil, err
	}
	v, err := d.codec.Decode(message.KindEntry, payload)
	if err != nil {
		return chain, nil, err
	}
	e := v.(*message.Entry)
	chain, err = chain.Append(e.Link, message.Digest(payload))
	return chain, e, err
}

// entryOf is the entry that answers a request number; nil where it is being
// entered in this very batch.
func (d *Desk) entryOf(b *batch, c ledger.ID, number uint64) (*message.Entry, error) {
	at, ok, err := b.get(record.NumberKey(c, number))
	if err != nil || !ok {
		return nil, err
	}
	sealed, ok, err := b.get(kv.Key(record.PrefixEntry, c.Supplier[:], c.Retailer[:], at))
	if err != nil || !ok {
		return nil, err
	}
	payload, err := d.verifier.Peek(sealed)
	var v message.Value
	if err == nil {
		v, err = d.codec.Decode(message.KindEntry, payload)
	}
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInternal, "the entry that answers request %d is damaged: %w", number, err)
	}
	return v.(*message.Entry), nil
}
