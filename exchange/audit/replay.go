package audit

import (
	"fmt"
	"reflect"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/partnership"
	"github.com/souk-market/souk/exchange/record"
)

// replayed is the state that a ledger's entries alone add up to.
type replayed struct {
	hash     [32]byte
	at       exchange.Time
	answered uint64
	position uint64
	resumed  bool // the next entry follows a gap
	// unnumbered is set by a gap, until an entry has the number of a request again.
	unnumbered bool
	broken     bool // there was a gap: what the entries add up to is not known
	trade      partnership.State
	lives      []time.Duration // how long each version of the terms let a hold live
	ended      uint32          // the latest version that ended
	orders     map[exchange.OrderID]order.Order
	quotes     map[exchange.OrderID]*exchange.Quote
	submits    map[exchange.OrderID]*Entry
	refused    map[exchange.OrderID]bool // orders of which a submit was refused
}

// checkLedger replays a ledger and compares the outcome with the records. After an entry that is
// missing or unreadable it checks the links only: what that entry did is not known.
func (b *Books) checkLedger(f notes, id ledger.ID, c *Ledger) {
	defer f.survive()
	r := replayed{
		orders: map[exchange.OrderID]order.Order{}, quotes: map[exchange.OrderID]*exchange.Quote{},
		submits: map[exchange.OrderID]*Entry{}, refused: map[exchange.OrderID]bool{},
	}
	for _, e := range c.Entries {
		r.gap(f, c, e.Position)
		r.link(f, id, e)
		if e.Number != 0 && c.numbers[e.Number] != e.Position {
			f.fault(OneAnswer, "request %d is answered by entry %d; the index says entry %d", e.Number, e.Position, c.numbers[e.Number])
		}
		if r.broken {
			continue
		}
		if e.Outcome == exchange.CodeOK {
			r.apply(f, e)
		} else if submit, ok := e.Act.(message.SubmitOrder); ok {
			r.refused[submit.Order] = true
		}
		if want := r.version(); e.Terms != want {
			f.fault(Ledgers, "entry %d says terms %d are in force; they are %d", e.Position, e.Terms, want)
		}
	}
	end := c.Record.Chain
	r.gap(f, c, end.Position+1)
	if end.Supplier != id.Supplier || end.Retailer != id.Retailer {
		f.fault(Ledgers, "its record is of another ledger")
	}
	if end.Position < r.position {
		f.fault(Ledgers, "its record ends at entry %d, and there is an entry %d", end.Position, r.position)
	} else if end.Position == r.position && !r.resumed && (end.Hash != r.hash || end.At != r.at || !r.unnumbered && end.Answered != r.answered) {
		f.fault(Ledgers, "its record is of another end than its last entry, %d", r.position)
	}
	b.checkEvidence(f, c)
	if id.Supplier == b.Shop {
		b.checkAcked(f, id, c)
	}
	if r.broken {
		return
	}
	if uint64(len(c.numbers)) != r.answered {
		f.fault(OneAnswer, "%d requests are indexed, %d answered", len(c.numbers), r.answered)
	}
	if !sameTrade(c.Partnership.State, r.trade) {
		f.fault(Ledgers, "the partnership's record says %s; the entries say %s", tradeText(c.Partnership.State), tradeText(r.trade))
	}
	if id.Supplier == b.Shop {
		b.compareOrders(f, id.Retailer, b.Sales, r)
		return
	}
	b.compareOrders(f, id.Supplier, b.Purchases, r)
	b.checkOutbox(f, id, c, r)
}

// gap reports the entries that are missing between the last one and next.
func (r *replayed) gap(f notes, c *Ledger, next uint64) {
	from := r.position + 1
	if next <= from {
		return
	}
	r.broken, r.resumed, r.unnumbered = true, true, true
	missing := next - from
	for p := range c.unread {
		if p >= from && p < next {
			missing-- // a fault already
		}
	}
	const unknown = "what was done there is not known, so its orders and its partnership cannot be checked"
	switch {
	case next == from+1 && missing == 0:
		f.fault(Ledgers, "entry %d cannot be read; %s", from, unknown)
	case next == from+1:
		f.fault(Ledgers, "entry %d is missing; %s", from, unknown)
	default:
		f.fault(Ledgers, "of the entries %d to %d, %d are missing and %d cannot be read; %s", from, next-1, missing, next-from-missing, unknown)
	}
	r.position = next - 1
}

// link checks an entry's place in the chain.
func (r *replayed) link(f notes, id ledger.ID, e *Entry) {
	if e.Supplier != id.Supplier || e.Retailer != id.Retailer {
		f.fault(Ledgers, "entry %d is of another ledger", e.Position)
	}
	if !r.resumed && e.Prev != r.hash || e.At < r.at {
		f.fault(Ledgers, "entry %d does not follow the one before", e.Position)
	}
	if !r.unnumbered && e.Number != 0 && e.Number != r.answered+1 {
		f.fault(OneAnswer, "entry %d answers request %d after request %d", e.Position, e.Number, r.answered)
	}
	r.position, r.hash, r.at, r.answered, r.resumed = e.Position, e.Hash, e.At, max(r.answered, e.Number), false
	r.unnumbered = r.unnumbered && e.Number == 0
}

func (r *replayed) version() uint32 {
	if !r.trade.Active {
		return 0
	}
	return r.trade.Version
}

// apply runs the machines on an entry that was not refused.
func (r *replayed) apply(f notes, e *Entry) {
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
		f.fault(Ledgers, "entry %d is a %T", e.Position, e.Act)
	}
	if err != nil {
		f.fault(Ledgers, "entry %d breaks the rules: %v", e.Position, err)
	}
}

