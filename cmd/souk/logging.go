package main

import (
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
)

// logFlags are the flags of a long-lived command's log.
type logFlags struct {
	level slog.Level
	json  bool
}

func (l *logFlags) register(cmd *cobra.Command) {
	cmd.Flags().TextVar(&l.level, "log-level", slog.LevelInfo, "least `level` that is logged: debug, info, warn or error")
	cmd.Flags().BoolVar(&l.json, "log-json", false, "log JSON lines, for a log collector")
}

// logger writes to w, with full times unless it is a terminal's short-lived text, and
// not without bounds (limitedLog).
func (l *logFlags) logger(w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: l.level}
	if l.json {
		return slog.New(limitLog(slog.NewJSONHandler(w, o)))
	}
	if isTerminal(w) {
		o.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				return slog.String(slog.TimeKey, a.Value.Time().Format("15:04:05.000"))
			}
			return a
		}
	}
	return slog.New(limitLog(slog.NewTextHandler(w, o)))
}

// isTerminal reports whether a stream is a terminal: a person reads or writes it.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 || os.Getenv("TERM") == "dumb" {
		return false
	}
	null, err := os.Stat(os.DevNull) // a character device too
	return err != nil || !os.SameFile(info, null)
}
