package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// app is one run of the binary.
type app struct {
	dir  string // --dir; "" = not given
	json bool   // --json
	in   io.Reader
	now  func() time.Time
	// arrive is how long a command waits to hear that what it did has arrived.
	arrive time.Duration
	// meet is how long a command waits for a shop or a proposal that is not known here yet.
	meet time.Duration
	// resolver looks announced names up; nil = the machine's own.
	resolver p2p.Resolver
}

// The commands of each larger subject are methods of a type of their own, which adds no state
// to app.
type (
	hubCommands         struct{ *app }
	partnerCommands     struct{ *app }
	reservationCommands struct{ *app }
	orderCommands       struct{ *app }
	catalogCommands     struct{ *app }
	stockCommands       struct{ *app }
)

// run carries out one command line and returns its exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	a := &app{in: in, now: time.Now, arrive: arriveWithin, meet: meetWithin}
	return a.run(ctx, args, out, errs)
}

func (a *app) run(ctx context.Context, args []string, out, errs io.Writer) int {
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(out)
	root.SetErr(errs)
	cmd, err := root.ExecuteContextC(ctx)
	code := endCode(ctx, err)
	switch {
	case err != nil && (a.json || asksJSON(args)):
		failureOf(err, code).print(errs)
		return code
	case code == exitInterrupted:
		fmt.Fprintf(errs, "souk: interrupted; %s\n", inertLines(localTimes(interrupted(err))))
	case err != nil:
		fmt.Fprintf(errs, "souk: %s\n", inertLines(localTimes(err.Error())))
	}
	if code == exitUsage {
		fmt.Fprintf(errs, "See %s --help\n", cmd.CommandPath())
	}
	return code
}

// interruption is a command that its owner broke off, and what there is to say of it.
type interruption struct {
	says string
	err  error // the context's
}

func (i *interruption) Error() string { return i.says }
func (i *interruption) Unwrap() error { return i.err }

// interrupted is what to say to the owner who broke a command off.
func interrupted(err error) string {
	var known *interruption
	if errors.As(err, &known) {
		return known.says
	}
	return "whether it was done is not known here: look, or run it again"
}

const (
	groupRun   = "run"
	groupTrade = "trade"
	groupOther = "other"
)

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "souk",
		Short: "Sell each other's products, shop to shop",
		Long: `Souk lets independent online shops sell each other's products without a platform
between them. Each shop runs one node; nodes find each other through a thin hub,
agree on partnerships, see each other's catalogs, hold stock and place orders
directly.

` + exitHelp,
		Example: `  souk testnet up                                     a whole federation on this machine
  souk hub init --dir hub --name riverside            found a federation
  souk node init --dir shop --name "Acorn Shoes" --currency EUR
  souk node join --dir shop INVITE
  souk node run --dir shop`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE:          helpOnly,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagError(err) })
	root.PersistentFlags().StringVar(&a.dir, "dir", os.Getenv("SOUK_DIR"), "`folder` of the shop or hub (default: $SOUK_DIR, else the current folder)")
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print the result as JSON")
	root.AddGroup(
		&cobra.Group{ID: groupRun, Title: "Run a hub or a shop:"},
		&cobra.Group{ID: groupTrade, Title: "Trade:"},
		&cobra.Group{ID: groupOther, Title: "Look after it:"},
	)
	root.SetHelpCommandGroupID(groupOther)
	root.SetCompletionCommandGroupID(groupOther)
	add := func(id string, cmds ...*cobra.Command) {
		for _, c := range cmds {
			c.GroupID = id
			root.AddCommand(c)
		}
	}
	hub := hubCommands{a}.hubCommand()
	for _, c := range hub.Commands() {
		if c.Name() != "init" && c.Name() != "run" {
			hubCommands{a}.hubOpens(c, c.Name() == "status")
		}
	}
	add(groupRun, hub, a.nodeCommand())
	add(groupTrade, a.membersCommand(), partnerCommands{a}.partnerCommand(), a.catalogCommand(), stockCommands{a}.stockCommand(), a.productsCommand(),
		reservationCommands{a}.reserveCommand(), reservationCommands{a}.reservationCommand(), orderCommands{a}.orderCommand(), saleCommands{a}.saleCommand())
	add(groupOther, eventCommands{a}.eventsCommand(), a.dialCommand(), a.doctorCommand(), bridgeGroup{a}.command(), a.auditCommand(), a.testnetCommand(), a.versionCommand())
	return root
}

// shownValue is how many bytes of a flag's wrong value are repeated: a line.
const shownValue = 80

// flagError is a usageError that does not repeat the whole of a long value, which would hide what is
// wrong with it.
func flagError(err error) error {
	var bad interface{ GetValue() string } // pflag's errors about a value
	if !errors.As(err, &bad) || len(bad.GetValue()) <= shownValue {
		return &usageError{err}
	}
	begins := strings.ToValidUTF8(bad.GetValue()[:shownValue], "") + "…"
	return usagef("%s", strings.Replace(err.Error(), strconv.Quote(bad.GetValue()), strconv.Quote(begins), 1))
}

// group is a command that only holds others.
func group(use, short, long, example string, sub ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Long: long, Example: example, Args: cobra.ArbitraryArgs, RunE: helpOnly}
	c.AddCommand(sub...)
	return c
}

// helpOnly shows a group's help, and refuses what is none of its commands.
func helpOnly(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usagef("%s has no command %q; did you mean %s?", cmd.CommandPath(), args[0], strings.Join(near, " or "))
	}
	return usagef("%s has no command %q", cmd.CommandPath(), args[0])
}

// takes checks the number of arguments: at least min, at most max (-1 = any).
func takes(min, max int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < min:
			return usagef("an argument is missing: %s", cmd.UseLine())
		case max >= 0 && len(args) > max:
			return usagef("%q is one argument too many: %s", args[max], cmd.UseLine())
		}
		return nil
	}
}

// Files that tell what a folder is; see packages node and hub.
const (
	shopFile       = "shop.toml"
	hubFile        = "hub.toml"
	federationFile = "federation.json"
	inviteFile     = "invite"
)

// shopDir is the folder of an existing shop, hubDir that of an existing hub.
func (a *app) shopDir() (string, error) { return a.existing(shopFile, "shop") }

func (a *app) existing(file, what string) (string, error) {
	if a.dir != "" {
		return a.dir, nil
	}
	if _, err := os.Stat(file); err != nil {
		return "", usagef("the current folder holds no %s; say which with --dir FOLDER, or set SOUK_DIR", what)
	}
	return ".", nil
}

// newDir is the folder that an init makes: it is always said.
func (a *app) newDir(cmd *cobra.Command) (string, error) {
	if a.dir == "" {
		return "", usagef("say where to keep it: %s --dir FOLDER", cmd.CommandPath())
	}
	return a.dir, nil
}

// dirFlag is what to add to a command shown to the owner, so that it can be pasted.
func (a *app) dirFlag() string {
	if a.dir == "" {
		return ""
	}
	return " --dir " + quoteArg(a.dir)
}

// holdsFile reports whether a folder has a file of that name.
func holdsFile(dir, name string) (bool, error) {
	_, err := os.Stat(filepath.Join(dir, name))
	switch {
	case err == nil:
		return true, nil
	case os.IsNotExist(err):
		return false, nil
	}
	return false, exchange.Errorf(exchange.CodeInternal, "%w", err)
}
