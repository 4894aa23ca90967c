package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

func (a reservationCommands) reservationListCommand() *cobra.Command {
	var all bool
	limit := 50
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what is held, newest first",
		Long: `Lists the reservations that hold stock, or may: held ones, and those that the supplier
has not answered, as after a Ctrl-C. With --all also those that were ordered, given back,
refused or have expired; they are listed for eight days.`,
		Example: `  souk reservation list --dir shop
  souk reservation list --dir shop --all --limit 0 --json`,
		Args: takes(0, 0),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, _ []string) error {
			if limit < 0 {
				return usagef("--limit is 1 or more, or 0 for all")
			}
			q := client.ReservationsQuery{Status: view.OpenReservations}
			if all {
				q.Status = ""
			}
			list, err := listReservations(cmd.Context(), c, q, limit)
			if err != nil {
				return err
			}
			return a.show(cmd, list, func(p *page) { a.reservationsPage(p, list, all) })
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those that are over")
	cmd.Flags().IntVar(&limit, "limit", limit, "at most this `number`; 0 = all")
	return cmd
}

// listReservations collects up to limit reservations; 0 = all.
func listReservations(ctx context.Context, c *client.Client, q client.ReservationsQuery, limit int) (*view.Reservations, error) {
	out := &view.Reservations{Reservations: []view.Reservation{}}
	for {
		got, err := c.Reservations(ctx, q)
		if err != nil {
			return nil, err
		}
		out.Reservations, out.Next = append(out.Reservations, got.Reservations...), got.Next
		if limit > 0 && (len(out.Reservations) > limit || len(out.Reservations) == limit && got.Next != "") {
			out.Reservations = out.Reservations[:limit]
			out.Next = out.Reservations[limit-1].ID.String() // there are more
			return out, nil
		}
		if got.Next == "" {
			return out, nil
		}
		q.Cursor = got.Next
	}
}

// reservationState is the state in words: of one that is held by the supplier's word also that its release
// was asked for, or when that is.
func reservationState(r *view.Reservation, now time.Time) string {
	switch open := r.State == hold.Held.String() || r.State == hold.None.String(); {
	case open && !r.ReleaseAt.IsZero() && !r.ReleaseAt.After(now):
		return "being released"
	case r.State == hold.None.String():
		return "not answered"
	case open && !r.ReleaseAt.IsZero():
		return "held, given back at " + timeText(r.ReleaseAt)
	}
	return r.State
}

func (a reservationCommands) reservationsPage(p *page, list *view.Reservations, all bool) {
	if len(list.Reservations) == 0 {
		if all {
			p.line("No reservations in the last eight days.")
		} else {
			p.line("Nothing is held. Those that are over: souk reservation list%s --all", a.dirFlag())
		}
		return
	}
	unanswered := false
	p.table([]string{"RESERVATION", "SUPPLIER", "LINES", "TOTAL", "EXPIRES", "STATE"}, func(row func(...any)) {
		for _, r := range list.Reservations {
			total, state := "–", reservationState(&r, a.now())
			if r.Quote != nil {
				total = moneyText(r.Quote.Total)
			}
			unanswered = unanswered || r.State == hold.None.String()
			row(r.ID, r.SupplierName, len(r.Lines), total, timeText(r.Expires), state)
		}
	})
	if unanswered {
		p.line("Of one that is not answered the supplier may hold the stock. This shop asks again by itself, and gives back what nobody waits for: souk reservation show%s ID", a.dirFlag())
	}
	if list.Next != "" {
		p.line("There are more: --limit N, or --limit 0 for all")
	}
}
