package testnet

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// balm is what the supplier's next file drafts.
const balm exchange.SKU = "AC-BALM-75"

// withdraw shows what the supplier's own system takes off sale: the partners' copies lose it,
// and what is held of it keeps its quote and is ordered.
func (t *demoTrade) withdraw(ctx context.Context, name string) error {
	held, err := t.retailer.reserve(ctx, view.Reserve{Country: shipCountry, Lines: []view.ReserveLine{
		{Product: exchange.ProductID{Shop: t.supplier.id, SKU: balm}, Quantity: 1},
	}})
	if err != nil {
		return err
	}
	file, err := drafted(t.supplier.plan.catalog, balm)
	if err != nil {
		return err
	}
	start := time.Now()
	report, err := t.supplier.client.Import(ctx, bytes.NewReader(file), t.supplier.plan.options(), nil)
	if err != nil {
		return about(&t.supplier.process, err)
	}
	if report.Withdrawn != 1 {
		return about(&t.supplier.process, fmt.Errorf("its file drafts %s, and %d products were withdrawn", balm, report.Withdrawn))
	}
	gone, err := t.supplier.lostBy(ctx, balm, start)
	if err != nil {
		return err
	}
	o, err := t.retailer.placeOrder(ctx, held.ID)
	if err == nil {
		o, err = t.retailer.awaitBought(ctx, o.ID, "accepted")
	}
	if err != nil {
		return err
	}
	if o.Due != held.Quote.Total {
		return about(&t.retailer.process, fmt.Errorf("the order is of %s, the quote of %s", amount(o.Due), amount(held.Quote.Total)))
	}
	t.say(name, "the next file of %s drafts %s: gone at %s; what %s holds of it keeps its quote and was ordered for %s",
		t.supplier.name, balm, seenBy(t.supplier.partners, gone), t.retailer.name, amount(o.Due))
	return nil
}

// lostBy measures for each partner how long after start its copy had lost a product of the
// shop's.
func (s *shopProcess) lostBy(ctx context.Context, sku exchange.SKU, start time.Time) ([]time.Duration, error) {
	gone := make([]time.Duration, len(s.partners))
	g, ctx := errgroup.WithContext(ctx)
	for i, p := range s.partners {
		g.Go(func() error {
			err := until(ctx, &p.process, func(ctx context.Context) (bool, error) {
				_, err := p.client.Product(ctx, exchange.ProductID{Shop: s.id, SKU: sku}, false)
				if exchange.CodeOf(err) == exchange.CodeNotFound {
					return true, nil
				}
				return false, err
			})
			gone[i] = time.Since(start)
			return about(&p.process, err)
		})
	}
	return gone, g.Wait()
}

// drafted is a Shopify file in which a product is a draft.
func drafted(catalog []byte, sku exchange.SKU) ([]byte, error) {
	rows, err := csv.NewReader(bytes.NewReader(catalog)).ReadAll()
	if err != nil {
		return nil, err
	}
	name, status := slices.Index(rows[0], "Variant SKU"), slices.Index(rows[0], "Status")
	i := slices.IndexFunc(rows, func(row []string) bool { return row[name] == string(sku) })
	if i < 0 || status < 0 {
		return nil, errors.New("the sample catalog has no " + string(sku))
	}
	rows[i][status] = "draft"
	var b bytes.Buffer
	err = csv.NewWriter(&b).WriteAll(rows)
	return b.Bytes(), err
}
