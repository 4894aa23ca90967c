package exchange

import "time"

// Time is a moment in milliseconds since the Unix epoch, as signed records hold
// it. The zero Time means "none".
type Time int64

// TimeOf truncates t to milliseconds.
func TimeOf(t time.Time) Time { return Time(t.UnixMilli()) }

// Std returns t in UTC.
func (t Time) Std() time.Time { return time.UnixMilli(int64(t)).UTC() }

// Add returns t + d, truncated to milliseconds.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Milliseconds()) }

// Sub returns t − o.
func (t Time) Sub(o Time) time.Duration { return time.Duration(t-o) * time.Millisecond }

func (t Time) String() string {
	if t == 0 {
		return "never"
	}
	return t.Std().Format("2006-01-02T15:04:05.000Z")
}
