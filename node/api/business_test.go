package api

import (
	"context"
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/trade"
)

// values are the figures of a counter by its labels.
func figures(t *testing.T, reg *prometheus.Registry, name string) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]float64)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := ""
			for _, l := range m.GetLabel() {
				labels += l.GetName() + "=" + l.GetValue() + " "
			}
			out[labels] = m.GetCounter().GetValue()
		}
	}
	return out
}

// TestOrderFigures: statuses are counted once, revenue once an order.
func TestOrderFigures(t *testing.T) {
	s := deskServer(t)
	b := s.Business()
	shop, order := exchange.ShopID{1}, exchange.OrderID{2}
	tell := func(status string) {
		b.event(event.Order{Partner: shop, Side: exchange.Supplier, ID: order, Status: status, Due: 1299, Currency: "EUR"})
	}
	for _, status := range []string{"submitted", "accepted", "accepted", "partly_shipped", "partly_shipped"} {
		tell(status)
	}
	if got := figures(t, s.cfg.Registry, "souk_revenue_minor_total"); len(got) != 1 || got["channel=partners currency=EUR side=supplier "] != 1299 {
		t.Errorf("revenue: %v", got)
	}
	// What is cancelled later is taken off in a figure of its own.
	b.event(event.Order{Partner: shop, Side: exchange.Supplier, ID: order, Status: "shipped", Due: 999, Cancelled: 300, Currency: "EUR"})
	if got := figures(t, s.cfg.Registry, "souk_revenue_cancelled_minor_total"); len(got) != 1 || got["channel=partners currency=EUR side=supplier "] != 300 {
		t.Errorf("cancelled revenue: %v", got)
	}
	tell("delivered")
	orders := figures(t, s.cfg.Registry, "souk_orders_total")
	for _, status := range []string{"submitted", "accepted", "partly_shipped", "shipped", "delivered"} {
		if got := orders["partner="+shop.String()+" side=supplier status="+status+" "]; got != 1 {
			t.Errorf("%s is counted %v times", status, got)
		}
	}
	// An order of before this process, which the shop does not know here: no revenue, and
	// nothing is taken off for its cancellation of then.
	order = exchange.OrderID{3}
	tell("shipped")
	b.event(event.Order{Partner: shop, Side: exchange.Supplier, ID: order, Status: "shipped", Due: 999, Cancelled: 300, Currency: "EUR"})
	if got := figures(t, s.cfg.Registry, "souk_revenue_cancelled_minor_total")["channel=partners currency=EUR side=supplier "]; got != 300 {
		t.Errorf("cancelled revenue with an older order: %v", got)
	}
	if got := figures(t, s.cfg.Registry, "souk_revenue_minor_total")["channel=partners currency=EUR side=supplier "]; got != 1299 {
		t.Errorf("revenue with an older order: %v", got)
	}
}

// TestOwnSaleFigures: what the shop's own channels sell is counted beside what each partner buys.
func TestOwnSaleFigures(t *testing.T) {
	s := deskServer(t)
	b, d := s.Business(), s.cfg.Desk
	ended := make(chan error)
	ctx, stopWriter := context.WithCancel(t.Context())
	defer func() { stopWriter(); <-ended }()
	go func() { ended <- d.Writer.Run(ctx) }()
	_, err := d.Shelf.Import(t.Context(), shelf.Statement{}, []shelf.Item{{
		Product: exchange.Product{SKU: "hat", Title: "Hat", Price: exchange.Money{Minor: 1250, Currency: "EUR"}}, Stock: shelf.Figure{Set: true, Units: 5},
	}})
	if err != nil {
		t.Fatal(err)
	}
	events, stop := d.Events.Watch()
	defer stop()
	sale, err := d.Own.Sell(t.Context(), trade.SaleRequest{Lines: exchangetest.Lines(exchange.Line{SKU: "hat", Quantity: 3})})
	if err == nil {
		_, err = d.Own.Cancel(t.Context(), sale.Sale.ID, []order.Units{{SKU: "hat", Units: 1}}, "")
	}
	if err != nil {
		t.Fatal(err)
	}
	for told := 0; told < 2; {
		if e, ok := (<-events).(event.Order); ok {
			b.event(e)
			told++
		}
	}
	const own = "channel=own currency=EUR side=supplier "
	if got := figures(t, s.cfg.Registry, "souk_revenue_minor_total"); len(got) != 1 || got[own] != 3750 {
		t.Errorf("revenue: %v", got)
	}
	if got := figures(t, s.cfg.Registry, "souk_revenue_cancelled_minor_total"); got[own] != 1250 {
		t.Errorf("cancelled revenue: %v", got)
	}
	if got := figures(t, s.cfg.Registry, "souk_orders_total"); got["partner=own side=supplier status=accepted "] != 1 {
		t.Errorf("sales: %v", got)
	}
}

// TestPartnerLabels: however many partners there are, labels are bounded.
func TestPartnerLabels(t *testing.T) {
	s := deskServer(t)
	b := s.Business()
	for i := range 3 * maxPartnerLabels {
		var shop exchange.ShopID
		copy(shop[:], fmt.Sprintf("shop %d", i))
		b.event(event.Holds{Partner: shop, Side: exchange.Supplier, Status: "expired", Count: 1})
		b.Hold(shop, exchange.Supplier, outcomeOf(exchange.CodeOK))
	}
	holds := figures(t, s.cfg.Registry, "souk_holds_total")
	if len(holds) != 2*(maxPartnerLabels+1) || holds["outcome=held partner=other side=supplier "] != 2*maxPartnerLabels {
		t.Errorf("%d series, %v of others", len(holds), holds["outcome=held partner=other side=supplier "])
	}
	if outcomeOf(9999) != "other" || outcomeOf(exchange.CodeInsufficient) != "insufficient-stock" {
		t.Error("outcomes are not bounded by the codes")
	}
}
