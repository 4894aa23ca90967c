package protocol

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/basket"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/record"
)

// Records are the shop's own: the rules here are only those that a damaged or
// newer record would break (numbers that stand for something this version does not
// know). Zero values are allowed everywhere.

// checkHoldRecord: a hold is ASKED in its supplier's records alone.
func checkHoldRecord(v *record.Hold) error {
	if v.Hold.State == hold.Asked {
		return nil
	}
	return checkState(v.Hold.State)
}

func checkReservationRecord(v *record.Reservation) error { return checkState(v.State) }

func checkOrderRecord(v *record.Order) error {
	if len(v.Parcels) > MaxParcels {
		return errorf("an order has at most %d parcels, not %d", MaxParcels, len(v.Parcels))
	}
	if v.CancelledBy > exchange.Retailer {
		return errorf("a party is unknown")
	}
	if f := v.Quote.Format; f != exchange.QuoteByUnit && f != exchange.QuoteByLine {
		return errorf("quote format %d is unknown; a newer version of Souk wrote the order", f)
	}
	if v.Quote.Tax.Treatment > exchange.TaxNone {
		return errorf("tax treatment %d is unknown", v.Quote.Tax.Treatment)
	}
	if err := checkCancel(v.Quote.Cancel); err != nil {
		return err
	}
	return checkCancel(v.Order.Cancel)
}

func checkEventsRecord(v *record.Events) error {
	for i := range v.List {
		if max(v.List[i].Side, v.List[i].By) > exchange.Retailer {
			return errorf("a party is unknown")
		}
	}
	return nil
}

func checkBasketRecord(v *record.Basket) error {
	if max(v.State, v.End) > basket.Expired {
		return errorf("a basket's state is unknown")
	}
	for i := range v.Parts {
		if v.Parts[i].State > basket.PartRejected {
			return errorf("a part's state is unknown")
		}
	}
	return nil
}

func checkOwnSaleRecord(v *record.OwnSale) error { return checkOrderRecord(&v.Sale) }

func checkPartnershipRecord(v *record.Partnership) error {
	s := &v.State
	if max(s.EndedBy, s.Open.By, s.Declined.Of, s.Declined.By) > exchange.Retailer {
		return errorf("a party is unknown")
	}
	if err := checkCancel(v.State.Terms.Cancel); err != nil {
		return err
	}
	return checkCancel(v.State.Open.Terms.Cancel)
}
