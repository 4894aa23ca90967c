package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
)

// required marks flags without which a command does nothing. It says so itself, for
// cobra's own check answers with an error of no kind.
func required(cmd *cobra.Command, names ...string) {
	args := cmd.Args
	cmd.Args = func(cmd *cobra.Command, a []string) error {
		var missing []string
		for _, n := range names {
			if !cmd.Flags().Changed(n) {
				missing = append(missing, "--"+n)
			}
		}
		if len(missing) > 0 {
			is := "is"
			if len(missing) > 1 {
				is = "are"
			}
			return usagef("%s %s missing: %s", strings.Join(missing, " and "), is, cmd.UseLine())
		}
		return args(cmd, a)
	}
}

// quoteArg writes an argument so that it can be pasted into a shell.
func quoteArg(s string) string {
	plain := s != "" && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_./:@%+,", r)
	}) < 0
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// isCancel reports an error that a cancelled context caused.
func isCancel(err error) bool { return errors.Is(err, context.Canceled) }

// recoveryLines breaks a phrase into lines of six words, as they are written on paper.
func recoveryLines(phrase string) []string {
	const perLine = 6
	var lines []string
	words := strings.Fields(phrase)
	for len(words) > 0 {
		n := min(perLine, len(words))
		lines = append(lines, strings.Join(words[:n], " "))
		words = words[n:]
	}
	return lines
}
