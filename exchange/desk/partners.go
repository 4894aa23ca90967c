package desk

import (
	"sort"
	"sync"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/partnership"
	"github.com/souk-market/souk/exchange/record"
)

// Partnerships, in both roles.

// partnerView is what the desk keeps in memory about partners: rebuilt from the
// store at opening, and from greetings.
type partnerView struct {
	mu      sync.RWMutex
	trade   map[ledger.ID]tradeView
	windows map[exchange.ShopID]exchange.Window // suppliers' current windows
	greeted chan struct{}                       // closed at the next window; nil while nobody waits
	ahead   map[exchange.ShopID]uint64          // suppliers' ledger positions, as they said
}

type tradeView struct {
	active bool // a partnership is in force
	ending bool // this shop, its retailer, has ended it; the supplier may not know yet

	version uint32 // of terms; 0 = none were ever in force
	terms   exchange.Terms
}

// isAhead reports whether the supplier said its ledger goes on after have.
func (p *partnerView) isAhead(supplier exchange.ShopID, have uint64) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.ahead[supplier] > have
}

func (p *partnerView) seen(supplier exchange.ShopID, position uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ahead[supplier] = position
}

func (p *partnerView) set(c ledger.ID, t tradeView) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trade[c] = t
}

// isEnding reports whether this shop has ended its trade as c's retailer, which
// binds it at once.
func (p *partnerView) isEnding(c ledger.ID) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.trade[c].ending
}

// terms are the latest ones of a direction of trade, in force or ended, and their
// version; 0 where there were none.
func (p *partnerView) terms(c ledger.ID) (exchange.Terms, uint32) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	t := p.trade[c]
	return t.terms, t.version
}

// viewOf is what is kept in memory of a direction of trade.
func viewOf(p *record.Partnership) tradeView {
	return tradeView{
		active: p.State.Active && !p.Ending, ending: p.Ending,
		version: p.State.Version, terms: p.State.Terms,
	}
}

// list returns the partners on the other side of chains in which this shop has
// the given side, in a stable order; active only where asked.
func (p *partnerView) list(me exchange.ShopID, side exchange.Party, activeOnly bool) []exchange.ShopID {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var out []exchange.ShopID
	for c, t := range p.trade {
		partner, mine := c.Partner(me)
		if mine == side && (t.active || !activeOnly) {
			out = append(out, partner)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Compare(out[j]) < 0 })
	return out
}

// suppliers are the shops this one may buy from now; retailers all that ever had
// a chain with it.
func (d *Desk) suppliers() []exchange.ShopID { return d.partners.list(d.me, exchange.Retailer, true) }
func (d *Desk) retailers() []exchange.ShopID { return d.partners.list(d.me, exchange.Supplier, false) }

// Suppliers are the shops whose products this shop may sell now.
func (d *Desk) Suppliers() []exchange.ShopID { return d.suppliers() }

// Retailers are the shops that may sell this shop's products now.
func (d *Desk) Retailers() []exchange.ShopID { return d.partners.list(d.me, exchange.Supplier, true) }

// Counterparts are all shops with which there is or was a ledger: the ones to
// stay connected to.
func (d *Desk) Counterparts() []exchange.ShopID {
	all := append(d.partners.list(d.me, exchange.Supplier, false), d.partners.list(d.me, exchange.Retailer, false)...)
	sort.Slice(all, func(i, j int) bool { return all[i].Compare(all[j]) < 0 })
	out := all[:0]
	for i, s := range all {
		if i == 0 || all[i-1] != s {
			out = append(out, s)
		}
	}
	return out
}

// mayReadFeed reports whether a shop may see this shop's catalog.
func (d *Desk) mayReadFeed(from exchange.ShopID) bool {
	d.partners.mu.RLock()
	active := d.partners.trade[ledger.ID{Supplier: d.me, Retailer: from}].active
	d.partners.mu.RUnlock()
	return active && d.members.IsMember(from)
}

// partnershipChanged follows a durable change.
func (d *Desk) partnershipChanged(c ledger.ID, p record.Partnership, fx partnership.Effects) {
	d.partners.set(c, viewOf(&p))
	partner, side := c.Partner(d.me)
	e := Event{Type: EventPartnership, At: d.meta.Written, Shop: partner, Side: side, Status: p.Status()}
	if fx.Ended || p.Ending {
		end := p.LastEnd(side)
		e.By, e.Detail = end.By, end.Reason
	}
	d.watch.notify(e)
	if fx.Activated || fx.Ended {
		d.watch.notify(Event{Type: EventGreet, Shop: partner})
	}
}

// Trade is one direction of trade, as people see it.
type Trade struct {
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

// Trades lists all directions of trade, in the order of their keys.
func (d *Desk) Trades() ([]Trade, error) {
	var chains []*record.Ledger
	var failed error
	err := d.store.Scan(kv.Prefix([]byte(record.PrefixLedger)), func(_, raw []byte) bool {
		var v message.Value
		if v, failed = d.codec.Decode(record.KindLedger, raw); failed != nil {
			return false
		}
		chains = append(chains, v.(*record.Ledger))
		return true
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return nil, err
	}
	out := make([]Trade, len(chains))
	for i, c := range chains {
		if out[i], err = d.trade(c); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Trade is one direction of trade with a partner: side is this shop's.
func (d *Desk) Trade(partner exchange.ShopID, side exchange.Party) (Trade, error) {
	c := d.chainWith(partner, side)
	v, err := d.read(record.KindLedger, record.LedgerKey(c))
	if err != nil || v == nil {
		return Trade{Supplier: c.Supplier, Retailer: c.Retailer}, err
	}
	return d.trade(v.(*record.Ledger))
}

// trade is the direction of trade whose ledger ends as c says.
func (d *Desk) trade(c *record.Ledger) (Trade, error) {
	t := Trade{
		Supplier: c.Chain.Supplier, Retailer: c.Chain.Retailer, Position: c.Chain.Position, Hash: c.Chain.Hash,
		Acked: c.Chain.Acked, Open: c.OpenHeld + c.OpenUnshipped, Frozen: c.Chain.Frozen,
	}
	if t.Retailer == d.me {
		t.Waiting = c.Queued - c.Chain.Answered
	}
	v, err := d.read(record.KindPartnership, record.PartnershipKey(ledger.ID{Supplier: t.Supplier, Retailer: t.Retailer}))
	if err == nil && v != nil {
		t.Partnership = *v.(*record.Partnership)
	}
	return t, err
}

func (d *Desk) chainWith(partner exchange.ShopID, side exchange.Party) ledger.ID {
	if side == exchange.Supplier {
		return ledger.ID{Supplier: d.me, Retailer: partner}
	}
	return ledger.ID{Supplier: partner, Retailer: d.me}
}
