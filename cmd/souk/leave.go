package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

func (a *app) nodeLeaveCommand() *cobra.Command {
	var yes, preview bool
	cmd := &cobra.Command{
		Use:   "leave",
		Short: "Leave the federation for good",
		Long: `Ends every partnership, has the leave entered in the member list, and writes a readable
archive of all trade into the folder. It first shows what that means: open orders, which
the two shops finish between themselves, and partnerships that end. Then it asks, or
does it at once with --yes. The node must be running; it stops by itself afterwards.`,
		Example: `  souk node leave --dir shop --preview
  souk node leave --dir shop --yes`,
		Args: takes(0, 0),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, _ []string) error {
			if !yes && !preview && !isTerminal(a.in) {
				return usagef("leaving cannot be undone: look with --preview, then repeat with --yes, or run it in a terminal")
			}
			fed, err := loadFederation(cmd.Context(), c)
			if err != nil {
				return err
			}
			would, err := c.Leave(cmd.Context(), true)
			if err != nil {
				return err
			}
			if preview {
				return a.show(cmd, would, func(p *page) { leavingPage(p, fed, would) })
			}
			if !yes {
				// On standard error: the result alone goes to standard output.
				leavingPage(&page{w: cmd.ErrOrStderr()}, fed, would)
				if err := a.confirm(cmd.ErrOrStderr(), fed.name(fed.self)); err != nil {
					return err
				}
			}
			did, err := c.Leave(cmd.Context(), false)
			if err != nil {
				return err
			}
			return a.show(cmd, did, func(p *page) {
				p.line("This shop has left the federation. All its trade is in %s", did.Archive)
			})
		}),
	}
	cmd.Flags().BoolVar(&preview, "preview", false, "only show what it would do")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func leavingPage(p *page, fed *federation, l *view.Leaving) {
	if len(l.OpenOrders) == 0 {
		p.line("No order is open.")
	} else {
		p.line("%s will stay unfinished here; finish them with the other shop by the archive:", plural(len64(l.OpenOrders), "order"))
		p.table([]string{"  ORDER", "ROLE", "PARTNER", "STATUS"}, func(row func(...any)) {
			for _, o := range l.OpenOrders {
				row("  "+o.Order.String(), o.Role, fed.name(o.Partner), statusText(o.Status))
			}
		})
	}
	for i, shop := range l.Partners { // once for each direction
		if slices.Contains(l.Partners[:i], shop) {
			continue
		}
		p.line("Trade with %s ends.", fed.name(shop))
	}
	p.line("The archive will be %s", l.Archive)
}

func len64[T any](list []T) int64 { return int64(len(list)) }

// confirm has the owner type the shop's name.
func (a *app) confirm(w io.Writer, name string) error {
	fmt.Fprintf(w, "This cannot be undone. Type the shop's name (%s) to leave: ", inert(name))
	said, err := bufio.NewReader(a.in).ReadString('\n')
	if err != nil && said == "" {
		return exchange.Errorf(exchange.CodeInvalid, "nothing was typed; nothing is changed")
	}
	if strings.TrimSpace(said) != name {
		return exchange.Errorf(exchange.CodeInvalid, "that is not the name; nothing is changed")
	}
	return nil
}
