package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/hub"
)

func (a hubCommands) hubInviteCommand() *cobra.Command {
	o := hub.InviteOptions{}
	cmd := &cobra.Command{
		Use:   "invite",
		Short: "Print an invite: one line with which a shop joins",
		Long: `Prints an invite, one line on standard output. It is a secret: whoever has it can join.
Its id, on standard error, is none: with it you void an invite that was lost.
It needs only the admission key, so it works whether the hub runs or not, and on
another machine that holds admission.key and federation.json.`,
		Example: `  souk hub invite --dir hub
  souk hub invite --dir hub --shop-name "Acorn Shoes" --expires 24h
  souk hub invite --dir hub --uses 5`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("shop-name") && strings.TrimSpace(o.Shop) == "" {
				return usagef("--shop-name is empty; name the shop, or leave the flag out for an invite that any shop may use")
			}
			if o.Shop != "" {
				if err := membership.CheckName(o.Shop); err != nil {
					return &usageError{fmt.Errorf("--shop-name: %w", err)}
				}
			}
			if err := hub.CheckUses(o.Uses); err != nil {
				return &usageError{fmt.Errorf("--uses: %w", err)}
			}
			if err := hub.CheckExpires(o.Expires); err != nil {
				return &usageError{fmt.Errorf("--expires: %w", err)}
			}
			dir, err := a.hubDir()
			if err != nil {
				return err
			}
			made, err := hub.Invite(cmd.Context(), dir, o)
			if err != nil {
				return err
			}
			for _, w := range made.Warnings {
				fmt.Fprintf(cmd.ErrOrStderr(), "souk: warning: %s\n", inertLines(w))
			}
			if !a.json {
				fmt.Fprintf(cmd.ErrOrStderr(), "Invite %s, until %s; void it with: souk hub void%s %s\n", made.ID, timeText(made.Expires.Std()), a.dirFlag(), made.ID)
			}
			return a.show(cmd, made, func(p *page) { p.line("%s", made.Code) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Shop, "shop-name", "", "only for a shop that joins under this `name`")
	f.IntVar(&o.Uses, "uses", hub.DefaultUses, "`number` of shops that may join with it")
	f.Var(durationVar(&o.Expires, hub.DefaultExpires), "expires", fmt.Sprintf("`time` until it expires, such as 72h or 7d; at most %dd", hub.MaxExpires/(24*time.Hour)))
	return cmd
}

func (a hubCommands) hubInvitesCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "invites",
		Short: "List the invites made in this folder",
		Long: `Lists the invites that were made in this folder, without their secrets: whom they are
for, how many shops may still join, and until when. Where the member list is on another
machine, their use is not known.`,
		Example: `  souk hub invites --dir hub
  souk hub invites --dir hub --all --json`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := a.hubDir()
			if err != nil {
				return err
			}
			list, err := hub.Invites(cmd.Context(), dir)
			if err != nil {
				return err
			}
			if err := a.show(cmd, list.Invites, func(p *page) { hubInvitesPage(p, list.Invites, all, a.dirFlag()) }); err != nil {
				return err
			}
			return damagedInvites(list.Damaged, a.dirFlag())
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those that are used, void or expired")
	return cmd
}

// damagedInvites names, as CodeInvalid, the files that hide what was invited.
func damagedInvites(list []hub.DamagedInvite, dirFlag string) error {
	var errs []error
	for _, d := range list {
		next := "move it elsewhere"
		if d.ID != (membership.InviteID{}) {
			next += fmt.Sprintf(". The invite itself is as it was: if you do not know who has its line, end it: souk hub void%s %s", dirFlag, d.ID)
		}
		errs = append(errs, exchange.Errorf(exchange.CodeInvalid, "%s is damaged (%s), so its invite is not listed: restore it from a backup, or %s", d.File, d.Why, next))
	}
	return errors.Join(errs...)
}

func hubInvitesPage(p *page, list []hub.InviteInfo, all bool, dirFlag string) {
	var shown []hub.InviteInfo
	for _, i := range list {
		if all || i.Status == hub.InviteOpen || i.Status == hub.InviteUnknown {
			shown = append(shown, i)
		}
	}
	if len(shown) == 0 {
		p.line("No invite is open. Next: souk hub invite%s", dirFlag)
	} else {
		p.table([]string{"INVITE", "STATUS", "FOR", "LEFT", "MADE", "EXPIRES"}, func(row func(...any)) {
			for _, i := range shown {
				status := i.Status
				if i.VoidAt != 0 {
					status += " since " + timeText(i.VoidAt.Std())
				}
				if i.Why != "" {
					status += ": " + i.Why
				}
				row(i.ID, status, invitedText(i), leftText(i), timeText(i.Made.Std()), timeText(i.Expires.Std()))
			}
		})
	}
	if hidden := len(list) - len(shown); hidden > 0 {
		p.line("%d more are used, void or expired; see them with --all", hidden)
	}
}

func invitedText(i hub.InviteInfo) string {
	if i.Shop == "" {
		return "any shop"
	}
	return i.Shop
}

// leftText is how many shops may still join, of how many.
func leftText(i hub.InviteInfo) string {
	if i.Used == nil {
		return fmt.Sprintf("? of %d", i.Uses)
	}
	return fmt.Sprintf("%d of %d", i.Uses-min(i.Uses, *i.Used), i.Uses)
}

func (a hubCommands) hubVoidCommand() *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use:   "void INVITE",
		Short: "End an invite; shops that joined by it stay",
		Long: `Ends an invite, given by its id (souk hub invites) or by its line, so that nobody can
join with it any more. Shops that joined by it stay.`,
		Example: `  souk hub void --dir hub 0fn0e4c451tqfdhlajqnkqrg8s --why lost`,
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := hub.CheckInvite(args[0]); err != nil {
				return &usageError{err}
			}
			dir, err := a.hubDir()
			if err != nil {
				return err
			}
			did, err := hub.Void(cmd.Context(), dir, args[0], why)
			if err != nil {
				return err
			}
			return a.show(cmd, did, func(p *page) {
				if did.Already {
					p.line("Invite %v is void already, since %s: %s. Nothing was changed.", did.ID, timeText(did.At.Std()), cmp.Or(did.Why, "no reason was given"))
				} else {
					p.line("Nobody can join with invite %v any more.", did.ID)
				}
			})
		},
	}
	cmd.Flags().Var(textFlag{&why}, "why", "the `reason`, public in the member list")
	return cmd
}
