package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/node"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/protocol/p2p"
	"github.com/souk-market/souk/store"
)

// finding is one line of the doctor's report.
type finding struct {
	Check  string `json:"check"`
	OK     bool   `json:"ok"`
	Fatal  bool   `json:"fatal,omitempty"` // the shop cannot sell because of it
	Detail string `json:"detail"`          // what was found and, where it is not well, the next step
}

// Names of checks that a running node makes too; see view.Condition.
const (
	checkHub     = "hub"
	checkList    = "member-list"
	checkPartner = "partner"
	checkRates   = "rates"
	checkReach   = "reach"
	checkNetwork = "network" // this machine's own
)

// diagnosis is the doctor's report.
type diagnosis struct {
	Well     bool      `json:"well"` // nothing fatal
	Running  bool      `json:"running"`
	Findings []finding `json:"findings"`
}

// seen reports whether a check has a finding. Then ok is not reported for that check.
func (d *diagnosis) seen(check string) bool {
	return slices.ContainsFunc(d.Findings, func(f finding) bool { return f.Check == check })
}

func (d *diagnosis) good(check, format string, args ...any) {
	if !d.seen(check) {
		d.Findings = append(d.Findings, finding{Check: check, OK: true, Detail: fmt.Sprintf(format, args...)})
	}
}

// warn notes what will become a problem; fatal what keeps the shop from selling.
func (d *diagnosis) warn(check, format string, args ...any) {
	d.Findings = append(d.Findings, finding{Check: check, Detail: fmt.Sprintf(format, args...)})
}

func (d *diagnosis) fatal(check, format string, args ...any) {
	d.Well = false
	d.Findings = append(d.Findings, finding{Check: check, Fatal: true, Detail: fmt.Sprintf(format, args...)})
}

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check the shop and say what to do about what it finds",
		Long: `Checks the folder, its lock and keys, the store and its ledgers, free space, the clock,
the member list, the hub, partners, the API and the exchange rate. With the node
running it asks the node, and says how partners reach this shop, who has proven that
and when, through what each partner is reached, and what this shop relays for others;
else it opens the folder itself, which verifies all ledgers. It changes nothing, but
that a shop which is out of its federation gets the archive of all it traded, where it
has none. It fails if the shop cannot sell: one that does not run sells nothing.`,
		Example: `  souk doctor --dir shop
  souk doctor --dir shop --json`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := a.shopDir()
			if err != nil {
				return err
			}
			d := a.diagnose(cmd.Context(), dir)
			if err := a.show(cmd, d, func(p *page) { diagnosisPage(p, d) }); err != nil {
				return err
			}
			if !d.Well {
				return exchange.Errorf(exchange.CodeInternal, "this shop cannot sell now; see the lines marked ✗")
			}
			return nil
		},
	}
}

func diagnosisPage(p *page, d *diagnosis) {
	p.table(nil, func(row func(...any)) {
		for _, f := range d.Findings {
			mark := "!"
			switch {
			case f.OK:
				mark = "✓"
			case f.Fatal:
				mark = "✗"
			}
			row(mark, f.Check, localTimes(f.Detail))
		}
	})
}

func (a *app) diagnose(ctx context.Context, dir string) *diagnosis {
	d := &diagnosis{Well: true}
	if !checkFolder(d, dir) {
		return d
	}
	c, err := client.Open(dir)
	if err == nil {
		var shop *view.Shop
		if shop, err = c.Shop(ctx); err == nil {
			d.Running = true
			d.good("API", "the node runs and answers, version %s, since %s", shop.Version, stampText(shop.Started))
			a.checkRunning(ctx, d, c, shop)
			return d
		}
	}
	if exchange.CodeOf(err) != exchange.CodeNotRunning {
		d.fatal("API", "the node does not answer: %v", err)
		return d
	}
	a.checkStopped(ctx, d, dir)
	return d
}

