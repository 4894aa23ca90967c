package trade_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/trade"
)

// What the commands of a script tell.

func money(minor int64, currency exchange.Currency) string {
	return fmt.Sprintf("%d.%02d %s", minor/100, minor%100, currency)
}

func goods(lines []exchange.Line) string {
	var parts []string
	for _, l := range lines {
		parts = append(parts, fmt.Sprintf("%d %s", l.Quantity, l.SKU))
	}
	return strings.Join(parts, ", ")
}

func goodsOf(units []order.Units) string {
	var parts []string
	for _, u := range units {
		parts = append(parts, fmt.Sprintf("%d %s", u.Units, u.SKU))
	}
	return strings.Join(parts, ", ")
}

// sorted are lines in the order of the names that they begin with.
func sorted(lines []string) string {
	if len(lines) == 0 {
		return "none"
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// because is a reason in the words of a person.
func because(reason string) string {
	if reason == "" {
		return ""
	}
	return fmt.Sprintf(" (%s)", reason)
}

// nameOf is a shop's name in the script.
func (s *scenario) nameOf(id exchange.ShopID) string {
	if shop := s.w.ShopOf(id); shop != nil {
		return shop.Name
	}
	return "nobody"
}

// sideName is the name of the shop that has a side of a ledger.
func sideName(side exchange.Party, supplier, retailer *desktest.Shop) string {
	switch side {
	case exchange.Supplier:
		return supplier.Name
	case exchange.Retailer:
		return retailer.Name
	}
	return "nobody"
}

// counts tells a supplier's stock by product.
func (s *scenario) counts(shop *desktest.Shop) string {
	b := s.books(shop)
	var out strings.Builder
	for _, sku := range slices.Sorted(maps.Keys(b.Stock)) {
		st := b.Stock[sku]
		fmt.Fprintf(&out, "%s: %d stocked, %d held, %d sold, %d of them shipped; %d available\n", sku, st.Stocked, st.Held, st.Sold, st.Shipped, st.Available())
	}
	return out.String()
}

// holds tells what is held, and what became of holds, in the order of their names.
func (s *scenario) holds(shop *desktest.Shop, _ command) string {
	var lines []string
	for k, h := range s.books(shop).Holds {
		line := fmt.Sprintf("%v of %s is %s", k.ID, s.nameOf(k.Partner), strings.ToLower(h.Hold.State.String()))
		if h.Hold.State == hold.Held {
			line += fmt.Sprintf(" until %s: %s", s.at(h.Hold.Expires), goods(h.Hold.Lines.Slice()))
		}
		lines = append(lines, s.named(line))
	}
	return sorted(lines)
}

func (s *scenario) reservationLine(rec *trade.Reservation) string {
	line := fmt.Sprintf("%v at %s is %s", rec.Request.ID, s.nameOf(rec.Supplier), strings.ToLower(rec.State.String()))
	if rec.State == hold.None {
		line = fmt.Sprintf("%v at %s is not answered", rec.Request.ID, s.nameOf(rec.Supplier))
	}
	if rec.Quote != nil && rec.State == hold.Held {
		line += fmt.Sprintf(" until %s: %s for %s with shipping", s.at(rec.Expires), goods(rec.Request.Lines.Slice()), money(rec.Quote.Total, rec.Quote.Currency))
	}
	if rec.Refusal != exchange.CodeOK {
		line += fmt.Sprintf(", %v: %s", rec.Refusal, rec.Detail)
	}
	return line
}

func (s *scenario) reservations(shop *desktest.Shop, _ command) string {
	var lines []string
	desktest.Must(s.t, shop.Desk.Retailer.Reservations(exchange.HoldID{}, func(r *trade.Reservation) bool {
		lines = append(lines, s.named(s.reservationLine(r)))
		return true
	}))
	return sorted(lines)
}

// orderLine tells an order's status, its counts beyond what was ordered, and what is owed.
func (s *scenario) orderLine(o *record.Order) string {
	status := o.Order.Status().Text()
	if o.Order.Submitted == 0 {
		status = "waiting for its supplier"
	}
	if o.Refusal != exchange.CodeOK {
		status = fmt.Sprintf("refused, %v (%s)", o.Refusal, o.Detail)
		if o.Order.Submitted != 0 {
			status = fmt.Sprintf("%s; the last request was %s", o.Order.Status().Text(), status)
		}
	}
	line := fmt.Sprintf("%v of %s is %s", o.ID, s.nameOf(o.Retailer), status)
	for _, l := range o.Order.Lines {
		line += fmt.Sprintf("; %s: %d", l.SKU, l.Ordered)
		for _, n := range []struct {
			units int64
			what  string
		}{{l.Shipped, "shipped"}, {l.Delivered, "delivered"}, {l.Cancelled, "cancelled"}} {
			if n.units > 0 {
				line += fmt.Sprintf(", %d %s", n.units, n.what)
			}
		}
	}
	if o.CancelAt != 0 {
		line += "; a cancel waits"
	}
	return line + "; " + money(o.Due(), o.Quote.Currency) + " due"
}

// orders tells what a shop sells and what it buys, with parcels, and addresses at the supplier.
func (s *scenario) orders(shop *desktest.Shop, _ command) string {
	var lines []string
	for _, side := range []exchange.Party{exchange.Supplier, exchange.Retailer} {
		desktest.Must(s.t, shop.Desk.Orders.List(side, exchange.OrderID{}, func(o *record.Order) bool {
			line := s.orderLine(o)
			for _, p := range o.Parcels {
				line += fmt.Sprintf("\n    parcel %s: %s", p.Tracking, goodsOf(p.Lines))
			}
			if side == exchange.Supplier {
				if to, err := shop.Desk.Orders.Delivery(exchange.Supplier, o); err == nil {
					line += fmt.Sprintf("\n    to %s, %s", to.Name, to.City)
				}
			}
			lines = append(lines, s.named(line))
			return true
		}))
	}
	return sorted(lines)
}

func (s *scenario) selling(shop *desktest.Shop, _ command) string {
	if why := shop.Desk.Selling.Stopped(); why != "" {
		return shop.Name + " has stopped selling: " + why
	}
	return shop.Name + " sells"
}

// events tells what a shop was told since the last time, stock and catalogs left out.
func (s *scenario) events(shop *desktest.Shop, _ command) string {
	s.observe()
	watch := s.watched[shop.Name]
	var out strings.Builder
	for _, e := range watch.told {
		switch e := e.(type) {
		case event.Holds:
			fmt.Fprintf(&out, "hold %v with %s: %s, %s\n", e.ID, s.nameOf(e.Partner), e.Status, goods(e.Lines))
		case event.Order:
			fmt.Fprintf(&out, "order %v with %s: %s%s\n", e.ID, s.nameOf(e.Partner), e.Status, because(e.Detail))
		case event.Partnership:
			by := ""
			if e.By != 0 {
				by = fmt.Sprintf(" by the %v", e.By)
			}
			fmt.Fprintf(&out, "partnership with %s: %s%s%s\n", s.nameOf(e.Partner), e.Status, by, because(e.Detail))
		case event.Frozen:
			fmt.Fprintf(&out, "the ledger with %s is frozen: %s\n", s.nameOf(e.Partner), e.Why)
		case event.Stopped:
			fmt.Fprintf(&out, "selling has stopped: %s\n", e.Why)
		}
	}
	watch.told = nil
	if out.Len() == 0 {
		return "none"
	}
	return out.String()
}

// terms tells a partnership as its supplier and as its retailer see it.
func (s *scenario) terms(c command) string {
	supplier, retailer := s.shop(c.word(0)), s.shop(c.word(1))
	var out strings.Builder
	for _, side := range []exchange.Party{exchange.Supplier, exchange.Retailer} {
		shop, partner := supplier, retailer
		if side == exchange.Retailer {
			shop, partner = retailer, supplier
		}
		p, err := shop.Desk.Partnerships.Get(partner.ID, side)
		desktest.Must(s.t, err)
		fmt.Fprintf(&out, "%s: %s\n", shop.Name, s.standing(p, side, supplier, retailer))
	}
	return out.String()
}

func (s *scenario) standing(p trade.Partnership, side exchange.Party, supplier, retailer *desktest.Shop) string {
	parts := []string{p.Status()}
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if p.State.Active {
		add("terms %d in force, %s", p.State.Version, discount(p.State.Terms))
	}
	if open := p.State.Open; open.By != 0 {
		add("%s proposes %s", sideName(open.By, supplier, retailer), discount(open.Terms))
	}
	if closed := p.State.Declined; closed.By != 0 {
		add("a proposal of %s was closed by %s", sideName(closed.Of, supplier, retailer), sideName(closed.By, supplier, retailer))
	}
	if end := p.LastEnd(side); end.By != 0 {
		add("ended by %s at %s%s", sideName(end.By, supplier, retailer), s.at(end.At), because(end.Reason))
	}
	if p.Queued != "" {
		add("on its way: %s", p.Queued)
	}
	if p.Withdrawn != (ledger.Hash{}) {
		add("%s takes its proposal back", retailer.Name)
	}
	if p.Waiting > 0 {
		add("unanswered requests: %d", p.Waiting)
	}
	if p.Refusal != exchange.CodeOK {
		add("refused, %v: %s", p.Refusal, p.Detail)
	}
	if p.Frozen {
		add("the ledger is frozen")
	}
	return strings.Join(parts, "; ")
}

func discount(t exchange.Terms) string {
	text := fmt.Sprintf("%d%% off", t.Discount/100)
	if t.Discount == 0 {
		text = "no discount"
	}
	if t.Currency != "EUR" {
		text += " in " + string(t.Currency)
	}
	return text
}

// audit checks books: of each shop named alone, and of each two as healed.
func (s *scenario) audit(c command) string {
	var read []*audit.Books
	var out strings.Builder
	for i := range c.args {
		b := s.books(s.shop(c.word(i)))
		for _, other := range read {
			if err := audit.Healed(b, other); err != nil {
				fmt.Fprintln(&out, err)
			}
		}
		read = append(read, b)
	}
	if out.Len() == 0 {
		return "the books agree"
	}
	return out.String()
}
