package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// placed is when an order was made, as far as it is known here.
func placed(o view.Order) time.Time {
	if o.Requested.IsZero() {
		return o.Submitted
	}
	return o.Requested
}

func (a orderCommands) orderPage(p *page, o *view.Order) {
	preposition := "from"
	if o.Role == view.Sold {
		preposition = "to"
	}
	p.line("Order %v, %s %s %s: %s", o.ID, o.Role, preposition, o.PartnerName, orderState(o))
	departedNote(p, o)
	if text := cancelledText(o); text != "" {
		p.line("%s", text)
	}
	if o.Refusal != nil {
		p.line("Refused: %s", localTimes(o.Refusal.Detail))
	}
	if o.Status == "requested" && o.PartnerGone == nil {
		p.line("The supplier has not answered yet. The order is on its way: it is sent again until the supplier answers.")
	}
	if !o.Cancelling.IsZero() && o.PartnerGone == nil {
		p.line("A cancellation was asked for on %s and is not answered yet.", timeText(o.Cancelling))
	}
	for _, l := range o.Lines {
		if l.Short > 0 {
			p.line("%s of %s cannot be shipped: more is promised than is there. See souk catalog holds%s %s", plural(l.Short, "unit"), l.SKU, a.dirFlag(), quoteArg(string(l.SKU)))
		}
	}
	quoted := make(map[exchange.SKU]view.QuoteLine, len(o.Quote.Lines))
	for _, l := range o.Quote.Lines {
		quoted[l.SKU] = l
	}
	p.table([]string{"SKU", "TITLE", "UNIT", "ORDERED", "TOTAL", "SHIPPED", "DELIVERED", "CANCELLED"}, func(row func(...any)) {
		for _, l := range o.Lines {
			price := quoted[l.SKU]
			row(l.SKU, fullTitle(l.Title, l.Options), unitText(&o.Quote, price), l.Ordered, moneyText(price.Total), l.Shipped, l.Delivered, l.Cancelled)
		}
	})
	snapshotPage(p, o)
	p.table(nil, func(row func(...any)) {
		if o.Reference != "" {
			row("Reference", o.Reference)
		}
		row("Quoted", bothText(o.Quote.Total, o.Quote.TotalUSD)+", shipping included")
		row("Due", bothText(o.Due, o.DueUSD))
		for _, at := range []struct {
			what string
			t    time.Time
		}{{"Requested", o.Requested}, {"Submitted", o.Submitted}, {"Accepted", o.Accepted}, {"Closed", o.Closed}} {
			if !at.t.IsZero() {
				row(at.what, timeText(at.t))
			}
		}
		if o.Status == "submitted" && !o.AcceptBy.IsZero() {
			row("Accept by", untilText(o.AcceptBy, a.now()))
		}
		for i, parcel := range o.Parcels {
			row(fmt.Sprintf("Parcel %d", i+1), parcelText(parcel))
		}
		if text := entriesText(o.FirstEntry, o.LastEntry); text != "" {
			row("Ledger", text)
		}
	})
	if o.ShipTo != nil {
		p.line("Ship to:")
		for _, l := range addressLines(*o.ShipTo) {
			p.line("  %s", l)
		}
	}
	if o.Note != "" {
		p.line("Note:")
		p.text("  ", o.Note)
	}
	a.nextForOrder(p, o)
}

// snapshotPage says what to pack, beyond the titles: the options with their names, barcodes and
// images, as they were when the order was quoted.
func snapshotPage(p *page, o *view.Order) {
	p.table(nil, func(row func(...any)) {
		for _, l := range o.Lines {
			var parts []string
			for _, option := range l.Options {
				parts = append(parts, option.Name+": "+option.Value)
			}
			if l.Barcode != "" {
				parts = append(parts, "barcode "+l.Barcode)
			}
			if l.Image != "" {
				parts = append(parts, l.Image)
			}
			if l.Cut {
				parts = append(parts, "and more, for which the quote had no room: souk products "+string(l.SKU))
			}
			if len(parts) > 0 {
				row(l.SKU, strings.Join(parts, "; "))
			}
		}
	})
}

