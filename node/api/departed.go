package api

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/node/api/view"
)

// How a shop that is out of the federation is spoken of.

// Gone is how a shop that was a member went.
type Gone struct {
	Status string // revoked or left
	Since  exchange.Time
	Why    string // of a revocation, as the hub's operator said it
}

// String says it as the end of a sentence about the shop: "it was revoked on …: why".
func (g *Gone) String() string {
	if g.Status == view.Left {
		return "it left on " + g.Since.String()
	}
	text := "it was revoked on " + g.Since.String()
	if g.Why != "" {
		text += ": " + g.Why
	}
	return text
}

func goneView(g *Gone) *view.Gone {
	if g == nil {
		return nil
	}
	return &view.Gone{Status: g.Status, Since: view.Time(g.Since), Why: g.Why}
}

// gone is how shop went; nil while it is a member, and for one that never was.
func (s *shops) gone(shop exchange.ShopID) *Gone { return s.members.GoneShop(shop) }

// present is CodeNotMember, with the shop's name and how it went, where shop is out of the
// federation.
func (s *shops) present(ctx context.Context, shop exchange.ShopID) error {
	g := s.gone(shop)
	if g == nil {
		return nil
	}
	return exchange.Errorf(exchange.CodeNotMember, "%s is out of the federation, and nothing can be asked of it: %s", s.nameOf(ctx, shop), g)
}

// ifPresent is err, which came of asking something of shop, or what explains it better:
// that the shop is out.
func (s *shops) ifPresent(ctx context.Context, shop exchange.ShopID, err error) error {
	if err == nil {
		return nil
	}
	if gone := s.present(ctx, shop); gone != nil {
		return gone
	}
	return err
}

// ofReservation is err, which came of asking something of the reservation's supplier, or
// that the supplier is out of the federation.
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
