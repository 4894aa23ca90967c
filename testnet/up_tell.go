package testnet

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"
)

// teller tells a person, or a program, what happens. Errors of writing are
// ignored: a closed terminal must not end a testnet in disorder.
type teller struct {
	out   io.Writer
	json  bool
	start time.Time
}

func newTeller(out io.Writer, json bool) *teller {
	return &teller{out: out, json: json, start: time.Now()}
}

// outputLine is one line of output, for a program one JSON object.
type outputLine struct {
	Seconds float64 `json:"seconds"`        // since the start
	Step    string  `json:"step,omitempty"` // the stable name of a step
	Text    string  `json:"text,omitempty"`
	Testnet *Status `json:"testnet,omitempty"`
}

func (t *teller) line(v outputLine) {
	v.Seconds = time.Since(t.start).Seconds()
	if t.json {
		_ = json.NewEncoder(t.out).Encode(v)
		return
	}
	if v.Step == "" {
		fmt.Fprintln(t.out, v.Text)
		return
	}
	fmt.Fprintf(t.out, "%6.2fs  %-13s %s\n", v.Seconds, v.Step, v.Text)
}

// step tells one step of the demo that was done.
func (t *teller) step(name, format string, args ...any) {
	t.line(outputLine{Step: name, Text: fmt.Sprintf(format, args...)})
}

// note tells something that is no step.
func (t *teller) note(format string, args ...any) {
	t.line(outputLine{Text: fmt.Sprintf(format, args...)})
}

// tail tells the end of a process's log.
func (t *teller) tail(p *process) {
	if log := p.logTail(); log != "" {
		t.note("The end of %s:\n%s", p.logPath(), indent(log))
	}
}

func indent(text string) string { return "  | " + strings.ReplaceAll(text, "\n", "\n  | ") }

// table tells who there is and how to talk to them.
func (t *teller) table(s *Status) {
	if t.json {
		t.line(outputLine{Testnet: s})
		return
	}
	fmt.Fprintf(t.out, "\n%s\nTry, in another terminal:\n", s.Table())
	for _, command := range s.commands() {
		fmt.Fprintln(t.out, "  "+command)
	}
	fmt.Fprintf(t.out, "Ctrl-C stops everything.\n\n")
}

// Table lists a testnet's members for a person, aligned, one each line.
func (s *Status) Table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SHOP\tSTATE\tSHOPID\tAPI\tTALK TO IT")
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.Hub.Name, s.Hub.state(), "–", s.Hub.URL, s.Hub.talk(s.Dir, "hub members"))
	for _, m := range s.Shops {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", m.Name, m.state(), m.Shop, m.URL, m.talk(s.Dir, "products"))
	}
	w.Flush()
	return b.String()
}

// state is the member's state in a word or two.
func (m MemberStatus) state() string {
	switch {
	case m.Ready:
		return "ready"
	case m.Alive:
		return "not ready"
	}
	return "stopped"
}

// talk is a command line that asks the member something.
func (m MemberStatus) talk(dir, command string) string {
	return commandName() + " " + command + " --dir " + quote(filepath.Join(dir, m.Folder))
}

// commandName is how the user starts souk, so that a line can be pasted: by its name
// where the shell finds this very program by it, else as this one was started.
func commandName() string {
	self, err := os.Executable()
	if err != nil {
		return "souk"
	}
	if strings.Contains(filepath.ToSlash(self), "/go-build") { // go run builds there, and deletes it
		return "go run ./cmd/souk"
	}
	if found, err := exec.LookPath("souk"); err == nil && sameFile(found, self) {
		return "souk"
	}
	if strings.ContainsRune(os.Args[0], filepath.Separator) {
		return quote(os.Args[0])
	}
	return quote(self)
}

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// commands are a few things to try on a testnet that runs.
func (s *Status) commands() []string {
	supplier, retailer := s.Shops[0], s.Shops[1]
	return []string{
		retailer.talk(s.Dir, `products "trail runner" --in-stock`),
		retailer.talk(s.Dir, "reserve "+quote(supplier.Name+":AC-TRAIL-MOS-42=1")+" --ship-to-country SE"),
		retailer.talk(s.Dir, "order list"),
		supplier.talk(s.Dir, "partner list"),
		retailer.talk(s.Dir, "dial "+supplier.Shop.String()),
	}
}

// quote writes an argument so that it can be pasted into a shell.
func quote(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_./:@%+,=", r)
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func joinArgs(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = quote(a)
	}
	return strings.Join(quoted, " ")
}
