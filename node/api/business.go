package api

import (
	"context"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/record"
)

const (
	// maxPartnerLabels bounds the partner label: 100 partners × 2 sides × some 20
	// outcomes are 4,000 series. Further partners count as "other".
	maxPartnerLabels = 100
	// maxSeenOrders is how many orders' last status is remembered, at some 200 bytes
	// each: 3 MB.
	maxSeenOrders = 1 << 14
)

// Business is a shop's business figures, by partner, never by order:
//
//	souk_holds_total{partner,side,outcome}    placed ("held"), refused (the code), released, expired
//	souk_orders_total{partner,side,status}    orders that came into a status
//	souk_revenue_minor_total{currency,side}   amounts due of orders when they were accepted, in minor units
//	souk_revenue_cancelled_minor_total{currency,side}   what cancellations took off them since
//
// side is this shop's: supplier or retailer. What is really due is the first less the
// second: a counter cannot go down. Figures start at zero with the process, and count
// what has happened since; entries that are read again count nothing.
type Business struct {
	desk    *desk.Desk
	started exchange.Time
	holds   *prometheus.CounterVec
	orders  *prometheus.CounterVec
	revenue *prometheus.CounterVec
	off     *prometheus.CounterVec // cancelled revenue

	mu     sync.RWMutex
	labels map[exchange.ShopID]string

	// Owned by run.
	seen    *lru.Cache[seenOrder, lastSeen]
	evicted bool
}

type seenOrder struct {
	id   exchange.OrderID
	shop exchange.ShopID
	side exchange.Party
}

type lastSeen struct {
	status string
	sold   bool // its revenue is counted
}

func newBusiness(d *desk.Desk, clock exchange.Clock, reg prometheus.Registerer) (*Business, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	b := &Business{
		desk: d, started: clock.Now(), labels: make(map[exchange.ShopID]string),
		holds:   counter("souk_holds_total", "Holds by partner (own: the shop's own channels), this shop's side, and outcome.", "partner", "side", "outcome"),
		orders:  counter("souk_orders_total", "Orders and own sales that came into a status, by partner (own: the shop's own channels) and this shop's side.", "partner", "side", "status"),
		revenue: counter("souk_revenue_minor_total", "Amounts due of orders when they were accepted, and of own sales (channel own, else partners), in minor units.", "currency", "side", "channel"),
		off:     counter("souk_revenue_cancelled_minor_total", "What cancellations took off the amounts due of accepted orders and own sales, in minor units.", "currency", "side", "channel"),
	}
	var err error
	if b.seen, err = lru.NewWithEvict(maxSeenOrders, func(seenOrder, lastSeen) { b.evicted = true }); err != nil {
		return nil, err
	}
	return b, registerAll(reg, b.holds, b.orders, b.revenue, b.off, newBridgeMetrics(d.Bridged))
}

// Hold counts what became of a hold: outcome is "held", the name of the refusal's
// code, or of the state in which it ended. It is cheap enough for
// trade.Meter, which is called on the hot path.
func (b *Business) Hold(partner exchange.ShopID, side exchange.Party, outcome string) {
	b.holds.WithLabelValues(b.label(partner), side.String(), outcome).Inc()
}

// outcomeOf names a hold's outcome by its refusal: "held", the code's name, or
// "other" for a code of a newer version.
func outcomeOf(code exchange.Code) string {
	switch {
	case code == exchange.CodeOK:
		return "held"
	case statuses[code] == 0:
		return "other"
	default:
		return code.String()
	}
}

// label is a partner's ShopID; "own" for the shop's own channels, "other" for partners beyond the bound,
// and for several at once.
func (b *Business) label(partner exchange.ShopID) string {
	switch partner {
	case exchange.ShopID{}:
		return "other"
	case b.desk.Shop():
		return "own"
	}
	b.mu.RLock()
	text, ok := b.labels[partner]
	full := len(b.labels) >= maxPartnerLabels
	b.mu.RUnlock()
	if ok {
		return text
	}
	if full {
		return "other"
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.labels) >= maxPartnerLabels {
		return "other"
	}
	b.labels[partner] = partner.String()
	return b.labels[partner]
}

// run follows the shop's events until ctx ends.
func (b *Business) run(ctx context.Context) {
	events, stop := b.desk.Events.Watch()
	defer stop()
	for {
		select {
		case e := <-events:
			b.event(e)
		case <-ctx.Done():
			return
		}
	}
}

func (b *Business) event(e event.Event) {
	switch e := e.(type) {
	case event.Holds:
		if e.Status != hold.Held.String() { // those the meter has counted
			b.holds.WithLabelValues(b.label(e.Partner), e.Side.String(), e.Status).Add(float64(e.Count))
		}
	case event.Order:
		b.order(e)
	}
}

// order counts a status once: the same event may come again, and one event may bring
// several statuses.
func (b *Business) order(e event.Order) {
	key := seenOrder{e.ID, e.Partner, e.Side}
	last, known := b.seen.Get(key)
	if e.Cancelled > 0 && (last.sold || b.cancelledNow(e)) {
		b.off.WithLabelValues(string(e.Currency), e.Side.String(), b.channel(e.Partner)).Add(float64(e.Cancelled))
	}
	if known && last.status == e.Status {
		return
	}
	b.orders.WithLabelValues(b.label(e.Partner), e.Side.String(), e.Status).Inc()
	if !sold(last.status) && sold(e.Status) && b.acceptedNow(e, known) {
		b.revenue.WithLabelValues(string(e.Currency), e.Side.String(), b.channel(e.Partner)).Add(float64(e.Due + e.Cancelled))
		last.sold = true
	}
	last.status = e.Status
	b.seen.Add(key, last)
}

// channel is own or partners.
func (b *Business) channel(partner exchange.ShopID) string {
	if partner == b.desk.Shop() {
		return "own"
	}
	return "partners"
}

// cancelledNow tells a cancellation since this process began from an older one that a
// ledger tells of again.
func (b *Business) cancelledNow(e event.Order) bool {
	rec := b.find(e)
	return rec != nil && rec.Cancelled >= b.started
}

// find is the order that an event is of, or the sale of the shop's own channels; nil where there is none.
func (b *Business) find(e event.Order) *record.Order {
	if e.Partner == b.desk.Shop() {
		if sale, err := b.desk.Own.Find(e.ID); err == nil {
			return &sale.Sale
		}
		return nil
	}
	if rec, err := b.desk.Orders.Find(e.Side, e.ID); err == nil {
		return rec
	}
	return nil
}

// sold reports a status of an accepted order.
func sold(status string) bool {
	switch status {
	case "accepted", "partly_shipped", "shipped", "delivered":
		return true
	}
	return false
}

// acceptedNow tells an order whose acceptance is news from one that was accepted
// before this process began, or counted and then forgotten.
func (b *Business) acceptedNow(e event.Order, known bool) bool {
	if known {
		return true
	}
	rec := b.find(e)
	return rec != nil && rec.Order.Accepted >= b.started && (!b.evicted || e.Status == "accepted")
}
