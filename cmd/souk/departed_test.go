package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDeparted: of a shop that left, doctor, run and join say so, when
// and what to do; none of them names souk node run as the next step.
func TestDeparted(t *testing.T) {
	tn := openTown(t)
	tn.ok("Joined", "node", "join", "--dir", "acorn", tn.invite())
	tn.start("node", "run", "--dir", "acorn")
	tn.ok("has left", "node", "leave", "--dir", "acorn", "--yes")
	for inUse("acorn") && t.Context().Err() == nil { // it stops by itself
	}
	for dir, why := range map[string][]string{
		"acorn": {"it left on 20", filepath.Join("acorn", "archive.json")},
	} {
		for _, c := range []struct {
			name string
			code int
			args []string
		}{
			{"doctor", exitFailure, []string{"doctor"}},
			{"run", exitRefused, []string{"node", "run"}},
			{"join", exitRefused, []string{"node", "join", tn.invite()}},
			{"join later", exitRefused, []string{"node", "join", "--later", tn.invite()}},
		} {
			t.Run(c.name, func(t *testing.T) {
				tn := &town{t, tn.dir}
				out := tn.souk(c.code, append(c.args, "--dir", dir)...)
				for _, want := range append(why, "new folder", "new invite") {
					if !strings.Contains(out, want) {
						t.Errorf("souk %v on %s does not say %q:\n%s", c.args, dir, want, out)
					}
				}
				if strings.Contains(out, "souk node run") {
					t.Errorf("souk %v on %s says that it can be run:\n%s", c.args, dir, out)
				}
			})
		}
		if _, err := os.Stat(filepath.Join(dir, inviteFile)); err == nil {
			t.Errorf("%s keeps an invite", dir)
		}
	}
}

// TestRevokedWhileOff: a shop that was revoked while it did not run hears it from the hub, as doctor
// asks and as it runs, and stops with the reason.
func TestRevokedWhileOff(t *testing.T) {
	tn := openTown(t)
	tn.ok("Joined", "node", "join", "--dir", "acorn", tn.invite())
	if out := tn.souk(exitFailure, "doctor", "--dir", "acorn"); !strings.Contains(out, "this shop is a member") {
		t.Errorf("the doctor of a member that does not run:\n%s", out)
	}
	tn.ok("is revoked", "hub", "revoke", "--dir", "hub", "Acorn Shoes", "--why", "sold counterfeits")
	gone := []string{"it was revoked on 20", "sold counterfeits", "new folder"}
	for i, c := range []struct {
		code int
		args []string
	}{
		{exitFailure, []string{"doctor"}},
		{exitRefused, []string{"node", "run", "--log-level", "error"}},
		{exitRefused, []string{"node", "run"}},
		{exitFailure, []string{"doctor"}},
	} {
		out := tn.souk(c.code, append(c.args, "--dir", "acorn")...)
		for _, want := range gone {
			if !strings.Contains(out, want) {
				t.Errorf("%d: souk %v does not say %q:\n%s", i, c.args, want, out)
			}
		}
	}
}
