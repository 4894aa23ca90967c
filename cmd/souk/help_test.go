package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// everyCommand visits the commands a person can run.
func everyCommand(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		if sub.Name() != "help" && sub.Name() != "completion" {
			everyCommand(sub, visit)
		}
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	everyCommand(new(app).root(), func(c *cobra.Command) {
		path := c.CommandPath()
		if c.Short == "" || strings.HasSuffix(c.Short, ".") || len(c.Short) > 60 {
			t.Errorf("%s: Short %q is not a line for a list", path, c.Short)
		}
		if c.Example == "" {
			t.Errorf("%s has no example", path)
		}
		if c.RunE == nil {
			t.Errorf("%s does nothing", path)
		}
		if usages := c.LocalFlags().FlagUsages(); usages != "" {
			for line := range strings.Lines(usages) {
				if f := strings.Fields(line); len(f) < 3 {
					t.Errorf("%s: a flag without explanation: %q", path, line)
				}
			}
		}
		for _, text := range []string{c.Long, c.Example} {
			for line := range strings.Lines(text) {
				if len([]rune(line)) > 120 {
					t.Errorf("%s: a line of its help is too long for a terminal: %q", path, line)
				}
			}
		}
	})
}

// TestExamplesAreRight carries out every line of every example up to the command
// itself: the command exists, knows the flags, and takes the arguments.
func TestExamplesAreRight(t *testing.T) {
	n := 0
	everyCommand(new(app).root(), func(c *cobra.Command) {
		for line := range strings.Lines(c.Example) {
			n++
			words := splitWords(t, line)
			if len(words) < 2 || words[0] != "souk" {
				t.Errorf("%s: %q is no command line of souk", c.CommandPath(), line)
				continue
			}
			root := new(app).root()
			got, rest, err := root.Find(words[1:])
			if err != nil {
				t.Errorf("%q: %v", line, err)
				continue
			}
			if c.HasParent() && !strings.HasPrefix(got.CommandPath(), c.CommandPath()) {
				t.Errorf("%q is an example of %s, but stands at %s", line, got.CommandPath(), c.CommandPath())
			}
			if err := got.ParseFlags(rest); err != nil {
				t.Errorf("%q: %v", line, err)
				continue
			}
			if got.HasSubCommands() {
				t.Errorf("%q names no command of %s", line, got.CommandPath())
			}
			if err := got.ValidateArgs(got.Flags().Args()); err != nil {
				t.Errorf("%q: %v", line, err)
			}
		}
	})
	t.Logf("%d examples", n)
}

// splitWords splits a line as a shell does, up to a gap of three spaces, behind
// which a remark may stand.
func splitWords(t *testing.T, line string) []string {
	t.Helper()
	line = strings.TrimSpace(line)
	if i := strings.Index(line, "   "); i > 0 {
		line = line[:i]
	}
	var words []string
	var word strings.Builder
	started, quote := false, rune(0)
	for _, r := range line + " " {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, started = r, true
		case quote == 0 && r == ' ':
			if started {
				words = append(words, word.String())
			}
			word.Reset()
			started = false
		default:
			word.WriteRune(r)
			started = true
		}
	}
	if quote != 0 {
		t.Errorf("a quotation does not end: %q", line)
	}
	return words
}

func TestWrongCommandLines(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("SOUK_DIR", "")
	for _, c := range []struct {
		args string
		says string
	}{
		{"nod", "did you mean node?"},
		{"hub invte", "or invite or invites?"},
		{"hub nothing-like-it", "no command"},
		{"members --colour", "unknown flag"},
		{"members one two", "one argument too many"},
		{"node join", "an argument is missing"},
		{"node init --dir x", "--name and --currency are missing"},
		{"node init --name x --currency EUR", "say where to keep it"},
		{"node run", "holds no shop"},
		{"hub status", "holds no hub"},
		{"hub invite --dir x --expires soon", "not a time"},
	} {
		t.Run(c.args, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := run(t.Context(), strings.Fields(c.args), strings.NewReader(""), &out, &errs)
			if code != exitUsage || !strings.Contains(errs.String(), c.says) || !strings.Contains(errs.String(), "--help") || out.Len() > 0 {
				t.Errorf("exit code %d, says %q %q; want %d and %q", code, errs.String(), out.String(), exitUsage, c.says)
			}
		})
	}
}
