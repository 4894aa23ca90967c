package trade

import (
	"sort"
	"sync"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Partnerships in memory and as people see them, at either side.

// partnerView is what this shop keeps in memory about partners. Opening rebuilds it from the
// store; greetings add windows and positions.
type partnerView struct {
	mu           sync.RWMutex
	partnerships map[ledger.ID]partnershipView
	windows      map[exchange.ShopID]exchange.Window // suppliers' current windows
	greeted      chan struct{}                       // closed at the next window; nil while nobody waits
	ahead        map[exchange.ShopID]uint64          // suppliers' ledger positions, as they said
}

// partnershipView is what partnerView keeps of a partnership.
type partnershipView struct {
	active bool // a partnership is in force
	ending bool // this shop has ended it; the partner may not know yet

	version uint32 // of terms; 0 = none were ever in force
	terms   exchange.Terms
}

func (v *partnerView) init() {
	v.partnerships = make(map[ledger.ID]partnershipView)
	v.windows = make(map[exchange.ShopID]exchange.Window)
	v.ahead = make(map[exchange.ShopID]uint64)
}

// isAhead reports whether the supplier said that its ledger goes on after position have.
func (v *partnerView) isAhead(supplier exchange.ShopID, have uint64) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.ahead[supplier] > have
}

// noteAhead notes the position at which a supplier says that its ledger ends.
func (v *partnerView) noteAhead(supplier exchange.ShopID, position uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ahead[supplier] = position
}

func (v *partnerView) set(id ledger.ID, t partnershipView) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.partnerships[id] = t
}

// isEnding reports whether this shop has ended a partnership, which binds it at once.
func (v *partnerView) isEnding(id ledger.ID) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.partnerships[id].ending
}

// terms are the latest terms of a partnership, in force or ended, and their version; 0 where
// there never were any.
func (v *partnerView) terms(id ledger.ID) (exchange.Terms, uint32) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	t := v.partnerships[id]
	return t.terms, t.version
}

// inForce are the terms in force of a partnership, and whether there are any.
func (v *partnerView) inForce(id ledger.ID) (exchange.Terms, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	t := v.partnerships[id]
	return t.terms, t.active
}

// viewOf is the part of a partnership's record that is kept in memory.
func viewOf(p *record.Partnership) partnershipView {
	return partnershipView{
		active: p.State.Active && !p.Ending, ending: p.Ending,
		version: p.State.Version, terms: p.State.Terms,
	}
}

// list returns the partners of the ledgers in which this shop has the given side, sorted by
// id. With activeOnly a partnership must be in force.
func (v *partnerView) list(me exchange.ShopID, side exchange.Party, activeOnly bool) []exchange.ShopID {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var out []exchange.ShopID
	for id, t := range v.partnerships {
		partner, mine := id.Partner(me)
		if mine == side && (t.active || !activeOnly) {
			out = append(out, partner)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Compare(out[j]) < 0 })
	return out
}

// suppliers are the shops that this one may buy from now.
func (p *Partnerships) suppliers() []exchange.ShopID {
	return p.view.list(p.me, exchange.Retailer, true)
}

// retailers are the shops that ever had a ledger with this supplier.
func (p *Partnerships) retailers() []exchange.ShopID {
	return p.view.list(p.me, exchange.Supplier, false)
}

// Suppliers are the shops whose products this shop may sell now.
func (p *Partnerships) Suppliers() []exchange.ShopID { return p.suppliers() }

// BuyTerms are the terms under which this shop buys from a supplier now, and whether there are any.
func (p *Partnerships) BuyTerms(supplier exchange.ShopID) (exchange.Terms, bool) {
	return p.view.inForce(ledger.ID{Supplier: supplier, Retailer: p.me})
}

// Retailers are the shops that may sell this shop's products now.
func (p *Partnerships) Retailers() []exchange.ShopID {
	return p.view.list(p.me, exchange.Supplier, true)
}

// Counterparts are all shops with which this one has a ledger. The node stays connected to
// them.
func (p *Partnerships) Counterparts() []exchange.ShopID {
	all := append(p.view.list(p.me, exchange.Supplier, false), p.view.list(p.me, exchange.Retailer, false)...)
	sort.Slice(all, func(i, j int) bool { return all[i].Compare(all[j]) < 0 })
	out := all[:0]
	for i, s := range all {
		if i == 0 || all[i-1] != s {
			out = append(out, s)
		}
	}
	return out
}

// MayReadFeed reports whether a shop may see this shop's catalog.
func (p *Partnerships) MayReadFeed(from exchange.ShopID) bool {
	p.view.mu.RLock()
	active := p.view.partnerships[ledger.ID{Supplier: p.me, Retailer: from}].active
	p.view.mu.RUnlock()
	return active && p.members.IsMember(from)
}

