package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/protocol/p2p"
)

func (a *app) membersCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "members [SHOP]",
		Short: "List the shops of the federation, or show one",
		Long: `Lists the shops of the federation: name, ShopID, whether they are online, by which way
they are connected to this shop, what they sell. Online are those connected to this
shop, and those of which the hub, or a member that relays, says that they are connected
to it; while neither is there to be asked, of the others nobody knows.
With a SHOP it shows all that is known of it. A shop's name and profile are its
own words; compare the fingerprint by telephone before you trust it with orders.
A SHOP is given by its name, its ShopID or the last 6 or more characters of it.`,
		Example: `  souk members --dir shop
  souk members --dir shop Birch-Books`,
		Args: takes(0, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			list, err := c.MembersOnline(cmd.Context())
			if client.Earlier(err) {
				sayEarlier(cmd)
				list, err = c.Members(cmd.Context())
			}
			if err != nil {
				return err
			}
			fed := federationOf(list)
			if len(args) == 1 {
				k, err := findShop(fed.shops, args[0])
				if err != nil {
					return err
				}
				i := slices.IndexFunc(fed.views, func(m view.Member) bool { return m.Shop == k.shop })
				return a.show(cmd, fed.views[i], func(p *page) { memberPage(p, fed.views[i], list.OnlineKnown) })
			}
			return a.show(cmd, list, func(p *page) { membersPage(p, list, all) })
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those that left or were revoked")
	return cmd
}

func membersPage(p *page, list *view.Members, all bool) {
	p.table([]string{"NAME", "ONLINE", "CONNECTED", "SELLS", "SHOP", "FINGERPRINT"}, func(row func(...any)) {
		for _, m := range list.Members {
			if m.Status != membership.Active.String() && !all {
				continue
			}
			row(m.Name, onlineText(m, list.OnlineKnown), connectedText(m), m.Sells, m.Shop, m.Fingerprint)
		}
	})
}

// connected reports whether a shop was connected to this one when the list was asked for.
func (f *federation) connected(shop exchange.ShopID) bool {
	return slices.ContainsFunc(f.views, func(m view.Member) bool { return m.Shop == shop && m.Connected })
}

// onlineText says whether a shop is up, as far as anybody knows. asked says that a hub or a member
// that relays has told who is connected to it: one that none of them has may be up all the same, where
// nobody is asked to whom it is connected.
func onlineText(m view.Member, asked bool) string {
	last := ""
	if !m.LastSeen.IsZero() {
		last = ", last seen " + timeText(m.LastSeen)
	}
	switch {
	case m.Status != membership.Active.String():
		return m.Status
	case m.Connected:
		return "yes"
	case m.Online:
		return "yes, says " + m.OnlineBy
	case asked:
		return "no" + last
	}
	return "unknown" + last
}

// connectedText is the way over which a shop is connected to this one.
func connectedText(m view.Member) string {
	switch {
	case m.Self:
		return "this shop"
	case m.Connected:
		return m.Way
	}
	return "no"
}

// memberText says since when a shop is a member, or how it departed.
func memberText(m view.Member) string {
	text := m.Status
	if m.Gone != nil {
		text += " on " + timeText(m.Gone.Since)
		if m.Gone.Why != "" {
			text += ": " + m.Gone.Why
		}
		return text + " (joined " + timeText(m.Joined) + ")"
	}
	return text + ", joined " + timeText(m.Joined)
}

func memberPage(p *page, m view.Member, asked bool) {
	p.line("%s", m.Name)
	p.table(nil, func(row func(...any)) {
		row("ShopID", m.Shop)
		row("Fingerprint", m.Fingerprint)
		row("Member", memberText(m))
		row("Online", onlineText(m, asked))
		row("Connected", connectedText(m))
		for _, address := range m.Addresses {
			row("Address", p2p.AddressText(address))
		}
		for _, said := range []struct{ what, text string }{
			{"Sells", m.Sells}, {"Ships to", strings.Join(m.Countries, ", ")}, {"Currency", string(m.Currency)},
			{"Contact", m.Contact}, {"Returns", m.Returns}, {"Web", m.Web},
		} {
			if said.text != "" {
				row(said.what, said.text)
			}
		}
	})
}
