package main

import (
	"slices"
	"testing"
)

func TestFind(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want []string // the changes, in any order
	}{
		"a condition":       {"if ok() { n() }", []string{"`ok()` is `false`", "`ok()` is `true`", "`n()` is `nothing`"}},
		"operands of and":   {"if a && b && c {}", []string{"`a && b && c` is `false`", "`a && b && c` is `true`", "`a` is `true`", "`b` is `true`", "`c` is `true`"}},
		"operands of or":    {"if a || !b {}", []string{"`a || !b` is `false`", "`a || !b` is `true`", "`a` is `false`", "`!b` is `false`"}},
		"a case":            {"switch { case a: }", []string{"`a` is `false`", "`a` is `true`"}},
		"a case of a tag":   {"switch a { case b: }", nil},
		"a loop":            {"for a {}", []string{"`a` is `false`"}},
		"a bound":           {"for i < n {}", []string{"`i < n` is `false`", "`i < n` is `i <= n`"}},
		"a sum":             {"x := a + b", []string{"`a + b` is `a - b`"}},
		"an error passed":   {"return f()", []string{"`f()` is `nil`"}},
		"an error made":     {`return errors.New("a" + b)`, nil},
		"an effect":         {"x = 1; x++; defer f()", []string{"`x = 1` is `nothing`", "`x++` is `nothing`", "`defer f()` is `nothing`"}},
		"a line of a log":   {`s.log.Warn("a" + b)`, nil},
		"the same twice":    {"x++; x++", []string{"`x++` is `nothing`", "`x++` is `nothing` (2)"}},
		"a nested function": {"f(func() { return g() })", []string{"`f(func() { return g() })` is `nothing`"}},
	} {
		t.Run(name, func(t *testing.T) {
			source := []byte("package p\nfunc (s *S[K]) F() error { " + c.body + " }\n")
			found, err := find(nil, "p/f.go", source)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range found {
				got = append(got, m.name)
				if slices.Equal(m.apply(source), source) {
					t.Errorf("%s changes nothing", m.name)
				}
			}
			for i := range c.want {
				c.want[i] = "p/f.go S.F: " + c.want[i]
			}
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

func TestParseAccepted(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"nothing":                 {"# a note\n\n", true},
		"a mutant and its reason": {"p/f.go F: `a` is `b`\n\twhy\n\tand why\n", true},
		"no reason":               {"p/f.go F: `a` is `b`\n", false},
		"a reason of nothing":     {"\twhy\n", false},
		"the same twice":          {"m\n\twhy\nm\n\twhy\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseAccepted(c.text); (err == nil) != c.ok {
				t.Error(err)
			}
		})
	}
	if _, err := parseAccepted(acceptedText); err != nil {
		t.Errorf("accepted.txt: %v", err)
	}
}
