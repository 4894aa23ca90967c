package audit

import (
	"bytes"
	"reflect"

	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// Pair compares two shops' books, both read while neither shop ran: in each direction the retailer's ledger is a prefix
// of the supplier's (I5), an answered request has one content (I2), and what the
// supplier sealed about a hold is in its books (I4).
func Pair(a, b *Books) error {
	f := &faults{where: "shops " + a.Shop.Short() + " and " + b.Shop.Short()}
	for _, side := range [][2]*Books{{a, b}, {b, a}} {
		supplier, retailer := side[0], side[1]
		id := ChainID{supplier.Shop, retailer.Shop}
		comparePrefix(f, id, supplier, retailer)
		for hold, res := range retailer.Reservations {
			if res.Supplier == supplier.Shop {
				compareHold(f, Key{retailer.Shop, hold}, res, supplier, retailer)
			}
		}
	}
	return f.err()
}

// Healed compares two shops that have exchanged what they owed each other:
// beyond Pair, both ledgers are equal, countersigned and answered to the last
// request (I5, I9), and both hold the same orders (I3).
func Healed(a, b *Books) error {
	if err := Pair(a, b); err != nil {
		return err
	}
	f := &faults{where: "shops " + a.Shop.Short() + " and " + b.Shop.Short() + ", healed"}
	for _, side := range [][2]*Books{{a, b}, {b, a}} {
		supplier, retailer := side[0], side[1]
		id := ChainID{supplier.Shop, retailer.Shop}
		s, r := supplier.chain(id), retailer.chain(id)
		if s.Record.Chain.Position != r.Record.Chain.Position {
			f.add("the ledger has %d entries at its supplier, %d at its retailer", s.Record.Chain.Position, r.Record.Chain.Position)
		}
		if s.Record.Chain.Acked != s.Record.Chain.Position {
			f.add("%d of %d entries are countersigned", s.Record.Chain.Acked, s.Record.Chain.Position)
		}
		if len(r.Outbox) > 0 {
			f.add("%d requests are unanswered, from %d", len(r.Outbox), r.Outbox[0].Number)
		}
		if !sameTrade(s.Partnership.State, r.Partnership.State) || r.Partnership.Ending {
			f.add("the partnership is %+v at its supplier, %+v at its retailer", s.Partnership.State, r.Partnership)
		}
		compareSets(f, supplier, retailer)
	}
	return f.err()
}

func (b *Books) chain(id ChainID) *Chain {
	if c := b.Chains[id]; c != nil {
		return c
	}
	return &Chain{}
}

func comparePrefix(f *faults, id ChainID, supplier, retailer *Books) {
	s, r := supplier.chain(id), retailer.chain(id)
	if r.Record.Chain.Frozen || s.Record.Chain.Frozen {
		f.add("a ledger is frozen: %+v", r.Evidence)
		return
	}
	if len(r.Entries) > len(s.Entries) {
		f.add("the retailer has %d entries, their supplier %d", len(r.Entries), len(s.Entries))
		return
	}
	for i, e := range r.Entries {
		if s.Entries[i].Hash != e.Hash {
			f.add("entry %d differs", i+1)
			return
		}
	}
	for _, o := range r.Outbox {
		at, answered := s.numbers[o.Number]
		if answered && !bytes.Equal(s.Entries[at-1].Entry.Request.Payload, o.Signed.Payload) {
			f.add("request %d has two contents", o.Number)
		}
	}
}

// compareHold looks for what the retailer was answered in the supplier's books.
func compareHold(f *faults, k Key, res *record.Reservation, supplier, retailer *Books) {
	if res.Answer == nil {
		return
	}
	h := supplier.Holds[k]
	if h == nil {
		if supplier.keeps(k.ID) {
			f.add("hold %v was answered and the supplier has no record of it", k.ID)
		}
		return
	}
	if res.State.Terminal() && res.State != hold.Refused && !h.Hold.State.Terminal() {
		f.add("hold %v is %v at the retailer, %v at the supplier", k.ID, res.State, h.Hold.State)
	}
	payload, err := retailer.verifier.Open(supplier.Shop, res.Answer)
	if err != nil {
		f.add("hold %v: the retailer's quote does not open: %w", k.ID, err)
		return
	}
	v, err := retailer.codec.Decode(message.KindHoldAnswer, payload)
	if err != nil {
		f.add("hold %v: the retailer's quote is unreadable: %w", k.ID, err)
		return
	}
	if q := v.(*message.HoldAnswer).Quote; q == nil || !quotes(q, h.Hold.Lines) || q.Expires > h.Hold.Expires {
		f.add("hold %v: the retailer was quoted %+v, the supplier holds %+v", k.ID, q, h.Hold)
	}
}

// compareSets compares the orders of one direction of trade.
func compareSets(f *faults, supplier, retailer *Books) {
	for k, sold := range supplier.Sold {
		if k.Partner != retailer.Shop {
			continue
		}
		bought := retailer.Bought[Key{supplier.Shop, k.ID}]
		if bought == nil || !reflect.DeepEqual(sold.Order, bought.Order) || !reflect.DeepEqual(sold.Parcels, bought.Parcels) {
			f.add("order %v differs between its shops", k.ID)
		}
	}
	for k, bought := range retailer.Bought {
		if k.Partner == supplier.Shop && bought.Order.Submitted != 0 && supplier.Sold[Key{retailer.Shop, k.ID}] == nil {
			f.add("order %v is at its retailer alone", k.ID)
		}
	}
}
