package exchange

import (
	"math"
	"time"
)

// Time is a time in milliseconds since the Unix epoch, as signed records hold
// it. The zero Time means "none".
type Time int64

// MaxTime is the last millisecond of the year 9999, the end of what RFC 3339 and JSON can
// say: no message holds a later one.
const MaxTime Time = 253_402_300_799_999

// TimeOf truncates t to milliseconds.
func TimeOf(t time.Time) Time { return Time(t.UnixMilli()) }

// Std returns t in UTC.
func (t Time) Std() time.Time { return time.UnixMilli(int64(t)).UTC() }

// Add returns t + d, d truncated to milliseconds. Like Sub it stops at the ends
// of its range, so that a hostile time cannot turn a deadline round.
func (t Time) Add(d time.Duration) Time {
	sum, ok := add64(int64(t), d.Milliseconds())
	switch {
	case ok:
		return Time(sum)
	case d > 0:
		return math.MaxInt64
	}
	return math.MinInt64
}

// Sub returns t − o, at most the longest Duration (292 years) either way.
func (t Time) Sub(o Time) time.Duration {
	const longest = int64(math.MaxInt64 / time.Millisecond)
	diff := int64(t) - int64(o) // of the wrong sign where it leaves 64 bits
	switch {
	case t > o && (diff <= 0 || diff > longest):
		return math.MaxInt64
	case t < o && (diff >= 0 || diff < -longest):
		return math.MinInt64
	}
	return time.Duration(diff) * time.Millisecond
}

func (t Time) String() string {
	if t == 0 {
		return "never"
	}
	return t.Std().Format("2006-01-02T15:04:05.000Z")
}
