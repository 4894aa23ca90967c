package main

import (
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
			return err == nil && ferr == nil && fed.online(k.shop)
		})
	}
	meet()

	tn.ok("Birch has it", "partner", "propose", "--dir", "acorn", "birch", "--both", "--currency", "eur")
	tn.ok("Closed: buy from Acorn Shoes", "partner", "decline", "--dir", "birch", "acorn-shoes", "--buy")
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
		return err == nil && ferr == nil && !fed.online(k.shop)
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
	tn.souk(exitOK, "partner", "decline", "--dir", "acorn", "birch", "--sell")
	tn.ok("You withdrew your proposal to sell to Birch", "partner", "list", "--dir", "acorn", "birch")
}