// told has the view follow a partnership that rec is the record of now, and tells of it. ended
// says that this change ended it.
func (p *Partnerships) told(b *writer.Batch, id ledger.ID, rec record.Partnership, ended bool) {
	b.Then(partnershipChanged{id, rec})
	partner, side := id.Partner(p.me)
	e := event.Partnership{At: b.Now(), Partner: partner, Side: side, Status: rec.Status()}
	if ended || rec.Ending {
		end := rec.LastEnd(side)
		e.By, e.Detail = end.By, end.Reason
	}
	b.Then(e)
}

// Partnership is a partnership and the state of its ledger, as people see it.
type Partnership struct {
	Supplier exchange.ShopID
	Retailer exchange.ShopID
	record.Partnership
	Position uint64 // of the ledger here
	Hash     ledger.Hash
	Acked    uint64 // as supplier: what the retailer has countersigned
	Waiting  uint64 // as retailer: requests not yet answered
	Open     int64  // as supplier: units held and unshipped
	Frozen   bool
}

// List lists all partnerships, in the order of their ledgers' keys.
func (p *Partnerships) List() ([]Partnership, error) {
	var list []Partnership
	for row, err := range record.Rows[record.Ledger](p.store, p.codec, kv.Prefix([]byte(record.PrefixLedger))) {
		if err != nil {
			return nil, err
		}
		one, err := p.of(row.Record)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

// Get is the partnership with a partner in which this shop has the given side. It is empty
// where the two have no ledger. It reads the store, as List does: what is in memory follows a
// commit a moment later, and who has seen a proposal listed may answer it.
func (p *Partnerships) Get(partner exchange.ShopID, side exchange.Party) (Partnership, error) {
	id := p.ledgerWith(partner, side)
	rec, err := record.Get[record.Ledger](p.store, p.codec, record.LedgerKey(id))
	if err != nil || rec == nil {
		return Partnership{Supplier: id.Supplier, Retailer: id.Retailer}, err
	}
	return p.of(rec)
}

// of is the partnership whose ledger ends as rec says.
func (p *Partnerships) of(rec *record.Ledger) (Partnership, error) {
	out := Partnership{
		Supplier: rec.Chain.Supplier, Retailer: rec.Chain.Retailer, Position: rec.Chain.Position, Hash: rec.Chain.Hash,
		Acked: rec.Chain.Acked, Open: rec.OpenHeld + rec.OpenUnshipped, Frozen: rec.Chain.Frozen,
	}
	if out.Retailer == p.me {
		out.Waiting = rec.Queued - rec.Chain.Answered
	}
	terms, err := record.Get[record.Partnership](p.store, p.codec, record.PartnershipKey(ledger.ID{Supplier: out.Supplier, Retailer: out.Retailer}))
	if err == nil && terms != nil {
		out.Partnership = *terms
	}
	return out, err
}

// ledgerWith names the ledger with a partner in which this shop has the given side.
func (p *Partnerships) ledgerWith(partner exchange.ShopID, side exchange.Party) ledger.ID {
	if side == exchange.Supplier {
		return ledger.ID{Supplier: p.me, Retailer: partner}
	}
	return ledger.ID{Supplier: partner, Retailer: p.me}
}

// termsVersion is the version of the terms in force; 0 where there are none. The caller has
// read the record before, so it is readable.
func (p *Partnerships) termsVersion(b *writer.Batch, id ledger.ID) uint32 {
	rec, err := p.get(b, id)
	if err != nil || !rec.State.Active {
		return 0
	}
	return rec.State.Version
}

// everTerms is the version of the latest terms of a partnership, in force or
// ended; 0 where there never were any.
func (p *Partnerships) everTerms(b *writer.Batch, id ledger.ID) (uint32, error) {
	rec, err := p.get(b, id)
	return rec.State.Version, err
}

// termsInForce are the terms for a new hold or order, and their version. The error is
// CodeNoPartnership where no terms are in force, CodeNotMember where the partner has
// departed, and CodeFrozen where the ledger is frozen.
func (p *Partnerships) termsInForce(b *writer.Batch, id ledger.ID) (exchange.Terms, uint32, error) {
	partner, _ := id.Partner(p.me)
	if !p.members.IsMember(partner) {
		return exchange.Terms{}, 0, exchange.Errorf(exchange.CodeNotMember, "%v is not a member any more", partner)
	}
	rec, err := p.ledgers.get(b, id)
	if err != nil {
		return exchange.Terms{}, 0, err
	}
	if rec.Chain.Frozen {
		return exchange.Terms{}, 0, errFrozen
	}
	terms, err := p.get(b, id)
	if err != nil {
		return exchange.Terms{}, 0, err
	}
	if !terms.State.Active || terms.Ending {
		return exchange.Terms{}, 0, exchange.Errorf(exchange.CodeNoPartnership, "no partnership is in force in this direction; propose one")
	}
	return terms.State.Terms, terms.State.Version, nil
}
