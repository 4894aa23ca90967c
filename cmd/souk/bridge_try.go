package main

import (
	"context"
	"errors"

	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/node/bridge/conformance"
	"github.com/souk-market/souk/node/bridge/sqlbridge"
	"github.com/souk-market/souk/node/bridge/webhook"
	"github.com/souk-market/souk/store/durable"
)

// bridgeCommands are for whoever connects a shop's own system.
type bridgeCommands struct{ *app }

func (a bridgeCommands) bridgeCommand() *cobra.Command {
	return group("bridge", "Connect a system of your own that keeps the stock",
		`A shop whose own system must stay the authority over its stock gives its node a
bridge to it: the node asks there before it promises anything. docs/bridge-integrator.md
tells how to write the other side.`,
		`  souk bridge show --dir shop
  souk bridge test https://shop.example/souk --secret-file bridge.secret --sku TEST-1 --sku TEST-2
  souk bridge schema --stock shop.stock --sku-column sku --free-column free`,
		a.showCommand(), a.testCommand(), a.schemaCommand(), a.secretCommand())
}

// tried is the result of a trial, as --json prints it.
type tried struct {
	System  string      `json:"system"`
	Kept    int         `json:"kept"`
	Broken  int         `json:"broken"`
	LeftOut int         `json:"left_out"`
	Cases   []triedCase `json:"cases"`
}

type triedCase struct {
	Name   string `json:"name"`
	Rule   string `json:"rule"`
	Result string `json:"result"` // kept, broken or left-out
	Detail string `json:"detail,omitempty"`
}

// trialFlags say what is tried.
type trialFlags struct {
	secret, sql string
	skus, pool  []string
	cases       []string
	tables      sqlbridge.Tables
}

