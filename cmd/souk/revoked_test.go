package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// runs runs a shop that may end by itself, and returns what ends it.
func (tn *town) runs(dir string) (stop func()) {
	tn.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(ctx, []string{"node", "run", "--dir", dir, "--json", "--log-level", "error"}, strings.NewReader(""), w, io.Discard)
		w.Close()
	}()
	stop = func() { cancel(); <-done }
	tn.t.Cleanup(stop)
	var up any
	if err := json.NewDecoder(out).Decode(&up); err != nil {
		tn.t.Fatal(err)
	}
	go io.Copy(io.Discard, out)
	return stop
}

// TestRevokedPartner: what the retailer of a revoked supplier, and the revoked supplier
// itself, are told, and what each can do still.
func TestRevokedPartner(t *testing.T) {
	tn := openTown(t)
	for _, dir := range []string{"acorn", "birch"} {
		tn.ok("Joined", "node", "join", "--dir", dir, tn.invite())
	}
	stop := tn.runs("acorn")
	tn.start("node", "run", "--dir", "birch")
	tn.ok("1 EUR is", "catalog", "rates", "--dir", "acorn", tn.sample("ecb-rates.xml"))
	tn.ok("", "catalog", "import", "--dir", "acorn", tn.sample("acorn-shoes.csv"))
	tn.await("birch", func(c *client.Client) bool {
		list, err := c.Members(t.Context())
		return err == nil && !slices.ContainsFunc(list.Members, func(m view.Member) bool { return !m.Online }) && len(list.Members) == 2
	})
	tn.ok("Proposed", "partner", "propose", "--dir", "birch", "acorn-shoes", "--buy", "--currency", "eur")
	tn.await("acorn", func(c *client.Client) bool {
		list, err := c.Partnerships(t.Context())
		return err == nil && len(list.Partnerships) == 1 && list.Partnerships[0].Proposal != nil
	})
	tn.ok("Accepted", "partner", "accept", "--dir", "acorn", "birch", "--sell")
	tn.await("birch", func(c *client.Client) bool {
		p, err := c.Product(t.Context(), tn.product("Acorn Shoes", "AC-BALM-75"), false)
		return err == nil && p.Sellable
	})
	hold := func() string {
		return strings.Fields(tn.ok("Total", "reserve", "--dir", "birch", "acorn-shoes:AC-BALM-75=2", "--ship-to-country", "SE"))[1]
	}
	held, ordered := hold(), hold()
	tn.ok("Order "+ordered, "order", "place", "--dir", "birch", ordered, "--name", "Åsa Berg", "--address", "Storgatan 1", "--city", "Lund")
	tn.await("birch", func(c *client.Client) bool {
		o, err := c.Order(t.Context(), tn.order(ordered))
		return err == nil && o.Status == "accepted"
	})

	tn.ok("is revoked", "hub", "revoke", "--dir", "hub", "Acorn Shoes", "--why", "sold counterfeits")
	tn.await("birch", func(c *client.Client) bool {
		list, err := c.Partnerships(t.Context())
		return err == nil && list.Partnerships[0].Status == "revoked"
	})
	year := time.Now().Format("2006")
	gone := "Acorn Shoes was revoked on " + year
	for _, c := range []struct {
		code  int
		args  []string
		says  []string
		never string
	}{
		{exitOK, []string{"partner", "list"}, []string{gone, "sold counterfeits", "revoked  "}, "active"},
		{exitOK, []string{"members", "acorn-shoes"}, []string{"revoked on " + year, "sold counterfeits", "(joined " + year}, ""},
		{exitOK, []string{"doctor"}, []string{"Acorn Shoes is out of the federation: it was revoked on " + year, "sold counterfeits"}, "not connected"},
		{exitOK, []string{"reservation", "show", held}, []string{"released"}, "souk order place"},
		{exitOK, []string{"reservation", "release", held}, []string{"released"}, ""},
		{exitRefused, []string{"order", "place", held, "--name", "a", "--address", "b", "--city", "c"}, []string{"Acorn Shoes is out", "sold counterfeits"}, "12D3"},
		{exitRefused, []string{"reserve", "acorn-shoes:AC-BALM-75", "--ship-to-country", "SE"}, []string{"Acorn Shoes is out", "sold counterfeits"}, "12D3"},
		{exitRefused, []string{"dial", "acorn-shoes"}, []string{"Acorn Shoes is out", "sold counterfeits"}, "12D3"},
		{exitOK, []string{"order", "show", ordered}, []string{"accepted, shop revoked", gone, "souk order cancel"}, ""},
		{exitOK, []string{"order", "list", "--open"}, []string{"accepted, shop revoked"}, ""},
		{exitOK, []string{"order", "cancel", ordered}, []string{"accepted, closed here", "in this shop's own records alone", gone}, "Next: "},
		{exitOK, []string{"order", "list", "--open"}, []string{"No orders"}, ""},
		{exitOK, []string{"partner", "end", "acorn-shoes"}, []string{"Ended: buy from Acorn Shoes", gone, "does not hear of this"}, "when it returns"},
		{exitOK, []string{"partner", "end", "acorn-shoes"}, []string{"Nothing to end. You ended it", gone}, "when it returns"},
		{exitOK, []string{"partner", "list"}, []string{gone, "You ended it"}, "hears of"},
	} {
		out := tn.souk(c.code, append(c.args, "--dir", "birch")...)
		for _, want := range c.says {
			if !strings.Contains(out, want) {
				t.Errorf("souk %v does not say %q:\n%s", c.args, want, out)
			}
		}
		if c.never != "" && strings.Contains(out, c.never) {
			t.Errorf("souk %v says %q:\n%s", c.args, c.never, out)
		}
	}

	stop() // whether it has heard of it or not, it hears of it as it starts
	path := filepath.Join("acorn", "archive.json")
	if out := tn.souk(exitRefused, "node", "run", "--dir", "acorn"); !strings.Contains(out, path) {
		t.Errorf("the revoked shop is not told where its archive is:\n%s", out)
	}
	whole := readArchive(t, path)
	for _, want := range []string{ordered, "Storgatan 1", "sold counterfeits"} {
		if !bytes.Contains(whole, []byte(want)) {
			t.Errorf("the archive of the revoked shop does not hold %q", want)
		}
	}
	if out := tn.souk(exitAway, "order", "show", "--dir", "acorn", ordered); !strings.Contains(out, path) {
		t.Errorf("the orders of a shop that is out, and where they can be read:\n%s", out)
	}
	// One that was revoked and kept no archive.
	for _, c := range []struct {
		code int
		args []string
	}{{exitFailure, []string{"doctor"}}, {exitRefused, []string{"node", "run"}}} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if out := tn.souk(c.code, append(c.args, "--dir", "acorn")...); !strings.Contains(out, path) {
			t.Errorf("souk %v does not say where the archive is:\n%s", c.args, out)
		}
		if !bytes.Contains(readArchive(t, path), []byte(ordered)) {
			t.Errorf("souk %v wrote an archive without the order", c.args)
		}
	}
}

func readArchive(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil || !json.Valid(b) {
		t.Fatalf("no archive: %v", err)
	}
	return b
}
