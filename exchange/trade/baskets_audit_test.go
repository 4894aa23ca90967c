package trade_test

import (
	"errors"
	"testing"

	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/basket"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/protocol"
)

// A basket that is not what its parts' records are is a fault of the books.
func TestAuditOfBaskets(t *testing.T) {
	for name, c := range map[string]struct {
		order  bool
		damage func(*record.Basket)
	}{
		"a part that is held is forgotten": {false, func(r *record.Basket) { r.State, r.Ended, r.Parts = basket.Released, 1, gone(r.Parts) }},
		"a part is said to be ordered":     {false, func(r *record.Basket) { r.State, r.Parts[0].State = basket.Ordering, basket.PartOrdered }},
		"the own part is said to be sold":  {false, func(r *record.Basket) { r.State, r.Parts[2].State = basket.Ordering, basket.PartAccepted }},
		"nobody is asked for what is returned": {false, func(r *record.Basket) {
			r.State, r.End, r.Parts[0].State = basket.Releasing, basket.Released, basket.PartReturning
		}},
		"it is held, and not every part is":   {false, func(r *record.Basket) { r.Parts[1].State = basket.PartRefused }},
		"it is done without an end":           {true, func(r *record.Basket) { r.Ended = 0 }},
		"an accepted order is said to be not": {true, func(r *record.Basket) { r.Parts[0].State = basket.PartRejected }},
		"an order is forgotten":               {true, func(r *record.Basket) { r.Parts[0].State = basket.PartReleased }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStall(t, 2)
			b := s.hold(s.of(1, 1))
			if c.order {
				_, err := s.baskets().Order(desktest.Ctx, b.ID, trade.BasketOrder{Delivery: desktest.Stockholm})
				desktest.Must(t, err)
			}
			s.Settle()
			audited(t, s.Shops...)
			rec, err := record.Get[record.Basket](s.retailer.Mem, protocol.Codec{}, record.BasketKey(b.ID))
			desktest.Must(t, err)
			c.damage(rec)
			raw, err := record.Encode(protocol.Codec{}, rec)
			desktest.Must(t, err)
			desktest.Must(t, s.retailer.Mem.Commit([]kv.Write{{Key: record.BasketKey(b.ID), Value: raw}}))
			_, err = audit.Shop(s.retailer.ID, s.retailer.Mem, protocol.Codec{}, s.Verifier())
			var fault *audit.Fault
			if !errors.As(err, &fault) || fault.Rule != audit.Baskets {
				t.Errorf("the audit says %v", err)
			}
		})
	}
}

func gone(parts []basket.Part) []basket.Part {
	for i := range parts {
		parts[i].State = basket.PartReleased
	}
	return parts
}
