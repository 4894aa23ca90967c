package desk

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/record"
)

// What a batch reads, as native records. Each returns a value of the caller's.

// product is one of the shop's own products that is offered.
func (b *batch) product(sku exchange.SKU) (*record.Product, error) {
	rec, err := b.offered(sku)
	if err != nil {
		return nil, err
	}
	copied := *rec
	return &copied, nil
}

// offered is product without the copy: for reading only.
func (b *batch) offered(sku exchange.SKU) (*record.Product, error) {
	v, err := b.peek(record.KindProduct, record.ProductKey(sku))
	if err != nil {
		return nil, err
	}
	if v == nil || v.(*record.Product).Removed {
		return nil, exchange.Errorf(exchange.CodeNotFound, "%s is not offered", sku)
	}
	return v.(*record.Product), nil
}

// partnership is one direction of trade; two shops that never spoke have a zero one.
func (b *batch) partnership(c ledger.ID) (record.Partnership, error) {
	v, err := b.peek(record.KindPartnership, record.PartnershipKey(c))
	if err != nil || v == nil {
		return record.Partnership{}, err
	}
	return *v.(*record.Partnership), nil
}

// termsVersion is the version in force, 0 where there is none. An unreadable
// record has failed the operation before.
func (b *batch) termsVersion(c ledger.ID) uint32 {
	p, err := b.partnership(c)
	if err != nil || !p.State.Active {
		return 0
	}
	return p.State.Version
}

// termsInForce is what a hold or order of the chain stands on: CodeNoPartnership
// where nothing is in force, CodeNotMember where the other shop was revoked or left,
// CodeFrozen where the ledger is evidence.
func (b *batch) termsInForce(c ledger.ID) (exchange.Terms, uint32, error) {
	partner, _ := c.Partner(b.d.me)
	if !b.d.members.IsMember(partner) {
		return exchange.Terms{}, 0, exchange.Errorf(exchange.CodeNotMember, "%v is not a member any more", partner)
	}
	chain, err := b.chain(c)
	if err != nil {
		return exchange.Terms{}, 0, err
	}
	if chain.Chain.Frozen {
		return exchange.Terms{}, 0, errFrozen
	}
	p, err := b.partnership(c)
	if err != nil {
		return exchange.Terms{}, 0, err
	}
	if !p.State.Active || p.Ending {
		return exchange.Terms{}, 0, exchange.Errorf(exchange.CodeNoPartnership, "no partnership is in force in this direction; propose one")
	}
	return p.State.Terms, p.State.Version, nil
}

func (b *batch) order(k []byte) (*record.Order, error) {
	v, err := b.load(record.KindOrder, k)
	if err != nil || v == nil {
		return nil, err
	}
	return v.(*record.Order), nil
}

func (b *batch) reservation(id exchange.HoldID) (*record.Reservation, error) {
	v, err := b.load(record.KindReservation, record.ReservationKey(id))
	if err != nil || v == nil {
		return nil, err
	}
	return v.(*record.Reservation), nil
}

// reservationOrdered marks the retailer's reservation, if it is still kept.
func (b *batch) reservationOrdered(id exchange.HoldID) error {
	rec, err := b.reservation(id)
	if err != nil || rec == nil {
		return err
	}
	rec.State = hold.Committed
	return b.save(record.ReservationKey(id), rec)
}

// reservationEnded marks the retailer's reservation, if it is still kept, where the
// supplier refused its order for a reason that ends it.
func (b *batch) reservationEnded(id exchange.HoldID, why exchange.Code) error {
	var state hold.State
	switch why {
	case exchange.CodeExpired:
		state = hold.Expired
	case exchange.CodeReleased, exchange.CodeNoPartnership, exchange.CodeNotFound:
		state = hold.Released
	default:
		return nil
	}
	rec, err := b.reservation(id)
	if err != nil || rec == nil || rec.State != hold.Held {
		return err
	}
	rec.State = state
	return b.save(record.ReservationKey(id), rec)
}
