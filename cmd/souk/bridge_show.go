package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

func (a bridgeCommands) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show",
		Short: "Show how your own system answers, and what waits for it",
		Long: `Shows whether your own system answers, what went wrong last, the commits and releases
that it has not answered yet, and when it was last compared with this shop.`,
		Example: `  souk bridge show --dir shop
  souk bridge show --dir shop --json`,
		Args: takes(0, 0),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, _ []string) error {
			b, err := c.Bridge(cmd.Context())
			if err != nil {
				return err
			}
			return a.show(cmd, b, func(p *page) { bridgePage(p, b) })
		}),
	}
}

var bridgeStates = map[string]string{
	"none":  "there is none: the node itself keeps the stock",
	"up":    "your own system answers",
	"down":  "your own system does not answer: nothing of yours can be reserved",
	"setup": "it is set up wrongly: nothing of yours can be reserved",
}

func bridgePage(p *page, b *view.Bridge) {
	moment := func(t *time.Time) string {
		if t == nil {
			return "never"
		}
		return timeText(*t)
	}
	p.table(nil, func(row func(...any)) {
		row("bridge", bridgeStates[b.State])
		if !b.On {
			return
		}
		if b.Since != nil {
			row("since", moment(b.Since))
			row("tried again", moment(b.Trial))
		}
		if b.LastError != "" {
			row("last error", b.LastError+" ("+moment(b.LastFailed)+")")
		}
		row("last answer", moment(b.LastAnswer))
		row("being asked", plural(b.Asking, "reservation"))
		row("not answered", fmt.Sprintf("%d of commits and releases", b.Untold))
		row("last compared", moment(b.Compared))
		row("orders denied", b.Denied)
		row("holds lost", b.Lost)
		row("unknown here", b.Unknown)
	})
}