func (r *replayed) step(id exchange.OrderID, e order.Event, at exchange.Time) error {
	next, _, err := order.Step(r.orders[id], e, at)
	r.orders[id] = next
	return err
}

func (r *replayed) submit(f notes, e *Entry, act message.SubmitOrder) {
	q := e.quote
	if q == nil {
		f.fault(Price, "entry %d: order %v has no quote", e.Position, act.Order)
		return
	}
	if !r.trade.Active || q.TermsVersion <= r.ended || e.At >= r.latestEnd(q) {
		f.fault(OneEnd, "entry %d: order %v came after the end of its hold or partnership", e.Position, act.Order)
	}
	lines, err := q.HoldLines()
	if err != nil {
		f.fault(Price, "entry %d: the quote of order %v: %v", e.Position, act.Order, err)
		return
	}
	submit := order.Submit{Lines: lines, Cancel: q.Cancel, AcceptBy: e.At.Add(q.AcceptWithin)}
	next, _, err := order.Step(r.orders[act.Order], submit, e.At)
	if err != nil {
		f.fault(OneEnd, "entry %d submits order %v again: %v", e.Position, act.Order, err)
	}
	r.orders[act.Order], r.quotes[act.Order], r.submits[act.Order] = next, q, e
}

// latestEnd is when a hold with this quote has ended for certain. No ledger has extensions.
// Each may have moved the end as far as the terms in force at the time allowed, and stricter
// terms may have come since.
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

// compareOrders compares the records of a partner's orders with the ledger's orders.
func (b *Books) compareOrders(f notes, partner exchange.ShopID, records map[Key]*record.Order, r replayed) {
	for id, o := range r.orders {
		rec := records[Key{partner, id}]
		if rec == nil || !reflect.DeepEqual(rec.Order, o) {
			f.at("order %v", id).fault(Ledgers, "its record is not what its entries say")
			continue
		}
		entry := r.submits[id]
		if entry == nil { // acted on and never submitted: a fault already
			continue
		}
		if rec.First != entry.Position || rec.ShipToHash != entry.Act.(message.SubmitOrder).ShipTo {
			f.at("order %v", id).fault(Ledgers, "its record is not of the entry that submitted it")
		}
		if q := r.quotes[id]; !reflect.DeepEqual(&rec.Quote, q) {
			f.at("order %v", id).fault(Price, "its record is not of the quote that was sealed for it")
		}
	}
	for k, rec := range records {
		if _, entered := r.orders[k.ID]; k.Partner == partner && rec.Order.Submitted != 0 && !entered {
			f.at("order %v", k.ID).fault(Ledgers, "it is in no entry")
		}
	}
}

// tradeText is what a partnership's state says, in short.
func tradeText(s partnership.State) string {
	switch {
	case s.Active:
		return fmt.Sprintf("that terms %d are in force", s.Version)
	case s.Ended != 0:
		return fmt.Sprintf("that it ended at %v", s.Ended)
	case s.Open.By != 0:
		return "that a proposal is open"
	}
	return "that nothing is agreed"
}

// checkAcked verifies the retailer's countersigned head.
func (b *Books) checkAcked(f notes, id ledger.ID, c *Ledger) {
	end := c.Record.Chain
	if end.Acked == 0 {
		return
	}
	signed := c.Record.AckedHead
	if err := b.verifier.Verify(message.DomainHead, id.Retailer, signed.Payload, signed.Signature); err != nil {
		f.fault(Signed, "the head that the retailer countersigned: %v", err)
		return
	}
	head, err := message.Decode[message.Head](b.codec, signed.Payload)
	if err != nil {
		f.fault(Records, "the head that the retailer countersigned: %v", err)
		return
	}
	if head.Position != end.Acked || end.Acked > end.Position || c.entry(end.Acked) != nil && c.entry(end.Acked).Hash != head.Hash {
		f.fault(Ledgers, "the retailer countersigned another entry than entry %d, which the record says", end.Acked)
	}
}

// checkOutbox checks that what is queued continues what was answered, and that
// every order placed is entered, refused or queued.
func (b *Books) checkOutbox(f notes, id ledger.ID, c *Ledger, r replayed) {
	queued := map[exchange.OrderID]bool{}
	rd := reader{b, f}
	for i, o := range c.Outbox {
		if want := r.answered + 1 + uint64(i); o.Number != want {
			f.fault(OneAnswer, "request %d is queued where request %d is next", o.Number, want)
		}
		req := rd.request(id, o.Signed)
		if req == nil {
			continue
		}
		if req.Number != o.Number {
			f.fault(OneAnswer, "request %d is queued as request %d", req.Number, o.Number)
		}
		if submit, ok := req.Act.(message.SubmitOrder); ok {
			queued[submit.Order] = true
		}
	}
	if want := r.answered + uint64(len(c.Outbox)); c.Record.Queued != want {
		f.fault(OneAnswer, "%d requests were numbered, %d are answered or queued", c.Record.Queued, want)
	}
	for k, rec := range b.Purchases {
		if k.Partner != id.Supplier || rec.Order.Submitted != 0 {
			continue
		}
		if rec.Refusal == exchange.CodeOK && !queued[k.ID] || rec.Refusal != exchange.CodeOK && !r.refused[k.ID] {
			f.at("order %v", k.ID).fault(Acknowledged, "it was placed and is neither entered, refused nor queued")
		}
	}
}
