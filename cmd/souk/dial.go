package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/protocol/p2p"
)

// explained is what dial --explain says under --json.
type explained struct {
	Ways   *view.Ways   `json:"ways"`
	Dialed *view.Dialed `json:"dialed"` // null where the member was not reached
}

func (a *app) dialCommand() *cobra.Command {
	var explain bool
	cmd := &cobra.Command{
		Use:   "dial PEERID",
		Short: "Reach a member directly by its ID and measure the way",
		Long: `Reaches a member directly, shop to shop, by its peer ID (its ShopID): through the
address book, the private DHT, or the relay of a hub or of another member where both are
behind routers. It prints the way and the round-trip times.
With --explain it first tries every way by itself, open connections, stored addresses,
the DHT and each relay, and shows what each answered and how long that took.`,
		Example: `  souk dial --dir shop 12D3KooWQmHXK2TKbTTFZ7gjnRL6fYEXKWwdmpo3rPYvPdpJXWFh
  souk dial --dir shop Birch-Books
  souk dial --dir shop Birch-Books --explain`,
		Args: takes(1, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			_, shop, err := findPartner(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			var ways *view.Ways
			if explain {
				ways, err = c.Ways(cmd.Context(), shop.shop)
				if client.Earlier(err) {
					sayEarlier(cmd)
					ways, explain, err = nil, false, nil
				}
				if err != nil {
					return err
				}
			}
			d, err := c.Dial(cmd.Context(), shop.shop)
			if exchange.CodeOf(err) == exchange.CodeUnavailable && !ownNetworkDown(err) {
				err = exchange.Errorf(exchange.CodeUnavailable, "%w (contact: souk members%s %s)", err, a.dirFlag(), quoteArg(shop.name))
			}
			switch {
			case explain:
				shown := a.show(cmd, explained{ways, d}, func(p *page) { explainPage(p, shop.name, ways, d) })
				return errors.Join(err, shown)
			case err != nil:
				return err
			}
			return a.show(cmd, d, func(p *page) { dialPage(p, shop.name, *d) })
		}),
	}
	cmd.Flags().BoolVar(&explain, "explain", false, "try each way by itself, and show what it answered")
	return cmd
}

// ownNetworkDown reports that an error, of this program or of the node, is about this machine's own network.
func ownNetworkDown(err error) bool {
	return err != nil && strings.Contains(err.Error(), p2p.OfflineText)
}

func dialPage(p *page, name string, d view.Dialed) {
	p.line("%s is reached %s", name, d.Way)
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

// explainPage shows each way tried, and then how the member is reached now. dialed is nil where it is
// not; the command's error says so, too.
func explainPage(p *page, name string, ways *view.Ways, dialed *view.Dialed) {
	if len(ways.Ways) == 0 {
		p.line("No way to %s is known: no address of it, and no relay.", name)
	} else {
		p.table([]string{"WAY", "AT", "TOOK", "ANSWERED"}, func(row func(...any)) {
			for _, w := range ways.Ways {
				row(wayText(w), p2p.AddressText(w.Address), tookText(w.TookMS), answerText(w))
			}
		})
	}
	switch {
	case dialed == nil:
		p.line("%s.", ways.Summary)
	case len(dialed.RTTs) > 0:
		p.line("%s is reached %s, at %s; a round trip takes %.2f ms.", name, dialed.Way, p2p.AddressText(dialed.Address), slices.Min(dialed.RTTs))
	default:
		p.line("%s is reached %s, at %s.", name, dialed.Way, p2p.AddressText(dialed.Address))
	}
}

// pathTexts are the paths of the API in words for an owner.
var pathTexts = map[string]string{
	p2p.PathOpen: "open connection", p2p.PathAddressBook: "its own address", p2p.PathDHT: "found by the DHT", p2p.PathRelay: "relay",
}

func wayText(w view.Way) string {
	text, ok := pathTexts[w.Path]
	if !ok {
		text = w.Path
	}
	if w.RelayName != "" {
		if w.Path == p2p.PathRelay {
			return "through " + w.RelayName
		}
		text += " through " + w.RelayName
	}
	return text
}

func tookText(ms float64) string {
	switch {
	case ms >= 1000:
		return fmt.Sprintf("%.1f s", ms/1000)
	case ms == 0:
		return "–"
	}
	return fmt.Sprintf("%.2f ms", ms)
}

func answerText(w view.Way) string {
	if w.Reached {
		return "✓ it is there"
	}
	return "✗ " + w.Why
}
