package testnet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// wait waits until ok, and tells what it says is missing.
func (w *oldWorld) wait(what string, ok func(ctx context.Context) error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeoutCause(w.t.Context(), patience, fmt.Errorf("not within %v", patience))
	defer cancel()
	w.must(what, until(ctx, nil, func(ctx context.Context) (bool, error) {
		err := ok(ctx)
		return err == nil, err
	}))
}

// order waits until a shop sees one of the older version's orders in a status.
func (w *oldWorld) order(shop, name, status string) {
	w.t.Helper()
	id, ok := w.made.Orders[name]
	if !ok {
		w.t.Fatalf("there is no order %q", name)
	}
	w.orderIs(shop, id, status)
}

func (w *oldWorld) orderIs(shop string, id exchange.OrderID, status string) {
	w.t.Helper()
	w.wait(fmt.Sprintf("order %v at %s", id, shop), func(ctx context.Context) error {
		o, err := w.shops[shop].client.Order(ctx, id)
		if err == nil && o.Status != status {
			err = fmt.Errorf("it is %s, not %s", o.Status, status)
		}
		return err
	})
}

// trade waits until one direction of trade has a status.
func (w *oldWorld) trade(shop, partner, direction, status string) {
	w.t.Helper()
	w.wait(strings.Join([]string{shop, partner, direction}, " "), func(ctx context.Context) error {
		list, err := w.shops[shop].client.Partnerships(ctx)
		if err != nil {
			return err
		}
		for _, p := range list.Partnerships {
			if p.Partner == w.shops[partner].id && p.Direction == direction {
				if p.Status != status {
					return fmt.Errorf("it is %s, not %s", p.Status, status)
				}
				return nil
			}
		}
		return errors.New("there is none")
	})
}

// answersQueued waits until all that the shops had queued for each other is answered.
func (w *oldWorld) answersQueued() {
	w.t.Helper()
	w.order("birch", "requested", "submitted")
	w.order("acorn", "requested", "submitted")
	w.order("birch", "to cancel", "cancelled")
	w.order("acorn", "to cancel", "cancelled")
	w.order("birch", "shipped unseen", "shipped")
	w.trade("cedar", "acorn", view.Buy, "ended")
	w.trade("acorn", "cedar", view.Sell, "ended")
	w.trade("birch", "cedar", view.Buy, "proposed")
	w.trade("birch", "cedar", view.Sell, "proposed")
}

// repeatsKeyed sends again what the older version has answered: the same keys, the same
// answers.
func (w *oldWorld) repeatsKeyed() {
	w.t.Helper()
	for name, call := range w.made.Keyed {
		repeat := func(body string) (json.RawMessage, error) {
			return callAPI(w.t.Context(), w.shops[call.Shop].dir, "POST", call.Path, call.Key, []byte(body))
		}
		got, err := repeat(call.Body)
		w.must("the repeat of "+name, err)
		for _, d := range differences(json.RawMessage(call.Answer), got) {
			w.t.Errorf("the repeat of %s is answered otherwise: %s", name, d)
		}
		if _, err := repeat(" " + call.Body); err == nil || !strings.Contains(err.Error(), "409") {
			w.t.Errorf("another request under the key of %s: %v", name, err)
		}
	}
}

// tradesOn goes on with what the older version began, and begins anew.
func (w *oldWorld) tradesOn() {
	w.t.Helper()
	ctx, acorn, birch, cedar := w.t.Context(), w.shops["acorn"], w.shops["birch"], w.shops["cedar"]
	complete := func(id exchange.OrderID) {
		w.t.Helper()
		_, err := acorn.client.ShipOrder(ctx, id, view.Ship{Carrier: "Test Post", Tracking: "TP 9"})
		w.must("shipping", err)
		_, err = acorn.client.DeliverOrder(ctx, id, view.Deliver{})
		w.must("delivering", err)
		w.orderIs("birch", id, "delivered")
	}
	complete(w.made.Orders["accepted"])
	complete(w.made.Orders["partly shipped"])
	_, err := acorn.client.AcceptOrder(ctx, w.made.Orders["submitted"])
	w.must("accepting", err)
	complete(w.made.Orders["submitted"])

	held := w.made.Reservations["held"]
	_, err = birch.client.PlaceOrder(ctx, view.PlaceOrder{Reservation: held, ShipTo: shipTo}, orderWait)
	w.must("ordering what was held", err)
	r, err := birch.client.Reserve(ctx, view.Reserve{Country: shipCountry, Lines: []view.ReserveLine{{Product: exchange.ProductID{Shop: acorn.id, SKU: "LAST"}, Quantity: 1}}})
	w.must("a new reservation", err)
	_, err = birch.client.PlaceOrder(ctx, view.PlaceOrder{Reservation: r.ID, ShipTo: shipTo}, orderWait)
	w.must("a new order", err)
	for _, id := range []exchange.OrderID{held, r.ID} {
		_, err := acorn.client.AcceptOrder(ctx, id)
		w.must("accepting", err)
		complete(id)
	}

	var proposal string
	partners, err := acorn.client.Partnerships(ctx)
	w.must("acorn's partners", err)
	for _, p := range partners.Partnerships {
		if p.Partner == cedar.id && p.Direction == view.Buy && p.Proposal != nil {
			proposal = p.Proposal.ID
		}
	}
	_, err = acorn.client.AcceptTerms(ctx, cedar.id, view.Answer{Proposal: proposal})
	w.must("accepting what cedar proposed", err)
	w.trade("cedar", "acorn", view.Sell, "active")
}

// settle waits until the shops owe each other nothing.
func (w *oldWorld) settle() {
	w.t.Helper()
	ledger := func(ctx context.Context, shop, partner *oldShop, direction string) (view.Ledger, error) {
		list, err := shop.client.Partnerships(ctx)
		if err != nil {
			return view.Ledger{}, err
		}
		for _, p := range list.Partnerships {
			if p.Partner == partner.id && p.Direction == direction {
				return p.Ledger, nil
			}
		}
		return view.Ledger{}, nil
	}
	names := []string{"acorn", "birch", "cedar"}
	for _, supplier := range names {
		for _, retailer := range names {
			if supplier == retailer {
				continue
			}
			w.wait("the ledger of "+supplier+" and "+retailer, func(ctx context.Context) error {
				a, err := ledger(ctx, w.shops[supplier], w.shops[retailer], view.Sell)
				if err != nil {
					return err
				}
				b, err := ledger(ctx, w.shops[retailer], w.shops[supplier], view.Buy)
				if err == nil && (a.Position != b.Position || a.Hash != b.Hash || a.Acked != a.Position || b.Waiting != 0) {
					err = fmt.Errorf("they differ: %+v, %+v", a, b)
				}
				return err
			})
		}
	}
}
