package testnet

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory/samples"
)

// What the demo asks of a shop's API. Errors are tied to the shop that was asked.

// knows waits until the shop knows all of others as members.
func (s *shopProcess) knows(ctx context.Context, others []*shopProcess) error {
	return about(&s.process, until(ctx, &s.process, func(ctx context.Context) (bool, error) {
		list, err := s.client.Members(ctx)
		if err != nil {
			return false, err
		}
		known := map[exchange.ShopID]bool{}
		for _, m := range list.Members {
			known[m.Shop] = m.Status == membership.Active.String()
		}
		for _, o := range others {
			if !known[o.id] {
				return false, fmt.Errorf("%s is not in its member list yet", o.name)
			}
		}
		return true, nil
	}))
}

// sellTo makes retailer a partner to which the shop sells on terms.
func (s *shopProcess) sellTo(ctx context.Context, retailer *shopProcess, terms view.ProposedTerms) error {
	if _, err := s.client.Propose(ctx, view.Propose{Partner: retailer.id, Direction: view.Sell, Terms: terms}); err != nil {
		return about(&s.process, err)
	}
	var proposal string
	if err := retailer.awaitTrade(ctx, s, view.Buy, func(p view.Partnership) bool {
		if p.Proposal == nil {
			return false
		}
		proposal = p.Proposal.ID
		return true
	}); err != nil {
		return err
	}
	if _, err := retailer.client.AcceptTerms(ctx, s.id, view.Answer{Proposal: proposal}); err != nil {
		return about(&retailer.process, err)
	}
	active := func(p view.Partnership) bool { return p.Status == "active" }
	if err := retailer.awaitTrade(ctx, s, view.Buy, active); err != nil {
		return err
	}
	return s.awaitTrade(ctx, retailer, view.Sell, active)
}

// trade is the shop's view of one direction of trade with a partner.
func (s *shopProcess) trade(ctx context.Context, partner *shopProcess, direction string) (view.Partnership, error) {
	list, err := s.client.Partnerships(ctx)
	if err != nil {
		return view.Partnership{}, err
	}
	for _, p := range list.Partnerships {
		if p.Partner == partner.id && p.Direction == direction {
			return p, nil
		}
	}
	return view.Partnership{}, nil
}

func (s *shopProcess) awaitTrade(ctx context.Context, partner *shopProcess, direction string, ok func(view.Partnership) bool) error {
	return about(&s.process, until(ctx, &s.process, func(ctx context.Context) (bool, error) {
		p, err := s.trade(ctx, partner, direction)
		return err == nil && ok(p), err
	}))
}

// importAndShow imports the shop's rates and catalog, and measures for each partner
// how long after the file was sent it saw all products there are.
func (s *shopProcess) importAndShow(ctx context.Context) (seen []time.Duration, products int, err error) {
	if _, err := s.client.SetRates(ctx, bytes.NewReader(sample(samples.RatesFile)), client.RatesOptions{}); err != nil {
		return nil, 0, about(&s.process, err)
	}
	start := time.Now()
	report, err := s.client.Import(ctx, bytes.NewReader(s.plan.catalog), s.plan.options(), nil)
	if err != nil {
		return nil, 0, about(&s.process, err)
	}
	products = int(report.Added)
	seen = make([]time.Duration, len(s.partners))
	g, ctx := errgroup.WithContext(ctx)
	for i, p := range s.partners {
		g.Go(func() error {
			err := until(ctx, &p.process, func(ctx context.Context) (bool, error) {
				found, err := p.client.Products(ctx, replica.Query{Shop: s.id, Limit: 200})
				return err == nil && len(found.Products) == products, err
			})
			seen[i] = time.Since(start)
			return about(&p.process, err)
		})
	}
	return seen, products, g.Wait()
}

// inStock is one of the shop's own counted products.
func (s *shopProcess) inStock(ctx context.Context) (view.Product, error) {
	found, err := s.client.Products(ctx, replica.Query{Shop: s.id, InStock: true, Limit: 200})
	if err != nil {
		return view.Product{}, about(&s.process, err)
	}
	for _, p := range found.Products {
		if p.Available.Units > 1 {
			return p, nil
		}
	}
	return view.Product{}, about(&s.process, fmt.Errorf("it has nothing in stock"))
}

func (s *shopProcess) reserve(ctx context.Context, r view.Reserve) (*view.Reservation, error) {
	held, err := s.client.Reserve(ctx, r)
	return held, about(&s.process, err)
}

// orderWait is how long placing an order waits for the supplier's answer.
const orderWait = 10 * time.Second

func (s *shopProcess) placeOrder(ctx context.Context, id exchange.HoldID) (*view.Order, error) {
	o, err := s.client.PlaceOrder(ctx, view.PlaceOrder{Reservation: id, ShipTo: shipTo}, orderWait)
	return o, about(&s.process, err)
}

// awaitBought waits until the shop sees an order it placed in a status.
func (s *shopProcess) awaitBought(ctx context.Context, id exchange.OrderID, status string) (*view.Order, error) {
	var o *view.Order
	err := until(ctx, &s.process, func(ctx context.Context) (bool, error) {
		var err error
		if o, err = s.client.Order(ctx, id); err != nil {
			return false, err
		}
		if o.Status != status {
			return false, fmt.Errorf("order %v is %s, not %s", id, o.Status, status)
		}
		return true, nil
	})
	return o, about(&s.process, err)
}

// awaitEqual waits until both shops hold the same ledger and the retailer has
// countersigned all of it.
func awaitEqual(ctx context.Context, supplier, retailer *shopProcess) (view.Ledger, error) {
	var ledger view.Ledger
	err := until(ctx, &supplier.process, func(ctx context.Context) (bool, error) {
		sold, err := supplier.trade(ctx, retailer, view.Sell)
		if err != nil {
			return false, err
		}
		bought, err := retailer.trade(ctx, supplier, view.Buy)
		if err != nil {
			return false, err
		}
		a, b := sold.Ledger, bought.Ledger
		if a.Frozen || b.Frozen || a.Position != b.Position || a.Hash != b.Hash || a.Acked != a.Position || b.Waiting != 0 {
			return false, fmt.Errorf("the ledgers of %s and %s differ: %+v, %+v", supplier.name, retailer.name, a, b)
		}
		ledger = a
		return true, nil
	})
	return ledger, about(&supplier.process, err)
}
