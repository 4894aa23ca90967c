package trade

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// open verifies every ledger in the store and rebuilds the partnerView.
func (l *Ledgers) open() error {
	if err := l.load(); err != nil {
		return err
	}
	list, err := l.partnerships.List()
	if err != nil {
		return err
	}
	now := l.clock.Now()
	for _, p := range list {
		id := ledger.ID{Supplier: p.Supplier, Retailer: p.Retailer}
		ended, err := l.verify(id, p)
		if err != nil {
			return err
		}
		l.partnerships.view.partnerships[id] = viewOf(&p.Partnership)
		partner, side := id.Partner(l.me)
		if side == exchange.Supplier && ended > 0 {
			l.supplier.end(id, ended) // some holds may not have been released before the stop
		}
		if side == exchange.Supplier && p.Ending {
			l.supplier.end(id, p.State.Version) // an end that is in no entry
		}
		if side == exchange.Supplier && !l.members.IsMember(partner) {
			l.supplier.end(id, allTerms)
		}
		kind := message.KindPush
		if side == exchange.Retailer {
			kind = message.KindSubmit
		}
		l.sender.plan(queue{partner: partner, kind: kind}, now, true)
	}
	return nil
}

// verify reads a ledger from its first entry and compares its end with the record. Every
// signature was verified before its entry was stored, so form and hashes are enough to find
// damage. ended is the last version of terms that ended; 0 where none did.
func (l *Ledgers) verify(id ledger.ID, p Partnership) (ended uint32, err error) {
	chain := ledger.Chain{Supplier: id.Supplier, Retailer: id.Retailer}
	var failed error
	var terms uint32
	for row, rerr := range kv.Rows(l.store, kv.Prefix(kv.Key(record.PrefixEntry, id.Supplier[:], id.Retailer[:]))) {
		if rerr != nil {
			return 0, rerr
		}
		var e *message.Entry
		if chain, e, failed = l.verifyEntry(chain, row.Value); failed != nil {
			break
		}
		if e.Terms == 0 && terms > 0 {
			ended = terms
		}
		terms = e.Terms
	}
	if failed == nil && (chain.Position != p.Position || chain.Hash != p.Hash) {
		failed = exchange.Errorf(exchange.CodeSignature, "its entries end at %d, its record says %d", chain.Position, p.Position)
	}
	if failed != nil {
		partner, _ := id.Partner(l.me)
		return 0, exchange.Errorf(exchange.CodeSignature, "the stored ledger with %v is damaged after entry %d (%w); restore the latest backup and start again, partners then return what is missing", partner, chain.Position, failed)
	}
	return ended, nil
}

// verifyEntry decodes a stored entry and appends it to the hash chain.
func (l *Ledgers) verifyEntry(chain ledger.Chain, sealed []byte) (ledger.Chain, *message.Entry, error) {
	payload, err := l.verifier.Peek(sealed)
	if err != nil {
		return chain, nil, err
	}
	e, err := message.Decode[message.Entry](l.codec, payload)
	if err != nil {
		return chain, nil, err
	}
	chain, err = chain.Append(e.Link, message.Digest(payload))
	return chain, e, err
}

// entryOf is the stored entry that answers a request number; nil where this very batch enters
// it.
func (l *Ledgers) entryOf(b *writer.Batch, id ledger.ID, number uint64) (*message.Entry, error) {
	at, ok, err := b.Get(record.NumberKey(id, number))
	if err != nil || !ok {
		return nil, err
	}
	sealed, ok, err := b.Get(kv.Key(record.PrefixEntry, id.Supplier[:], id.Retailer[:], at))
	if err != nil || !ok {
		return nil, err
	}
	payload, err := l.verifier.Peek(sealed)
	var e *message.Entry
	if err == nil {
		e, err = message.Decode[message.Entry](l.codec, payload)
	}
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInternal, "the entry that answers request %d is damaged: %w", number, err)
	}
	return e, nil
}
