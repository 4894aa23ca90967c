package audit

import (
	"reflect"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/partnership"
	"github.com/souk-market/souk/exchange/record"
)

// replayed is what a ledger's entries, and nothing else, say.
type replayed struct {
	hash     [32]byte
	at       exchange.Time
	answered uint64
	trade    partnership.State
	lives    []time.Duration // how long each version of the terms let a hold live
	ended    uint32          // the latest version that ended
	orders   map[exchange.OrderID]order.Order
	quotes   map[exchange.OrderID]*exchange.Quote
	refused  map[exchange.OrderID]bool // a submit of it was
}

// checkChain replays a ledger and compares what it says with the records.
func (b *Books) checkChain(all *faults, id ChainID, c *Chain) {
	f := &faults{where: all.where + ", ledger of " + id.Supplier.Short() + " with " + id.Retailer.Short()}
	defer func() { all.list = append(all.list, f.list...) }()
	r := replayed{
		orders: map[exchange.OrderID]order.Order{}, quotes: map[exchange.OrderID]*exchange.Quote{},
		refused: map[exchange.OrderID]bool{},
	}
	for i, e := range c.Entries {
		r.link(f, id, i, e)
		if e.Number != 0 && c.numbers[e.Number] != e.Position {
			f.add("request %d is answered by entry %d; the index says %d", e.Number, e.Position, c.numbers[e.Number])
		}
		if e.Outcome == exchange.CodeOK {
			r.apply(f, e)
		} else if submit, ok := e.Act.(message.SubmitOrder); ok {
			r.refused[submit.Order] = true
		}
		if want := r.version(); e.Terms != want {
			f.add("entry %d says terms %d are in force; they are %d", e.Position, e.Terms, want)
		}
	}
	end := c.Record.Chain
	if end.Position != uint64(len(c.Entries)) || end.Hash != r.hash || end.At != r.at || end.Answered != r.answered {
		f.add("its record ends at %d (answered %d), its entries at %d (%d)", end.Position, end.Answered, len(c.Entries), r.answered)
	}
	if uint64(len(c.numbers)) != r.answered {
		f.add("%d requests are indexed, %d answered", len(c.numbers), r.answered)
	}
	if !sameTrade(c.Partnership.State, r.trade) {
		f.add("the partnership is %+v; the entries make it %+v", c.Partnership.State, r.trade)
	}
	if id.Supplier == b.Shop {
		b.compareOrders(f, id.Retailer, b.Sold, r)
		b.checkAcked(f, id, c)
		return
	}
	b.compareOrders(f, id.Supplier, b.Bought, r)
	b.checkOutbox(f, id, c, r)
}

// link checks an entry's place in the chain.
func (r *replayed) link(f *faults, id ChainID, i int, e *Entry) {
	if e.Supplier != id.Supplier || e.Retailer != id.Retailer {
		f.add("entry %d is of another ledger", i+1)
	}
	if e.Position != uint64(i+1) || e.Prev != r.hash || e.At < r.at {
		f.add("entry %d does not follow the one before", e.Position)
	}
	if e.Number != 0 && e.Number != r.answered+1 {
		f.add("entry %d answers request %d after %d", e.Position, e.Number, r.answered)
	}
	r.hash, r.at, r.answered = e.Hash, e.At, max(r.answered, e.Number)
}

func (r *replayed) version() uint32 {
	if !r.trade.Active {
		return 0
	}
	return r.trade.Version
}

// apply runs the machines on an entry that was not refused.
func (r *replayed) apply(f *faults, e *Entry) {
	by := exchange.Supplier
	if e.Request != nil {
		by = exchange.Retailer
	}
	var err error
	switch act := e.Act.(type) {
	case message.ProposeTerms:
		r.trade, _, err = partnership.Step(r.trade, partnership.Propose{By: by, Terms: act.Terms, Hash: e.Hash}, e.At)
	case message.AcceptTerms:
		r.trade, _, err = partnership.Step(r.trade, partnership.Accept{By: by, Hash: act.Proposal}, e.At)
		r.lives = append(r.lives, r.trade.Terms.HoldLifetime)
	case message.DeclineTerms:
		r.trade, _, err = partnership.Step(r.trade, partnership.Decline{By: by, Hash: act.Proposal}, e.At)
	case message.EndTrade:
		r.trade, _, err = partnership.Step(r.trade, partnership.End{By: by, Reason: act.Reason}, e.At)
		r.ended = r.trade.Version
	case message.SubmitOrder:
		r.submit(f, e, act)
	case message.CancelOrder:
		err = r.step(act.Order, order.Cancel{By: by, Lines: act.Lines}, e.At)
	case message.AcceptOrder:
		err = r.step(act.Order, order.Accept{}, e.At)
	case message.RejectOrder:
		err = r.step(act.Order, order.Reject{}, e.At)
	case message.ShipOrder:
		err = r.step(act.Order, order.Ship{Lines: act.Lines}, e.At)
	case message.DeliverOrder:
		err = r.step(act.Order, order.Deliver{Lines: act.Lines}, e.At)
	case message.ExpireOrder:
		err = r.step(act.Order, order.Expire{}, e.At)
	default:
		f.add("entry %d is a %T", e.Position, e.Act)
	}
	if err != nil {
		f.add("entry %d cannot follow: %w", e.Position, err)
	}
}

