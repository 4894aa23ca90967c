package testnet

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/store"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if dir := built.dir; dir != "" {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// built is the binary under test, built when a test first asks for it.
var built struct {
	once sync.Once
	dir  string
	err  error
}

// souk is the path of the binary.
func souk(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "souk-test-*"); built.err != nil {
			return
		}
		build := exec.Command("go", "build", "-o", built.dir, "github.com/souk-market/souk/cmd/souk")
		if out, err := build.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	if built.err != nil {
		t.Fatalf("building souk: %v", built.err)
	}
	return filepath.Join(built.dir, "souk")
}

// patience bounds what tests wait for; only a failure takes as long.
const patience = 2 * time.Minute

// command is one run of the binary.
type command struct {
	*exec.Cmd
	mu  sync.Mutex
	out bytes.Buffer
}

func (c *command) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(b)
}

func (c *command) output() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.String()
}

// startSouk starts the binary; the test's end kills it if it still runs.
func startSouk(t *testing.T, args ...string) *command {
	t.Helper()
	c := &command{Cmd: exec.Command(souk(t), args...)}
	c.Stdout, c.Stderr = c, c
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() })
	return c
}

// runSouk runs the binary to its end.
func runSouk(t *testing.T, args ...string) (output string, code int) {
	t.Helper()
	c := startSouk(t, args...)
	_ = c.Wait() // the code says it
	return c.output(), c.ProcessState.ExitCode()
}

// wait waits for something to become true.
func wait(t *testing.T, what string, ready func() (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), patience, fmt.Errorf("not within %v", patience))
	defer cancel()
	if err := until(ctx, nil, func(context.Context) (bool, error) { return ready() }); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// noneLeft waits until no process of a testnet holds its folder.
func noneLeft(t *testing.T, dir string) {
	t.Helper()
	s, err := readState(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range s.all() {
		wait(t, m.Name+" ends", func() (bool, error) {
			_, held, err := store.Holder(filepath.Join(dir, m.Folder))
			return !held, err
		})
	}
}
