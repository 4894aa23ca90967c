package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
)

// audited is the result of souk audit.
type audited struct {
	Sound bool         `json:"sound"` // no fault in any folder, nor between two
	Shops []*shopAudit `json:"shops"`
	// Between is what the comparison of two folders found; absent where only one was
	// checked, or one could not be read whole.
	Between *comparison `json:"between,omitempty"`
}

// comparison is what two partners' folders say of each other.
type comparison struct {
	Faults   []*audit.Fault  `json:"faults"`
	Findings []audit.Finding `json:"findings"`
}

func (a *audited) faults() int {
	n := 0
	for _, s := range a.Shops {
		n += len(s.Faults)
	}
	if a.Between != nil {
		n += len(a.Between.Faults)
	}
	return n
}

func (a *app) auditCommand() *cobra.Command {
	var with, shop string
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Check the books of a stopped shop, changing nothing",
		Long: `Reads all that a stopped shop's folder, or a copy of one, says it holds, sold and
bought: verifies every signature in its ledgers, holds and reservations by the member list
in the folder, replays every ledger, adds up holds and orders and compares the sums with
the stock. It tells what was checked, every fault and its place, and, apart from faults,
what is frozen, in quarantine or stopped. The text can be sent to whoever helps: it holds
no key and no consumer's address, but order numbers, products and counts.

It changes nothing in the folder: it copies the database to the system's temporary folder
($TMPDIR), reads the copy and removes it. While it copies, the shop does not start; a shop
that runs is left alone, and refused. Stop the node first, or stop it, copy its folder,
start it again and audit the copy. A folder copied while the shop runs may look damaged
though it is not. Never run a shop on a copy: two shops with one key sell twice.

A copy needs the folder db, and federation.json where there is one. The file key only says
whose folder it is: leave it out of what you send, and say it with --shop.
With --with it also compares two partners' ledgers; both copies must be of the same time.`,
		Example: `  souk audit --dir acorn
  souk audit --dir acorn --json
  souk audit --dir copy --shop 12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN
  souk audit --dir acorn --with birch`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := a.shopDir()
			if err != nil {
				return err
			}
			folders := []auditFolder{{dir: dir, shop: shop}}
			if with != "" {
				folders = append(folders, auditFolder{dir: with})
			}
			result, err := a.auditAll(cmd, folders)
			if err != nil {
				return err
			}
			if err := a.show(cmd, result, func(p *page) { auditPage(p, result) }); err != nil {
				return err
			}
			if !result.Sound {
				return exchange.Errorf(exchange.CodeInternal, "%s; see above", plural(result.faults(), "fault"))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&with, "with", "", "another shop's `folder`: compare the two shops' ledgers too")
	cmd.Flags().StringVar(&shop, "shop", "", "`ShopID` of the shop, for a copy without the file key")
	return cmd
}

// auditAll checks each folder, and compares two that could be read whole.
func (a *app) auditAll(cmd *cobra.Command, folders []auditFolder) (*audited, error) {
	result := &audited{}
	var books []*audit.Books
	for _, folder := range folders {
		report, b, err := a.auditOne(cmd, folder)
		if cmd.Context().Err() != nil && errors.Is(err, context.Canceled) {
			return nil, &interruption{says: "nothing was changed, and nothing is known of the books", err: err}
		}
		if err != nil {
			return nil, err
		}
		result.Shops = append(result.Shops, report)
		if b != nil {
			books = append(books, b)
		}
	}
	if len(books) == 2 {
		one, two := result.Shops[0], result.Shops[1]
		switch {
		case one.Shop == two.Shop:
			return nil, usagef("%s and %s are of one shop; --with takes a partner's folder", one.Dir, two.Dir)
		case one.Federation != two.Federation:
			return nil, usagef("%s and %s are of different federations; --with takes a partner's folder", one.Dir, two.Dir)
		}
		r := audit.Compare(books[0], books[1])
		result.Between = &comparison{append([]*audit.Fault{}, r.Faults...), append([]audit.Finding{}, r.Findings...)}
	}
	result.Sound = result.faults() == 0
	return result, nil
}

// auditOne checks one folder. The books are nil where it could not be read whole.
func (a *app) auditOne(cmd *cobra.Command, folder auditFolder) (*shopAudit, *audit.Books, error) {
	var tell func(audit.Count)
	if errs := cmd.ErrOrStderr(); isTerminal(errs) {
		p := newProgress(errs, 0, a.now)
		defer p.done()
		tell = func(n audit.Count) { p.show(func() string { return countProgress(n) }) }
	}
	return folder.check(cmd.Context(), tell)
}
