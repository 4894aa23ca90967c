package store

import (
	"fmt"
	"log/slog"
	"strings"
)

// badgerLog routes Badger's log to slog. What Badger calls information is
// about its own levels and files, of use only to someone who debugs it.
type badgerLog struct{ log *slog.Logger }

func (b badgerLog) Errorf(format string, args ...any)   { b.log.Error(badgerLine(format, args)) }
func (b badgerLog) Warningf(format string, args ...any) { b.log.Warn(badgerLine(format, args)) }
func (b badgerLog) Infof(format string, args ...any)    { b.log.Debug(badgerLine(format, args)) }

// Debugf drops lines that Badger writes several times a commit.
func (b badgerLog) Debugf(string, ...any) {}

func badgerLine(format string, args []any) string {
	return "badger: " + strings.TrimSpace(fmt.Sprintf(format, args...))
}
