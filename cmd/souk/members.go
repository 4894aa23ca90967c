package main

import (
	"fmt"
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
		Long: `Lists the shops of the federation: name, ShopID, whether they are online, what they
sell. With a SHOP it shows all that is known of it. A shop's name and profile are its
own words; compare the fingerprint by telephone before you trust it with orders.
A SHOP is given by its name, its ShopID or the last 6 or more characters of it.`,
		Example: `  souk members --dir shop
  souk members --dir shop Birch-Books`,
		Args: takes(0, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			fed, err := loadFederation(cmd.Context(), c)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				k, err := findShop(fed.shops, args[0])
				if err != nil {
					return err
				}
				i := slices.IndexFunc(fed.views, func(m view.Member) bool { return m.Shop == k.shop })
				return a.show(cmd, fed.views[i], func(p *page) { memberPage(p, fed.views[i]) })
			}
			return a.show(cmd, view.Members{Members: fed.views}, func(p *page) { membersPage(p, fed.views, all) })
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those that left or were revoked")
	return cmd
}

func membersPage(p *page, members []view.Member, all bool) {
	p.table([]string{"NAME", "ONLINE", "SELLS", "SHOP", "FINGERPRINT"}, func(row func(...any)) {
		for _, m := range members {
			if m.Status != membership.Active.String() && !all {
				continue
			}
			row(m.Name, onlineText(m), m.Sells, m.Shop, m.Fingerprint)
		}
	})
}

// online reports whether a shop was connected when the list was asked for.
func (f *federation) online(shop exchange.ShopID) bool {
	return slices.ContainsFunc(f.views, func(m view.Member) bool { return m.Shop == shop && m.Online })
}

func onlineText(m view.Member) string {
	switch {
	case m.Status != membership.Active.String():
		return m.Status
	case m.Self:
		return "this shop"
	case m.Online:
		return m.Transport
	case m.LastSeen.IsZero():
		return "no"
	}
	return "no, last " + timeText(m.LastSeen)
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

func memberPage(p *page, m view.Member) {
	p.line("%s", m.Name)
	p.table(nil, func(row func(...any)) {
		row("ShopID", m.Shop)
		row("Fingerprint", m.Fingerprint)
		row("Member", memberText(m))
		row("Online", onlineText(m))
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

func (a *app) dialCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "dial PEERID",
		Short: "Reach a member directly by its ID and measure the way",
		Long: `Reaches a member directly, shop to shop, by its peer ID (its ShopID): through the
address book, the private DHT, or the hub's relay where both are behind routers. It
prints the way and the round-trip times.`,
		Example: `  souk dial --dir shop 12D3KooWQmHXK2TKbTTFZ7gjnRL6fYEXKWwdmpo3rPYvPdpJXWFh
  souk dial --dir shop Birch-Books`,
		Args: takes(1, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			_, shop, err := findPartner(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			d, err := c.Dial(cmd.Context(), shop.shop)
			if exchange.CodeOf(err) == exchange.CodeUnavailable {
				return exchange.Errorf(exchange.CodeUnavailable, "%w (contact: souk members%s %s)", err, a.dirFlag(), quoteArg(shop.name))
			}
			if err != nil {
				return err
			}
			return a.show(cmd, d, func(p *page) { dialPage(p, shop.name, *d) })
		}),
	}
}

func dialPage(p *page, name string, d view.Dialed) {
	way := "directly"
	if !d.Direct {
		way = "through a relay"
	}
	p.line("%s is reached %s", name, way)
	p.table(nil, func(row func(...any)) {
		row("ShopID", d.Shop)
		row("Found by", d.Path)
		row("Address", p2p.AddressText(d.Address))
		row("Transport", d.Transport)
		times := make([]string, len(d.RTTs))
		for i, ms := range d.RTTs {
			times[i] = fmt.Sprintf("%.2f ms", ms)
		}
		row("Round trips", strings.Join(times, ", "))
	})
}
