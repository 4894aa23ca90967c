package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

func (a stockCommands) stockCommand() *cobra.Command {
	return group("stock", "Tell what other channels sold, and see who took what",
		`Partners sell from the same shelf as your own checkout, till and market stall. Tell what
those sell, and what comes in, as it happens or later; then nothing is sold twice. What
was sold is never refused, for the goods are gone: where more is promised than is left, the
shortfall is shown. What is told twice under one --id happens once.`,
		`  souk stock sold --dir shop SHOE-42
  souk stock received --dir shop SHOE-42=10 --reference "note 88"
  souk stock count --dir shop SHOE-42=7
  souk stock journal --dir shop SHOE-42`,
		a.moveCommand("sold", "Units that another channel of yours has sold", `  souk stock sold --dir shop SHOE-42 --channel till --id till-4711
  souk stock sold --dir shop SHOE-42=2 LACES --at -10m --reference "receipt 4711"`),
		a.moveCommand("returned", "Units that came back, and can be sold again", `  souk stock returned --dir shop SHOE-42 --reference "receipt 4711"`),
		a.moveCommand("received", "Units that were delivered to you", `  souk stock received --dir shop SHOE-42=10 SHOE-43=5 --reference "note 88"`),
		a.moveCommand("damaged", "Units that nobody can sell any more", `  souk stock damaged --dir shop SHOE-42 --note "wet"`),
		a.countCommand(), a.showCommand(),
		catalogCommands(a).journalCommand("journal", `  souk stock journal --dir shop SHOE-42
  souk stock journal --dir shop SHOE-42 --limit 0 --json`))
}

// tellFlags are the flags of what tells a movement.
type tellFlags struct {
	at, id, reference, channel, note string
	revision                         uint64
}

func (f *tellFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.at, "at", "", "when it happened: a `moment` such as 2030-06-01T12:00:00Z, or -10m (default: now)")
	flags.StringVar(&f.id, "id", "", "your own `name` of it: what is told again under it within 90 days is known, and done once")
	flags.StringVar(&f.reference, "reference", "", "receipt, delivery note or sale, as `text`")
	flags.StringVar(&f.channel, "channel", "", "which `channel` of yours it was, as till or market")
	flags.StringVar(&f.note, "note", "", "a `text` for the journal")
}

// moment checks --at, and returns it, or what it is without.
func momentFlag(at, without string, now time.Time) (string, error) {
	if at == "" {
		return without, nil
	}
	if _, err := view.ParseMoment(at, now); err != nil {
		return "", usagef("--at: %w", err)
	}
	return at, nil
}

const movesHelp = `
Tell it as it happens, or say with --at when it was. What was there, or gone, when you
last counted or your system's file was read is contained in that, and changes nothing; the
journal has it all the same. Where it is not sure, units that went are taken off, and
units that came are not added: count then. All of the products are told, or none.`

func (a stockCommands) moveCommand(kind, short, example string) *cobra.Command {
	var f tellFlags
	cmd := &cobra.Command{
		Use: kind + " SKU[=N]…", Short: short, Example: example, Args: takes(1, -1),
		Long: short + "; without N, one." + movesHelp,
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			return a.tell(cmd, c, kind, f, args)
		}),
	}
	f.register(cmd)
	return cmd
}

func (a stockCommands) countCommand() *cobra.Command {
	var f tellFlags
	cmd := &cobra.Command{
		Use:   "count SKU=N…",
		Short: "Say what a shelf holds, and when you counted",
		Long: `Counts the shelf of products: N is what you find there, with units that are held or sold
and not yet shipped. If you did not count just now, say when with --at: what was told of
the time since is taken off. Or say with --revision which revision you counted by, as
souk stock show shows it: if the shelf has moved since, nothing is changed.`,
		Example: `  souk stock count --dir shop SHOE-42=7 --at -20m
  souk stock count --dir shop SHOE-42=7 --revision 12`,
		Args: takes(1, -1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			return a.tell(cmd, c, "counted", f, args)
		}),
	}
	f.register(cmd)
	cmd.Flags().Uint64Var(&f.revision, "revision", 0, "the `revision` that you counted by; of one product")
	return cmd
}

