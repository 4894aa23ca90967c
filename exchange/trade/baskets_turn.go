package trade

import (
	"container/heap"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/basket"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// What baskets are in the writer's turn: whatever changes the record of a reservation, of an own
// hold or of an order tells the basket that it is a part of, and the basket's next state is in the
// same commit. So a basket never disagrees with its parts, whoever changed them.

// maxOpenParts bounds the parts of baskets in memory about which somebody owes an answer, or which
// are held, at some 150 bytes each. Beyond it no further basket is begun.
const maxOpenParts = 1 << 17

// openBaskets are the baskets that are not settled. Writer's turn only.
type openBaskets struct {
	parts map[exchange.HoldID]exchange.BasketID
	of    map[exchange.BasketID]*openBasket
	due   dueBaskets
}

// openBasket is what is in memory of a basket that is not settled.
type openBasket struct {
	due   exchange.Time // its place in the heap; 0 = it has none
	holds []exchange.HoldID
}

// dueBasket is when a basket expires. An entry that is not its basket's due any more is passed over.
type dueBasket struct {
	at exchange.Time
	id exchange.BasketID
}

type dueBaskets []dueBasket

func (d dueBaskets) Len() int { return len(d) }
func (d dueBaskets) Less(i, j int) bool {
	return d[i].at < d[j].at || d[i].at == d[j].at && string(d[i].id[:]) < string(d[j].id[:])
}
func (d dueBaskets) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *dueBaskets) Push(x any)   { *d = append(*d, x.(dueBasket)) }
func (d *dueBaskets) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

// put notes a basket's record as committed.
func (o *openBaskets) put(rec *record.Basket) (next exchange.Time) {
	if rec.Settled() {
		o.drop(rec.ID)
		return 0
	}
	open := o.of[rec.ID]
	if open == nil {
		open = &openBasket{}
		o.of[rec.ID] = open
		for i := range rec.Parts {
			if h := rec.Parts[i].Hold; !h.IsZero() {
				open.holds = append(open.holds, h)
				o.parts[h] = rec.ID
			}
		}
	}
	if due := rec.Expires(); due != open.due {
		if open.due = due; due != 0 {
			heap.Push(&o.due, dueBasket{due, rec.ID})
		}
	}
	return open.due
}

func (o *openBaskets) drop(id exchange.BasketID) {
	if open := o.of[id]; open != nil {
		for _, h := range open.holds {
			delete(o.parts, h)
		}
		delete(o.of, id)
	}
}

// basketChanged: the durable record of a basket is now this.
type basketChanged struct{ record *record.Basket }

// basketPruned: the record of a basket was deleted.
type basketPruned struct{ id exchange.BasketID }

// partReturned: a supplier is to be asked for the release of a part, until it has answered.
type partReturned struct {
	supplier exchange.ShopID
	id       exchange.HoldID
}

// applied carries out an effect of a durable batch, and reports whether it is one of baskets'.
func (k *Baskets) applied(e writer.Effect) bool {
	switch e := e.(type) {
	case basketChanged:
		k.due(k.open.put(e.record))
		k.count.Store(int64(len(k.open.of)))
		k.calls.wake(e.record.ID)
	case basketPruned:
		k.open.drop(e.id)
	case partReturned:
		k.retailer.pending.drop(e.id)
		k.retailer.asker.add(e.supplier, e.id, k.clock.Now(), nil)
	default:
		return false
	}
	return true
}

// due has expire called at t.
func (k *Baskets) due(t exchange.Time) {
	if t != 0 {
		k.supplier.DueAt(t)
	}
}

// get is a copy of a basket's record; nil where there is none.
func (k *Baskets) get(b *writer.Batch, id exchange.BasketID) (*record.Basket, error) {
	rec, ok, err := k.rows.Get(b, id)
	if err != nil || !ok {
		return nil, err
	}
	copied := *rec
	return &copied, nil
}

// step moves a basket along, does what follows in this batch, and stores it, unless nothing changed.
func (k *Baskets) step(b *writer.Batch, rec *record.Basket, e basket.Event) error {
	before := rec.Basket
	next, fx, err := basket.Step(before, e, b.Now())
	if err != nil {
		return err
	}
	rec.Basket = next
	if before.State == next.State && sameParts(before.Parts, next.Parts) {
		return nil
	}
	k.set(b, rec, before.State)
	for _, i := range fx.Return {
		if err := k.giveBack(b, rec, i); err != nil {
			return err
		}
	}
	for _, i := range fx.Cancel {
		k.cancelPart(b, rec, i)
	}
	if len(fx.Return)+len(fx.Cancel) > 0 { // what was done may have told the basket
		latest, err := k.get(b, rec.ID)
		if err != nil || latest == nil {
			return err
		}
		*rec = *latest
	}
	return nil
}

