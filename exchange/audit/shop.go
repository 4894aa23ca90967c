package audit

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// Shop reads a shop's whole store, verifies every signature in it, replays its
// ledgers and compares what follows with its records. The books are returned
// even where there are faults, as far as they could be read.
func Shop(shop exchange.ShopID, store kv.Store, codec message.Codec, verifier message.Verifier) (*Books, error) {
	b, f, err := read(shop, store, codec, verifier, all)
	if err != nil {
		return nil, err
	}
	b.counts(f)
	for k, h := range b.Holds {
		b.checkHold(f, k, h)
	}
	for id, c := range b.Chains {
		b.checkChain(f, id, c)
	}
	for k := range b.Sold {
		if b.Holds[k] == nil && b.keeps(k.ID) {
			f.add("order %v has lost its hold", k.ID)
		}
	}
	for k, o := range b.Bought {
		if b.Chains[ChainID{k.Partner, b.Shop}] == nil {
			f.add("order %v was bought outside every ledger", o.ID)
		}
	}
	bought := make(map[exchange.OrderID]bool, len(b.Bought))
	for k := range b.Bought {
		bought[k.ID] = true
	}
	for k, to := range b.ShipTo {
		if k.Partner == b.Shop { // the salt alone, of an order this shop placed
			if !bought[k.ID] || to != nil && len(to.Raw) > 0 {
				f.add("what is kept of order %v's address is not what a retailer keeps", k.ID)
			}
			continue
		}
		o := b.Sold[k]
		if o == nil || to != nil && sha256.Sum256(append(slices.Clone(to.Salt[:]), to.Raw...)) != o.ShipToHash {
			f.add("the address kept for order %v is not the one that was signed", k.ID)
		}
	}
	return b, f.err()
}

// keeps reports whether a hold's record may not have been pruned yet.
func (b *Books) keeps(id exchange.HoldID) bool {
	const day = exchange.Time(24 * time.Hour / time.Millisecond)
	return id.Window()+exchange.WindowsKept >= exchange.Window(b.Meta.Written/day)
}

// answer opens a sealed answer about a hold.
func (b *Books) answer(f *faults, k Key, sealed []byte) *message.HoldAnswer {
	payload, err := b.verifier.Open(b.Shop, sealed)
	if err != nil {
		f.add("hold %v: its answer does not open: %w", k.ID, err)
		return nil
	}
	v, err := b.codec.Decode(message.KindHoldAnswer, payload)
	if err != nil {
		f.add("hold %v: its answer is unreadable: %w", k.ID, err)
		return nil
	}
	a := v.(*message.HoldAnswer)
	if a.Supplier != b.Shop || a.Retailer != k.Partner || a.Hold != k.ID {
		f.add("hold %v: its answer is about another hold", k.ID)
	}
	return a
}

func (b *Books) checkHold(f *faults, k Key, h *record.Hold) {
	if (h.Hold.State == hold.Refused) != (h.Hold.Refusal != exchange.CodeOK) {
		f.add("hold %v is %v for reason %v", k.ID, h.Hold.State, h.Hold.Refusal)
	}
	if ended := h.Hold.State.Terminal(); ended != (h.Hold.Ended != 0) {
		f.add("hold %v is %v and ended %v", k.ID, h.Hold.State, h.Hold.Ended)
	}
	if (h.Placed != nil) != (h.Request != [32]byte{}) {
		f.add("hold %v: a placing request without its answer, or the reverse", k.ID)
	}
	if h.Placed != nil {
		if a := b.answer(f, k, h.Placed); a != nil {
			b.checkPlaced(f, k, h, a)
		}
	}
	if h.Latest != nil {
		if a := b.answer(f, k, h.Latest); a != nil && a.Request != h.LatestRequest {
			f.add("hold %v: the latest answer is to another request", k.ID)
		}
	}
}

func (b *Books) checkPlaced(f *faults, k Key, h *record.Hold, a *message.HoldAnswer) {
	if a.Request != h.Request {
		f.add("hold %v: its first answer is to another request", k.ID)
	}
	if len(h.Hold.Lines) == 0 { // refused, or found a tombstone
		if a.Quote != nil || a.State != hold.Refused {
			f.add("hold %v has no lines and was answered with %v", k.ID, a.State)
		}
		return
	}
	if a.State != hold.Held || a.Quote == nil || a.Quote.TermsVersion != h.Terms || !quotes(a.Quote, h.Hold.Lines) {
		f.add("hold %v: its first answer does not quote what it holds", k.ID)
	}
}

func quotes(q *exchange.Quote, lines []exchange.Line) bool {
	return slices.EqualFunc(q.Lines, lines, func(a exchange.QuoteLine, b exchange.Line) bool {
		return a.SKU == b.SKU && a.Quantity == b.Quantity
	})
}

// entry reads and verifies one sealed entry of a ledger.
func (r reader) entry(id ChainID, c *Chain, position uint64, sealed []byte) {
	payload, err := r.verifier.Open(id.Supplier, sealed)
	if err != nil {
		r.f.add("entry %d of the ledger with %s: %w", position, r.other(id).Short(), err)
		return
	}
	v := decode[*message.Entry](r, message.KindEntry, payload)
	if v == nil {
		return
	}
	if v.Position != position {
		r.f.add("entry %d stands under %d", v.Position, position)
	}
	e := &Entry{Entry: v, Hash: sha256.Sum256(payload), Act: v.Own}
	if v.Request != nil {
		e.Request = r.request(id, *v.Request)
		if e.Request == nil {
			return
		}
		if e.Request.Number != v.Number {
			r.f.add("entry %d answers request %d with number %d", position, e.Request.Number, v.Number)
		}
		e.Act = e.Request.Act
	}
	if act, ok := e.Act.(message.SubmitOrder); ok {
		r.quoted(id, e, act)
	}
	c.Entries = append(c.Entries, e)
}

// request verifies a retailer's signed request.
func (r reader) request(id ChainID, signed message.SignedRequest) *message.Request {
	if err := r.verifier.Verify(message.DomainRequest, id.Retailer, signed.Payload, signed.Signature); err != nil {
		r.f.add("a request of %s: %w", id.Retailer.Short(), err)
	}
	req := decode[*message.Request](r, message.KindRequest, signed.Payload)
	if req != nil && (req.Supplier != id.Supplier || req.Retailer != id.Retailer) {
		r.f.add("request %d is for another ledger", req.Number)
	}
	return req
}

// quoted opens the sealed quote that an order embeds.
func (r reader) quoted(id ChainID, e *Entry, act message.SubmitOrder) {
	payload, err := r.verifier.Open(id.Supplier, act.Quote)
	if err != nil {
		if e.Outcome == exchange.CodeOK {
			r.f.add("order %v: its quote does not open: %w", act.Order, err)
		}
		return
	}
	if a := decode[*message.HoldAnswer](r, message.KindHoldAnswer, payload); a != nil && a.Hold == act.Order {
		e.quote = a.Quote
	}
}

func (b *Books) other(id ChainID) exchange.ShopID {
	if id.Supplier == b.Shop {
		return id.Retailer
	}
	return id.Supplier
}
