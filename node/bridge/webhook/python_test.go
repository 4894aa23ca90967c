package webhook_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/node/bridge/bridgetest"
	"github.com/souk-market/souk/node/bridge/conformance"
	"github.com/souk-market/souk/node/bridge/webhook"
	"github.com/souk-market/souk/testnet/leftout"
)

const examples = "../../../docs/examples"

// process is the example of docs/bridge-integrator.md, running.
type process struct {
	t   *testing.T
	dir string
	cmd *exec.Cmd
}

// startPython starts the example in a folder, at a port of its own, and returns its URL.
func startPython(t *testing.T, dir string) (*process, string) {
	t.Helper()
	script, err := filepath.Abs(filepath.Join(examples, "bridge.py"))
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, dir: dir, cmd: exec.Command("python3", script, "shop.db", "bridge.secret", "0", "LAMP-1=20", "CUP-2=15")}
	p.cmd.Dir, p.cmd.Stderr = dir, os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "serving ")
	if err != nil || !ok {
		t.Fatalf("the example said %q, %v", line, err)
	}
	return p, url
}

func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// TestPythonExample: the example that integrators begin with keeps the rules, over kills too.
func TestPythonExample(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		leftout.Test(t, "", "python3")
	}
	if out, err := exec.Command("python3", "-c", "import sqlite3, sys; assert sys.version_info >= (3, 9)").CombinedOutput(); err != nil {
		leftout.Test(t, "", "python3 from 3.9 on, with SQLite: %s", out)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bridge.secret"), []byte(secretText+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, url := startPython(t, dir)
	connect := func() *webhook.Client {
		c, err := webhook.New(webhook.Config{URL: url, Secret: secret(t)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	system := &moving{connect()}
	target := conformance.Target{Bridge: system, SKUs: [2]exchange.SKU{"LAMP-1", "CUP-2"}}
	target.Forge = func(ctx context.Context, f conformance.Forgery, ask bridge.Ask) (int, error) {
		return conformance.Forger(system.Client, secret(t))(ctx, f, ask)
	}
	target.Restart = func(context.Context) error {
		p.kill()
		p, url = startPython(t, dir)
		system.Client = connect()
		return nil
	}
	bridgetest.Run(t, target)
}

// moving is a client of a system that has another address after a restart.
type moving struct{ *webhook.Client }