func sameParts(a, b []basket.Part) bool {
	for i := range a {
		if a[i].State != b[i].State || a[i].Expires != b[i].Expires || a[i].Refusal != b[i].Refusal || a[i].Detail != b[i].Detail || len(a[i].Short) != len(b[i].Short) {
			return false
		}
	}
	return len(a) == len(b)
}

// set stores a basket and tells of its new state.
func (k *Baskets) set(b *writer.Batch, rec *record.Basket, before basket.State) {
	stored := *rec
	k.rows.Set(b, rec.ID, &stored)
	b.Then(basketChanged{&stored})
	if rec.State != before && rec.State != basket.Holding {
		why := ""
		if rec.State == basket.Releasing || rec.State == basket.Refused {
			why = exchange.Clip(whyNot(rec).Error(), exchange.MaxText)
		}
		b.Then(event.Basket{At: b.Now(), ID: rec.ID, Status: rec.State.String(), Detail: why})
	}
}

// giveBack has the hold of a part given back until its supplier has answered.
func (k *Baskets) giveBack(b *writer.Batch, rec *record.Basket, i int) error {
	p := &rec.Parts[i]
	if p.Supplier == k.me {
		return k.giveBackOwn(b, rec, i)
	}
	if !k.members.IsMember(p.Supplier) { // it holds nothing, and answers nobody
		return k.step(b, rec, basket.End{Part: i, State: basket.PartReleased, Code: exchange.CodeNotMember, Detail: "the supplier is no member any more"})
	}
	res, err := k.reservation(b, p)
	if err != nil {
		return err
	}
	if res == nil { // asked for, and not recorded: the release leaves a tombstone
		res = &record.Reservation{Supplier: p.Supplier, Created: rec.Began}
		res.Request.ID, res.Request.Lines, res.Request.Country = p.Hold, p.Lines, rec.Country
	}
	if res.State != hold.None && res.State != hold.Held {
		return k.tell(b, rec, partEvent(i, p, res))
	}
	res.ReleaseAt, res.ExtendTo = max(b.Now(), 1), 0
	res.Refusal, res.Detail, res.Short, res.Left = exchange.CodeOK, "", nil, false
	k.retailer.rows.Set(b, p.Hold, res)
	b.Then(partReturned{p.Supplier, p.Hold})
	return nil
}

// giveBackOwn ends the own hold of a part at once.
func (k *Baskets) giveBackOwn(b *writer.Batch, rec *record.Basket, i int) error {
	id := holdID{k.me, rec.Parts[i].Hold}
	held, err := k.own.holds.get(b, id)
	if err != nil {
		return err
	}
	if held == nil {
		return k.step(b, rec, basket.End{Part: i, State: basket.PartReleased})
	}
	if !held.Hold.State.Open() {
		return k.tell(b, rec, ownEvent(i, &held.Hold))
	}
	if err := k.own.holds.bridged.endOpen(b, id, held, hold.Release{}, errReleasedFirst); err != nil { // which tells the basket
		return err
	}
	k.own.holds.holds.Set(b, id, held)
	return nil
}

// tell steps a basket with an event that a part's record gives, if it gives one.
func (k *Baskets) tell(b *writer.Batch, rec *record.Basket, e basket.Event) error {
	if e == nil {
		return nil
	}
	return k.step(b, rec, e)
}

// reservation is what this shop has of a part's reservation; nil = nothing. One that waits for its
// commit is in this one: what follows for the basket must not be durable without it.
func (k *Baskets) reservation(b *writer.Batch, p *basket.Part) (*record.Reservation, error) {
	res, err := k.retailer.get(b, p.Hold)
	if err != nil {
		return nil, err
	}
	if latest := k.retailer.pending.latest(p.Hold); latest != nil && (res == nil || latest.After(res)) {
		res = latest
		k.retailer.rows.Set(b, p.Hold, latest)
		b.Then(reservationRecorded{latest})
		copied := *latest
		res = &copied
	}
	return res, nil
}

// partEvent is what the record of a reservation says of its part; nil = nothing new.
func partEvent(i int, p *basket.Part, res *record.Reservation) basket.Event {
	switch res.State {
	case hold.Held:
		switch {
		case res.ReleaseAt == 0:
			return basket.Answer{Part: i, Expires: res.Expires}
		case p.State == basket.PartHeld:
			return basket.Return{Part: i}
		}
	case hold.Refused:
		return basket.Refuse{Part: i, Code: res.Refusal, Detail: res.Detail, Short: res.Short}
	case hold.Released:
		return basket.End{Part: i, State: basket.PartReleased, Code: res.Refusal, Detail: res.Detail}
	case hold.Expired:
		return basket.End{Part: i, State: basket.PartExpired, Code: exchange.CodeExpired, Detail: "the reservation has expired"}
	case hold.Committed:
		return basket.Adopt{Part: i}
	}
	return nil
}

