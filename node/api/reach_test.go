package api_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// TestReach: two partners on one machine, whose hub is nowhere, reach each other directly, and say so;
// and why not when one of them is off.
func TestReach(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	way := func() view.PartnerWay { return must(birch.Reach(ctx))(t).Partners[0] }

	r := must(birch.Reach(ctx))(t)
	if r.How != "network" || !r.OK || r.Hub || !strings.Contains(r.Summary, "in its own network at 127.0.0.1:") || len(r.Told) == 0 || !r.Relaying.Allowed || r.Relaying.Serving {
		t.Errorf("it is reached %+v", r)
	}
	if len(r.Partners) != 1 || !r.Partners[0].Connected || r.Partners[0].Way != "directly, by TCP" || r.Partners[0].Name != "Acorn Shoes" {
		t.Errorf("its partners are %+v", r.Partners)
	}
	hub := func() string {
		for _, p := range must(birch.Ready(ctx))(t).Problems {
			if p.Name == "hub" {
				return p.Detail
			}
		}
		return ""
	}
	if said := hub(); !strings.Contains(said, "In reach without it, so that trade goes on: Acorn Shoes (directly, by TCP)") {
		t.Errorf("of the hub it says %q", said)
	}
	ways := must(birch.Ways(ctx, acorn.id()))(t)
	if !ways.Connected || ways.Summary != "Acorn Shoes is connected directly, by TCP" || !slices.ContainsFunc(ways.Ways, func(w view.Way) bool { return w.Path == "open connection" && w.Reached }) {
		t.Errorf("the ways are %+v", ways)
	}
	_, err := birch.Ways(ctx, exchange.ShopID{1})
	wantCode(t, "ways to a stranger", err, exchange.CodeNotMember)
	_, err = birch.Ways(ctx, birch.id())
	wantCode(t, "ways to itself", err, exchange.CodeInvalid)
	members := must(birch.MembersOnline(ctx))(t)
	if members.OnlineKnown || !slices.ContainsFunc(members.Members, func(m view.Member) bool {
		return m.Shop == acorn.id() && m.Online && m.Connected && m.Direct && m.Way == "directly, by TCP"
	}) {
		t.Errorf("the members are %+v", members)
	}

	acorn.stop()
	birch.await("the loss", func() bool { return !birch.node.Net().Connected(acorn.id()) })
	if w := way(); w.Connected || !strings.Contains(w.Way, "lost just now") && !w.Away {
		t.Errorf("just lost: %+v", w)
	}
	ways = must(birch.Ways(ctx, acorn.id()))(t)
	if ways.Connected || slices.ContainsFunc(ways.Ways, func(w view.Way) bool { return w.Reached || w.Why == "" }) || !strings.HasPrefix(ways.Summary, "Acorn Shoes is not reached: ") {
		t.Errorf("the ways to one that is off are %+v", ways)
	}
	if strings.Contains(hub(), "goes on") {
		t.Errorf("nobody is in reach, and of the hub it says %q", hub())
	}
}
