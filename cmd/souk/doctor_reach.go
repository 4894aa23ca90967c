package main

import (
	"context"
	"slices"
	"strings"

	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// checkWays says how partners reach this shop, how it reaches them, and what it relays for others.
// What is wrong with that is among the node's problems, too, once it has run for a while; the doctor
// says it at once.
func checkWays(d *diagnosis, reach *view.Reach) {
	if d.seen(checkNetwork) { // the node has said so, and nothing of the ways says more
		return
	}
	if reach.Hub {
		d.good(checkHub, "connected")
	}
	detail := "partners reach this shop " + reach.Summary
	if reach.Next != "" {
		detail += ". " + reach.Next
	}
	switch {
	case reach.OK:
		d.good(checkReach, "%s", detail)
	case !d.seen(checkReach):
		d.warn(checkReach, "%s", detail)
	}
	checkPartners(d, reach.Partners)
	checkRelaying(d, reach.Relaying)
}

// checkEarlier says of hub and partners what a node of an earlier version tells. Its problems name those
// partners that are not connected.
func checkEarlier(ctx context.Context, d *diagnosis, c *client.Client, shop *view.Shop) {
	if shop.MemberList.HubOnline {
		d.good(checkHub, "connected")
	}
	trades, err := c.Partnerships(ctx)
	if err != nil {
		d.warn(checkPartner, "%v", err)
		return
	}
	list, err := c.Members(ctx)
	if err != nil {
		d.warn(checkPartner, "%v", err)
		return
	}
	var partners []view.PartnerWay
	for _, m := range list.Members {
		if slices.ContainsFunc(trades.Partnerships, func(t view.Partnership) bool { return t.Status == "active" && t.Partner == m.Shop }) {
			partners = append(partners, view.PartnerWay{Shop: m.Shop, Name: m.Name, Connected: m.Connected, Way: m.Way})
		}
	}
	checkPartners(d, partners)
}

// checkPartners names the partners in reach and the way to each. Each of the others has a line of its
// own, with the reason, from the node.
func checkPartners(d *diagnosis, partners []view.PartnerWay) {
	var in []string
	for _, p := range partners {
		if p.Connected {
			in = append(in, p.Name+" "+p.Way)
		}
	}
	switch {
	case len(partners) == 0:
		d.good(checkPartner, "none yet")
	case len(in) == 0 && len(partners) == 1 && d.seen(checkPartner): // the node has said why
	case len(in) == 0:
		d.warn(checkPartner, "of %s none is in reach", plural(len(partners), "partner"))
	default: // also where others are out of reach
		d.Findings = append(d.Findings, finding{Check: checkPartner, OK: true, Detail: inReach(len(in), len(partners)) + strings.Join(in, "; ")})
	}
}

func inReach(in, all int) string {
	if in == all {
		return plural(all, "partner") + ", all in reach: "
	}
	return plural(in, "partner") + " in reach: "
}

// checkRelaying says what this shop carries for others.
func checkRelaying(d *diagnosis, r view.Relaying) {
	const check = "relaying"
	switch {
	case !r.Allowed:
		d.good(check, `nothing is carried for other members: relay = "off" in shop.toml`)
	case !r.Serving:
		d.good(check, `nothing is carried for other members now; that begins when a dial from outside has reached this shop (relay = "off" in shop.toml keeps it off)`)
	case r.Until != nil:
		d.warn(check, "the %s that this shop carries for other members in a day are used up, so nothing more is carried until %s, and they look for other relays; relay_mb_a_day in shop.toml sets how much it is",
			bytesText(r.MaxBytes), stampText(*r.Until))
	default:
		d.good(check, `sealed traffic of members that cannot reach each other: %s kept for them, %s open, %s of %s today (relay = "off" in shop.toml ends it)`,
			plural(r.Reservations, "way"), plural(r.Circuits, "connection"), bytesText(r.Bytes), bytesText(r.MaxBytes))
	}
}
