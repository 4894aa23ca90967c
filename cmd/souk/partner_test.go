package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// TestProposals: who proposes hears whether the partner has it, and later what became
// of it.
func TestProposals(t *testing.T) {
	tn := openTown(t)
	for _, dir := range []string{"acorn", "birch"} {
		tn.ok("Joined", "node", "join", "--dir", dir, tn.invite())
	}
	tn.start("node", "run", "--dir", "acorn")
	birch := tn.start("node", "run", "--dir", "birch")
	meet := func() {
		tn.await("acorn", func(c *client.Client) bool {
			fed, err := loadFederation(t.Context(), c)
			k, ferr := findShop(fed.shops, "birch")
			return err == nil && ferr == nil && fed.connected(k.shop)
		})
	}
	meet()

	tn.ok("Birch has it", "partner", "propose", "--dir", "acorn", "birch", "--both", "--currency", "eur")
	tn.ok("Declined: buy from Acorn Shoes. Acorn Shoes has it.", "partner", "decline", "--dir", "birch", "acorn-shoes", "--buy")
	sell := func() (found view.Partnership) {
		var list view.Partnerships
		tn.read(&list, "partner", "list", "--dir", "acorn")
		for _, p := range list.Partnerships {
			if p.Direction == view.Sell {
				found = p
			}
		}
		return found
	}
	tn.await("acorn", func(*client.Client) bool { return sell().Declined != nil })
	if out := tn.ok("Birch declined your proposal to sell to Birch on 20", "partner", "list", "--dir", "acorn"); !strings.Contains(out, "declined  –") {
		t.Errorf("the state is not declined:\n%s", out)
	}
	tn.ok("You declined the proposal to buy from Acorn Shoes on 20", "partner", "list", "--dir", "birch")

	birch.stop()
	tn.await("acorn", func(c *client.Client) bool {
		fed, err := loadFederation(t.Context(), c)
		k, ferr := findShop(fed.shops, "birch")
		return err == nil && ferr == nil && !fed.connected(k.shop)
	})
	unreached := tn.souk(exitAway, "dial", "--dir", "acorn", "birch")
	for _, says := range []string{"Birch was not reached (last seen 20", "no answer at", "try again later", "souk members --dir acorn Birch"} {
		if !strings.Contains(unreached, says) || strings.Contains(unreached, "/ip4/") {
			t.Errorf("dialing a shop that is off does not say %q:\n%s", says, unreached)
		}
	}
	out := tn.ok("Birch is offline; it gets the proposal when it returns", "partner", "propose", "--dir", "acorn", "birch", "--sell")
	if strings.Contains(out, "has it") || sell().Declined != nil {
		t.Errorf("a new proposal to a shop that is out: %s%+v", out, sell())
	}
	tn.start("node", "run", "--dir", "birch")
	tn.await("birch", func(*client.Client) bool {
		return strings.Contains(tn.souk(exitOK, "partner", "list", "--dir", "birch"), "Acorn Shoes proposes, for you to buy from Acorn Shoes")
	})
	if out := tn.souk(exitRefused, "partner", "decline", "--dir", "acorn", "birch", "--sell"); !strings.Contains(out, "souk partner withdraw --dir acorn Birch --sell") {
		t.Errorf("declining one's own proposal:\n%s", out)
	}
	tn.ok("Withdrawn: the proposal to sell to Birch.", "partner", "withdraw", "--dir", "acorn", "birch", "--sell")
	tn.ok("You withdrew your proposal to sell to Birch", "partner", "list", "--dir", "acorn", "birch")
}

