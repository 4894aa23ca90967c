package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/hub"
	"github.com/souk-market/souk/node"
	"github.com/souk-market/souk/store/durable"
)

func (a *app) nodeCommand() *cobra.Command {
	return group("node", "Make, join, run and close a shop's node",
		`A shop is a folder: its key, its configuration (shop.toml) and all its trade.
One process at a time runs it.`,
		`  souk node init --dir shop --name "Acorn Shoes" --currency EUR
  souk node run --dir shop`,
		a.nodeInitCommand(), a.nodeJoinCommand(), a.nodeRunCommand(), a.nodeLeaveCommand())
}

// created is what node init says under --json.
type created struct {
	Dir          string          `json:"dir"`
	Name         string          `json:"name"`
	Shop         exchange.ShopID `json:"shop"`
	Fingerprint  string          `json:"fingerprint"`
	Recovery     string          `json:"recovery,omitempty"`
	RecoveryFile string          `json:"recovery_file,omitempty"`
	Warnings     []string        `json:"warnings,omitempty"`
}

func (a *app) nodeInitCommand() *cobra.Command {
	var o node.InitOptions
	var recoveryFile string
	cmd := &cobra.Command{
		Use:   "init --name NAME --currency CODE",
		Short: "Make a shop's folder",
		Long: `Makes a shop's folder: its key, its configuration with defaults, and an offline
recovery key. The words of the recovery key are shown once and kept nowhere: with
them, and only with them, a shop that lost its key proves that it is itself.
Nothing is overwritten. With --announce it says whether the address can be reached: that
its name resolves, to an address that is not private. A shop behind a router needs none:
hub and members relay. Edit shop.toml afterwards: shipping prices, tax, profile. A new
shop ships for free, everywhere, has no tax in its quotes, and accepts orders as they
come; the command shows the lines of shop.toml that say so or otherwise.`,
		Example: `  souk node init --dir shop --name "Acorn Shoes" --currency EUR
  souk node init --dir shop --name "Birch Books" --currency SEK --announce /dns4/shop.example/tcp/7351
  souk node init --dir shop --name "Cedar Toys" --currency USD --recovery-file /media/usb/cedar.txt`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := a.newDir(cmd)
			if err != nil {
				return err
			}
			return a.nodeInit(cmd, dir, o, recoveryFile)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Name, "name", "", "the shop's `name`, as members see it (required)")
	f.StringVar((*string)(&o.Currency), "currency", "", "ISO 4217 `code` of the one currency it sells in, such as EUR (required)")
	f.StringArrayVar(&o.Listen, "listen", nil, "`multiaddr` to listen on for partners; repeat for several (default: port 7351, TCP and QUIC)")
	f.StringArrayVar(&o.Announce, "announce", nil, "`multiaddr` to tell others instead, behind a router; repeat for several")
	f.StringVar(&o.API, "api", "", "`address` of the local HTTP API (default: "+node.DefaultAPI+")")
	f.StringVar(&recoveryFile, "recovery-file", "", "write the recovery words to this new `file` (mode 0600) and do not show them")
	required(cmd, "name", "currency")
	return cmd
}

func (a *app) nodeInit(cmd *cobra.Command, dir string, o node.InitOptions, recoveryFile string) error {
	if recoveryFile != "" {
		// Made first, and empty: a shop whose words could not be written would have lost them.
		if err := durable.Create(recoveryFile, nil, 0o600); err != nil {
			return exchange.Errorf(exchange.CodeInvalid, "the recovery words cannot be written; name a file that does not exist yet: %w", err)
		}
	}
	shop, err := node.Init(dir, o)
	if err != nil {
		if recoveryFile != "" {
			_ = os.Remove(recoveryFile)
		}
		if exchange.CodeOf(err) == exchange.CodeInvalid {
			return &usageError{err} // of what the flags say
		}
		return err
	}
	out := created{Dir: dir, Name: o.Name, Shop: shop.Shop, Fingerprint: shop.Fingerprint, Recovery: shop.Recovery, RecoveryFile: recoveryFile}
	if recoveryFile != "" {
		if err := durable.Write(recoveryFile, []byte(shop.Recovery+"\n"), 0o600); err != nil {
			// The words exist nowhere else: rather on the screen than lost.
			return exchange.Errorf(exchange.CodeInternal, "the shop is made, but its recovery words may be in no file: %w. Write them down now:\n%s", err, shop.Recovery)
		}
		out.Recovery = ""
	}
	if out.Warnings, err = node.AnnounceWarnings(cmd.Context(), dir, a.names()); err != nil {
		return err
	}
	return a.show(cmd, out, func(p *page) {
		p.line("%s is made in %s", o.Name, dir)
		p.table(nil, func(row func(...any)) {
			row("ShopID", shop.Shop)
			row("Fingerprint", shop.Fingerprint)
		})
		p.line("")
		if recoveryFile != "" {
			p.line("The recovery words are in %s. Keep that file offline, and nowhere else.", recoveryFile)
		} else {
			p.line("RECOVERY WORDS: write them on paper now. They are shown this once and kept nowhere.")
			for _, l := range recoveryLines(shop.Recovery) {
				p.line("    %s", l)
			}
		}
		warningsPage(p, out.Warnings)
		p.line("")
		p.line("Next: ask a hub's operator for an invite, then")
		p.line("  souk node join --dir %s INVITE", quoteArg(dir))
		p.line("")
		defaultsPage(p, dir)
	})
}