// ownEvent is what an own hold says of its part.
func ownEvent(i int, h *hold.Hold) basket.Event {
	switch h.State {
	case hold.Held:
		return basket.Answer{Part: i, Expires: h.Expires}
	case hold.Refused: // by the shop's own system
		return basket.Refuse{Part: i, Code: h.Refusal, Detail: "your own system refused it"}
	case hold.Released:
		return basket.End{Part: i, State: basket.PartReleased}
	case hold.Expired:
		return basket.End{Part: i, State: basket.PartExpired, Code: exchange.CodeExpired, Detail: "the reservation has expired"}
	}
	return nil
}

// orderEvent is what the record of an order says of its part. departed says that its supplier is
// no member any more.
func orderEvent(i int, o *record.Order, departed bool) basket.Event {
	switch o.Order.Status() {
	case order.None:
		switch {
		case o.Refusal != exchange.CodeOK:
			return basket.Reject{Part: i, Code: o.Refusal, Detail: o.Detail}
		case departed && o.CancelAt != 0:
			return basket.Reject{Part: i, Code: exchange.CodeNotMember, Detail: "the supplier is no member any more, and the order was closed here"}
		}
	case order.Submitted:
		if departed && o.CancelAt != 0 {
			return basket.Reject{Part: i, Code: exchange.CodeNotMember, Detail: "the supplier is no member any more, and the order was closed here"}
		}
	case order.Rejected:
		return basket.Reject{Part: i, Code: exchange.CodeState, Detail: "the supplier rejected the order: " + o.Reason}
	case order.Expired:
		return basket.Reject{Part: i, Code: exchange.CodeExpired, Detail: "the supplier did not accept the order in time"}
	case order.Cancelled:
		if o.Order.Accepted == 0 {
			return basket.Reject{Part: i, Code: exchange.CodeState, Detail: "the order was cancelled before the supplier accepted it"}
		}
		return basket.Accept{Part: i}
	default:
		return basket.Accept{Part: i}
	}
	return nil
}

// find is the open basket that a hold is a part of, and the part's number; nil where there is none.
func (k *Baskets) find(b *writer.Batch, id exchange.HoldID, supplier exchange.ShopID) (*record.Basket, int, error) {
	of, ok := k.open.parts[id]
	if !ok {
		return nil, 0, nil
	}
	rec, err := k.get(b, of)
	if err != nil || rec == nil {
		return nil, 0, err
	}
	for i := range rec.Parts {
		if rec.Parts[i].Hold == id && rec.Parts[i].Supplier == supplier {
			return rec, i, nil
		}
	}
	return nil, 0, nil
}

// reservationSaved tells the basket of a reservation whose record the batch has set. A part that
// the basket does not keep is given back, whatever the record says.
func (k *Baskets) reservationSaved(b *writer.Batch, res *record.Reservation) error {
	rec, i, err := k.find(b, res.Request.ID, res.Supplier)
	if err != nil || rec == nil || k.calls.isAsking(rec.ID) {
		return err
	}
	return k.reservationIs(b, rec, i, res)
}

// reservationIs steps a basket by the record of a part's reservation.
func (k *Baskets) reservationIs(b *writer.Batch, rec *record.Basket, i int, res *record.Reservation) error {
	if err := k.tell(b, rec, partEvent(i, &rec.Parts[i], res)); err != nil {
		return err
	}
	p := &rec.Parts[i]
	if kept := p.State != basket.PartReturning && (!p.State.Ended() || p.State.IsOrdered()); kept || res.State != hold.Held || res.ReleaseAt != 0 {
		return nil
	}
	return k.giveBack(b, rec, i) // it was answered after the basket was given back
}

// ownChanged tells the basket of an own hold that the batch has changed.
func (k *Baskets) ownChanged(b *writer.Batch, id exchange.HoldID, h *hold.Hold) error {
	rec, i, err := k.find(b, id, k.me)
	if err != nil || rec == nil || k.calls.isAsking(rec.ID) {
		return err
	}
	return k.tell(b, rec, ownEvent(i, h))
}

// orderSaved tells the basket of a purchase whose record the batch has set.
func (k *Baskets) orderSaved(b *writer.Batch, o *record.Order) error {
	rec, i, err := k.find(b, o.ID, o.Supplier)
	if err != nil || rec == nil {
		return err
	}
	return k.tell(b, rec, orderEvent(i, o, !k.members.IsMember(o.Supplier)))
}

// free fails where a hold is a part of a basket that is not settled: it is ordered with the basket.
func (k *Baskets) free(id exchange.HoldID) error {
	if of, ok := k.open.parts[id]; ok {
		return exchange.Errorf(exchange.CodeConflict, "reservation %v is a part of basket %v: order the basket (souk basket order %v)", id, of, of)
	}
	return nil
}

