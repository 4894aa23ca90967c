package trade

import (
	"fmt"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/basket"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// Baskets as people see them.

// Basket is a basket as it stands now.
type Basket struct {
	*record.Basket
	Details []PartDetail // of each part
}

// PartDetail is what other records say of a part; each field is nil where there is none.
type PartDetail struct {
	Quote *exchange.Quote
	Order *record.Order   // at a supplier
	Sale  *record.OwnSale // of the shop's own part
}

// Refund is what is to be paid back of a part: its order was rejected, or units of it were cancelled.
type Refund struct {
	Part   int
	Amount exchange.Money // what the shop does not owe for it any more, shipping included
	Lines  []RefundLine
}

// RefundLine is what is to be paid back of one product.
type RefundLine struct {
	SKU    exchange.SKU
	Units  int64
	Amount exchange.Money // by the quote
	List   exchange.Money // at the supplier's list price
}

// Refunds are what is to be paid back of a basket that was ordered, by part.
func (v *Basket) Refunds() (list []Refund) {
	for i := range v.Parts {
		o := v.Details[i].Order
		if s := v.Details[i].Sale; s != nil {
			o = &s.Sale
		}
		if o == nil || !v.Parts[i].State.IsOrdered() {
			continue
		}
		if r := refundOf(o, v.Parts[i].State == basket.PartRejected); r.Amount.Minor != 0 || len(r.Lines) > 0 {
			r.Part = i
			list = append(list, r)
		}
	}
	return list
}

// refundOf is what is not owed of an order any more; whole says that it was never accepted.
func refundOf(o *record.Order, whole bool) Refund {
	q := &o.Quote
	money := func(minor int64) exchange.Money { return exchange.Money{Minor: minor, Currency: q.Currency} }
	r := Refund{Amount: money(q.Total - o.Due())}
	if whole {
		r.Amount = money(q.Total)
	}
	for i := range q.Lines {
		l := &q.Lines[i]
		ordered := int64(l.Quantity)
		units := ordered
		if !whole && i < len(o.Order.Lines) {
			units = o.Order.Lines[i].Cancelled
		} else if !whole {
			units = 0
		}
		if units == 0 {
			continue
		}
		r.Lines = append(r.Lines, RefundLine{
			SKU: l.SKU, Units: units, Amount: money(q.Part(l, ordered) - q.Part(l, ordered-units)), List: money(l.List * units),
		})
	}
	return r
}

// standing is a basket's record, and of one that is HOLDING what has been answered though it is not
// committed.
func (k *Baskets) standing(id exchange.BasketID) (*record.Basket, error) {
	rec, err := record.Get[record.Basket](k.store, k.codec, record.BasketKey(id))
	if err != nil {
		return nil, err
	}
	if rec == nil {
		return nil, errNoBasket(id)
	}
	if rec.State != basket.Holding {
		return rec, nil
	}
	for i := range rec.Parts {
		p := &rec.Parts[i]
		if p.State != basket.PartAsked {
			continue
		}
		var expires exchange.Time
		if p.Supplier == k.me {
			expires, err = k.own.heldUntil(p.Hold)
		} else if res, failed := k.retailer.known(p.Hold); failed != nil {
			err = failed
		} else if res != nil && res.State == hold.Held && res.ReleaseAt == 0 {
			expires = res.Expires
		}
		if err != nil {
			return nil, err
		}
		if expires == 0 {
			continue
		}
		next, fx, err := basket.Step(rec.Basket, basket.Answer{Part: i, Expires: expires}, k.clock.Now())
		if err != nil || len(fx.Return) > 0 { // a part that is refused: its commit says what follows
			return rec, err
		}
		rec.Basket = next
	}
	return rec, nil
}

// Find is a basket of this shop's; CodeNotFound where there is none, or its record is kept no longer.
func (k *Baskets) Find(id exchange.BasketID) (*Basket, error) {
	rec, err := k.standing(id)
	if err != nil {
		return nil, err
	}
	return k.show(rec)
}

// show finds what other records say of a basket's parts.
func (k *Baskets) show(rec *record.Basket) (*Basket, error) {
	out := &Basket{Basket: rec, Details: make([]PartDetail, len(rec.Parts))}
	for i := range rec.Parts {
		p, d := &rec.Parts[i], &out.Details[i]
		if p.Hold.IsZero() {
			continue
		}
		var err error
		if p.Supplier == k.me {
			err = k.showOwn(p, d)
		} else {
			err = k.showPart(p, d)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (k *Baskets) showOwn(p *basket.Part, d *PartDetail) error {
	res, err := k.own.Reservation(p.Hold)
	if err != nil && exchange.CodeOf(err) != exchange.CodeNotFound {
		return err
	}
	if res != nil {
		d.Quote = res.Quote
	}
	if !p.State.IsOrdered() {
		return nil
	}
	if d.Sale, err = k.own.Find(p.Hold); err == nil && d.Quote == nil {
		d.Quote = &d.Sale.Sale.Quote
	}
	return err
}

func (k *Baskets) showPart(p *basket.Part, d *PartDetail) (err error) {
	if p.State.IsOrdered() {
		if d.Order, err = k.orders.With(exchange.Retailer, p.Hold, p.Supplier); err != nil {
			return err
		}
		if d.Order != nil {
			d.Quote = &d.Order.Quote
			return nil
		}
	}
	res, err := k.retailer.known(p.Hold)
	if err != nil || res == nil || res.Answer == nil {
		return err
	}
	if d.Quote, err = k.quoteIn(res.Answer); exchange.CodeOf(err) == exchange.CodeState {
		err = nil
	}
	return err
}

// Visit visits the baskets of this shop until visit returns false: the latest day first, and within a
// day the latest, after the basket after (zero = at the first).
func (k *Baskets) Visit(after exchange.BasketID, visit func(*Basket) bool) error {
	read := func(r kv.Range) (list []*record.Basket, err error) {
		for row, err := range record.Rows[record.Basket](k.store, k.codec, r) {
			if err != nil {
				return nil, err
			}
			list = append(list, row.Record)
		}
		return list, nil
	}
	var failed error
	err := windowed(k.store, record.PrefixBasket, after, 0, lastOfAll, read,
		func(r *record.Basket) exchange.HoldID { return r.ID },
		func(r *record.Basket) exchange.Time { return r.Began },
		func(r *record.Basket) bool {
			var now *Basket
			if r, failed = k.standing(r.ID); exchange.CodeOf(failed) == exchange.CodeNotFound { // pruned meanwhile
				failed = nil
				return true
			}
			if failed == nil {
				now, failed = k.show(r)
			}
			return failed == nil && visit(now)
		})
	return cmpOr(err, failed)
}

// whyNot is why a basket is not held, in the words of the part that says most: a line that is short
// before any other no, and silence last.
func whyNot(rec *record.Basket) *exchange.Error {
	e := &exchange.Error{Code: exchange.CodeReleased, Message: "the basket was given back"}
	rank := 0
	var said []string
	for i := range rec.Parts {
		p := &rec.Parts[i]
		if p.Refusal == exchange.CodeOK {
			continue
		}
		r := 2
		switch {
		case p.Refusal == exchange.CodeInsufficient:
			r = 3
			e.Short = append(e.Short, p.Short...)
			said = append(said, p.Detail)
		case p.Refusal.Retry():
			r = 1
		}
		if r > rank {
			rank, e.Code, e.Message = r, p.Refusal, p.Detail
		}
	}
	if rank == 3 {
		e.Message = strings.Join(said, "; ")
	}
	if rank == 1 {
		e.Code, e.Message = exchange.CodeUnavailable, fmt.Sprintf("not every supplier could be asked, or answered in time, so nothing is held: %s", e.Message)
	}
	e.Message = exchange.Clip(e.Message, message.MaxReason)
	return e
}
