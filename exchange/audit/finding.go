package audit

import (
	"maps"
	"slices"

	"github.com/souk-market/souk/exchange/order"
)

// findings notes what an owner should know and the shop has dealt with.
func (b *Books) findings(f notes) {
	if why := b.Meta.Stopped; why != "" {
		f.finding(Stopped, "it has stopped selling: %s", why)
	}
	for k, q := range b.quarantine {
		b.quarantineFinding(f, k, q)
	}
	b.bridgeFindings(f)
	for sku, n := range b.Shortfalls() {
		if len(b.bridged.asked) > 0 {
			break // the counts are a copy of the shop's own system's
		}
		f.at("product %s", sku).finding(Shortfall, "%d more are promised than were counted at the last count of the shelf", n)
	}
	for _, prefix := range slices.Sorted(maps.Keys(b.unknown)) {
		f.finding(Unknown, "%d rows under %q are of a kind that this version does not know; they were not checked. A newer version may have written them", b.unknown[prefix], prefix)
	}
	for id, c := range b.Ledgers {
		if e := c.Evidence; e != nil {
			f.at("%s", ledgerIn{b.name, id}).finding(Frozen, "it is frozen since %v at entry %d: %s. What the supplier sealed is kept as evidence", e.At, e.Position, e.Why)
		} else if c.Record.Chain.Frozen {
			f.at("%s", ledgerIn{b.name, id}).finding(Frozen, "it is frozen")
		}
	}
}

func (b *Books) quarantineFinding(f notes, k Key, q quarantined) {
	what, ended, known := "hold", true, false
	if q.order {
		what = "order"
		if o := b.Sales[k]; o != nil {
			known, ended = true, o.Order.Status() != order.Submitted
		}
	} else if h := b.Holds[k]; h != nil {
		known, ended = true, !h.Hold.State.Open()
	}
	f = f.at("%s %v of %s", what, k.ID, shopIn{b.name, k.Partner})
	switch {
	case known && ended:
		f.finding(Quarantine, "it was in quarantine, and has ended since: %s", q.why)
	default:
		f.finding(Quarantine, "it is in quarantine: it was due at %v and could not end, so its units stay off sale: %s", q.due, q.why)
	}
}

// checkEvidence verifies the supplier's seals on what froze a ledger: evidence that proves
// nothing is a fault.
func (b *Books) checkEvidence(f notes, c *Ledger) {
	e := c.Evidence
	if e == nil {
		return
	}
	if !c.Record.Chain.Frozen {
		f.fault(Ledgers, "there is evidence against it, and its record says that it is not frozen")
	}
	for _, sealed := range [][]byte{e.Ours, e.Theirs} {
		if len(sealed) == 0 {
			continue
		}
		if _, err := b.verifier.Open(e.Supplier, sealed); err != nil {
			f.fault(Signed, "what is kept as evidence of entry %d does not open: %v", e.Position, err)
		}
	}
}
