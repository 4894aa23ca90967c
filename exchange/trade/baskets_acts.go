package trade

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/basket"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// What is done with a basket that is held.

// BasketOrder says where a basket goes.
type BasketOrder struct {
	Delivery exchange.Delivery // of every part
	// CancelRest has the other orders cancelled as soon as one part is refused, as far as their
	// terms allow; else they stay.
	CancelRest bool
}

// Order orders every part that is held, in one commit: the requests to all suppliers are durable in
// the outbox, and the own products are sold, when it returns. Past the earliest expiry of a part, by
// this shop's clock, the error is CodeExpired and nothing is ordered; CodeReleased where a part was
// lost before. A repeat with the same delivery returns the basket as it stands; with another it is
// CodeConflict.
func (k *Baskets) Order(ctx context.Context, id exchange.BasketID, o BasketOrder) (*Basket, error) {
	if err := o.Delivery.Check(); err != nil {
		return nil, err
	}
	shipTo, err := k.codec.Encode(&message.ShipTo{Delivery: o.Delivery})
	if err != nil {
		return nil, err
	}
	leave, rec, err := k.working(ctx, id)
	if err != nil {
		return nil, err
	}
	defer leave()
	if rec.Country != "" && o.Delivery.Country != rec.Country {
		return nil, exchange.Errorf(exchange.CodeCountry, "the basket was quoted for %s, the address is in %s; make it again", rec.Country, o.Delivery.Country)
	}
	quotes, err := k.quotes(rec)
	if err != nil {
		return nil, err
	}
	sure := false // that the shop's own system, where it has the authority, has said yes to the own part
	own := slices.IndexFunc(rec.Parts, func(p basket.Part) bool { return p.Supplier == k.me && p.State == basket.PartHeld })
	if _, _, over := basket.Step(rec.Basket, basket.Order{}, k.clock.Now()); own >= 0 && over == nil && k.own.holds.bridged.On() {
		if _, sure, err = k.own.commitFirst(ctx, ownPartSale(rec.Parts[own].Hold, o)); err != nil {
			return nil, err
		}
	}
	var refused error
	err = k.writer.Act(ctx, func(b *writer.Batch) error {
		refused = nil
		if rec, err = k.get(b, id); err != nil || rec == nil {
			return cmpOr(err, errNoBasket(id))
		}
		if err := k.refresh(b, rec); err != nil {
			return err
		}
		before := rec.Basket
		next, _, err := basket.Step(before, basket.Order{CancelRest: o.CancelRest}, b.Now())
		if code := exchange.CodeOf(err); code == exchange.CodeOrdered {
			return k.sameOrder(b, rec, o, shipTo)
		} else if code != exchange.CodeOK {
			refused = err // what the parts have told stands
			return nil
		}
		rec.Basket = next
		k.set(b, rec, before.State)
		for i := range rec.Parts {
			if before.Parts[i].State == basket.PartHeld {
				if err := k.orderPart(b, rec, i, o, quotes[i], shipTo, sure); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if errors.Is(err, writer.ErrDone) {
		return k.Find(id)
	}
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, err
	}
	return k.Find(id)
}

func cmpOr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// working keeps other calls off a basket, and finds out what can be found out of one that a crash has
// left HOLDING.
func (k *Baskets) working(ctx context.Context, id exchange.BasketID) (leave func(), rec *record.Basket, err error) {
	if leave, err = k.calls.enter(ctx, id); err != nil {
		return nil, nil, err
	}
	if rec, err = k.standing(id); err == nil && rec.State == basket.Holding && !k.writer.Inline() {
		if err = k.recover(ctx, rec); err == nil {
			rec, err = k.standing(id)
		}
	}
	if err != nil {
		leave()
		return nil, nil, err
	}
	return leave, rec, nil
}

// quotes are the quotes of the parts at suppliers that are held or ordered.
func (k *Baskets) quotes(rec *record.Basket) ([]*exchange.Quote, error) {
	quotes := make([]*exchange.Quote, len(rec.Parts))
	for i := range rec.Parts {
		p := &rec.Parts[i]
		if p.Supplier == k.me || p.State != basket.PartHeld && p.State != basket.PartOrdered {
			continue
		}
		res, err := k.retailer.known(p.Hold)
		if err != nil {
			return nil, err
		}
		if res == nil {
			return nil, exchange.Errorf(exchange.CodeInternal, "part %v of the basket has no reservation", p.Hold)
		}
		if quotes[i], err = k.quoteIn(res.Answer); err != nil {
			return nil, err
		}
	}
	return quotes, nil
}

// orderPart orders one part.
func (k *Baskets) orderPart(b *writer.Batch, rec *record.Basket, i int, o BasketOrder, quote *exchange.Quote, shipTo []byte, sure bool) error {
	p := &rec.Parts[i]
	if p.Supplier == k.me {
		if err := k.sellPart(b, p.Hold, o, sure); err != nil {
			return err
		}
		return k.step(b, rec, basket.Accept{Part: i})
	}
	res, err := k.reservation(b, p)
	if err != nil {
		return err
	}
	if res == nil || quote == nil {
		return exchange.Errorf(exchange.CodeUnavailable, "the basket changed while it was being ordered; try again")
	}
	_, err = k.retailer.submitOrder(b, res, quote, shipTo)
	return err
}

// sellPart sells the shop's own part. sure says that the shop's own system has said yes to it.
func (k *Baskets) sellPart(b *writer.Batch, id exchange.HoldID, o BasketOrder, sure bool) error {
	req := ownPartSale(id, o)
	delivery, err := k.own.delivery(req)
	if err != nil {
		return err
	}
	if sold, err := k.own.get(b, id); err != nil || sold != nil {
		if err == nil {
			err = k.own.sameSale(b, sold, req, delivery)
		}
		return err
	}
	sale, err := k.own.take(b, id, req, sure)
	if err != nil {
		return err
	}
	return k.own.record(b, sale, req, delivery)
}

func ownPartSale(id exchange.HoldID, o BasketOrder) SaleRequest {
	return SaleRequest{Reservation: id, Reference: o.Delivery.Reference, ShipTo: &o.Delivery.ShipTo, Note: o.Delivery.Note}
}

// sameOrder fails where a basket was ordered before with another delivery.
func (k *Baskets) sameOrder(b *writer.Batch, rec *record.Basket, o BasketOrder, shipTo []byte) error {
	for i := range rec.Parts {
		p := &rec.Parts[i]
		if !p.State.IsOrdered() {
			continue
		}
		if p.Supplier == k.me {
			if err := k.sellPart(b, p.Hold, o, false); err != nil {
				return err
			}
			continue
		}
		before, err := k.orders.get(b, orderID{exchange.Retailer, p.Hold, p.Supplier})
		if err != nil || before == nil {
			return err
		}
		kept, err := record.Get[record.ShipTo](b, k.codec, record.ShipToKey(k.me, p.Hold))
		if err == nil {
			err = sameDelivery(k.codec, before, kept, shipTo)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Release gives a basket back. Where suppliers do not answer in ctx's time, the basket is RELEASING,
// and they are asked until they do. One that was given back before stays so; one that was ordered is
// CodeOrdered.
func (k *Baskets) Release(ctx context.Context, id exchange.BasketID) (*Basket, error) {
	leave, err := k.calls.enter(ctx, id)
	if err != nil {
		return nil, err
	}
	defer leave()
	err = k.writer.Act(ctx, func(b *writer.Batch) error {
		rec, err := k.get(b, id)
		if err != nil || rec == nil {
			return cmpOr(err, errNoBasket(id))
		}
		if err := k.refresh(b, rec); err != nil {
			return err
		}
		return k.step(b, rec, basket.Release{})
	})
	if err != nil && !errors.Is(err, writer.ErrDone) {
		return nil, err
	}
	return k.Await(ctx, id, basket.Releasing)
}

// Await returns a basket as soon as it is not in a state, or when ctx ends.
func (k *Baskets) Await(ctx context.Context, id exchange.BasketID, state basket.State) (*Basket, error) {
	for {
		now, err := k.Find(id)
		if err != nil || now.State != state || k.writer.Inline() {
			return now, err
		}
		changed := k.calls.changes(id)
		if now, err = k.Find(id); err != nil || now.State != state { // it changed meanwhile, perhaps for the last time
			k.calls.wake(id)
			return now, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return now, nil
		}
	}
}

// Extend moves the expiry of every part that is held to until, within its terms, all at once. A part
// that cannot be extended keeps its expiry, which is the basket's if it is the earliest; then the
// error says why, and the basket is returned beside it.
func (k *Baskets) Extend(ctx context.Context, id exchange.BasketID, until exchange.Time) (*Basket, error) {
	leave, rec, err := k.working(ctx, id)
	if err != nil {
		return nil, err
	}
	defer leave()
	switch {
	case rec.State == basket.Holding:
		return nil, exchange.Errorf(exchange.CodeUnavailable, "the basket is not held yet; try again when its suppliers have answered")
	case !rec.State.IsHeld():
		if _, _, err := basket.Step(rec.Basket, basket.Order{}, k.clock.Now()); err != nil {
			return nil, err
		}
	}
	ctx = writer.WithOnce(ctx, nil) // an extension that is done again changes nothing
	errs := make([]error, len(rec.Parts))
	var all sync.WaitGroup
	for i := range rec.Parts {
		p := &rec.Parts[i]
		if p.State != basket.PartHeld || p.Expires >= until {
			continue
		}
		extend := func() {
			if p.Supplier == k.me {
				_, errs[i] = k.own.Extend(ctx, p.Hold, until)
			} else {
				_, errs[i] = k.retailer.Extend(ctx, p.Hold, until)
			}
		}
		if k.writer.Inline() {
			extend()
		} else {
			all.Go(extend)
		}
	}
	all.Wait()
	now, err := k.Find(id)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return now, errs[i]
	}
	return now, nil
}

func errNoBasket(id exchange.BasketID) error {
	return exchange.Errorf(exchange.CodeNotFound, "there is no basket %v, or it is kept no longer", id)
}
