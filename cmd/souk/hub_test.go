package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-market/souk/hub"
)

// TestHubInvites: bad bounds are refused, a lost invite is found and voided by its id, and
// a second revocation names the first.
func TestHubInvites(t *testing.T) {
	tn := newTown(t)
	tn.ok("Next:", "hub", "init", "--dir", "hub", "--name", "riverside",
		"--listen", "127.0.0.1", "--open-port", "-1", "--closed-port", "-1", "--status", "127.0.0.1:0")
	for _, bad := range [][]string{
		{"--uses", "0"}, {"--uses", "-1"}, {"--uses", "10001"}, {"--expires", "0s"}, {"--expires", "-1h"}, {"--expires", "91d"}, {"--expires", "soon"},
		{"--shop-name", strings.Repeat("x", 65)}, {"--shop-name", ""}, {"--shop-name", " "},
	} {
		t.Run(fmt.Sprintf("%s %.10q", bad[0], bad[1]), func(t *testing.T) {
			tn := &town{t, tn.dir}
			out := tn.souk(exitUsage, append([]string{"hub", "invite", "--dir", "hub"}, bad...)...)
			if !strings.Contains(out, bad[0]) {
				t.Errorf("the error does not name the flag: %s", out)
			}
		})
	}
	tn.ok("No invite is open", "hub", "invites", "--dir", "hub")
	var made hub.Invited
	tn.read(&made, "hub", "invite", "--dir", "hub", "--shop-name", "Acorn Shoes")
	if out := tn.ok("void it with: souk hub void --dir hub ", "hub", "invite", "--dir", "hub", "--uses", "3"); strings.Count(out, "souk-invite-") != 1 {
		t.Errorf("not one line is the invite:\n%s", out)
	}
	if out := tn.ok("Acorn Shoes", "hub", "invites", "--dir", "hub"); !strings.Contains(out, "1 of 1") || !strings.Contains(out, "3 of 3") || strings.Contains(out, made.Code) {
		t.Errorf("the list of invites:\n%s", out)
	}
	tn.ok("with invite "+made.ID.String(), "hub", "void", "--dir", "hub", made.ID.String())
	if out := tn.ok("1 more", "hub", "invites", "--dir", "hub"); strings.Contains(out, made.ID.String()) {
		t.Errorf("a void invite is listed:\n%s", out)
	}
	tn.ok("no reason was given. Nothing was changed", "hub", "void", "--dir", "hub", made.ID.String(), "--why", "lost")
	tn.ok("void since 20", "hub", "invites", "--dir", "hub", "--all")
	tn.souk(exitUsage, "hub", "void", "--dir", "hub", "nonsense")

	file := filepath.Join("hub", "invites", made.ID.String()+".json")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out := tn.souk(exitFailure, "hub", "invites", "--dir", "hub")
	for _, want := range []string{"3 of 3", file, "restore it from a backup", "souk hub void --dir hub " + made.ID.String()} {
		if !strings.Contains(out, want) {
			t.Errorf("a damaged file: no %q in\n%s", want, out)
		}
	}
}

// TestRevokeNeedsAReason: a revocation cannot be undone, so none is made in passing.
func TestRevokeNeedsAReason(t *testing.T) {
	tn := openTown(t)
	tn.ok("Joined", "node", "join", "--dir", "birch", tn.invite())
	for _, why := range []string{"", " "} {
		tn.souk(exitUsage, "hub", "revoke", "--dir", "hub", "birch", "--why", why)
	}
	if out := tn.souk(exitFailure, "hub", "revoke", "--dir", "hub", "oak", "--why", "x"); !strings.Contains(out, "souk hub members --dir hub") {
		t.Errorf("an unknown shop:\n%s", out)
	}
	if out := tn.ok("Birch", "hub", "members", "--dir", "hub"); !strings.Contains(out, "active") {
		t.Errorf("it is revoked:\n%s", out)
	}
}