func (a bridgeCommands) testCommand() *cobra.Command {
	var f trialFlags
	cmd := &cobra.Command{
		Use:   "test [URL]",
		Short: "Try whether a system keeps the rules of a stock bridge",
		Long: fmt.Sprintf(`Asks a running system what a node would ask it, case by case, and says which rules it
keeps: over HTTP (URL and --secret-file), or in its database (--sql).

It really sets goods aside, makes orders of them and gives them back, of the two products
that you name and of no others, with up to 50 calls at once. Take products made for it,
with %d units or more free of each, which nobody sells or stocks meanwhile: better a test
system than your live shop. At the end everything is given back; what stays are the IDs
of the trial, as released or refused. A trial that is killed may leave goods set aside:
the system lists them as open.

What cannot be tried from outside is listed as left out: kills between two steps of your
code, restarts, the own checkout, a clock that is wrong. Package
node/bridge/conformance has these cases, too, for a test in Go.`, conformance.Need),
		Example: `  souk bridge test https://shop.example/souk --secret-file bridge.secret --sku TEST-1 --sku TEST-2
  souk bridge test http://localhost:8080 --secret-file bridge.secret --sku TEST-1 --sku TEST-2 --case repeat
  souk bridge test --sql postgres://souk@localhost/shop --stock shop.stock --sku TEST-1 --sku TEST-2
  souk bridge test http://localhost:8080 --secret-file bridge.secret --sku A --sku B --pool SHIRT-S,SHIRT-M --json`,
		Args: takes(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cases, err := f.chosen()
			if err != nil {
				return err
			}
			target, name, end, err := f.target(cmd.Context(), args)
			if err != nil {
				return err
			}
			defer end()
			// An address without a system behind it is one error, not one for each case.
			if _, err := target.Bridge.Changes(cmd.Context(), ""); err != nil {
				code := exchange.CodeUnavailable
				if errors.Is(err, bridge.ErrSetup) {
					code = exchange.CodeInvalid
				}
				return exchange.Errorf(code, "the system does not answer: %w", err)
			}
			return a.try(cmd, target, name, cases)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.secret, "secret-file", "", "the `file` with the secret that both sides sign with: whsec_ and base64")
	flags.StringArrayVar(&f.skus, "sku", nil, "a `product` to try it with; give two")
	flags.StringSliceVar(&f.pool, "pool", nil, "`two` products that sell from one pool, with a comma between; optional")
	flags.StringArrayVar(&f.cases, "case", nil, "try this `case` alone; may be repeated")
	flags.StringVar(&f.sql, "sql", "", "the `URL` of a PostgreSQL database to try; its password is taken from PGPASSWORD or ~/.pgpass")
	tableFlags(flags, &f.tables)
	return cmd
}

// tableFlags say where a database has its stock.
func tableFlags(flags *pflag.FlagSet, t *sqlbridge.Tables) {
	flags.StringVar(&t.Stock, "stock", "stock", "the `table` of stock in the database, NAME or SCHEMA.NAME")
	flags.StringVar(&t.SKU, "sku-column", "sku", "the `column` of that table that is its key")
	flags.StringVar(&t.Free, "free-column", "free", "the `column` with how many units are free")
	flags.StringVar(&t.Variants, "variants", "", "the `table` that says from which row of stock a product sells; optional")
	flags.StringVar(&t.VariantSKU, "variants-sku-column", "sku", "the `column` of that table with the product's SKU")
	flags.StringVar(&t.VariantStock, "variants-stock-column", "stock", "the `column` of that table with the key of stock")
	flags.StringVar(&t.Asks, "asks", "souk_ask", "the bridge's own `table` of what was asked")
	flags.StringVar(&t.Changes, "changes", "souk_change", "the bridge's own `table` of changes")
}

func (f *trialFlags) chosen() ([]conformance.Case, error) {
	all := conformance.Cases()
	for _, name := range f.cases {
		if !slices.ContainsFunc(all, func(c conformance.Case) bool { return c.Name == name }) {
			return nil, usagef("there is no case %q", name)
		}
	}
	if len(f.cases) > 0 {
		all = slices.DeleteFunc(all, func(c conformance.Case) bool { return !slices.Contains(f.cases, c.Name) })
	}
	return all, nil
}

// target is the system to try, its name for people, and what lets go of it.
func (f *trialFlags) target(ctx context.Context, args []string) (conformance.Target, string, func(), error) {
	var target conformance.Target
	var err error
	if target.SKUs, err = twoProducts("--sku", f.skus); err == nil && len(f.pool) > 0 {
		target.Pool, err = twoProducts("--pool", f.pool)
	}
	switch {
	case err != nil:
		return target, "", nil, err
	case (len(args) == 1) == (f.sql != ""):
		return target, "", nil, usagef("give either the URL of a system, or --sql and the URL of a database")
	case f.sql != "":
		system, err := sqlbridge.Open(ctx, f.sql, f.tables)
		if err != nil {
			return target, "", nil, &usageError{err}
		}
		target.Bridge = system
		return target, "the database", system.Close, nil
	case f.secret == "":
		return target, "", nil, usagef("say with --secret-file where the secret is")
	}
	secret, err := webhook.ReadSecret(f.secret)
	if err != nil {
		return target, "", nil, &usageError{fmt.Errorf("--secret-file: %w", err)}
	}
	client, err := webhook.New(webhook.Config{URL: args[0], Secret: secret})
	if err != nil {
		return target, "", nil, &usageError{err}
	}
	target.Bridge, target.Forge = client, conformance.Forger(client, secret)
	return target, args[0], client.Close, nil
}

func twoProducts(flag string, given []string) (two [2]exchange.SKU, err error) {
	if len(given) != 2 || given[0] == given[1] {
		return two, usagef("%s names two different products", flag)
	}
	for i, text := range given {
		if two[i], err = exchange.ParseSKU(text); err != nil {
			return two, &usageError{fmt.Errorf("%s: %w", flag, err)}
		}
	}
	return two, nil
}

// try runs the cases and shows each result as it comes.
func (a bridgeCommands) try(cmd *cobra.Command, target conformance.Target, name string, cases []conformance.Case) error {
	p := &page{w: cmd.OutOrStdout()}
	if a.json {
		p.w = io.Discard
	}
	p.line("Trying %s with %s and %s. Nobody else may sell or stock them meanwhile.", name, string(target.SKUs[0]), string(target.SKUs[1]))
	out := tried{System: name}
	for _, c := range cases {
		r := c.Try(cmd.Context(), target)
		if err := cmd.Context().Err(); err != nil {
			return &interruption{"the trial was broken off; what it had set aside was given back, as far as the system answered", err}
		}
		one := triedCase{Name: c.Name, Rule: c.Rule, Result: "kept"}
		switch {
		case r.LeftOut != "":
			one.Result, one.Detail, out.LeftOut = "left-out", "it needs "+r.LeftOut, out.LeftOut+1
			p.line("  – %s: left out, it needs %s", c.Name, r.LeftOut)
		case r.Err != nil:
			one.Result, one.Detail, out.Broken = "broken", r.Err.Error(), out.Broken+1
			p.line("  ✗ %s: %s", c.Name, c.Rule)
			p.text("      ", one.Detail)
		default:
			out.Kept++
			p.line("  ✓ %s: %s", c.Name, c.Rule)
		}
		out.Cases = append(out.Cases, one)
	}
	if a.json {
		if err := a.show(cmd, out, nil); err != nil {
			return err
		}
	}
	p.line("%s kept, %d broken, %d left out.", plural(out.Kept, "rule"), out.Broken, out.LeftOut)
	if out.Broken > 0 {
		return exchange.Errorf(exchange.CodeInvalid, "%s: %s broken; a node that relies on this system could sell what is not there, or hold what nobody wants", name, plural(out.Broken, "rule"))
	}
	return p.err
}

func (a bridgeCommands) schemaCommand() *cobra.Command {
	var tables sqlbridge.Tables
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the SQL that prepares a database for a bridge",
		Long: `Prints what a PostgreSQL database (13 or later) needs for a bridge: a table of what the
node has asked, and a trigger that notes which stock has changed. It may run again. Your
own checkout goes on as before, as long as it takes units by one statement such as
  UPDATE stock SET free = free - 1 WHERE sku = 'LAMP-1' AND free >= 1
Nothing is connected to; run what is printed as the owner of the table of stock.`,
		Example: `  souk bridge schema --stock shop.stock --sku-column sku --free-column free`,
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			sql, err := tables.Schema()
			if err != nil {
				return &usageError{err}
			}
			return a.show(cmd, map[string]string{"sql": sql}, func(p *page) { p.raw(strings.TrimSuffix(sql, "\n")) })
		},
	}
	tableFlags(cmd.Flags(), &tables)
	return cmd
}

func (a bridgeCommands) secretCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "secret FILE",
		Short: "Make the secret that a node and a system sign with",
		Long: `Writes a new secret to a file that only you can read. The node reads it (secret_file of
[bridge] in shop.toml), and so does your own system. A file that is there already is left
alone, and refused.`,
		Example: `  souk bridge secret shop/bridge.secret`,
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := durable.Create(args[0], []byte(webhook.NewSecret()+"\n"), 0o600); err != nil {
				return err
			}
			return a.show(cmd, map[string]string{"file": args[0]}, func(p *page) { p.line("Wrote %s.", args[0]) })
		},
	}
}
