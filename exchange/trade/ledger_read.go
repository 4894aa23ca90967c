package trade

import (
	"context"
	"errors"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// A ledger as its owner reads it, and its end beside the partner's.

// LedgerEntry is an entry of a ledger as this shop keeps it.
type LedgerEntry struct {
	*message.Entry
	Hash ledger.Hash
	By   exchange.Party // whose act it is
	Act  message.Act
	// Quote is, of a SubmitOrder, the one that the supplier sealed; nil where the order names none.
	Quote *exchange.Quote
}

// Entries visits the committed entries of the ledger with a partner in which this shop has the
// given side, from after a position on, until visit returns false. An entry that cannot be read
// ends the visit with CodeInternal.
func (l *Ledgers) Entries(partner exchange.ShopID, side exchange.Party, after uint64, visit func(LedgerEntry) bool) error {
	id := l.partnerships.ledgerWith(partner, side)
	rec := l.committed(id)
	if rec == nil || after >= rec.Chain.Position {
		return nil
	}
	for row, err := range kv.Rows(l.store, kv.Range{From: record.EntryKey(id, after+1), To: record.EntryKey(id, rec.Chain.Position+1)}) {
		if err != nil {
			return err
		}
		payload, err := l.verifier.Peek(row.Value)
		if err != nil {
			return exchange.Errorf(exchange.CodeInternal, "an entry of the ledger in the store is damaged: %w", err)
		}
		e, err := l.readEntry(payload)
		if err != nil {
			return exchange.Errorf(exchange.CodeInternal, "an entry of the ledger in the store is damaged: %w", err)
		}
		if !visit(e) {
			break
		}
	}
	return nil
}

func (l *Ledgers) readEntry(payload []byte) (LedgerEntry, error) {
	e, err := message.Decode[message.Entry](l.codec, payload)
	if err != nil {
		return LedgerEntry{}, err
	}
	out := LedgerEntry{Entry: e, Hash: message.Digest(payload), By: exchange.Supplier, Act: e.Own}
	if e.Request == nil {
		return out, nil
	}
	req, err := message.Decode[message.Request](l.codec, e.Request.Payload)
	if err != nil {
		return LedgerEntry{}, err
	}
	out.By, out.Act = exchange.Retailer, req.Act
	if submit, ok := req.Act.(message.SubmitOrder); ok {
		out.Quote, _ = l.quoteIn(submit.Quote) // a refused order may name anything
	}
	return out, nil
}

// Place is where a ledger ends at one of its shops.
type Place struct {
	Position uint64
	Hash     ledger.Hash // zero where it is not known, and of an empty ledger
}

// Standing is how this shop's ledger stands to the partner's.
type Standing string

const (
	LedgersEqual      Standing = "equal"
	LedgerBehind      Standing = "behind"      // the partner has entries that this shop lacks
	LedgerAhead       Standing = "ahead"       // this shop has entries that the partner lacks
	LedgersDiverged   Standing = "diverged"    // the two have different entries at one position
	LedgerUnreachable Standing = "unreachable" // the partner did not answer
	LedgerRefused     Standing = "refused"     // the partner did not say, and Refusal is why
)

// Comparison is one ledger as the two shops have it.
type Comparison struct {
	Side        exchange.Party // this shop's
	Standing    Standing
	Here, There Place // There is zero where the partner did not say
	Refusal     error // of LedgerUnreachable and LedgerRefused
}

// Compare asks a partner now where its copies of the ledgers with this shop end, and compares them
// with this shop's. It changes nothing at either shop. Entries on their way make one of them
// behind. The errors: CodeNoPartnership where the two have no ledger, and CodeSignature or
// CodeInvalid where the partner's answer is none.
func (l *Ledgers) Compare(ctx context.Context, partner exchange.ShopID) ([]Comparison, error) {
	var list []Comparison
	for _, side := range []exchange.Party{exchange.Supplier, exchange.Retailer} {
		id := l.partnerships.ledgerWith(partner, side)
		if l.committed(id) == nil {
			continue
		}
		c := Comparison{Side: side}
		var err error
		if side == exchange.Supplier {
			err = l.compareAsSupplier(ctx, id, &c)
		} else {
			err = l.compareAsRetailer(ctx, id, &c)
		}
		var refusal *notSaid
		if errors.As(err, &refusal) {
			c.Refusal, err = refusal.why, nil
			c.Here = l.placeHere(id)
			c.Standing = LedgerRefused
			if code := exchange.CodeOf(c.Refusal); code == exchange.CodeUnavailable || code == exchange.CodeInternal {
				c.Standing = LedgerUnreachable
			}
		}
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, exchange.Errorf(exchange.CodeNoPartnership, "this shop has no ledger with %s", partner.Short())
	}
	return list, nil
}

// notSaid is that a partner did not answer a question, or refused to.
type notSaid struct{ why error }

func (n *notSaid) Error() string { return n.why.Error() }

func (l *Ledgers) placeHere(id ledger.ID) Place {
	chain := l.committed(id).Chain
	return Place{chain.Position, chain.Hash}
}

// askLedger asks a partner about a ledger.
func askLedger[T any, P message.ValueOf[T]](ctx context.Context, l *Ledgers, to exchange.ShopID, question message.Value) (P, error) {
	raw, err := l.frame(question)
	if err != nil {
		return nil, err
	}
	reply, err := l.retailer.asker.ask(ctx, to, raw)
	if err != nil {
		return nil, &notSaid{err}
	}
	return message.Reply[T, P](l.codec, reply)
}

// compareAsSupplier asks the retailer for its countersigned head: it answers each push with it, also
// one without an entry.
func (l *Ledgers) compareAsSupplier(ctx context.Context, id ledger.ID, c *Comparison) error {
	signed, err := askLedger[message.SignedHead](ctx, l, id.Retailer, &message.Push{})
	if err != nil {
		return err
	}
	if err := l.verifier.Verify(message.DomainHead, id.Retailer, signed.Payload, signed.Signature); err != nil {
		return err
	}
	head, err := message.Decode[message.Head](l.codec, signed.Payload)
	if err != nil {
		return err
	}
	if head.Supplier != id.Supplier || head.Retailer != id.Retailer {
		return exchange.Errorf(exchange.CodeInvalid, "the head is of another ledger")
	}
	c.There = Place{head.Position, head.Hash}
	return l.stand(id, c)
}

// compareAsRetailer pulls the supplier's entry at this shop's head, or at its own where that is
// earlier.
func (l *Ledgers) compareAsRetailer(ctx context.Context, id ledger.ID, c *Comparison) error {
	at := l.placeHere(id).Position
	for range 2 {
		pulled, err := askLedger[message.Entries](ctx, l, id.Supplier, &message.Pull{After: max(at, 1) - 1})
		if err != nil {
			return err
		}
		c.There = Place{Position: pulled.Head}
		if pulled.Head > 0 && pulled.Head < at {
			at = pulled.Head
			continue
		}
		if pulled.Head == 0 || at == 0 {
			return l.stand(id, c)
		}
		first, err := l.checkPulled(id, at, pulled, &c.There)
		if err != nil {
			return err
		}
		if same, err := l.hasEntry(id, first); err != nil || !same {
			c.Here, c.Standing = l.placeHere(id), LedgersDiverged
			return err
		}
		return l.stand(id, c)
	}
	return &notSaid{exchange.Errorf(exchange.CodeUnavailable, "the partner's ledger became shorter while it was asked; try again")}
}

// checkPulled is the place of the first entry of an answer, which was asked to begin at the position
// at. there gets the hash of the last entry of the partner's ledger, where the answer has it.
func (l *Ledgers) checkPulled(id ledger.ID, at uint64, pulled *message.Entries, there *Place) (first Place, err error) {
	if len(pulled.Entries) == 0 {
		return Place{}, exchange.Errorf(exchange.CodeInvalid, "the partner was asked for entry %d of the ledger and sent none", at)
	}
	for i, sealed := range pulled.Entries {
		payload, err := l.verifier.Open(id.Supplier, sealed)
		if err != nil {
			return Place{}, err
		}
		e, err := l.readEntry(payload)
		if err != nil {
			return Place{}, err
		}
		if e.Supplier != id.Supplier || e.Retailer != id.Retailer || e.Position != at+uint64(i) {
			return Place{}, exchange.Errorf(exchange.CodeInvalid, "the partner was asked for entry %d of the ledger and sent another one", at+uint64(i))
		}
		if i == 0 {
			first = Place{e.Position, e.Hash}
		}
		if e.Position == pulled.Head {
			there.Hash = e.Hash
		}
	}
	return first, nil
}

// stand compares where the ledger ends at the two shops.
func (l *Ledgers) stand(id ledger.ID, c *Comparison) error {
	c.Here = l.placeHere(id)
	switch {
	case c.There.Position > c.Here.Position:
		c.Standing = LedgerBehind
		return nil
	case c.There.Position == c.Here.Position:
		c.Standing = LedgersEqual
	default:
		c.Standing = LedgerAhead
	}
	if c.There.Hash == (ledger.Hash{}) { // it has no entry, or its entry at an earlier head of this shop's is the same
		return nil
	}
	same, err := l.hasEntry(id, c.There)
	if err == nil && !same {
		c.Standing = LedgersDiverged
	}
	return err
}

// hasEntry reports whether this shop's entry at a place has its hash.
func (l *Ledgers) hasEntry(id ledger.ID, at Place) (bool, error) {
	sealed, ok, err := l.store.Get(record.EntryKey(id, at.Position))
	if err != nil || !ok {
		return false, err
	}
	payload, err := l.verifier.Peek(sealed)
	if err != nil {
		return false, exchange.Errorf(exchange.CodeInternal, "entry %d in the store is damaged: %w", at.Position, err)
	}
	return message.Digest(payload) == at.Hash, nil
}