// TestPartnerAway: an owner whose partner is offline hears what waits for it, in sentences,
// and takes back what has not been answered.
func TestPartnerAway(t *testing.T) {
	tn := openTown(t)
	for _, dir := range []string{"acorn", "birch"} {
		tn.ok("Joined", "node", "join", "--dir", dir, tn.invite())
	}
	tn.start("node", "run", "--dir", "acorn")
	birch := tn.start("node", "run", "--dir", "birch")
	online := func(want bool) {
		tn.await("acorn", func(c *client.Client) bool {
			fed, err := loadFederation(t.Context(), c)
			k, ferr := findShop(fed.shops, "birch")
			return err == nil && ferr == nil && fed.connected(k.shop) == want
		})
	}
	at := func(dir string, says ...string) {
		t.Helper()
		var out string
		tn.await(dir, func(*client.Client) bool {
			out = tn.souk(exitOK, "partner", "list", "--dir", dir)
			for _, s := range says {
				if !strings.Contains(out, s) {
					return false
				}
			}
			return true
		})
	}
	online(true)
	tn.ok("Birch has it", "partner", "propose", "--dir", "acorn", "birch", "--both", "--currency", "eur")
	tn.ok("Accepted: buy from Acorn Shoes. Acorn Shoes has it.", "partner", "accept", "--dir", "birch", "acorn-shoes")
	birch.stop()
	online(false)

	tn.ok("Birch is offline; it gets the proposal when it returns.\nTake it back: souk partner withdraw --dir acorn Birch --buy",
		"partner", "propose", "--dir", "acorn", "birch", "--buy", "--discount", "90%")
	tn.ok("Your proposal to buy from Birch is delivered when Birch is reached.\nTake it back: souk partner withdraw --dir acorn Birch --buy",
		"partner", "list", "--dir", "acorn")
	tn.ok("Withdrawn: the proposal to buy from Birch. Birch is offline; the proposal is closed when it returns.",
		"partner", "withdraw", "--dir", "acorn", "birch")
	tn.ok("You have withdrawn your proposal to buy from Birch; it is closed when Birch is reached.", "partner", "list", "--dir", "acorn")
	tn.ok("Ended: sell to Birch. Submitted orders finish. Birch is offline; it hears of it when it returns.",
		"partner", "end", "--dir", "acorn", "birch", "--sell", "--reason", "closing for the season")
	tn.ok("Nothing to end. You ended it (sell to Birch) on 20", "partner", "end", "--dir", "acorn", "birch", "--sell", "--reason", "again")
	tn.start("node", "run", "--dir", "birch")
	at("birch", "Acorn Shoes ended it (buy from Acorn Shoes) on 20", ", saying: closing for the season.", "Acorn Shoes withdrew its proposal, for you to sell to Acorn Shoes")
	at("acorn", "You ended it (sell to Birch) on 20", ", saying: closing for the season.", "You withdrew your proposal to buy from Birch")
	tn.ok("Withdrawn: the proposal to buy from Birch. Birch has it.", "partner", "withdraw", "--dir", "acorn", "birch")
	tn.souk(exitRefused, "partner", "withdraw", "--dir", "acorn", "birch", "--sell")
	tn.ok("Nothing to end. Acorn Shoes ended it (buy from Acorn Shoes)", "partner", "end", "--dir", "birch", "acorn-shoes", "--buy")
}

// TestFirstSeconds: two shops that have just started are partners by one command each, whatever
// they know of each other by then; with a shop that was never met nothing is proposed, rather
// than half.
func TestFirstSeconds(t *testing.T) {
	tn := openTown(t)
	for _, dir := range []string{"acorn", "birch"} {
		tn.ok("Joined", "node", "join", "--dir", dir, tn.invite())
	}
	tn.start("node", "run", "--dir", "acorn")
	if out := tn.souk(exitRefused, "partner", "propose", "--dir", "acorn", "birch", "--both"); !strings.Contains(out, "nothing was proposed") {
		t.Errorf("proposed to a shop that was never met:\n%s", out)
	}
	tn.ok("No partnership yet", "partner", "list", "--dir", "acorn")
	tn.start("node", "run", "--dir", "birch")
	var out string
	tn.await("acorn", func(*client.Client) bool { // on a busy machine the two may meet later than a command waits
		code, said := tn.try(patient(exitRefused), "partner", "propose", "--dir", "acorn", "birch", "--both", "--discount", "15%")
		if code == exitRefused && strings.Contains(said, "nothing was proposed") {
			tn.ok("No partnership yet", "partner", "list", "--dir", "acorn")
			return false
		}
		out = said
		return true
	})
	if !strings.Contains(out, "Proposed to sell to Birch.") || !strings.Contains(out, "Proposed to buy from Birch.") || !strings.Contains(out, "Your first partner to sell to.") || !strings.Contains(out, "orders are accepted as they come") {
		t.Errorf("a first proposal says:\n%s", out)
	}
	out = tn.ok("Accepted: sell to Acorn Shoes.", "partner", "accept", "--dir", "birch", "acorn-shoes", "--both")
	if !strings.Contains(out, "Accepted: buy from Acorn Shoes.") || !strings.Contains(out, "Your first partner to sell to.") {
		t.Errorf("accepted a moment after a start:\n%s", out)
	}
	tn.await("birch", func(c *client.Client) bool { // a queued accept may be given again
		all, err := c.Partnerships(t.Context())
		return err == nil && !slices.ContainsFunc(all.Partnerships, func(p view.Partnership) bool { return p.Status != "active" || p.Queued != "" })
	})
	if out := tn.souk(exitRefused, "partner", "accept", "--dir", "birch", "acorn-shoes"); !strings.Contains(out, "waiting for it, up to 5s") {
		t.Errorf("accepting nothing:\n%s", out)
	}
}
