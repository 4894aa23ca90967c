package souk_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/souk-market/souk/testnet/leftout"
)

// TestReadme runs every command that README.md shows, in a clone of the
// committed and changed files, with nothing around it but Go and a shell. Blocks
// marked "<!-- test: N -->" run in the order of their numbers, after those without a
// mark; a remark "# shows TEXT" is what a line of the output has, "…" standing for anything, and "# refused TEXT" what a
// command that fails says; words in capitals stand for what an earlier command printed. A block that starts
// a hub or a shop is pasted whole into a shell; only what needs a message of another shop's
// is tried again.
func TestReadme(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program and starts a hub and shops; run without -short")
	}
	takesMachine(t)
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := readmeBlocks(t, string(b))
	dir := clone(t)
	r := &reader{t: t, dir: dir, demo: readmeDemo.FindString(string(b)), words: map[string]string{}}
	t.Cleanup(r.stop)
	for _, block := range blocks {
		if slices.ContainsFunc(block.lines, func(l string) bool { return strings.HasSuffix(l, " &") }) {
			r.paste(block.lines)
			continue
		}
		for _, line := range block.lines {
			r.run(line)
		}
	}
}

// takesMachine leaves the test out where somebody's shop or hub has the ports that the
// README's have, or where there is no shell or no clone.
func takesMachine(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"sh", "git"} {
		if _, err := exec.LookPath(tool); err != nil {
			leftout.Test(t, "", "%s", tool)
		}
	}
	if out, err := exec.Command("git", "rev-parse", "--git-dir").CombinedOutput(); err != nil {
		leftout.Test(t, "", "a clone of the repository: %s", out)
	}
	for _, port := range []string{"7350", "7351", "7360", "7361", "7400", "7401", "7402"} {
		l, err := net.Listen("tcp", ":"+port)
		if err != nil {
			leftout.Test(t, "", "port %s to be free: %v", port, err)
		}
		l.Close()
	}
}

// skipped commands of the README: this test is part of the one.
var skipped = []string{"go test ./..."}

type readmeBlock struct {
	order int
	lines []string
}

var readmeMark = regexp.MustCompile(`(?m)(?:^<!-- test: (\d+) -->\n)?^` + "```sh\n((?s:.*?))^```")

var readmeDemo = regexp.MustCompile("(?m)^```text\n(?s:.*?)^```")

func readmeBlocks(t *testing.T, text string) []readmeBlock {
	t.Helper()
	var blocks []readmeBlock
	for _, m := range readmeMark.FindAllStringSubmatch(text, -1) {
		block := readmeBlock{}
		if m[1] != "" {
			block.order, _ = strconv.Atoi(m[1])
		}
		for _, line := range strings.Split(strings.TrimSpace(m[2]), "\n") {
			if !slices.Contains(skipped, line) {
				block.lines = append(block.lines, line)
			}
		}
		blocks = append(blocks, block)
	}
	if len(blocks) < 8 {
		t.Fatalf("README.md has only %d blocks of commands", len(blocks))
	}
	slices.SortStableFunc(blocks, func(a, b readmeBlock) int { return a.order - b.order })
	return blocks
}

// clone copies what git tracks or would add.
func clone(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Fatalf("listing the repository: %v", err)
	}
	dir := t.TempDir()
	for _, name := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
		b, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, b, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// reader is somebody who types what the README says.
type reader struct {
	t       *testing.T
	dir     string
	demo    string            // what the README shows of the testnet's output
	words   map[string]string // INVITE, RESERVATION, ORDER, REVISION
	running []*exec.Cmd
}

// patience is how long a command may take to succeed, building included.
const patience = 5 * time.Minute

var (
	invitePrinted = regexp.MustCompile(`souk-invite-1-[A-Za-z0-9_-]+`)
	idPrinted     = regexp.MustCompile(`\b[0-9a-v]{26}\b`)
	lastPrinted   = regexp.MustCompile(`(\d+)\s*$`)
	shownBehind   = regexp.MustCompile(` # (?:shows|refused) (.+)$`)
	placeholder   = regexp.MustCompile(`\b(INVITE|RESERVATION|ORDER|REVISION)\b`)
)

// awaited are the commands that may need what another shop has sent and is on its way: they
// are tried again, as a person would.
var awaited = regexp.MustCompile(`souk (partner|reserve|order|dial|products) `)

func (r *reader) run(line string) {
	r.t.Helper()
	line = r.fill(line)
	r.t.Logf("$ %s", line)
	out := r.output(line)
	if strings.Contains(line, "testnet up --exit") {
		r.compare(out)
	}
	if shows := shownBehind.FindStringSubmatch(line); shows != nil {
		said := regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(shows[1]), "…", ".*") + `\b`)
		if !said.MatchString(out) {
			r.t.Errorf("$ %s\n%s", line, out)
		}
	}
	if id := idPrinted.FindString(out); id != "" && strings.Contains(line, "souk reserve") {
		r.words["RESERVATION"], r.words["ORDER"] = id, id
	}
	if last := lastPrinted.FindStringSubmatch(out); last != nil && strings.Contains(line, "souk stock show") {
		r.words["REVISION"] = last[1]
	}
}

