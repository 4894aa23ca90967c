package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// A message that repeats is shown some times a minute, whatever comes with it; others
// are not held back by it, and what was left out is counted.
func TestLogIsLimited(t *testing.T) {
	var out bytes.Buffer
	log := limitLog(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	from := log.WithAttrs([]slog.Attr{slog.String("from", "Birch")})
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	say := func(h slog.Handler, at time.Duration, level slog.Level, message string, n int) {
		r := slog.NewRecord(began.Add(at), level, message, 0)
		r.AddAttrs(slog.Int("n", n))
		if err := h.Handle(context.Background(), r); err != nil {
			t.Fatal(err)
		}
	}
	count := func(what string) int {
		defer out.Reset()
		return strings.Count(out.String(), what)
	}
	for n := range 5000 {
		say(from, time.Duration(n)*time.Millisecond, slog.LevelError, "refused", n)
		say(log, time.Duration(n)*time.Millisecond, slog.LevelDebug, "asked", n)
	}
	say(log, time.Second, slog.LevelInfo, "stopped", 0)
	text := out.String()
	if n := strings.Count(text, "msg=refused"); n != logPerMinute {
		t.Errorf("shown %d times in a minute, not %d", n, logPerMinute)
	}
	if n := strings.Count(text, "msg=asked"); n != 5000 {
		t.Errorf("of 5000 that were asked for %d are shown", n)
	}
	if count("msg=stopped") != 1 {
		t.Error("another message is held back")
	}
	say(from, logWindow, slog.LevelError, "refused", 0)
	if want := fmt.Sprintf("left_out_before=%d", 5000-logPerMinute); count(want) != 1 {
		t.Errorf("the next minute does not begin with %s", want)
	}
	say(from, logWindow, slog.LevelError, "refused", 1)
	if count("left_out") != 0 {
		t.Error("what was left out is told twice")
	}
	say(from, -time.Hour, slog.LevelError, "refused", 2) // the clock fell back
	if count("refused") != 1 {
		t.Error("a clock that fell back hides the log")
	}
	for n := range 3 * maxLogMessages {
		say(log, 0, slog.LevelWarn, fmt.Sprint("line ", n), 0)
	}
	if kept := len(log.(*limitedLog).counts.messages); kept > maxLogMessages {
		t.Errorf("%d messages are counted", kept)
	}
}
