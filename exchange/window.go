package exchange

import "time"

// WindowAt is the hold window of a time: its day number since 1970, UTC.
func WindowAt(now Time) Window {
	return Window(now / Time(24*time.Hour/time.Millisecond))
}