// fill replaces the words in capitals.
func (r *reader) fill(line string) string {
	r.t.Helper()
	if strings.Contains(line, "INVITE") { // each shop gets one of its own
		r.words["INVITE"] = invitePrinted.FindString(r.output("./souk hub invite --dir hub"))
	}
	return placeholder.ReplaceAllStringFunc(line, func(w string) string {
		if r.words[w] == "" {
			r.t.Fatalf("%s: nothing printed %s", line, w)
		}
		return r.words[w]
	})
}

// demoStep is a line of the testnet's account: the time, a step's name in a column of
// 14, and what happened.
var demoStep = regexp.MustCompile(`(?m)^ *[0-9.]+s  (.{13}) \S+ `)

// compare holds what the README shows of the testnet against what it printed: the same
// steps in the same order, some left out.
func (r *reader) compare(printed string) {
	r.t.Helper()
	steps := demoStep.FindAllStringSubmatch(printed, -1)
	shown := demoStep.FindAllStringSubmatch(r.demo, -1)
	if len(shown) < 8 {
		r.t.Fatalf("README.md shows %d steps of the testnet", len(shown))
	}
	for _, want := range shown {
		at := slices.IndexFunc(steps, func(step []string) bool { return step[1] == want[1] })
		if at < 0 {
			r.t.Fatalf("README.md shows the step %q, which the testnet did not print after the one before:\n%s", want[1], printed)
		}
		steps = steps[at+1:]
	}
}

// output runs a command, and one that is awaited until it succeeds.
func (r *reader) output(line string) string {
	r.t.Helper()
	deadline := time.Now().Add(patience)
	for pause := 200 * time.Millisecond; ; pause *= 2 {
		ctx, cancel := context.WithDeadline(r.t.Context(), deadline)
		cmd := r.command(ctx, line)
		out, err := cmd.CombinedOutput()
		cancel()
		if refused := strings.Contains(line, " # refused "); refused && err != nil || !refused && err == nil {
			return string(out)
		}
		if !awaited.MatchString(line) || time.Now().Add(pause).After(deadline) || pause > 20*time.Second {
			r.t.Fatalf("$ %s\n%s%v", line, out, err)
		}
		select { // not for a result: as a person tries again
		case <-time.After(pause):
		case <-r.t.Context().Done():
			r.t.Fatal(r.t.Context().Err())
		}
	}
}

func (r *reader) command(ctx context.Context, line string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "sh", "-c", "exec "+line)
	if strings.Contains(line, "$(") {
		cmd = exec.CommandContext(ctx, "sh", "-c", line)
	}
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false")
	return cmd
}

// paste runs a block that starts something, as one script: nothing is tried again, and
// what follows a line that ends in & does not wait for it. The script ends with what it
// started.
func (r *reader) paste(lines []string) {
	r.t.Helper()
	started := 0
	script := "set -e\n"
	for _, line := range lines {
		line = r.fill(line)
		r.t.Logf("$ %s", line)
		if command, ok := strings.CutSuffix(line, " &"); ok {
			started++
			log := fmt.Sprintf("background-%d.log", len(r.running))
			line = fmt.Sprintf("%s >%s 2>&1 & echo $! >%s.pid", command, log, log)
		}
		script += line + "\n"
	}
	if started != 1 {
		r.t.Fatalf("a block starts %d programs; this test knows how to stop one", started)
	}
	const pasted = "the block has been pasted"
	cmd := exec.Command("sh", "-c", script+"echo "+pasted+"\nwait $!\n")
	cmd.Dir, cmd.Stderr = r.dir, os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	watch := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer watch.Stop()
	r.running = append(r.running, cmd)
	said := bufio.NewScanner(out)
	for said.Scan() {
		if said.Text() == pasted {
			return
		}
		r.t.Log(said.Text())
	}
	r.t.Fatalf("a command of the block failed:\n%s", script)
}

// stop ends what runs, shops before the hub, and expects it to end well.
func (r *reader) stop() {
	for i, cmd := range slices.Backward(r.running) {
		b, _ := os.ReadFile(filepath.Join(r.dir, fmt.Sprintf("background-%d.log.pid", i)))
		if pid, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGTERM)
		}
		if err := cmd.Wait(); err != nil {
			r.t.Errorf("%s ended with %v", cmd, err)
		}
	}
	if r.t.Failed() {
		logs, _ := filepath.Glob(filepath.Join(r.dir, "background-*.log"))
		for _, name := range logs {
			b, _ := os.ReadFile(name)
			r.t.Logf("%s:\n%s", filepath.Base(name), b[max(0, len(b)-4000):])
		}
	}
}
