package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

const (
	// arriveWithin is how long a person's command waits for the arrival of its request. A partner
	// that is online has countersigned the request after two round trips and two synced commits:
	// within 1 s even over a relay.
	arriveWithin = 2 * time.Second
	// meetWithin is how long a person's command waits for what another shop, or the hub, is about to
	// tell a node that has just started: as long as the node itself waits (package api).
	meetWithin = 5 * time.Second
	// arriveLook is how often the command looks meanwhile: 40 small requests on the loopback at most.
	arriveLook = 50 * time.Millisecond
)

// arrived reports whether the partner holds, or has refused, what this shop did last.
func arrived(t view.Partnership) bool {
	if t.Direction == view.Sell {
		return t.Ledger.Acked >= t.Ledger.Position
	}
	return t.Queued == ""
}

// awaitArrival waits until the partner has the requests just made, for a.arrive at most. It
// returns the partnerships of made as they are then. It does not wait for a partner that is offline.
func (a partnerCommands) awaitArrival(cmd *cobra.Command, c *client.Client, fed *federation, partner exchange.ShopID, made []view.Partnership) ([]view.Partnership, error) {
	give := a.now().Add(a.arrive)
	for {
		trades, err := a.tradesWith(cmd, c, partner)
		if err != nil {
			return nil, err
		}
		for i, t := range made {
			if now := inDirection(trades, t.Direction); now != nil {
				made[i] = *now
			}
		}
		if !slices.ContainsFunc(made, func(t view.Partnership) bool { return !arrived(t) }) || !fed.connected(partner) || a.now().After(give) {
			return made, nil
		}
		select {
		case <-time.After(arriveLook):
		case <-cmd.Context().Done():
			return made, nil // it is done all the same
		}
	}
}

// showMade shows by tell the partnerships that a command changed, as awaitArrival finds them.
func (a partnerCommands) showMade(cmd *cobra.Command, c *client.Client, fed *federation, partner exchange.ShopID, made []view.Partnership, tell func(p *page, i int, t view.Partnership)) error {
	made, err := a.awaitArrival(cmd, c, fed, partner, made)
	if err != nil {
		return err
	}
	return a.show(cmd, view.Partnerships{Partnerships: made}, func(p *page) {
		for i, t := range made {
			tell(p, i, t)
		}
	})
}

// refusedOf is the error of what the partner refused of the requests just made, as awaitArrival
// found them; nil where it refused none by then.
func refusedOf(made []view.Partnership) error {
	var details []string
	code := exchange.CodeOK
	for _, t := range made {
		if t.Refusal != nil {
			code = exchange.ParseCode(t.Refusal.Code)
			details = append(details, directionText(t)+": "+t.Refusal.Detail)
		}
	}
	if len(details) == 0 {
		return nil
	}
	return exchange.Errorf(code, "%s", strings.Join(details, "; "))
}

// showBegun is showMade for what may begin a partnership: it also says what the owner of a shop
// that sells to nobody yet has left to its defaults.
func (a partnerCommands) showBegun(cmd *cobra.Command, c *client.Client, fed *federation, partner exchange.ShopID, made []view.Partnership, tell func(p *page, i int, t view.Partnership)) error {
	note := firstSale(cmd.Context(), c, made)
	return a.showMade(cmd, c, fed, partner, made, func(p *page, i int, t view.Partnership) {
		tell(p, i, t)
		if note != "" && i == len(made)-1 {
			p.line("")
			p.line("Your first partner to sell to. Before it sells for you: %s.", note)
		}
	})
}

// meetPartner is findPartner for a shop that may have joined, or a node that may have started,
// a moment ago: a shop that the member list does not name is waited for.
func (a partnerCommands) meetPartner(cmd *cobra.Command, c *client.Client, ref string) (fed *federation, shop known, err error) {
	err = a.within(cmd, "no member is called "+strconv.Quote(ref)+" yet; waiting for the member list", func() (bool, error) {
		fed, shop, err = findPartner(cmd.Context(), c, ref)
		return exchange.CodeOf(err) == exchange.CodeNotFound, err
	})
	return fed, shop, err
}

// within runs look until it needs to wait no more, for a.meet at most, and returns its error. Before
// it waits, it says what for.
func (a partnerCommands) within(cmd *cobra.Command, what string, look func() (wait bool, err error)) error {
	give := a.now().Add(a.meet)
	for told := false; ; told = true {
		wait, err := look()
		if !wait || a.now().After(give) {
			return err
		}
		if !told {
			fmt.Fprintf(cmd.ErrOrStderr(), "souk: %s, up to %s\n", inert(what), durationText(a.meet))
		}
		select {
		case <-time.After(arriveLook):
		case <-cmd.Context().Done():
			return cmd.Context().Err()
		}
	}
}

// inDirection is the partnership of a direction; nil where list has none.
func inDirection(list []view.Partnership, direction string) *view.Partnership {
	if i := slices.IndexFunc(list, func(t view.Partnership) bool { return t.Direction == direction }); i >= 0 {
		return &list[i]
	}
	return nil
}

// sentText says which shops have the request just made. effect is what else waits until the
// partner returns, such as "it gets the proposal".
func sentText(t view.Partnership, online bool, effect string) string {
	switch {
	case t.Gone != nil:
		return departedText(t.PartnerName, t.Gone) + ". It does not hear of this."
	case arrived(t):
		return t.PartnerName + " has it."
	case online:
		return t.PartnerName + " is online and has not confirmed it yet; it is sent until it has."
	}
	return t.PartnerName + " is offline; " + effect + " when it returns."
}

// proposalMade says what became of a proposal so far.
func (a partnerCommands) proposalMade(p *page, fed *federation, t view.Partnership, sent exchange.Terms) {
	if t.Refusal != nil {
		return // refusedOf says it
	}
	p.line("Proposed to %s.", directionText(t))
	if arrived(t) {
		p.line("%s has it and may accept or decline it.", t.PartnerName)
	} else {
		p.line("%s", sentText(t, fed.connected(t.Partner), "it gets the proposal"))
		p.line("Take it back: %s", a.withdrawLine(fed, t))
	}
	follows := sent.OpenQuantity == 0
	if t.Proposal != nil && t.Proposal.By == "self" {
		sent = termsOf(t.Proposal.Terms)
	}
	p.table(nil, func(row func(...any)) { termsRows(row, sent) })
	if follows {
		p.line("At most %s at once: by the stock that there is now. Another number: --open-quantity N", plural(sent.OpenQuantity, "unit"))
	}
}
