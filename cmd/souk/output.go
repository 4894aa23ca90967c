package main

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
)

// show prints a command's result: v as JSON under --json, else what text writes.
func (a *app) show(cmd *cobra.Command, v any, text func(p *page)) error {
	if a.json {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	}
	p := &page{w: cmd.OutOrStdout()}
	text(p)
	return p.err
}

// page writes lines and tables for people and keeps the first error.
type page struct {
	w   io.Writer
	err error
}

// line writes one line. Strings and errors among args are shown inert.
func (p *page) line(format string, args ...any) {
	for i, a := range args {
		switch v := a.(type) {
		case string:
			args[i] = inert(v)
		case error:
			args[i] = inert(v.Error())
		}
	}
	if _, err := fmt.Fprintf(p.w, format+"\n", args...); p.err == nil {
		p.err = err
	}
}

// text writes a text that may have several lines, each behind indent.
func (p *page) text(indent, s string) {
	for l := range strings.Lines(s) {
		p.line("%s%s", indent, strings.TrimRight(l, "\r\n"))
	}
}

// table writes aligned columns. fill is called with a function that adds a row.
func (p *page) table(header []string, fill func(row func(cells ...any))) {
	tw := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', 0)
	inner := &page{w: tw}
	row := func(cells ...any) {
		texts := make([]string, len(cells))
		for i, c := range cells {
			texts[i] = inert(fmt.Sprint(c))
		}
		inner.raw(strings.TrimRight(strings.Join(texts, "\t"), "\t"))
	}
	if header != nil {
		inner.raw(strings.Join(header, "\t"))
	}
	fill(row)
	err := tw.Flush()
	for _, e := range []error{inner.err, err} {
		if p.err == nil {
			p.err = e
		}
	}
}

// raw writes a line whose texts are inert already.
func (p *page) raw(s string) {
	if _, err := io.WriteString(p.w, s+"\n"); p.err == nil {
		p.err = err
	}
}

// inert makes one line of what somebody else wrote, without anything a terminal obeys:
// escape sequences, line ends, overrides of the writing direction.
func inert(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// inertLines is inert for a text whose line ends may stay.
func inertLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = inert(strings.TrimSuffix(l, "\r"))
	}
	return strings.Join(lines, "\n")
}

// timeText shows a time in the reader's own time zone.
func timeText(t time.Time) string {
	if t.IsZero() || t.UnixMilli() == 0 {
		return "–"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// stamp is how times stand in messages: RFC 3339 in UTC, because who writes a message does not know
// where it will be read.
var stamp = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)

// stampText is a time in a message that localTimes shows, or that stands in JSON.
func stampText(t time.Time) string {
	if t.IsZero() || t.UnixMilli() == 0 {
		return "–"
	}
	return t.UTC().Format(time.RFC3339)
}

// localTimes is a message with its stamps replaced: a person at this machine reads times as timeText
// shows them.
func localTimes(message string) string {
	return stamp.ReplaceAllStringFunc(message, func(s string) string {
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return s // such as a 13th month
		}
		return timeText(t)
	})
}

// untilText shows when something ends and how long that is from now.
func untilText(t, now time.Time) string {
	left := t.Sub(now).Round(time.Second)
	if left <= 0 {
		return timeText(t) + " (over)"
	}
	if left >= time.Hour {
		left = left.Round(time.Minute)
	}
	return fmt.Sprintf("%s (in %s)", timeText(t), durationText(left))
}

// durationText is time.Duration's text without zero parts: 15m, 48h, 1h30m.
func durationText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// percentText shows basis points: 15%, 5.25%.
func percentText(bp exchange.BasisPoints) string {
	s := fmt.Sprintf("%d.%02d", bp/100, bp%100)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") + "%"
}

// bytesText shows a number of bytes: 1.4 GiB.
func bytesText(n int64) string {
	const step = 1024
	if n < step {
		return fmt.Sprintf("%d B", n)
	}
	f, units := float64(n), []string{"KiB", "MiB", "GiB", "TiB"}
	i := -1
	for f >= step && i < len(units)-1 {
		f, i = f/step, i+1
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}

// plural is "1 order", "2 orders".
func plural[N int | int64 | uint64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// plainNumber is a number for a table.
func plainNumber[N int64 | uint32 | uint64](n N) string { return fmt.Sprint(n) }