// refresh steps a basket by what its parts' records say now, those that wait for their commit
// included.
func (k *Baskets) refresh(b *writer.Batch, rec *record.Basket) error {
	for i := range rec.Parts {
		if rec.Parts[i].State.Ended() {
			continue
		}
		if err := k.refreshPart(b, rec, i); err != nil {
			return err
		}
	}
	return nil
}

// refreshed is refresh of the basket with an id, if it is kept.
func (k *Baskets) refreshed(b *writer.Batch, id exchange.BasketID) error {
	rec, err := k.get(b, id)
	if err != nil || rec == nil {
		return err
	}
	return k.refresh(b, rec)
}

// refreshPart steps a basket by what the records say of a part that has not ended.
func (k *Baskets) refreshPart(b *writer.Batch, rec *record.Basket, i int) error {
	p := &rec.Parts[i]
	departed := !k.members.IsMember(p.Supplier)
	switch {
	case p.Supplier == k.me:
		held, err := k.own.holds.get(b, holdID{k.me, p.Hold})
		if err != nil || held == nil {
			return err
		}
		return k.tell(b, rec, ownEvent(i, &held.Hold))
	case p.State == basket.PartOrdered:
		o, err := k.orders.get(b, orderID{exchange.Retailer, p.Hold, p.Supplier})
		if err != nil || o == nil {
			return err
		}
		return k.tell(b, rec, orderEvent(i, o, departed))
	case departed:
		return k.step(b, rec, basket.End{Part: i, State: basket.PartReleased, Code: exchange.CodeNotMember, Detail: "the supplier is no member any more"})
	}
	res, err := k.reservation(b, p)
	if err != nil || res == nil {
		return err
	}
	if p.State == basket.PartHeld {
		if over := k.endedHere(b, p); over != nil {
			return k.step(b, rec, basket.End{Part: i, State: basket.PartReleased, Code: exchange.CodeOf(over), Detail: over.Error()})
		}
	}
	return k.reservationIs(b, rec, i, res)
}

// endedHere is why a part's hold is over though its supplier has not said so: the partnership has
// ended. nil = it is not.
func (k *Baskets) endedHere(b *writer.Batch, p *basket.Part) error {
	_, _, err := k.retailer.partnerships.termsInForce(b, k.retailer.partnerships.ledgerWith(p.Supplier, exchange.Retailer))
	if exchange.CodeOf(err) == exchange.CodeNoPartnership {
		return err
	}
	return nil
}

// cancelPart cancels the order of a part, as far as it can be. What cannot be stays: the answer of the
// supplier, or this shop's rules, say why.
func (k *Baskets) cancelPart(b *writer.Batch, rec *record.Basket, i int) {
	const why = "another part of the basket was not accepted"
	p := &rec.Parts[i]
	err := b.Attempt(func(b *writer.Batch) error {
		if p.Supplier == k.me {
			sale, err := k.own.get(b, p.Hold)
			if err != nil || sale == nil {
				return err
			}
			sale.Sale.Reason = why
			return k.own.step(b, sale, order.Cancel{By: exchange.Supplier}, parcel{})
		}
		o, err := k.orders.get(b, orderID{exchange.Retailer, p.Hold, p.Supplier})
		if err != nil || o == nil {
			return err
		}
		return k.orders.cancelPurchase(b, o, nil, why)
	})
	if err != nil {
		k.log.Info("an order of a basket is not cancelled, though another was refused", "basket", rec.ID, "order", p.Hold, "err", err)
	}
}

// expire gives back the baskets whose time has come. next is lowered to when the first after them is due.
func (k *Baskets) expire(b *writer.Batch, next *exchange.Time) error {
	for n := 0; len(k.open.due) > 0; n++ {
		first := k.open.due[0]
		if first.at > b.Now() || n == expiriesPerBatch || b.Full() {
			*next = min(*next, max(first.at, b.Now()))
			return nil
		}
		heap.Pop(&k.open.due)
		open := k.open.of[first.id]
		if open == nil || open.due != first.at {
			continue
		}
		// Where the batch is refused, it is tried again.
		open.due = b.Now().Add(refusedPause)
		heap.Push(&k.open.due, dueBasket{open.due, first.id})
		err := b.Run(func(b *writer.Batch) error {
			rec, err := k.get(b, first.id)
			if err != nil || rec == nil || rec.Expires() > b.Now() {
				return err
			}
			return k.step(b, rec, basket.Expire{})
		})
		if b.Failed() != nil {
			return b.Failed()
		}
		if err != nil {
			k.log.Error("a basket whose time has come is not given back", "basket", first.id, "err", err)
		}
	}
	return nil
}
