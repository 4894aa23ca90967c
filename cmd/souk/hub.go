package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/hub"
	"github.com/souk-market/souk/protocol/p2p"
)

func (a hubCommands) hubCommand() *cobra.Command {
	return group("hub", "Found and keep a federation",
		`A hub lets shops in, keeps the signed member list and helps members find each
other. No catalog, price or order is stored on it or passes it in the clear. All
commands but run work on the folder whether the hub runs or not.`,
		`  souk hub init --dir hub --name riverside
  souk hub run --dir hub
  souk hub invite --dir hub --shop-name "Acorn Shoes"`,
		a.hubInitCommand(), a.hubRunCommand(), a.hubInviteCommand(), a.hubInvitesCommand(), a.hubVoidCommand(),
		a.hubMembersCommand(), a.hubRevokeCommand(), a.hubStatusCommand())
}

// hubDir is the folder of an existing hub; the admission key alone makes one too.
func (a hubCommands) hubDir() (string, error) {
	if a.dir == "" {
		if ok, err := holdsFile(".", "admission.key"); ok || err != nil {
			return ".", err
		}
	}
	return a.existing(hubFile, "hub")
}

// madeHub is what hub init says under --json.
type madeHub struct {
	hub.Public
	Warnings []string `json:"warnings,omitempty"`
}

func (a hubCommands) hubInitCommand() *cobra.Command {
	var o hub.InitOptions
	cmd := &cobra.Command{
		Use:   "init --name NAME",
		Short: "Make a hub's folder",
		Long: `Makes a hub's folder: its keys (mode 0600), its configuration (hub.toml) and an empty
signed member list. Back the folder up: whoever has its keys is the hub.
Give --announce where shops outside this network shall join; whether the name resolves, to
an address that they can reach, is said here and when the hub runs. Give --shared-port 443
where some of them sit behind firewalls that let nothing else out.`,
		Example: `  souk hub init --dir hub --name riverside --announce hub.example.org
  souk hub init --dir hub --name riverside --announce hub.example.org --shared-port 443
  souk hub init --dir hub --name riverside --listen 127.0.0.1 --open-port -1 --closed-port -1 --status 127.0.0.1:0`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := a.newDir(cmd)
			if err != nil {
				return err
			}
			made, err := hub.Init(dir, o)
			if exchange.CodeOf(err) == exchange.CodeInvalid {
				return &usageError{err} // of what the flags say
			}
			if err != nil {
				return err
			}
			out := madeHub{Public: made}
			if out.Warnings, err = hub.AnnounceWarnings(cmd.Context(), dir, a.names()); err != nil {
				return err
			}
			return a.show(cmd, out, func(p *page) {
				p.line("The hub of %s is made in %s", made.Federation.Name(), dir)
				p.line("Federation  %s", made.Federation.Label())
				for _, addr := range made.Hub.Open.Addrs {
					p.line("Shops join  %s", p2p.AddressText(addr))
				}
				warningsPage(p, out.Warnings)
				p.line("Next: souk hub run --dir %s", quoteArg(dir))
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Name, "name", "", "the federation's `name`: a–z, 0–9 and inner hyphens (required)")
	f.StringSliceVar(&o.Listen, "listen", nil, "IP `addresses` to listen on (default: all)")
	f.IntVar(&o.OpenPort, "open-port", hub.DefaultOpenPort, "TCP and UDP `port` through which shops join; -1 = a free one")
	f.IntVar(&o.ClosedPort, "closed-port", hub.DefaultClosedPort, "TCP and UDP `port` for members; -1 = a free one")
	f.IntVar(&o.SharedPort, "shared-port", 0, "further TCP `port` for both, such as 443, that firewalls let shops out by; -1 = a free one (default: none)")
	f.StringSliceVar(&o.Announce, "announce", nil, "`names` or IP addresses under which shops reach the hub")
	f.StringVar(&o.Status, "status", hub.DefaultStatus, "`address` of the read-only status page; port 0 = a free one")
	required(cmd, "name")
	return cmd
}

func (a hubCommands) hubRunCommand() *cobra.Command {
	var logs logFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the hub until Ctrl-C or SIGTERM",
		Long: `Runs the hub: it lets shops in, signs the member list every hour, relays for shops
behind routers, and serves a read-only status page with /metrics.`,
		Example: `  souk hub run --dir hub
  souk hub run --dir hub --log-json --log-level warn`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := a.hubDir()
			if err != nil {
				return err
			}
			running, err := hub.Open(dir, hub.Options{Logger: logs.logger(cmd.ErrOrStderr()), Version: buildInfo().Version})
			if err != nil {
				return err
			}
			return a.untilDone(cmd, running, func() error { return a.hubIsUp(cmd, running) })
		},
	}
	logs.register(cmd)
	return cmd
}

func (a hubCommands) hubIsUp(cmd *cobra.Command, h *hub.Hub) error {
	warnings := h.AnnounceWarnings(cmd.Context(), a.names())
	up := map[string]any{"status": h.StatusURL(), "join": h.JoinAddresses()}
	if len(warnings) > 0 {
		up["warnings"] = warnings
	}
	return a.show(cmd, up, func(p *page) {
		if url := h.StatusURL(); url != "" {
			p.line("The hub runs. Its status page: %s", url)
		} else {
			p.line("The hub runs.")
		}
		for _, addr := range h.JoinAddresses() {
			p.line("Shops join at %s", p2p.AddressText(addr))
		}
		warningsPage(p, warnings)
		p.line("In another terminal: souk hub invite%s", a.dirFlag())
	})
}