// checkFolder looks at the files that a shop consists of.
func checkFolder(d *diagnosis, dir string) bool {
	if ok, err := holdsFile(dir, shopFile); err != nil || !ok {
		if err == nil {
			err = fmt.Errorf("it has no %s; name a shop's folder with --dir, or make one with souk node init", shopFile)
		}
		d.fatal("folder", "%s: %v", dir, err)
		return false
	}
	d.good("folder", "%s", dir)
	checkDisk(d, store.Free(dir))
	for _, secret := range []string{"key", "api.token"} {
		info, err := os.Stat(filepath.Join(dir, secret))
		switch {
		case errors.Is(err, os.ErrNotExist) && secret == "key":
			d.fatal(secret, "%s is missing: without its key the folder is no shop; restore it from a backup", filepath.Join(dir, secret))
			return false
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			d.fatal(secret, "%v", err)
		case info.Mode().Perm()&0o077 != 0:
			d.warn(secret, "others on this machine may read it (%v): chmod 600 %s", info.Mode().Perm(), quoteArg(filepath.Join(dir, secret)))
		default:
			d.good(secret, "only its owner may read it")
		}
	}
	return true
}

// clockSkew is how far a hub's clock may be ahead before one of the two is wrong.
const clockSkew = 2 * time.Minute

// checkRunning asks the running node.
func (a *app) checkRunning(ctx context.Context, d *diagnosis, c *client.Client, shop *view.Shop) {
	// A node starts only on a store that opened and on ledgers that verified.
	d.good("ledgers", "verified when the node started")
	// The first answer makes the node ask a hub that may have died without a word; from then on what the
	// node says of it, and of whoever was connected through it, is of one moment.
	if _, err := c.Reach(ctx); err != nil && !client.Earlier(err) {
		d.warn(checkReach, "%v", err)
	}
	ready, err := c.Ready(ctx)
	if err != nil {
		d.fatal("readiness", "%v", err)
		return
	}
	for _, p := range ready.Problems {
		if p.Blocks {
			d.fatal(p.Name, "%s", p.Detail)
		} else {
			d.warn(p.Name, "%s", p.Detail)
		}
	}
	reach, reachErr := c.Reach(ctx)
	switch {
	case client.Earlier(reachErr):
		d.warn("version", "%s", client.EarlierNode)
		checkEarlier(ctx, d, c, shop)
	case reachErr != nil && d.seen(checkReach):
	case reachErr != nil:
		d.warn(checkReach, "%v", reachErr)
	default:
		checkWays(d, reach)
	}
	a.checkFacts(d, shop)
}

// checkDisk judges the free bytes of the folder's disk; -1 = unknown.
func checkDisk(d *diagnosis, free int64) {
	switch {
	case free < 0:
	case free == 0:
		d.fatal("disk", "it is full: the shop cannot even start. Delete or move files, or give it a larger disk")
	case free < store.DefaultFreeFloor:
		d.fatal("disk", "%s free; the shop writes nothing below %s: delete or move files, or give it a larger disk", bytesText(free), bytesText(store.DefaultFreeFloor))
	case free < 4*store.DefaultFreeFloor:
		d.warn("disk", "%s free; below %s the shop writes nothing: make room soon", bytesText(free), bytesText(store.DefaultFreeFloor))
	default:
		d.good("disk", "%s free", bytesText(free))
	}
}

// checkFacts judges what a shop says of itself.
func (a *app) checkFacts(d *diagnosis, shop *view.Shop) {
	list := shop.MemberList
	if ahead := list.Signed.Sub(a.now()); ahead > clockSkew {
		d.warn("clock", "the member list was signed %s in the future: this machine's clock or the hub's is wrong; compare it with a time server", durationText(ahead.Round(time.Second)))
	} else {
		d.good("clock", "%s, agrees with the member list", stampText(a.now()))
	}
	switch {
	case d.seen(checkList): // the node has said it
	case list.Frozen:
		d.warn(checkList, "frozen: the hub signed lists that contradict each other. Nobody new comes in; it keeps no known partners from trading. Ask the hub's operator")
	case list.Freshness != "fresh":
		d.warn(checkList, "%s: signed %s. Is the hub running? Its age alone stops no trade with known partners", list.Freshness, stampText(list.Signed))
	default:
		d.good(checkList, "%s, signed %s", plural(int64(list.Members), "member"), stampText(list.Signed))
	}
	if r := shop.Rate; r != nil && r.Currency != exchange.USD {
		d.good(checkRates, "1 %s is %s USD (%s), of %s", r.Currency, r.Rate, r.Source, r.Date)
	}
}

