package netlab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var soukFlag = flag.String("netlab.souk", "", "`path` of the souk to try, in place of this source's")

// built is the binary of this source, built when a test first asks for it.
var built struct {
	once sync.Once
	dir  string
	err  error
}

// atOnce is how many cases run at once for each processor, unless -parallel says how many
// in all: most of a case's time is waiting.
const atOnce = 2

func TestMain(m *testing.M) {
	flag.Parse()
	const parallel = "test.parallel"
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == parallel })
	if !chosen {
		if err := flag.Set(parallel, strconv.Itoa(atOnce*runtime.GOMAXPROCS(0))); err != nil {
			panic(err) // package testing has it, and it is a number
		}
	}
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// soukBinary is the path of the binary under test.
func soukBinary(t testing.TB) string {
	t.Helper()
	if *soukFlag != "" {
		return *soukFlag
	}
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "souk-netlab-*"); built.err != nil {
			return
		}
		if out, err := exec.Command("go", "build", "-o", built.dir, "github.com/souk-market/souk/cmd/souk").CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	if built.err != nil {
		t.Fatalf("building souk: %v", built.err)
	}
	return filepath.Join(built.dir, "souk")
}

// knows reports whether a command of the binary under test has a flag.
func knows(t testing.TB, flag string, command ...string) bool {
	t.Helper()
	out, err := exec.Command(soukBinary(t), append(command, "--help")...).Output()
	if err != nil {
		t.Fatalf("souk %s --help: %v", strings.Join(command, " "), err)
	}
	return bytes.Contains(out, []byte(flag+" "))
}

// souk is a hub or a shop: a folder, a host that it lives on, and a process. The test's
// goroutine owns it.
type souk struct {
	*Host
	t      testing.TB
	binary string
	dir    string
	kind   string // "hub" or "node", as the command line has it
	title  string // a shop's name, as members see it
	sku    string // a shop's only product
	id     string // a shop's ShopID

	process *os.Process // nil while it does not run
	ended   chan struct{}
}

// refusal is what souk answered instead of a result.
type refusal struct {
	command string
	Code    string
	Exit    int
	Detail  string
}

func (r *refusal) Error() string { return fmt.Sprintf("souk %s: %s (%s)", r.command, r.Detail, r.Code) }

// run runs one command of souk on the host, about the folder, and reads its result.
func (s *souk) run(ctx context.Context, result any, args ...string) error {
	cmd := s.Command(ctx, s.binary, append(args, "--dir", s.dir, "--json")...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		command := strings.Join(args[:min(2, len(args))], " ")
		r := &refusal{command: command}
		lines := bytes.Split(bytes.TrimSpace(errs.Bytes()), []byte("\n")) // before it: what it waits for
		if json.Unmarshal(lines[len(lines)-1], r) == nil && r.Code != "" {
			return r
		}
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("souk %s: %w: %s", command, err, bytes.TrimSpace(errs.Bytes()))
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(out.Bytes(), result)
}

// finding is what doctor found out about one thing.
type finding struct {
	Check  string
	OK     bool
	Detail string
}

// doctor is what souk doctor says.
func (s *souk) doctor(ctx context.Context) ([]finding, error) {
	var report struct{ Findings []finding }
	// It fails if the shop cannot sell, and has said what it found nevertheless.
	out, err := s.Command(ctx, s.binary, "doctor", "--dir", s.dir, "--json").Output()
	if json.Unmarshal(out, &report) != nil {
		return nil, fmt.Errorf("souk doctor: %w: %s", err, out)
	}
	return report.Findings, nil
}

// start starts the process; its output is added to its log.
func (s *souk) start() {
	s.t.Helper()
	log, err := os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close() // the child has its own
	cmd := s.Command(context.Background(), s.binary, s.kind, "run", "--dir", s.dir)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started, ended := make(chan error), make(chan struct{})
	go func() {
		defer close(ended)
		// The kernel ties a child's death signal to the thread that made it: the thread
		// must live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // the log has why it ended
		}
	}()
	if err := <-started; err != nil {
		s.t.Fatal(err)
	}
	s.process, s.ended = cmd.Process, ended
}

func (s *souk) log() string { return s.dir + ".log" } // a folder that init makes must be empty

// signal signals the process. Its end is no error: what asks it next says so.
func (s *souk) signal(sig syscall.Signal) {
	s.t.Helper()
	if s.process == nil {
		s.t.Fatalf("%s does not run", s.Name())
	}
	if err := s.process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Fatal(err)
	}
}

// stop ends the process, in order or at once, and waits until it is gone.
func (s *souk) stop(sig syscall.Signal) {
	s.t.Helper()
	if s.process == nil {
		return
	}
	s.signal(sig)
	<-s.ended
	s.process = nil
}

// tail is the end of the process's log.
func (s *souk) tail() string {
	b, err := os.ReadFile(s.log())
	if err != nil {
		return err.Error()
	}
	const lines = 25
	all := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// get asks the shop's API from its own host.
func (s *souk) get(ctx context.Context, path string, result any) error {
	token, err := os.ReadFile(filepath.Join(s.dir, "api.token"))
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:7350/api/v1/"+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	c := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (c net.Conn, err error) {
			err = s.Inside(func() error {
				c, err = new(net.Dialer).DialContext(ctx, network, address)
				return err
			})
			return c, err
		},
	}}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s: %s", path, resp.Status, body)
	}
	return json.Unmarshal(body, result)
}

// until asks again and again until ask succeeds, or ctx ends; then the last error tells why.
func until(ctx context.Context, ask func(context.Context) error) error {
	const pause = 20 * time.Millisecond
	tick := time.NewTicker(pause)
	defer tick.Stop()
	var last error
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || last == nil { // not that its time was up
			last = err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w; last: %w", context.Cause(ctx), last)
		}
	}
}