func (a hubCommands) hubMembersCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "members",
		Short:   "List the shops of the federation",
		Example: "  souk hub members --dir hub",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := a.hubDir()
			if err != nil {
				return err
			}
			list, err := hub.Members(cmd.Context(), dir)
			if err != nil {
				return err
			}
			return a.show(cmd, list, func(p *page) { hubMembersPage(p, list, a.dirFlag()) })
		},
	}
}

func hubMembersPage(p *page, list []hub.MemberInfo, dirFlag string) {
	if len(list) == 0 {
		p.line("No shop has joined yet. Next: souk hub invite%s", dirFlag)
		return
	}
	p.table([]string{"NAME", "STATUS", "JOINED", "ONLINE", "SHOP", "FINGERPRINT"}, func(row func(...any)) {
		for _, m := range list {
			status, online := m.Status, "no"
			if m.Why != "" {
				status += ": " + m.Why
			}
			if m.Online {
				online = m.Transport
			}
			row(m.Name, status, timeText(m.JoinedAt.Std()), online, m.Shop, m.Fingerprint)
		}
	})
}

func (a hubCommands) hubRevokeCommand() *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use:   "revoke SHOP --why REASON",
		Short: "Take a shop out of the federation for good",
		Long: `Enters a revocation in the member list: every member cuts the shop's connections and
releases what it held; its open orders may be finished locally. It cannot be undone.
On a machine that holds only the admission key, give the whole ShopID.`,
		Example: `  souk hub revoke --dir hub "Acorn Shoes" --why "sold counterfeits"`,
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := a.hubDir()
			if err != nil {
				return err
			}
			if strings.TrimSpace(why) == "" {
				return usagef("--why is empty; a revocation cannot be undone, and the shop and all members read its reason")
			}
			shop, err := hubShop(cmd.Context(), dir, args[0])
			if err != nil {
				return err
			}
			did, err := hub.Revoke(cmd.Context(), dir, shop.String(), why)
			if err != nil {
				return err
			}
			return a.show(cmd, did, func(p *page) {
				who := did.Shop.String()
				if did.Name != "" {
					who = did.Name + " (" + who + ")"
				}
				if did.Already {
					p.line("%s was revoked already, on %s: %s. That reason stays.", who, timeText(did.At.Std()), did.Why)
				} else {
					p.line("%s is revoked: %s", who, did.Why)
				}
			})
		},
	}
	cmd.Flags().Var(textFlag{&why}, "why", "the `reason`, public in the member list (required)")
	required(cmd, "why")
	return cmd
}

// hubShop is the shop that ref means to a hub's operator.
func hubShop(ctx context.Context, dir, ref string) (exchange.ShopID, error) {
	if id, err := exchange.ParseShopID(ref); err == nil {
		return id, nil // the list may be on another machine
	}
	list, err := hub.Members(ctx, dir)
	if err != nil {
		return exchange.ShopID{}, err
	}
	shops := make([]known, len(list))
	for i, m := range list {
		shops[i] = known{m.Shop, m.Name, m.Status == membership.Active.String()}
	}
	found, err := findShop(shops, ref)
	if exchange.CodeOf(err) == exchange.CodeNotFound {
		return exchange.ShopID{}, exchange.Errorf(exchange.CodeNotFound, "the member list has no shop %q; see souk hub members --dir %s", ref, quoteArg(dir))
	}
	return found.shop, err
}

func (a hubCommands) hubStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Show how the hub is",
		Example: "  souk hub status --dir hub --json",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := a.hubDir()
			if err != nil {
				return err
			}
			r, err := hub.Status(cmd.Context(), dir)
			if err != nil {
				return err
			}
			if !r.Running { // one that runs has said it
				if w, err := hub.AnnounceWarnings(cmd.Context(), dir, a.names()); err == nil {
					r.Warnings = append(r.Warnings, w...)
				}
			}
			return a.show(cmd, r, func(p *page) { hubStatusPage(p, r) })
		},
	}
}

func hubStatusPage(p *page, r hub.Report) {
	p.table(nil, func(row func(...any)) {
		state := "not running"
		if r.Running {
			state = "running, version " + r.Version
		}
		row("Hub", state)
		row("Federation", r.Federation+" ("+r.Origin+")")
		if r.StatusURL != "" {
			row("Status page", r.StatusURL)
		}
		row("Members", fmt.Sprintf("%d active, %d left, %d revoked, %d connected", r.Active, r.Left, r.Revoked, r.Connected))
		row("List", fmt.Sprintf("%d entries, signed %s, %s", r.Entries, timeText(r.SignedAt.Std()), r.Freshness))
		for _, addr := range r.Hub.Open.Addrs {
			row("Shops join", p2p.AddressText(addr))
		}
	})
	for _, problem := range slices.Concat(r.Problems, r.Warnings) {
		p.line("! %s", localTimes(problem))
	}
}
