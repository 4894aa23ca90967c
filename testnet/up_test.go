package testnet

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/inventory"
	"github.com/souk-market/souk/store"
)

// steps are what a person sees of the demo, in order.
var steps = []string{
	"hub up", "joined", "partnered", "catalog seen", "held", "refused", "insufficient", "accepted", "shipped", "delivered", "own sale", "basket", "withdrawn",
	"ledgers equal", "hub stopped", "traded on", "in reach", "hub back", "Done: every step passed", "All stopped",
}

func wantSteps(t *testing.T, out string) {
	t.Helper()
	rest := out
	for _, s := range steps {
		i := strings.Index(rest, s)
		if i < 0 {
			t.Fatalf("%q is missing, or not in its place, in:\n%s", s, out)
		}
		rest = rest[i+len(s):]
	}
}

// TestTestnetUp is the demo as a person sees it, with real processes; then again in
// the same folder, with the fewest shops there can be.
func TestTestnetUp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "net")
	out, code := runSouk(t, "testnet", "up", "--exit", "--dir", dir)
	t.Logf("\n%s", out)
	if code != 0 {
		t.Fatalf("exit code %d", code)
	}
	wantSteps(t, out)
	noneLeft(t, dir)

	out, code = runSouk(t, "testnet", "up", "--exit", "--shops", "2", "--dir", dir)
	if code != 0 || !strings.Contains(out, "is replaced") {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	wantSteps(t, out)
	noneLeft(t, dir)
}

// TestTestnetStays has a testnet looked at and stopped from another terminal.
func TestTestnetStays(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "net")
	up := startSouk(t, "testnet", "up", "--shops", "4", "--dir", dir)
	wait(t, "the table", func() (bool, error) {
		if strings.Contains(up.output(), "FAILED") {
			t.Fatal(up.output())
		}
		return strings.Contains(up.output(), "Ctrl-C stops everything"), nil
	})
	out, code := runSouk(t, "testnet", "status", "--dir", dir)
	if code != 0 || strings.Count(out, " ready ") != 5 || strings.Contains(out, "not ready") || strings.Contains(out, "stopped") || !strings.Contains(out, "/souk products --dir ") {
		t.Errorf("status, code %d:\n%s", code, out)
	}
	if out, code := runSouk(t, "testnet", "up", "--dir", dir); code == 0 || !strings.Contains(out, "souk testnet down --dir") {
		t.Errorf("a second testnet in the folder, code %d:\n%s", code, out)
	}
	if out, code := runSouk(t, "testnet", "down", "--dir", dir); code != 0 || !strings.Contains(out, "Stopped the testnet") {
		t.Errorf("down, code %d:\n%s", code, out)
	}
	if err := up.Wait(); err != nil {
		t.Errorf("souk testnet up ended with %v:\n%s", err, up.output())
	}
	noneLeft(t, dir)
	if out, code := runSouk(t, "testnet", "status", "--dir", dir); code != 0 || strings.Count(out, "stopped") != 5 {
		t.Errorf("status after it, code %d:\n%s", code, out)
	}
}

// TestTestnetKilled: kill -9 of the testnet itself leaves no child behind.
func TestTestnetKilled(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "net")
	up := startSouk(t, "testnet", "up", "--dir", dir)
	wait(t, "all run", func() (bool, error) {
		s, err := readState(dir)
		if err != nil {
			return false, err
		}
		for _, m := range s.all() {
			if pid, held, err := store.Holder(filepath.Join(dir, m.Folder)); err != nil || !held || pid != m.PID {
				return false, err
			}
		}
		return len(s.Shops) == DefaultShops, nil
	})
	if err := up.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = up.Wait()
	noneLeft(t, dir)
	if out, code := runSouk(t, "testnet", "down", "--dir", dir); code != 0 || !strings.Contains(out, "Nothing runs") {
		t.Errorf("down, code %d:\n%s", code, out)
	}
}

// TestTestnetFailure: a step that fails is named, with its cause and the log's end.
func TestTestnetFailure(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken")
	if err := os.WriteFile(broken, []byte("#!/bin/sh\necho no such disk >&2\nexit 7\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err := Up(t.Context(), Options{Dir: filepath.Join(dir, "net"), Binary: broken, Exit: true, Out: &out})
	if err == nil || !strings.Contains(err.Error(), `"hub up" failed`) || !strings.Contains(err.Error(), "exit status 7") {
		t.Errorf("error: %v", err)
	}
	if !strings.Contains(out.String(), "FAILED") || !strings.Contains(out.String(), "| no such disk") {
		t.Errorf("told:\n%s", out.String())
	}
}

func TestUpRefusesFolders(t *testing.T) {
	foreign := t.TempDir()
	keep := filepath.Join(foreign, "diary.txt")
	if err := os.WriteFile(keep, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	mixed := t.TempDir()
	if err := (&State{Hub: Member{Name: "hub", Folder: "hub"}}).write(mixed); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(mixed, "photos"), 0o700); err != nil {
		t.Fatal(err)
	}
	escaping := t.TempDir()
	if err := os.WriteFile(filepath.Join(escaping, stateName), []byte(`{"hub":{"folder":".."}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	running := t.TempDir()
	lock, err := store.Lock(running)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	for _, c := range []struct {
		name, dir string
		want      exchange.Code
	}{
		{"another's", foreign, exchange.CodeConflict},
		{"with another's files", mixed, exchange.CodeConflict},
		{"pointing out of itself", escaping, exchange.CodeInvalid},
		{"in use", running, exchange.CodeLocked},
		{"a file", keep, exchange.CodeInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := Up(t.Context(), Options{Dir: c.dir, Exit: true}); exchange.CodeOf(err) != c.want {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
	if _, err := os.Stat(keep); err != nil {
		t.Error(err)
	}
	if err := Up(t.Context(), Options{Shops: MaxShops + 1}); exchange.CodeOf(err) != exchange.CodeInvalid {
		t.Errorf("too many shops: %v", err)
	}
}

// TestDownSparesStrangers: a process that holds the folder and that the testnet
// did not start is left alone.
func TestDownSparesStrangers(t *testing.T) {
	dir := t.TempDir()
	if err := Down(t.Context(), dir, os.Stderr); exchange.CodeOf(err) != exchange.CodeNotFound {
		t.Errorf("down where there is none: %v", err)
	}
	shop := filepath.Join(dir, "acorn")
	if err := os.Mkdir(shop, 0o700); err != nil {
		t.Fatal(err)
	}
	lock, err := store.Lock(shop) // by this process, which a wrong Down would end
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	s := &State{PID: 1, Hub: Member{Name: "hub", Folder: "hub", PID: 1}, Shops: []Member{{Name: "Acorn", Folder: "acorn", PID: 1}}}
	if err := s.write(dir); err != nil {
		t.Fatal(err)
	}
	if err := Down(t.Context(), dir, os.Stderr); exchange.CodeOf(err) != exchange.CodeConflict {
		t.Errorf("down over a stranger: %v", err)
	}
}

// TestInventedShops: every catalog that a testnet may use reads without an error.
func TestInventedShops(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range shopPlans(MaxShops) {
		if seen[p.folder()] {
			t.Errorf("two shops have the folder %s", p.folder())
		}
		seen[p.folder()] = true
		o := inventory.Options{Currency: p.currency, Format: p.format, Strict: true}
		report, err := inventory.Read(t.Context(), bytes.NewReader(p.catalog), o, func(inventory.Item) error { return nil })
		if err != nil || report.Items < 4 || len(report.UnknownFields) > 0 {
			t.Errorf("%s: %+v, %v", p.name, report, err)
		}
	}
}
