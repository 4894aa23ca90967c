package main

import (
	"github.com/spf13/cobra"

	"github.com/souk-market/souk/testnet"
)

func (a *app) testnetCommand() *cobra.Command {
	return group("testnet", "Try a whole federation on this machine",
		`Runs a hub and a few invented shops with sample catalogs, each a process of its own
with real keys, disks and sockets, all on the loopback. It shows step by step how they
join, become partners, see each other's catalogs, hold stock and order; then they are yours
to try things on.`,
		`  souk testnet up
  souk testnet status
  souk testnet down`,
		a.testnetUpCommand(), a.testnetStatusCommand(), a.testnetDownCommand())
}

// testnetDirs says in the help where a testnet lives.
const testnetDirs = `It lives in --dir, by default ` + testnet.DefaultDir + ` in the current folder; $SOUK_DIR is not looked at.`

// testnetDir is --dir only where it was given: $SOUK_DIR names a shop, which a testnet
// must not be mixed up with.
func (a *app) testnetDir(cmd *cobra.Command) string {
	if cmd.Flags().Changed("dir") {
		return a.dir
	}
	return testnet.DefaultDir
}

func (a *app) testnetUpCommand() *cobra.Command {
	o := testnet.Options{Shops: testnet.DefaultShops}
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start a hub and shops, show what they do, and stay up",
		Long: `Starts the testnet, tells each step as it happens, prints a table of the shops and how
to talk to them, and stays up until Ctrl-C stops everything. A stopped testnet in the
folder is replaced; anything else in it is left alone and refused.
With --json it prints one JSON value a line.
` + testnetDirs,
		Example: `  souk testnet up
  souk testnet up --shops 8 --dir /tmp/souk
  souk testnet up --exit`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Dir, o.JSON, o.Out = a.testnetDir(cmd), a.json, cmd.OutOrStdout()
			return testnet.Up(cmd.Context(), o)
		},
	}
	cmd.Flags().IntVar(&o.Shops, "shops", o.Shops, "`number` of shops, 2 to 20")
	cmd.Flags().BoolVar(&o.Exit, "exit", false, "end after the demo, with exit code 0 if every step passed")
	return cmd
}

func (a *app) testnetStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show the testnet's shops and whether they are ready",
		Long: `Shows the table that "souk testnet up" prints, as things stand now.
` + testnetDirs,
		Example: `  souk testnet status
  souk testnet status --dir /tmp/souk --json`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := testnet.Look(cmd.Context(), a.testnetDir(cmd))
			if err != nil {
				return err
			}
			return a.show(cmd, s, func(p *page) {
				p.text("", s.Table())
				for _, m := range append([]testnet.MemberStatus{s.Hub}, s.Shops...) {
					if m.Problem != "" {
						p.line("%s: %s", m.Name, m.Problem)
					}
				}
				if s.Running {
					p.line("souk testnet up runs as process %d. Stop it with Ctrl-C there, or souk testnet down.", s.PID)
				}
			})
		},
	}
}

func (a *app) testnetDownCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "Stop the testnet and whatever is left of it",
		Long: `Stops the running testnet, or what one that was killed has left behind. Only processes
that the testnet started and that still hold its folders are stopped. The folders stay.
` + testnetDirs,
		Example: `  souk testnet down
  souk testnet down --dir /tmp/souk`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			// Under --json the lines are remarks: nothing is the result.
			out := cmd.OutOrStdout()
			if a.json {
				out = cmd.ErrOrStderr()
			}
			return testnet.Down(cmd.Context(), a.testnetDir(cmd), out)
		},
	}
}
