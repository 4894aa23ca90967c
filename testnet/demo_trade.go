package testnet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// demoTrade is the demo's story: the retailer gets the supplier's last pair, the
// rival does not.
type demoTrade struct {
	n                         *testnet
	supplier, retailer, rival *shopProcess
	order1                    exchange.OrderID // the last pair's
}

const (
	lastPair    exchange.SKU = "AC-LAST-42" // exactly one in the sample catalog
	shipCountry string       = "SE"
)

func (t *demoTrade) say(name, format string, args ...any) { t.n.tell.step(name, format, args...) }

// lastPairLine asks for the one unit there is.
func (t *demoTrade) lastPairLine() view.Reserve {
	return view.Reserve{Country: shipCountry, Lines: []view.ReserveLine{
		{Product: exchange.ProductID{Shop: t.supplier.id, SKU: lastPair}, Quantity: 1},
	}}
}

func (t *demoTrade) hold(ctx context.Context, name string) error {
	held, err := t.retailer.reserve(ctx, t.lastPairLine())
	if err != nil {
		return err
	}
	t.order1 = held.ID
	t.say(name, "%s holds the last pair (%s) of %s: %s with shipping (%s) until %s", t.retailer.name, lastPair, t.supplier.name,
		amount(held.Quote.Total), amount(*held.Quote.TotalUSD), held.Quote.Expires.Local().Format("15:04:05"))
	return nil
}

// refuse shows that nobody else gets what is held. In a testnet of two shops the
// retailer itself asks again.
func (t *demoTrade) refuse(ctx context.Context, name string) error {
	_, err := t.rival.reserve(ctx, t.lastPairLine())
	if exchange.CodeOf(err) != exchange.CodeInsufficient {
		return about(&t.supplier.process, fmt.Errorf("%s asked for the pair that is held and got: %v", t.rival.name, orNothing(err)))
	}
	var e *exchange.Error
	errors.As(err, &e)
	t.say(name, "%s asked for the same pair; %s answered %v: %v", t.rival.name, t.supplier.name, e.Code, e)
	return nil
}

func orNothing(err error) string {
	if err == nil {
		return "it"
	}
	return err.Error()
}

func (t *demoTrade) order(ctx context.Context, name string) error {
	o, err := t.retailer.placeOrder(ctx, t.order1)
	if err != nil {
		return err
	}
	if o, err = t.retailer.awaitBought(ctx, o.ID, "accepted"); err != nil {
		return err
	}
	t.say(name, "%s ordered it for a consumer in %s; %s accepted order %v", t.retailer.name, shipTo.City, t.supplier.name, o.ID)
	return nil
}

// ship has the supplier see the address, ship, and the retailer see the tracking.
func (t *demoTrade) ship(ctx context.Context, name string) error {
	const carrier, tracking = "Test Post", "TP 0001 SE"
	sold, err := t.supplier.client.Order(ctx, t.order1)
	if err != nil {
		return about(&t.supplier.process, err)
	}
	if sold.ShipTo == nil || sold.ShipTo.City != shipTo.City {
		return about(&t.supplier.process, errors.New("the supplier does not have the consumer's address"))
	}
	if _, err := t.supplier.client.ShipOrder(ctx, t.order1, view.Ship{Carrier: carrier, Tracking: tracking}); err != nil {
		return about(&t.supplier.process, err)
	}
	o, err := t.retailer.awaitBought(ctx, t.order1, "shipped")
	if err != nil {
		return err
	}
	if len(o.Parcels) != 1 || o.Parcels[0].Tracking != tracking {
		return about(&t.retailer.process, fmt.Errorf("the retailer sees parcels %+v", o.Parcels))
	}
	t.say(name, "%s shipped it with %s; %s sees the tracking number %s", t.supplier.name, carrier, t.retailer.name, o.Parcels[0].Tracking)
	return nil
}

