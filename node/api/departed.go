package api

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/node/api/view"
)

// Departure says how a shop that was a member left the federation.
type Departure struct {
	Status string // revoked or left
	Since  exchange.Time
	Why    string // of a revocation, as the hub's operator said it
}

// String is the end of a sentence about the shop: "it was revoked on …: why".
func (d *Departure) String() string {
	if d.Status == view.Left {
		return "it left on " + d.Since.String()
	}
	text := "it was revoked on " + d.Since.String()
	if d.Why != "" {
		text += ": " + d.Why
	}
	return text
}

func departureView(d *Departure) *view.Gone {
	if d == nil {
		return nil
	}
	return &view.Gone{Status: d.Status, Since: view.Time(d.Since), Why: d.Why}
}

// departure says how shop left the federation: nil of a member, and of a shop that never was a member.
func (s *shops) departure(shop exchange.ShopID) *Departure { return s.members.Departure(shop) }

// present returns CodeNotMember, with the shop's name and departure, where shop is out of the
// federation.
func (s *shops) present(ctx context.Context, shop exchange.ShopID) error {
	d := s.departure(shop)
	if d == nil {
		return nil
	}
	return exchange.Errorf(exchange.CodeNotMember, "%s is out of the federation, and nothing can be asked of it: %s", s.nameOf(ctx, shop), d)
}

// ifPresent returns err, with which a request to shop failed. Where shop is out of the federation
// it returns the error of present, which explains err.
func (s *shops) ifPresent(ctx context.Context, shop exchange.ShopID, err error) error {
	if err == nil {
		return nil
	}
	if departed := s.present(ctx, shop); departed != nil {
		return departed
	}
	return err
}

// ofReservation is ifPresent for the supplier of reservation id.
func (s *shops) ofReservation(ctx context.Context, d *desk.Desk, id exchange.HoldID, err error) error {
	if err == nil {
		return nil
	}
	supplier, known, other := d.Retailer.SupplierOf(id)
	if other != nil || !known {
		return err
	}
	return s.ifPresent(ctx, supplier, err)
}
