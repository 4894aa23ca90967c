package desk

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/reservation"
)

// What a batch reads, as native records. Each returns a value of the caller's.

// product is one of the shop's own products that is offered.
func (b *batch) product(sku exchange.SKU) (*ProductRecord, error) {
	rec, err := b.offered(sku)
	if err != nil {
		return nil, err
	}
	copied := *rec
	return &copied, nil
}

// offered is product without the copy: for reading only.
func (b *batch) offered(sku exchange.SKU) (*ProductRecord, error) {
	v, err := b.peek(KindProductRecord, productKey(sku))
	if err != nil {
		return nil, err
	}
	if v == nil || v.(*ProductRecord).Removed {
		return nil, exchange.Errorf(exchange.CodeNotFound, "%s is not offered", sku)
	}
	return v.(*ProductRecord), nil
}

// partnership is one direction of trade; two shops that never spoke have a zero one.
func (b *batch) partnership(c chainID) (PartnershipRecord, error) {
	v, err := b.peek(KindPartnershipRecord, partnershipKey(c))
	if err != nil || v == nil {
		return PartnershipRecord{}, err
	}
	return *v.(*PartnershipRecord), nil
}

// termsVersion is the version in force, 0 where there is none. An unreadable
// record has failed the operation before.
func (b *batch) termsVersion(c chainID) uint32 {
	p, err := b.partnership(c)
	if err != nil || !p.State.Active {
		return 0
	}
	return p.State.Version
}

// termsInForce is what a hold or order of the chain stands on: CodeNoPartnership
// where nothing is in force, CodeNotMember where the other shop was revoked or left,
// CodeFrozen where the ledger is evidence.
func (b *batch) termsInForce(c chainID) (exchange.Terms, uint32, error) {
	partner, _ := c.partner(b.d.me)
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

func (b *batch) order(k []byte) (*OrderRecord, error) {
	v, err := b.load(KindOrderRecord, k)
	if err != nil || v == nil {
		return nil, err
	}
	return v.(*OrderRecord), nil
}

func (b *batch) reservation(id exchange.HoldID) (*ReservationRecord, error) {
	v, err := b.load(KindReservationRecord, reservationKey(id))
	if err != nil || v == nil {
		return nil, err
	}
	return v.(*ReservationRecord), nil
}

// reservationOrdered marks the retailer's reservation, if it is still kept.
func (b *batch) reservationOrdered(id exchange.HoldID) error {
	rec, err := b.reservation(id)
	if err != nil || rec == nil {
		return err
	}
	rec.State = reservation.Committed
	return b.save(reservationKey(id), rec)
}

// reservationEnded marks the retailer's reservation, if it is still kept, where the
// supplier refused its order for a reason that ends it.
func (b *batch) reservationEnded(id exchange.HoldID, why exchange.Code) error {
	var state reservation.State
	switch why {
	case exchange.CodeExpired:
		state = reservation.Expired
	case exchange.CodeReleased, exchange.CodeNoPartnership, exchange.CodeNotFound:
		state = reservation.Released
	default:
		return nil
	}
	rec, err := b.reservation(id)
	if err != nil || rec == nil || rec.State != reservation.Held {
		return err
	}
	rec.State = state
	return b.save(reservationKey(id), rec)
}