// joined is what node join says under --json.
type joined struct {
	Joined     bool     `json:"joined"` // false: the invite is kept
	Federation string   `json:"federation,omitempty"`
	Warnings   []string `json:"warnings,omitempty"`
}

func (a *app) nodeJoinCommand() *cobra.Command {
	var later bool
	cmd := &cobra.Command{
		Use:   "join INVITE",
		Short: "Bring the shop into a federation with an invite",
		Long: `Asks the hub that made the invite to enter this shop in its member list. It may be
repeated after a lost answer or a crash: one entry results. With --later the invite
is only kept, and "souk node run" joins with it. The node must not be running.`,
		Example: `  souk node join --dir shop INVITE
  souk node join --dir shop --later INVITE`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := a.shopDir()
			if err != nil {
				return err
			}
			out := joined{}
			if later {
				err = node.SaveInvite(dir, args[0])
			} else {
				var fed membership.Federation
				fed, err = node.Join(cmd.Context(), dir, args[0], node.Options{Version: buildInfo().Version})
				out.Joined, out.Federation = true, fed.Label()
			}
			if err != nil {
				return err
			}
			if out.Warnings, err = node.AnnounceWarnings(cmd.Context(), dir, a.names()); err != nil {
				return err
			}
			return a.show(cmd, out, func(p *page) {
				if out.Joined {
					p.line("Joined the federation %s.", out.Federation)
				} else {
					p.line("The invite is kept.")
				}
				warningsPage(p, out.Warnings)
				p.line("Next: souk node run%s", a.dirFlag())
			})
		},
	}
	cmd.Flags().BoolVar(&later, "later", false, "keep the invite and join when the node first runs")
	return cmd
}

func (a *app) nodeRunCommand() *cobra.Command {
	var logs logFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the shop until Ctrl-C or SIGTERM",
		Long: `Runs the shop: its network, its catalog and its local HTTP API. With a pending
invite it joins first, and waits for a hub that cannot be reached. On Ctrl-C or
SIGTERM it accepts nothing more, finishes what it took, and closes; a second signal
ends it at once, which loses nothing either.`,
		Example: `  souk node run --dir shop
  souk node run --dir shop --log-json --log-level warn`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := a.shopDir()
			if err != nil {
				return err
			}
			folder, err := node.Open(cmd.Context(), dir, a.joining(cmd, node.Options{Logger: logs.logger(cmd.ErrOrStderr()), Version: buildInfo().Version}))
			if err != nil {
				return stopped(cmd.Context(), err)
			}
			return a.untilDone(cmd, folder, func() error { return a.nodeIsUp(cmd, folder.APIAddress()) })
		},
	}
	logs.register(cmd)
	return cmd
}

// joining has a shop with a pending invite say how that fares.
func (a *app) joining(cmd *cobra.Command, o node.Options) node.Options {
	w := cmd.ErrOrStderr()
	o.Joining = func(step node.JoinStep) {
		fed := inert(step.Federation.Label())
		switch {
		case step.Joined:
			fmt.Fprintf(w, "souk: joined the federation %s\n", fed)
		case step.Err != nil:
			fmt.Fprintf(w, "souk: %s\nsouk: waiting for the hub; it is asked again in %s\n", inertLines(localTimes(step.Err.Error())), durationText(step.Again))
		default:
			fmt.Fprintf(w, "souk: this shop is not in its federation yet; asking the hub of %s to let it in\n", fed)
		}
	}
	return o
}

func (a *app) nodeIsUp(cmd *cobra.Command, address string) error {
	at := hub.Dialable(address)
	url := "http://" + at
	return a.show(cmd, map[string]string{"api": url, "listen": address}, func(p *page) {
		p.line("The shop is open. Its API: %s (token in %s)", url, filepath.Join(a.dir, "api.token"))
		if at != address {
			p.line("It listens on all addresses of this machine: %s", address)
		}
		p.line("In another terminal:")
		p.line("  souk members%s                 who is there", a.dirFlag())
		p.line("  souk catalog import%s FILE     your products", a.dirFlag())
		p.line("  souk partner propose%s SHOP    trade with somebody", a.dirFlag())
	})
}

// runner is an opened folder: a shop's or a hub's.
type runner interface {
	Run(ctx context.Context) error
	Ready() <-chan struct{}
	Close() error
}

// untilDone runs a folder until the command's context ends, calls up once it is ready,
// and closes it.
func (a *app) untilDone(cmd *cobra.Command, r runner, up func() error) error {
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	announced := make(chan error, 1)
	go func() {
		select {
		case <-r.Ready():
			err := up()
			if err != nil {
				cancel() // nobody reads our output any more
			}
			announced <- err
		case <-ctx.Done():
			announced <- nil
		}
	}()
	err := stopped(ctx, r.Run(ctx))
	cancel()
	for _, e := range []error{<-announced, r.Close()} {
		if err == nil {
			err = e
		}
	}
	return err
}

// stopped is nil for an error that only says that the owner stopped the command.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && isCancel(err) {
		return nil
	}
	return err
}