// checkStopped opens the folder itself: that verifies store and ledgers.
func (a *app) checkStopped(ctx context.Context, d *diagnosis, dir string) {
	if ok, err := holdsFile(dir, federationFile); err != nil || !ok {
		checkNotJoined(d, dir)
		return
	}
	f, err := node.Open(ctx, dir, node.Options{Version: buildInfo().Version})
	if exchange.CodeOf(err) == exchange.CodeLocked {
		d.fatal("lock", "%v", noAPIYet(dir))
		return
	}
	if err != nil {
		d.fatal("store", "%v", err)
		return
	}
	d.good("lock", "no process uses the folder")
	d.good("ledgers", "store opened, all ledgers verified")
	a.checkFacts(d, factsOf(f.Shop()))
	checkArchive(d, f.Shop())
	if warnings, err := node.AnnounceWarnings(ctx, dir, a.names()); err == nil {
		for _, w := range warnings {
			d.warn("announce", "%s", w)
		}
	}
	for _, p := range f.Shop().FolderProblems() {
		if p.Blocks {
			d.fatal(p.Name, "%s", p.Detail)
		} else {
			d.warn(p.Name, "%s", p.Detail)
		}
	}
	if f.Shop().Departed() == nil && a.checkMemberStatus(ctx, d, f.Shop()) {
		d.fatal("API", "the node is not running, and sells nothing. Next: souk node run --dir %s", quoteArg(dir))
	}
	if err := f.Close(); err != nil {
		d.fatal("store", "it does not close: %v", err)
	}
}

// checkArchive makes the archive of a departed shop, unless it was written since the departure.
func checkArchive(d *diagnosis, s *node.Shop) {
	switch path, err := s.KeepArchive(); {
	case err != nil:
		d.warn("archive", "what this shop traded could not be written down: %v", err)
	case path != "":
		d.good("archive", "all that this shop traded, and where its open orders are to be shipped, is in %s", path)
	}
}

// checkMemberStatus asks the hub for the status of a shop that does not run: the shop's own list may
// be older than its revocation.
func (a *app) checkMemberStatus(ctx context.Context, d *diagnosis, s *node.Shop) (member bool) {
	err := s.AskStatus(ctx)
	switch exchange.CodeOf(err) {
	case exchange.CodeOK:
		d.good(checkHub, "it answers, and this shop is a member")
	case exchange.CodeNotMember:
		d.fatal("membership", "%v", err)
		return false
	default:
		if ownNetworkDown(err) {
			d.warn(checkNetwork, "%s", p2p.OfflineText)
		} else {
			d.warn(checkHub, "%v", err)
		}
	}
	return true
}

// checkNotJoined judges a shop that is in no federation: it can sell to nobody.
func checkNotJoined(d *diagnosis, dir string) {
	pending, _ := holdsFile(dir, inviteFile)
	switch {
	case pending && inUse(dir):
		d.fatal("federation", "%v", noAPIYet(dir))
	case pending:
		d.fatal("federation", "an invite is kept and not used yet. Next: souk node run --dir %s", quoteArg(dir))
	default:
		d.fatal("federation", "the shop is in none yet. Ask a hub's operator for an invite, then: souk node join --dir %s INVITE", quoteArg(dir))
	}
}

// factsOf are the facts of a shop that does not run.
func factsOf(s *node.Shop) *view.Shop {
	state, members := s.Roster().State(), 0
	for _, m := range state.Members() {
		if m.Status == membership.Active {
			members++
		}
	}
	return &view.Shop{MemberList: view.MemberList{
		Members: members, Signed: view.Time(state.Checkpoint().Time),
		Freshness: s.Roster().Freshness().String(), Frozen: state.Evidence() != nil,
	}}
}