func (t *demoTrade) deliver(ctx context.Context, name string) error {
	if _, err := t.supplier.client.DeliverOrder(ctx, t.order1, view.Deliver{}); err != nil {
		return about(&t.supplier.process, err)
	}
	if _, err := t.retailer.awaitBought(ctx, t.order1, "delivered"); err != nil {
		return err
	}
	t.say(name, "at both shops")
	return nil
}

// sellHere has the supplier sell over its own counter, from the shelf that partners hold from, and the
// retailer see that there are fewer.
func (t *demoTrade) sellHere(ctx context.Context, name string) error {
	id := exchange.ProductID{Shop: t.supplier.id, SKU: balm}
	before, err := t.retailer.client.Product(ctx, id, false)
	if err != nil {
		return about(&t.retailer.process, err)
	}
	start := time.Now()
	sale, err := t.supplier.client.Sales().Sell(ctx, view.NewSale{Lines: []view.Units{{SKU: balm, Units: 2}}, Left: true, Reference: "till 1"})
	if err != nil {
		return about(&t.supplier.process, err)
	}
	var left int64
	err = until(ctx, &t.retailer.process, func(ctx context.Context) (bool, error) {
		seen, err := t.retailer.client.Product(ctx, id, false)
		if err != nil {
			return false, err
		}
		if left = seen.Available.Units; left != before.Available.Units-2 {
			return false, fmt.Errorf("%s sees %d of %s, and saw %d before 2 were sold", t.retailer.name, left, balm, before.Available.Units)
		}
		return true, nil
	})
	if err != nil {
		return about(&t.retailer.process, err)
	}
	t.say(name, "%s sold 2 of %s over its counter for %s; %s saw after %.2f s that %d are left of %d", t.supplier.name, balm, amount(sale.Total),
		t.retailer.name, time.Since(start).Seconds(), left, before.Available.Units)
	return nil
}

// compare has both shops hold the same ledger.
func (t *demoTrade) compare(ctx context.Context, name string) error {
	l, err := awaitEqual(ctx, t.supplier, t.retailer)
	if err != nil {
		return err
	}
	t.say(name, "%d signed entries at both shops, the last one %.16s…", l.Position, l.Hash)
	return nil
}

// orderWithoutHub trades between the retailer, now as supplier, and the rival.
func (t *demoTrade) orderWithoutHub(ctx context.Context, name string) error {
	seller, buyer := t.retailer, t.rival
	if seller == buyer {
		buyer = t.supplier
	}
	product, err := seller.inStock(ctx)
	if err != nil {
		return err
	}
	held, err := buyer.reserve(ctx, view.Reserve{Country: shipCountry, Lines: []view.ReserveLine{{Product: product.ID, Quantity: 1}}})
	if err != nil {
		return err
	}
	o, err := buyer.placeOrder(ctx, held.ID)
	if err != nil {
		return err
	}
	if _, err := buyer.awaitBought(ctx, o.ID, "accepted"); err != nil {
		return err
	}
	t.say(name, "without the hub %s ordered %q of %s for %s: accepted", buyer.name, product.Title, seller.name, amount(held.Quote.Total))
	return nil
}

// reachWithoutHub tells by which ways a shop reaches its partners while the hub is gone, as its owner sees
// it in souk doctor.
func (t *demoTrade) reachWithoutHub(ctx context.Context, name string) error {
	reach, err := t.rival.client.Reach(ctx)
	if err != nil {
		return about(&t.rival.process, err)
	}
	var ways []string
	for _, p := range reach.Partners {
		if !p.Connected {
			return about(&t.rival.process, fmt.Errorf("%s is out of reach without the hub: %s", p.Name, p.Way))
		}
		ways = append(ways, p.Name+": "+p.Way)
	}
	t.say(name, "%s needs no hub for its partners; %s", t.rival.name, strings.Join(ways, "; "))
	return nil
}

// shipTo is an invented consumer.
var shipTo = view.ShipTo{Name: "Alva Testsson", Lines: []string{"Provgatan 1"}, City: "Malmö", PostalCode: "211 00", Country: shipCountry}

func amount(m view.Money) string { return m.Amount + " " + string(m.Currency) }
