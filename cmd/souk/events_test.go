package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// TestEventsCommand: what has happened is shown, and with --follow what happens, over a restart of
// the node, each event of the log once; and the ledger that it led to is the same at both shops.
func TestEventsCommand(t *testing.T) {
	tn := openTown(t)
	for _, dir := range []string{"acorn", "birch"} {
		tn.ok("Joined", "node", "join", "--dir", dir, tn.invite())
	}
	tn.start("node", "run", "--dir", "acorn")
	birch := tn.start("node", "run", "--dir", "birch")
	tn.await("acorn", func(c *client.Client) bool {
		fed, err := loadFederation(t.Context(), c)
		k, ferr := findShop(fed.shops, "birch")
		return err == nil && ferr == nil && fed.connected(k.shop)
	})
	tn.ok("Birch has it", "partner", "propose", "--dir", "acorn", "birch", "--sell")
	tn.ok("partnership with Birch: proposed", "events", "--dir", "acorn")
	if out := tn.souk(exitOK, "events", "--dir", "acorn", "--type", "order"); out != "" {
		t.Errorf("orders that there are not: %s", out)
	}

	ctx, stop := context.WithCancel(t.Context())
	out, w := io.Pipe()
	ended := make(chan int)
	go func() {
		code := run(ctx, []string{"events", "--dir", "birch", "--follow", "--json", "--after", "0-0"}, strings.NewReader(""), w, io.Discard)
		w.Close()
		ended <- code
	}()
	lines := bufio.NewScanner(out)
	ids := map[string]bool{}
	until := func(kind, status string) {
		t.Helper()
		for lines.Scan() {
			var e view.Event
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				t.Fatal(err)
			}
			if e.ID != "" && ids[e.ID] || e.Type == "gap" {
				t.Errorf("told twice, or a gap: %+v", e)
			}
			if ids[e.ID] = true; e.Type == kind && e.Status == status {
				return
			}
		}
		t.Fatalf("the stream ended before %s %s", kind, status)
	}
	until("partnership", "proposed")
	birch.stop()
	tn.start("node", "run", "--dir", "birch")
	tn.ok("", "partner", "accept", "--dir", "birch", "acorn-shoes")
	until("partnership", "active")
	stop()
	if code := <-ended; code != exitOK {
		t.Errorf("Ctrl-C: exit code %d", code)
	}

	equal := func(*client.Client) bool {
		_, said := tn.try(patient(exitOK), "partner", "ledger", "--dir", "acorn", "birch", "--compare")
		return strings.Contains(said, "You sell to Birch: equal, both end at entry 2.")
	}
	tn.await("acorn", equal)
	var sold, bought view.LedgerEntries
	tn.read(&sold, "partner", "ledger", "--dir", "acorn", "birch")
	tn.read(&bought, "partner", "ledger", "--dir", "birch", "acorn-shoes", "--buy")
	if len(sold.Entries) != 2 || sold.Hash != bought.Hash || sold.Entries[0].Kind != "propose" || sold.Entries[1].By != "partner" || bought.Entries[1].By != "self" {
		t.Errorf("%+v\n%+v", sold, bought)
	}
	tn.ok("--after 1, or --limit 0", "partner", "ledger", "--dir", "acorn", "birch", "--limit", "1")
	tn.ok("accept-terms", "partner", "ledger", "--dir", "acorn", "birch", "--after", "1")
}