// tell tells one movement of each product in args.
func (a stockCommands) tell(cmd *cobra.Command, c *client.Client, kind string, f tellFlags, args []string) error {
	shop, err := c.Shop(cmd.Context())
	if err != nil {
		return err
	}
	byRevision := cmd.Flags().Changed("revision")
	if byRevision && len(args) > 1 {
		return errOneRevision
	}
	without := ""
	if kind == "counted" && !byRevision {
		without = "now"
	}
	at, err := momentFlag(f.at, without, a.now())
	if err != nil {
		return err
	}
	tell := view.TellMovements{Atomic: true}
	for _, arg := range args {
		m := view.ToldMovement{Kind: kind, At: at, ID: f.id, Reference: f.reference, Channel: f.channel, Note: f.note}
		if m.SKU, m.Units, err = movedArg(shop.Shop, arg, kind == "counted"); err != nil {
			return err
		}
		if len(args) > 1 && f.id != "" {
			m.ID += " " + m.SKU
		}
		if byRevision {
			m.IfRevision = &f.revision
		}
		tell.Movements = append(tell.Movements, m)
	}
	told, err := c.Stocks().Tell(cmd.Context(), tell)
	if err != nil {
		return err
	}
	return a.show(cmd, told.Movements, func(p *page) { toldPage(p, told.Movements) })
}

var errOneRevision = usagef("--revision is of one product; count the others by themselves")

// movedArg reads "SKU" or "SKU=2"; a count has a number.
func movedArg(self exchange.ShopID, arg string, count bool) (string, int64, error) {
	name, number := arg, "1"
	if i := strings.LastIndexByte(arg, '='); i > 0 {
		name, number = arg[:i], arg[i+1:]
	} else if count {
		return "", 0, usagef("%q is not SKU=N", arg)
	}
	sku, err := ownSKU(self, name)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n == 0 && !count {
		return "", 0, usagef("%q is not a number of units", number)
	}
	return string(sku), n, nil
}

func toldPage(p *page, told []view.MovementResult) {
	missing, contained := int64(0), false
	p.table([]string{"SKU", "RESULT", "SHELF", "HELD", "UNSHIPPED", "AVAILABLE", "SHORTFALL", "REVISION"}, func(row func(...any)) {
		for _, m := range told {
			contained = contained || m.Result == "contained"
			if s := m.Stock; s != nil && !s.Unlimited {
				missing += s.Missing
				row(m.SKU, m.Result, s.Shelf, s.Held, s.Unshipped, s.Available, s.Shortfall, s.Revision)
			} else {
				row(m.SKU, m.Result, "unlimited", "", "", "unlimited", "", m.Revision)
			}
		}
	})
	if contained {
		p.line("contained: the last count or file has it, or may have it, so nothing changed. Count if that is not so: souk stock count")
	}
	if missing > 0 {
		p.line("%s left that the shelf did not have. What comes next pays for them; a count puts it right: souk stock count", plural(missing, "unit"))
	}
}

func (a stockCommands) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show SKU…",
		Short:   "Show the stock of products, and its revision",
		Long:    "Shows what lies on the shelf, what of it is held or sold, and the revision, which every change of the shelf moves on.",
		Example: `  souk stock show --dir shop SHOE-42`,
		Args:    takes(1, -1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			shop, err := c.Shop(cmd.Context())
			if err != nil {
				return err
			}
			shelves := make([]view.Shelf, len(args))
			limits := make([]*view.Limits, len(args))
			for i, arg := range args {
				sku, err := ownSKU(shop.Shop, arg)
				if err != nil {
					return err
				}
				stock, err := c.Stocks().Of(cmd.Context(), sku)
				if err != nil {
					return err
				}
				shelves[i] = view.Shelf{SKU: sku, Stock: *stock}
				if limits[i], err = c.Sales().Limits(cmd.Context(), sku); err != nil {
					return err
				}
			}
			return a.show(cmd, shelves, func(p *page) {
				shelvesPage(p, shelves)
				offeredLines(p, shelves, limits)
			})
		}),
	}
}

// offeredLines says what partners are not offered of products, where that is so.
func offeredLines(p *page, shelves []view.Shelf, limits []*view.Limits) {
	for i, s := range shelves {
		l := limits[i]
		if !s.Unlimited && l.Keep > 0 {
			p.line("Partners are offered %d of %s: %d are kept back (souk catalog keep).", max(0, s.Available-l.Keep), s.SKU, l.Keep)
		}
		if l.Share > 0 {
			p.line("One partner may hold %d of %s at once (souk catalog share).", l.Share, s.SKU)
		}
	}
}
