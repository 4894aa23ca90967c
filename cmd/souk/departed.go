package main

import (
	"slices"

	"github.com/souk-market/souk/node/api/view"
)

// archiveFile is the file, in the folder of a departed shop, of all that the shop traded.
const archiveFile = "archive.json"

// departedText says how a shop left the federation, without the full stop.
func departedText(name string, g *view.Gone) string {
	if g.Status == view.Left {
		return name + " left the federation on " + timeText(g.Since)
	}
	text := name + " was revoked on " + timeText(g.Since)
	if g.Why != "" {
		text += ": " + g.Why
	}
	return text
}

// closedHere reports whether an order was closed in this shop's own records alone, because
// its supplier was out of the federation.
func closedHere(o *view.Order) bool {
	return o.PartnerGone != nil && o.Role == view.Bought && isOpen(o.Status) && !o.Cancelling.IsZero()
}

func isOpen(status string) bool { return slices.Contains(view.OpenOrderStatuses, status) }

// orderState is an order's status, and what became of the order where the other shop departed.
func orderState(o *view.Order) string {
	text := statusText(o.Status)
	switch {
	case closedHere(o):
		return text + ", closed here"
	case o.PartnerGone == nil && isOpen(o.Status) && !o.Cancelling.IsZero():
		return text + ", cancellation asked for"
	case o.PartnerGone == nil || !isOpen(o.Status):
		return text
	case o.PartnerGone.Status == view.Left:
		return text + ", shop left"
	}
	return text + ", shop revoked"
}

// departedNote is what the owner should know of an open order with a departed shop.
func departedNote(p *page, o *view.Order) {
	if o.PartnerGone == nil || !isOpen(o.Status) {
		return
	}
	p.line("%s.", departedText(o.PartnerName, o.PartnerGone))
	switch {
	case closedHere(o):
		p.line("You closed the order on %s, in this shop's own records alone: nobody answers it. Of what was not shipped you owe nothing; anything else is between you and %s.", timeText(o.Cancelling), o.PartnerName)
	case o.Role == view.Bought:
		p.line("Nothing more is heard of this order here. If %s does not ship it after all, cancel it: that closes it in this shop's own records alone.", o.PartnerName)
	default:
		p.line("Finish the order as you see fit; what you do about it stays in this shop's own ledger.")
	}
}