func (r *replayed) step(id exchange.OrderID, e order.Event, at exchange.Time) error {
	next, _, err := order.Step(r.orders[id], e, at)
	r.orders[id] = next
	return err
}

func (r *replayed) submit(f *faults, e *Entry, act message.SubmitOrder) {
	q := e.quote
	if q == nil {
		f.add("entry %d: order %v has no quote", e.Position, act.Order)
		return
	}
	if !r.trade.Active || q.TermsVersion <= r.ended || e.At >= r.latestEnd(q) {
		f.add("entry %d: order %v came after the end of its hold or partnership", e.Position, act.Order)
	}
	lines := make([]exchange.Line, len(q.Lines))
	for i, l := range q.Lines {
		lines[i] = exchange.Line{SKU: l.SKU, Quantity: l.Quantity}
	}
	submit := order.Submit{Lines: lines, Cancel: q.Cancel, AcceptBy: e.At.Add(q.AcceptWithin)}
	next, _, err := order.Step(r.orders[act.Order], submit, e.At)
	if err != nil {
		f.add("entry %d submits order %v again: %w", e.Position, act.Order, err)
	}
	r.orders[act.Order], r.quotes[act.Order] = next, q
}

// latestEnd is when a hold with this quote has ended for certain. Extensions are in no
// ledger: each may have moved the end as far as the terms that were in force then allow,
// and those may since have given way to stricter ones.
func (r *replayed) latestEnd(q *exchange.Quote) exchange.Time {
	end := q.Expires
	for i, life := range r.lives {
		if uint32(i+1) >= q.TermsVersion {
			end = max(end, q.Issued.Add(life))
		}
	}
	return end
}

// sameTrade compares two states; an empty list of countries is none.
func sameTrade(a, b partnership.State) bool {
	for _, s := range []*partnership.State{&a, &b} {
		for _, t := range []*exchange.Terms{&s.Terms, &s.Open.Terms} {
			if len(t.Countries) == 0 {
				t.Countries = nil
			}
		}
	}
	return reflect.DeepEqual(a, b)
}

// compareOrders holds the orders with a partner against the ledger's.
func (b *Books) compareOrders(f *faults, partner exchange.ShopID, records map[Key]*record.Order, r replayed) {
	for id, o := range r.orders {
		rec := records[Key{partner, id}]
		if rec == nil || !reflect.DeepEqual(rec.Order, o) {
			f.add("order %v is not what its entries say", id)
			continue
		}
		if q := r.quotes[id]; q != nil && (rec.Quote.Total != q.Total || rec.Quote.USDTotal != q.USDTotal || rec.Quote.Currency != q.Currency || !reflect.DeepEqual(rec.Quote.Lines, q.Lines)) {
			f.add("order %v is not at the price quoted", id)
		}
	}
	for k, rec := range records {
		if _, entered := r.orders[k.ID]; k.Partner == partner && rec.Order.Submitted != 0 && !entered {
			f.add("order %v is in no entry", k.ID)
		}
	}
}

// checkAcked verifies the retailer's countersigned head.
func (b *Books) checkAcked(f *faults, id ChainID, c *Chain) {
	end := c.Record.Chain
	if end.Acked == 0 {
		return
	}
	signed := c.Record.AckedHead
	if err := b.verifier.Verify(message.DomainHead, id.Retailer, signed.Payload, signed.Signature); err != nil {
		f.add("the countersigned head: %w", err)
		return
	}
	v, err := b.codec.Decode(message.KindHead, signed.Payload)
	if err != nil {
		f.add("the countersigned head: %w", err)
		return
	}
	head := v.(*message.Head)
	if head.Position != end.Acked || end.Acked > uint64(len(c.Entries)) || head.Hash != c.Entries[end.Acked-1].Hash {
		f.add("the countersigned head is of %d, the record says %d", head.Position, end.Acked)
	}
}

// checkOutbox checks that what is queued continues what was answered, and that
// every order placed is entered, refused or queued.
func (b *Books) checkOutbox(f *faults, id ChainID, c *Chain, r replayed) {
	queued := map[exchange.OrderID]bool{}
	rd := reader{b, f}
	for i, o := range c.Outbox {
		if want := r.answered + 1 + uint64(i); o.Number != want {
			f.add("request %d is queued where %d is next", o.Number, want)
		}
		req := rd.request(id, o.Signed)
		if req == nil {
			continue
		}
		if req.Number != o.Number {
			f.add("request %d is queued as %d", req.Number, o.Number)
		}
		if submit, ok := req.Act.(message.SubmitOrder); ok {
			queued[submit.Order] = true
		}
	}
	if want := r.answered + uint64(len(c.Outbox)); c.Record.Queued != want {
		f.add("%d requests were numbered, %d are answered or queued", c.Record.Queued, want)
	}
	for k, rec := range b.Bought {
		if k.Partner != id.Supplier || rec.Order.Submitted != 0 {
			continue
		}
		if rec.Refusal == exchange.CodeOK && !queued[k.ID] || rec.Refusal != exchange.CodeOK && !r.refused[k.ID] {
			f.add("order %v was placed and is neither entered, refused nor queued", k.ID)
		}
	}
}
