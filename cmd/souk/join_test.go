package main

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/souk-market/souk/node/api/client"
)

// TestRunWaitsForTheHub: a shop with a pending invite says at once that it waits for its
// hub, and joins when the hub is there.
func TestRunWaitsForTheHub(t *testing.T) {
	tn := newTown(t)
	tn.ok("Next:", "hub", "init", "--dir", "hub", "--name", "riverside",
		"--listen", "127.0.0.1", "--open-port", "-1", "--closed-port", "-1", "--status", "127.0.0.1:0")
	tn.ok("RECOVERY", "node", "init", "--dir", "acorn", "--name", "Acorn", "--currency", "eur", "--api", "127.0.0.1:0",
		"--listen", "/ip4/127.0.0.1/tcp/0")
	tn.ok("The invite is kept", "node", "join", "--dir", "acorn", "--later", tn.invite())
	out := tn.souk(exitAway, "node", "join", "--dir", "acorn", tn.invite())
	if lines := strings.Count(out, "\n"); lines != 1 {
		t.Errorf("a hub that is down takes %d lines:\n%s", lines, out)
	}
	if out := tn.souk(exitFailure, "doctor", "--dir", "acorn"); !strings.Contains(out, "an invite is kept and not used yet") {
		t.Errorf("the doctor of a shop that has not joined:\n%s", out)
	}

	ctx, cancel := context.WithCancel(t.Context())
	said, w := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"node", "run", "--dir", "acorn", "--log-level", "error"}, strings.NewReader(""), io.Discard, w)
		w.Close()
	}()
	lines := bufio.NewScanner(said)
	until := func(want string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), want) {
				return
			}
		}
		t.Fatalf("it never said %q: %v", want, lines.Err())
	}
	until("asking the hub of riverside-")
	until("asked again in 1s")
	for code, args := range map[int][]string{exitAway: {"members", "--dir", "acorn"}, exitFailure: {"doctor", "--dir", "acorn"}} {
		out := tn.souk(code, args...)
		if !strings.Contains(out, "waits for its hub") || strings.Contains(out, "souk node run") {
			t.Errorf("%v while the node waits for its hub:\n%s", args, out)
		}
	}
	tn.start("hub", "run", "--dir", "hub")
	until("joined the federation riverside-")
	go io.Copy(io.Discard, said)
	tn.awaitRunning("acorn")
	cancel()
	if code := <-ended; code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

// awaitRunning waits until a node answers.
func (tn *town) awaitRunning(dir string) {
	for {
		if c, err := client.Open(dir); err == nil {
			if _, err := c.Shop(tn.t.Context()); err == nil {
				return
			}
		}
		if tn.t.Context().Err() != nil {
			tn.t.Fatal(tn.t.Context().Err())
		}
	}
}
