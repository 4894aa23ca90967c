package main

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Bounds of a log, so that what a partner asks for again and again does not fill the
// disk: each message, whatever its attributes, logPerMinute times a minute.
const (
	logWindow    = time.Minute
	logPerMinute = 20
	// maxLogMessages bounds the messages that are counted. The program has some hundred;
	// Badger's lines are messages of their own.
	maxLogMessages = 1000
)

// limitedLog leaves out what repeats too often, and says with the next such message how
// many were left out. Messages below slog.LevelInfo, which somebody has asked for, are
// not limited.
type limitedLog struct {
	next   slog.Handler
	counts *logCounts
}

// logCounts is shared by a handler and the handlers made of it.
type logCounts struct {
	mu       sync.Mutex
	messages map[string]*logCount // guarded by mu
}

type logCount struct {
	since         time.Time
	shown, hidden int
}

func limitLog(next slog.Handler) slog.Handler {
	return &limitedLog{next, &logCounts{messages: make(map[string]*logCount)}}
}

func (l *limitedLog) Enabled(ctx context.Context, level slog.Level) bool {
	return l.next.Enabled(ctx, level)
}

func (l *limitedLog) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelInfo {
		return l.next.Handle(ctx, r)
	}
	show, hidden := l.counts.count(r.Message, r.Time)
	if !show {
		return nil
	}
	if hidden > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("left_out_before", hidden))
	}
	return l.next.Handle(ctx, r)
}

// count counts a message. It reports whether the message is shown, and how many of the same message
// were left out since it was last shown.
func (c *logCounts) count(message string, now time.Time) (show bool, hidden int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.messages[message]
	switch {
	case m == nil:
		if len(c.messages) >= maxLogMessages {
			clear(c.messages)
		}
		m = &logCount{since: now}
		c.messages[message] = m
	case now.Sub(m.since) >= logWindow || now.Before(m.since):
		m.since, m.shown = now, 0
	}
	if m.shown >= logPerMinute {
		m.hidden++
		return false, 0
	}
	m.shown++
	hidden, m.hidden = m.hidden, 0
	return true, hidden
}

func (l *limitedLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &limitedLog{l.next.WithAttrs(attrs), l.counts}
}

func (l *limitedLog) WithGroup(name string) slog.Handler {
	return &limitedLog{l.next.WithGroup(name), l.counts}
}
