package main

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed accepted.txt
var acceptedText string

// parseAccepted reads a list of mutants that may survive: a line with the mutant's name, then
// indented lines with the reason. Empty lines and lines that start with # say nothing.
func parseAccepted(text string) (map[string]string, error) {
	accepted := map[string]string{}
	name := ""
	for i, line := range strings.Split(text, "\n") {
		reason := strings.TrimSpace(line)
		switch {
		case reason == "" || strings.HasPrefix(line, "#"):
		case line != strings.TrimLeft(line, " \t"):
			if name == "" {
				return nil, fmt.Errorf("line %d: a reason without a mutant", i+1)
			}
			accepted[name] = strings.TrimSpace(accepted[name] + " " + reason)
		default:
			if _, ok := accepted[reason]; ok {
				return nil, fmt.Errorf("line %d: %s is listed twice", i+1, reason)
			}
			name = reason
			accepted[name] = ""
		}
	}
	for name, reason := range accepted {
		if reason == "" {
			return nil, fmt.Errorf("%s is accepted without a reason", name)
		}
	}
	return accepted, nil
}
