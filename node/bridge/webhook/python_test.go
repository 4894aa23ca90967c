package webhook_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
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

// needsPython leaves a test out where the example does not run.
func needsPython(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("drives another process; run without -short")
	}
	if _, err := exec.LookPath("python3"); err != nil {
		leftout.Test(t, "", "python3")
	}
	if out, err := exec.Command("python3", "-c", "import sqlite3, sys; assert sys.version_info >= (3, 9)").CombinedOutput(); err != nil {
		leftout.Test(t, "", "python3 from 3.9 on, with SQLite: %s", out)
	}
}

// TestPythonExample: the example that integrators begin with keeps the rules, over kills too.
func TestPythonExample(t *testing.T) {
	needsPython(t)
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

// guide is the text for integrators.
const guide = "../../../docs/bridge-integrator.md"

var shell = regexp.MustCompile("(?ms)^```sh\n(.*?)^```")

// TestGuide runs what the guide shows, in one shell: each command says what stands behind its
// "# shows", where "…" is anything. The commands of souk are tried by its own tests.
func TestGuide(t *testing.T) {
	needsPython(t)
	for _, tool := range []string{"bash", "curl", "openssl", "base64", "od"} {
		if _, err := exec.LookPath(tool); err != nil {
			leftout.Test(t, "", "%s", tool)
		}
	}
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	listener.Close()
	script, err := filepath.Abs(filepath.Join(examples, "bridge.py"))
	if err != nil {
		t.Fatal(err)
	}
	commands := &strings.Builder{}
	fmt.Fprintln(commands, "set -eu\ntrap 'kill $(jobs -p)' EXIT")
	var shows []string
	for _, block := range shell.FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			command, says, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "# shows ")
			if says != "" {
				shows = append(shows, says)
			}
			if strings.HasPrefix(command, "souk ") {
				continue
			}
			fmt.Fprintln(commands, command)
			if strings.HasSuffix(command, "&") { // wait until it serves
				fmt.Fprintf(commands, "until curl -s -o answer http://localhost:%s; do kill -0 $!; sleep 0.05; done\n", port)
			}
		}
	}
	cmd := exec.Command("bash", "-c", strings.NewReplacer("8080", port, "docs/examples/bridge.py", "'"+script+"'").Replace(commands.String()))
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got []string
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "serving ") {
			got = append(got, strings.TrimSuffix(line, "\n"))
		}
	}
	if len(shows) < 10 || len(got) != len(shows) {
		t.Fatalf("%d commands say something, and %d lines are shown:\n%s", len(shows), len(got), out)
	}
	for i, says := range shows {
		pattern := strings.ReplaceAll(regexp.QuoteMeta(says), "…", ".+")
		if !regexp.MustCompile("^" + pattern + "$").MatchString(got[i]) {
			t.Errorf("it says\n%s\nand the guide\n%s", got[i], says)
		}
	}
}

// moving is a client of a system that has another address after a restart.
type moving struct{ *webhook.Client }
