package audit

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/basket"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
)

// checkBasket holds a basket against the records of its parts: what it keeps is held or ordered,
// what it does not keep is being given back or has ended.
func (b *Books) checkBasket(f notes, rec *record.Basket) {
	defer f.survive()
	held, open, ordered := 0, 0, 0
	for i := range rec.Parts {
		p := &rec.Parts[i]
		switch {
		case p.State == basket.PartHeld:
			held++
		case p.State == basket.PartAsked || p.State == basket.PartReturning:
			open++
		case p.State.IsOrdered():
			ordered++
		}
		f := f.at("part at %s", shopIn{b.name, p.Supplier})
		if p.Supplier == b.Shop {
			b.checkOwnPart(f, p)
		} else {
			b.checkPart(f, p)
		}
	}
	switch rec.State {
	case basket.Held:
		if held != len(rec.Parts) {
			f.fault(Baskets, "it is held, and %d of its %d parts are", held, len(rec.Parts))
		}
	case basket.PartlyHeld:
		if held == 0 || !rec.Partial {
			f.fault(Baskets, "it is partly held, with %d parts", held)
		}
	case basket.Releasing:
		if held > 0 || open == 0 || ordered > 0 {
			f.fault(Baskets, "it is being given back, with %d parts held, %d not answered and %d ordered", held, open, ordered)
		}
	case basket.Ordering, basket.Done:
		if ordered == 0 || held > 0 && rec.State == basket.Done {
			f.fault(Baskets, "it is %v, with %d parts ordered and %d held", rec.State, ordered, held)
		}
	case basket.Refused, basket.Released, basket.Expired:
		if held+open+ordered > 0 {
			f.fault(Baskets, "it is %v, with %d parts held, %d not answered and %d ordered", rec.State, held, open, ordered)
		}
	}
	if rec.State.Terminal() != (rec.Ended != 0) {
		f.fault(Baskets, "it is %v and ended %v", rec.State, rec.Ended)
	}
}

// checkPart holds a part at a supplier against its reservation and its order.
func (b *Books) checkPart(f notes, p *basket.Part) {
	res, bought := b.Reservations[p.Hold], b.Purchases[Key{p.Supplier, p.Hold}]
	switch {
	case p.State.IsOrdered():
		if bought == nil {
			f.fault(Baskets, "it is %v, and there is no order", p.State)
		} else if is := partOf(bought); is != p.State && (is != basket.PartOrdered || bought.CancelAt == 0) {
			f.fault(Baskets, "it is %v, and its order is %v", p.State, is)
		}
	case p.State == basket.PartHeld:
		if res == nil || res.State != hold.Held || res.ReleaseAt != 0 {
			f.fault(Baskets, "it is held, and its reservation is not")
		}
	case p.State == basket.PartReturning:
		if b.keeps(p.Hold) && (res == nil || res.Settled()) {
			f.fault(Baskets, "it is being given back, and nobody is asked for it")
		}
	case p.State.Ended():
		if res != nil && res.State == hold.Held && res.ReleaseAt == 0 && bought == nil {
			f.fault(Baskets, "it is %v, and its reservation is held", p.State)
		}
	}
	if bought != nil && !p.State.IsOrdered() {
		f.fault(Baskets, "it is %v, and it has an order", p.State)
	}
}

// partOf is what an order says of its part.
func partOf(o *record.Order) basket.PartState {
	switch o.Order.Status() {
	case order.None:
		if o.Refusal != exchange.CodeOK {
			return basket.PartRejected
		}
		return basket.PartOrdered
	case order.Submitted:
		return basket.PartOrdered
	case order.Rejected, order.Expired:
		return basket.PartRejected
	case order.Cancelled:
		if o.Order.Accepted == 0 {
			return basket.PartRejected
		}
	}
	return basket.PartAccepted
}

// checkOwnPart holds the shop's own part against its hold and its sale.
func (b *Books) checkOwnPart(f notes, p *basket.Part) {
	h, sold := b.Holds[Key{b.Shop, p.Hold}], b.Own[p.Hold]
	if p.State.IsOrdered() != (sold != nil) {
		f.fault(Baskets, "it is %v, and whether there is a sale of it: %v", p.State, sold != nil)
	}
	if isHeld := h != nil && h.Hold.State == hold.Held; isHeld != (p.State == basket.PartHeld) {
		f.fault(Baskets, "it is %v, and whether its reservation is held: %v", p.State, isHeld)
	}
}

// compareBaskets checks of two shops that owe each other nothing that the retailer's baskets owe
// nothing, and that the supplier holds nothing of a part that its basket does not keep.
func compareBaskets(f notes, supplier, retailer *Books) {
	for id, rec := range retailer.Baskets {
		for i := range rec.Parts {
			p := &rec.Parts[i]
			if p.Supplier != supplier.Shop {
				continue
			}
			f := f.at("basket %v", id)
			if p.State == basket.PartReturning || p.State == basket.PartAsked {
				f.fault(Answered, "the supplier owes an answer about its part, which is %v", p.State)
			}
			if h := supplier.Holds[Key{retailer.Shop, p.Hold}]; h != nil && h.Hold.State == hold.Held && p.State != basket.PartHeld {
				f.fault(Baskets, "its part is %v, and the supplier holds it", p.State)
			}
		}
	}
}
