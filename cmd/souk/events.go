package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// eventCommands show what has happened.
type eventCommands struct{ *app }

// goOnAfter is how long --follow rests before it looks for a node that has gone.
const goOnAfter = time.Second

func (a eventCommands) eventsCommand() *cobra.Command {
	from := client.EventsFrom{}
	since := "-24h"
	follow := false
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Show what has happened, and what happens",
		Long: `Shows the events that the shop's log keeps, oldest first: orders, partnerships, shortfalls,
products that came on sale or went off it, starts of the node. The log keeps 30 days and a
million events. With --follow it goes on with what happens, over restarts of the node, and
shows reservations and changes of stock, too, which the log does not keep.

With --json each line is an event. Its id names its place: --after ID goes on there, and
misses nothing; 0-0 is the beginning. Where events may be missing, a gap says so.`,
		Example: `  souk events --dir shop
  souk events --dir shop --since -30m --type order,shortfall
  souk events --dir shop --follow --json --after 1790000000000-42`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, err := view.ParseMoment(since, a.now())
			if err != nil {
				return usagef("--since is a moment as 2026-11-30T12:00:00Z, or so long ago as in -30m, not %q", since)
			}
			from.Since = at
			return a.events(cmd, from, follow)
		},
	}
	cmd.Flags().StringVar(&from.After, "after", "", "those after the event with this `id`; 0-0 = all that the log has")
	cmd.Flags().StringVar(&since, "since", since, "those since this `moment`, where --after is not given")
	cmd.Flags().StringSliceVar(&from.Types, "type", nil, "only these `types`: order, partnership, shortfall, listing, frozen, stopped, started, hold, stock, catalog")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what happens, until Ctrl-C")
	cmd.MarkFlagsMutuallyExclusive("after", "since")
	return cmd
}

// errKept ends a stream at its live part.
var errKept = errors.New("all that is kept has been told")

// events shows events until the stream is live, or with follow until ctx ends.
func (a eventCommands) events(cmd *cobra.Command, from client.EventsFrom, follow bool) error {
	p := &page{w: cmd.OutOrStdout()}
	lines := json.NewEncoder(p.w)
	lines.SetEscapeHTML(false)
	begun := false
	for {
		c, err := a.client(cmd)
		if err != nil && !begun {
			return err
		}
		if err == nil {
			begun = true
			err = a.stream(cmd.Context(), c, &from, follow, func(fed *federation, e view.Event) error {
				if a.json {
					return lines.Encode(e)
				}
				p.line("%s", eventText(fed, e))
				return p.err
			})
		}
		switch code := exchange.CodeOf(err); {
		case err == nil || err == errKept:
			return nil
		case !follow || code != exchange.CodeUnavailable && code != exchange.CodeNotRunning:
			return err
		}
		select { // the node is being started again
		case <-time.After(goOnAfter):
		case <-cmd.Context().Done():
			return nil
		}
	}
}

// stream shows one stream's events, and moves from to the last.
func (a eventCommands) stream(ctx context.Context, c *client.Client, from *client.EventsFrom, follow bool, show func(*federation, view.Event) error) error {
	fed, err := loadFederation(ctx, c)
	if err != nil {
		return err
	}
	return c.Follow(ctx, *from, func(e view.Event) error {
		if e.ID != "" {
			from.After = e.ID
		}
		switch e.Type {
		case "hello", "ping":
			return nil
		case "live":
			if !follow {
				return errKept
			}
			return nil
		}
		return show(fed, e)
	})
}

// eventText is an event as a line for people.
func eventText(fed *federation, e view.Event) string {
	with := ""
	if !e.Partner.IsZero() {
		with = " with " + fed.ref(e.Partner)
	}
	var what string
	switch e.Type {
	case "order":
		what = fmt.Sprintf("order %v%s: %s", e.Order, with, strings.ReplaceAll(e.Status, "_", " "))
		if e.Due != nil {
			what += ", " + moneyText(*e.Due) + " due"
		}
	case "basket":
		what = fmt.Sprintf("basket %v: %s", e.Basket, strings.ReplaceAll(e.Status, "_", " "))
	case "partnership":
		what = "partnership" + with + ": " + e.Status
	case "shortfall":
		what = "shortfall: "
		for i, m := range e.Missing {
			what += fmt.Sprintf("%s%s %d missing", comma(i), m.Product.SKU, m.Units)
		}
		if len(e.Missing) == 0 {
			what += "of many products; see souk catalog list"
		}
	case "listing":
		what = e.Status + ": " + skusText(e.Products)
	case "bridge":
		what = bridgeEvent(e) + with
	case "stock":
		what = "stock changed: " + skusText(e.Products)
	case "hold":
		what = fmt.Sprintf("%d reservations%s: %s", e.Count, with, e.Status)
	case "catalog":
		what = "catalog of " + fed.ref(e.Partner) + ": up to date"
	case "frozen":
		what = "the ledger" + with + " is frozen"
	case "stopped":
		what = "selling has stopped"
	case "started":
		what = "the node started"
	case "gap":
		what = "gap (" + e.Status + ")"
	default:
		what = e.Type // of a newer node
	}
	if e.Detail != "" {
		what += ": " + e.Detail
	}
	return timeText(e.At) + "  " + what
}

// bridgeEvent says what became of the shop's own system.
func bridgeEvent(e view.Event) string {
	switch e.Status {
	case "down":
		return "your own system does not answer"
	case "up":
		return "your own system answers again"
	case "denied":
		return fmt.Sprintf("your own system does not have the goods of order %v", e.Order)
	case "lost":
		return fmt.Sprintf("your own system has lost reservation %v", e.Order)
	}
	return "bridge " + e.Status
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ", "
}

func skusText(list []exchange.ProductID) (text string) {
	for i, id := range list {
		text += comma(i) + string(id.SKU)
	}
	if text == "" {
		return "many products"
	}
	return text
}
