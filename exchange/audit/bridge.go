package audit

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
)

// bridged is what the shop's own system was asked, and what waits to be told to it.
type bridged struct {
	asked  map[exchange.HoldID]*record.Asked
	untold []*record.Bridged
	last   uint64 // number of the newest
}

// ask reads what the system was asked for under an id.
func (r reader) ask(key, value []byte) {
	v := decode[record.Asked](r, value)
	switch {
	case v == nil:
	case len(key) != len(exchange.HoldID{}):
		r.f.fault(Records, "its key is none of a hold")
	default:
		r.bridged.asked[exchange.HoldID(key)] = v
	}
}

// tell reads a message that waits. Scans run in the order of the numbers.
func (r reader) tell(key, value []byte) {
	v := decode[record.Bridged](r, value)
	number, ok := record.ParseBridgedKey(append([]byte(record.PrefixBridged), key...))
	if !ok {
		r.f.fault(Records, "its key is none of the outbox to the shop's own system")
	}
	if v == nil || !ok {
		return
	}
	r.bridged.untold, r.bridged.last = append(r.bridged.untold, v), number
}

// checkBridge holds what the system was asked against the holds and orders that it is about.
func (b *Books) checkBridge(f notes) {
	for k, h := range b.Holds {
		if h.Hold.State != hold.Asked {
			continue
		}
		if row := b.bridged.asked[k.ID]; row == nil || row.Retailer != k.Partner {
			f.at("hold %v of %s", k.ID, shopIn{b.name, k.Partner}).fault(Records, "the shop's own system is being asked for it, and no record says so")
		}
	}
	for _, msg := range b.bridged.untold {
		row := b.bridged.asked[msg.ID]
		f := f.at("what waits to be told to the shop's own system of %v", msg.ID)
		switch {
		case !msg.Commit && row != nil && msg.Seq > row.Seq:
			f.fault(Records, "it gives back part %d, and %d were given back", msg.Seq, row.Seq)
		case !msg.Commit:
		case row == nil:
			f.fault(Records, "it says that an order was made, and the system was never asked for it")
		case b.Sales[Key{row.Retailer, msg.ID}] == nil && b.Own[msg.ID] == nil:
			f.fault(Records, "it says that an order was made, and there is none")
		}
	}
}

// bridgeFindings notes what the system has not been told.
func (b *Books) bridgeFindings(f notes) {
	if n := len(b.bridged.untold); n > 0 {
		f.at("the bridge").finding(OnTheWay, "%d commits and releases wait for the shop's own system to answer", n)
	}
	for k, o := range b.Sales {
		row := b.bridged.asked[k.ID]
		if row != nil && row.Denied && o.Order.Status() == order.Submitted {
			f.at("order %v of %s", k.ID, shopIn{b.name, k.Partner}).finding(OnTheWay, "the shop's own system does not have its goods; it is not rejected yet")
		}
	}
}

// Unconfirmed lists the orders that were accepted though the shop's own system, which was asked for
// their holds, has not said yes to them. Where the bridge was taken away meanwhile that is no fault.
func (b *Books) Unconfirmed() (list []Key) {
	for k, o := range b.Sales {
		if row := b.bridged.asked[k.ID]; row != nil && !row.Sure && o.Order.Accepted != 0 {
			list = append(list, k)
		}
	}
	return list
}

// Untold is how many commits and releases wait for the shop's own system.
func (b *Books) Untold() int { return len(b.bridged.untold) }
