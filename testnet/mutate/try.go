package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// outcome is what the tests said of a mutant.
type outcome int

const (
	killed   outcome = iota
	timedOut         // which kills, too
	invalid          // it does not compile
	survived
)

// baseline runs the unchanged tests of a target, which must pass, and returns how
// long they run. The time includes the build, so that a limit made of it is ample.
func baseline(ctx context.Context, root string, t *target) (time.Duration, error) {
	start := time.Now()
	out, err := goTest(ctx, root, t, "-timeout=10m")
	if err != nil {
		return 0, fmt.Errorf("%s: the tests fail without a change: %w\n%s", t.dir, err, out)
	}
	return time.Since(start), nil
}

// try runs the tests of a mutant, which is the file source with one change.
func try(ctx context.Context, root string, m *mutant, source []byte, limit time.Duration) (outcome, error) {
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	changed, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, m.file): changed}})
	if err != nil {
		return 0, err
	}
	if err := os.WriteFile(changed, m.apply(source), 0o600); err != nil {
		return 0, err
	}
	if err := os.WriteFile(overlay, replace, 0o600); err != nil {
		return 0, err
	}
	out, err := goTest(ctx, root, m.target, "-overlay="+overlay, "-timeout="+limit.String())
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case err == nil:
		return survived, nil
	case strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]"):
		return invalid, nil
	case strings.Contains(out, "panic: test timed out"):
		return timedOut, nil
	}
	return killed, nil
}

// goTest runs the short tests of a target up to the first failure. Vet has its own step in
// .ci/run and would reject decided conditions.
func goTest(ctx context.Context, root string, t *target, flags ...string) (string, error) {
	args := append([]string{"test", "-count=1", "-short", "-failfast", "-vet=off"}, flags...)
	args = append(append(args, "./"+t.dir), t.flags...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "RAPID_NOFAILFILE=1") // what kills a mutant is no case to keep
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}
