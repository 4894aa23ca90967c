package backoff

import "time"

// The pauses of a zero [Doubling]. A partner that is back is asked again within Longest, so
// that an order is terminal at most 30 s after a network heals.
const (
	First   = 1 * time.Second
	Longest = 8 * time.Second
)

// Doubling is a row of pauses. The zero value is ready to use. It is not safe for concurrent use.
type Doubling struct {
	First   time.Duration // 0 = [First]
	Longest time.Duration // 0 = [Longest]; it may change between two calls of Next

	last time.Duration // 0 = Next begins the row
}

// Next is how long to wait before the next attempt: First, then twice the last pause, and
// never more than Longest.
func (d *Doubling) Next() time.Duration {
	longest := orElse(d.Longest, Longest)
	switch {
	case d.last == 0:
		d.last = min(orElse(d.First, First), longest)
	case d.last > longest/2: // twice as much would be too long, or overflow
		d.last = longest
	default:
		d.last *= 2
	}
	return d.last
}

// Reset begins the row again: an attempt succeeded.
func (d *Doubling) Reset() { d.last = 0 }

func orElse(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return d
}
