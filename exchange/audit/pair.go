package audit

import (
	"bytes"
	"math"
	"reflect"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// Compare compares two shops' books, both read while neither shop ran. For each ledger that the
// two share, the retailer's copy is a prefix of the supplier's (I5), an answered request has
// one content (I2), and what the supplier sealed about a hold is in the supplier's books (I4).
// What one shop has not received from the other yet, and a frozen ledger, are findings.
func Compare(a, b *Books) *Report {
	f := newNotes("shops " + a.name(a.Shop) + " and " + b.name(b.Shop))
	compare(f, a, b)
	return &Report{Faults: f.sorted(), Findings: f.sortedFindings()}
}

func compare(f notes, a, b *Books) {
	for _, side := range [][2]*Books{{a, b}, {b, a}} {
		supplier, retailer := side[0], side[1]
		id := ledger.ID{Supplier: supplier.Shop, Retailer: retailer.Shop}
		comparePrefix(f.at("%s", ledgerIn{a.name, id}), id, supplier, retailer)
		for hold, res := range retailer.Reservations {
			if res.Supplier == supplier.Shop {
				compareHold(f.at("hold %v", hold), Key{retailer.Shop, hold}, res, supplier, retailer)
			}
		}
	}
}

// Pair is Compare for tests, between honest shops: its error is all faults, and a frozen ledger
// is a fault.
func Pair(a, b *Books) error {
	f := newNotes("shops " + a.name(a.Shop) + " and " + b.name(b.Shop))
	compare(f, a, b)
	for _, n := range f.into.findings {
		if n.Kind == Frozen {
			f.into.faults = append(f.into.faults, &Fault{Prefix, n.Where, n.What})
		}
	}
	return f.err()
}

// Healed compares two shops that have exchanged what they owed each other. Beyond Pair, both
// copies of a ledger are equal, countersigned and answered to the last request (I5, I9), nothing
// that was asked about a reservation is unanswered (I9), and both shops have the same orders (I3).
func Healed(a, b *Books) error { return HealedAt(a, b, math.MaxInt64) }

// HealedAt is Healed for shops that had settled at a time and ran on: a release that came due
// after it may be unanswered.
func HealedAt(a, b *Books, settled exchange.Time) error {
	if err := Pair(a, b); err != nil {
		return err
	}
	f := newNotes("shops " + a.name(a.Shop) + " and " + b.name(b.Shop) + ", healed")
	for _, side := range [][2]*Books{{a, b}, {b, a}} {
		supplier, retailer := side[0], side[1]
		id := ledger.ID{Supplier: supplier.Shop, Retailer: retailer.Shop}
		f := f.at("%s", ledgerIn{a.name, id})
		s, r := supplier.ledger(id), retailer.ledger(id)
		if s.Record.Chain.Position != r.Record.Chain.Position {
			f.fault(Prefix, "it has %d entries at its supplier, %d at its retailer", s.Record.Chain.Position, r.Record.Chain.Position)
		}
		if s.Record.Chain.Acked != s.Record.Chain.Position {
			f.fault(Prefix, "%d of %d entries are countersigned", s.Record.Chain.Acked, s.Record.Chain.Position)
		}
		if len(r.Outbox) > 0 {
			f.fault(Answered, "%d requests are unanswered, from %d", len(r.Outbox), r.Outbox[0].Number)
		}
		if !sameTrade(s.Partnership.State, r.Partnership.State) || r.Partnership.Ending {
			f.fault(Prefix, "the partnership is %+v at its supplier, %+v at its retailer", s.Partnership.State, r.Partnership)
		}
		for id, res := range retailer.Reservations {
			kept := res.State == hold.Held && res.ExtendTo == 0 && res.ReleaseAt > min(retailer.Meta.Written, settled) // for a caller who may come back
			bought := retailer.Purchases[Key{supplier.Shop, id}]
			ordered := bought != nil && bought.Stands() // then the ledger says what becomes of it
			if res.Supplier == supplier.Shop && !res.Settled() && !kept && !ordered {
				f.at("hold %v", id).fault(Answered, "it is %v at the retailer, and the supplier owes an answer (release from %v, extension to %v)", res.State, res.ReleaseAt, res.ExtendTo)
			}
		}
		compareSets(f, supplier, retailer)
		compareBaskets(f, supplier, retailer)
	}
	return f.err()
}

func (b *Books) ledger(id ledger.ID) *Ledger {
	if c := b.Ledgers[id]; c != nil {
		return c
	}
	return &Ledger{}
}

func comparePrefix(f notes, id ledger.ID, supplier, retailer *Books) {
	s, r := supplier.ledger(id), retailer.ledger(id)
	switch {
	case r.Record.Chain.Frozen || s.Record.Chain.Frozen:
		f.finding(Frozen, "it is frozen as evidence")
	case r.Last() > s.Last():
		f.fault(Prefix, "the retailer has %d entries, the supplier %d: the supplier has lost entries, or its folder is older than the retailer's", r.Last(), s.Last())
	case r.Last() < s.Last():
		f.finding(OnTheWay, "the retailer has %d of the supplier's %d entries", r.Last(), s.Last())
	}
	if n := len(r.Outbox); n > 0 {
		f.finding(OnTheWay, "%d of the retailer's requests wait for the supplier's answer", n)
	}
	for _, e := range r.Entries {
		if at := s.entry(e.Position); at != nil && at.Hash != e.Hash {
			f.fault(Prefix, "entry %d is not the same at both shops", e.Position)
			return
		}
	}
	for _, o := range r.Outbox {
		at, answered := s.numbers[o.Number]
		if e := s.entry(at); answered && e != nil && e.Entry.Request != nil && !bytes.Equal(e.Entry.Request.Payload, o.Signed.Payload) {
			f.fault(OneAnswer, "request %d has two contents", o.Number)
		}
	}
}

// compareHold looks in the supplier's books for the hold that the supplier answered.
func compareHold(f notes, k Key, res *record.Reservation, supplier, retailer *Books) {
	defer f.survive()
	if res.Answer == nil {
		return
	}
	h := supplier.Holds[k]
	if h == nil {
		if supplier.keeps(k.ID) {
			f.fault(Acknowledged, "the retailer was answered, and the supplier has no record of it: it has lost the record, or its folder is older than the retailer's")
		}
		return
	}
	if res.State.Terminal() && res.State != hold.Refused && !h.Hold.State.Terminal() {
		f.fault(OneEnd, "it is %v at the retailer, %v at the supplier", res.State, h.Hold.State)
	}
	payload, err := retailer.verifier.Open(supplier.Shop, res.Answer)
	if err != nil {
		f.fault(Signed, "the retailer's quote does not open: %v", err)
		return
	}
	answer, err := message.Decode[message.HoldAnswer](retailer.codec, payload)
	if err != nil {
		f.fault(Records, "the retailer's quote is unreadable: %v", err)
		return
	}
	if q := answer.Quote; q == nil || !q.Prices(h.Hold.Lines) || q.Expires > h.Hold.Expires {
		f.fault(Acknowledged, "the supplier does not hold what it quoted the retailer, or not as long")
	}
}

// compareSets compares the orders that a supplier and a retailer have of each other.
func compareSets(f notes, supplier, retailer *Books) {
	for k, sold := range supplier.Sales {
		if k.Partner != retailer.Shop {
			continue
		}
		bought := retailer.Purchases[Key{supplier.Shop, k.ID}]
		if bought == nil || !reflect.DeepEqual(sold.Order, bought.Order) || !reflect.DeepEqual(sold.Parcels, bought.Parcels) {
			f.at("order %v", k.ID).fault(SameOrders, "it differs between its shops")
		}
	}
	for k, bought := range retailer.Purchases {
		if k.Partner == supplier.Shop && bought.Order.Submitted != 0 && supplier.Sales[Key{retailer.Shop, k.ID}] == nil {
			f.at("order %v", k.ID).fault(SameOrders, "it is at its retailer alone")
		}
	}
}
