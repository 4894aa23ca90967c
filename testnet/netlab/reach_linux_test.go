package netlab

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

var recordFlag = flag.Bool("netlab.record", false, "take cases that fail as results: the test passes")

// tableFile names the environment variable that holds the path of a file for the table: go
// test shows no log of a package that passes.
const tableFile = "SOUK_REACH_TABLE"

// reachCase is one way in which shops stand to each other.
type reachCase struct {
	name string
	goal time.Duration // of the issue that asked for it, from the case's event to the first order; 0: none
	run  func(m *market) error
}

// TestReach has shops trade from behind all kinds of routers, and through what happens to
// them. A case asserts that there was trade, or that the shop's owner was told why not;
// never how long it took, which is measured and shown in a table at the end.
func TestReach(t *testing.T) {
	if testing.Short() {
		t.Skip("drives separate processes for minutes; run without -short")
	}
	New(t)        // where there are no labs, the test is left out as one
	soukBinary(t) // once, before the cases
	results := make([]*result, len(reachCases))
	t.Run("case", func(t *testing.T) {
		for i, c := range reachCases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				results[i] = c.try(t)
			})
		}
	})
	showTable(t, results)
}

// try runs one case in a lab of its own.
func (c reachCase) try(t *testing.T) *result {
	m := newMarket(t)
	m.result.name, m.result.goal = c.name, c.goal
	if m.result.err = c.run(m); m.result.err != nil {
		if *recordFlag {
			t.Logf("recorded: %v", m.result.err)
		} else {
			t.Error(m.result.err)
		}
	}
	return &m.result
}

// showTable shows the results, in the test's log and in the file that tableFile names.
func showTable(t *testing.T, results []*result) {
	t.Helper()
	var b strings.Builder
	b.WriteString("| case | result | way | partners after | trade after | goal | change seen after | direct after |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|\n")
	for _, r := range results {
		if r != nil { // not chosen by -run, or left out
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n",
				r.name, r.outcome(), r.way, ms(r.opened), ms(r.traded), ms(r.goal), ms(r.seen), ms(r.direct))
		}
	}
	t.Logf("\n%s", b.String())
	if file := os.Getenv(tableFile); file != "" {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Error(err)
		}
	}
}

func (r *result) outcome() string {
	switch {
	case r.err != nil:
		return "**fails**: " + strings.ReplaceAll(strings.ReplaceAll(r.err.Error(), "\n", " "), "|", "/")
	case r.said != "":
		return "says: " + r.said
	}
	return "trades"
}

// ms is a duration for people, "" for none.
func ms(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}