// bothText is an amount, with its US dollars where they are known.
func bothText(m view.Money, usd *view.Money) string {
	if usd == nil {
		return moneyText(m)
	}
	return moneyText(m) + " (" + moneyText(*usd) + ")"
}

// shortMark says in a list that units of an order cannot be shipped from what is there.
func shortMark(o *view.Order) string {
	var short int64
	for _, l := range o.Lines {
		short += l.Short
	}
	if short == 0 {
		return ""
	}
	return fmt.Sprintf(", %d short", short)
}

// cancelledText says what was cancelled, when, by whom and why; "" where nothing was.
func cancelledText(o *view.Order) string {
	if o.Cancelled.IsZero() {
		return ""
	}
	var units, ordered int64
	for _, l := range o.Lines {
		units, ordered = units+l.Cancelled, ordered+l.Ordered
	}
	by := "this shop"
	if (o.CancelledBy == "supplier") != (o.Role == view.Sold) {
		by = o.PartnerName
	}
	text := fmt.Sprintf("Cancelled: %d of %s, last on %s by %s", units, plural(ordered, "unit"), timeText(o.Cancelled), by)
	switch o.Status {
	case "rejected":
		text = fmt.Sprintf("Rejected on %s by %s", timeText(o.Cancelled), by)
	case "expired":
		return fmt.Sprintf("Expired on %s: %s had not accepted it by then.", timeText(o.Cancelled), by)
	}
	if o.Reason != "" {
		return text + ": " + o.Reason
	}
	return text + "."
}

// entriesText says where an order stands in the two shops' ledger.
func entriesText(first, last uint64) string {
	switch {
	case last == 0:
		return ""
	case first == 0 || first == last:
		return fmt.Sprintf("entry %d", last)
	}
	return fmt.Sprintf("entries %d to %d", first, last)
}

func parcelText(parcel view.Parcel) string {
	lines := make([]string, len(parcel.Lines))
	for i, l := range parcel.Lines {
		lines[i] = fmt.Sprintf("%d × %s", l.Units, l.SKU)
	}
	text := timeText(parcel.At) + ", " + strings.Join(lines, ", ")
	if by := strings.TrimSpace(parcel.Carrier + " " + parcel.Tracking); by != "" {
		text += ", " + by
	}
	return text
}

func addressLines(to view.ShipTo) []string {
	var out []string
	for _, l := range append(append([]string{to.Name}, to.Lines...), strings.TrimSpace(to.PostalCode+" "+to.City), to.Region, to.Country, to.Email, to.Phone) {
		if l != "" {
			out = append(out, l)
		}
	}
	return out
}

// nextForOrder names the commands that an order's units call for.
func (a orderCommands) nextForOrder(p *page, o *view.Order) {
	for i, verb := range nextVerbs(o) {
		lead := "Next:"
		if i > 0 {
			lead = "  or:"
		}
		p.line("%s souk order %s%s %v", lead, verb, a.dirFlag(), o.ID)
	}
}

func nextVerbs(o *view.Order) []string {
	var toShip, underWay int64
	for _, l := range o.Lines {
		toShip += l.Ordered - l.Shipped - l.Cancelled
		underWay += l.Shipped - l.Delivered
	}
	var verbs []string
	add := func(verb string, due bool) {
		if due {
			verbs = append(verbs, verb)
		}
	}
	switch {
	case closedHere(o), !isOpen(o.Status):
	case o.Status == "requested" && o.PartnerGone == nil:
		add("show", true)
	case o.Role == view.Bought:
		add("cancel", toShip > 0 && o.Cancelling.IsZero())
	case o.Status == "submitted":
		add("accept", true)
		add("reject", true)
	default:
		add("ship", toShip > 0)
		add("deliver", underWay > 0)
	}
	return verbs
}
