package backoff_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange/backoff"
)

func TestDoubling(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		name string
		d    backoff.Doubling
		want []time.Duration
	}{
		{"zero value", backoff.Doubling{}, []time.Duration{1 * s, 2 * s, 4 * s, 8 * s, 8 * s}},
		{"longest is no power of two", backoff.Doubling{First: 3 * s, Longest: 10 * s}, []time.Duration{3 * s, 6 * s, 10 * s, 10 * s}},
		{"longest below first", backoff.Doubling{First: 9 * s}, []time.Duration{8 * s, 8 * s}},
		{"no overflow", backoff.Doubling{First: math.MaxInt64 / 2, Longest: math.MaxInt64}, []time.Duration{math.MaxInt64 / 2, math.MaxInt64 - 1, math.MaxInt64, math.MaxInt64}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 2 { // after Reset the row is the same
				var got []time.Duration
				for range c.want {
					got = append(got, c.d.Next())
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("%v, want %v", got, c.want)
				}
				c.d.Reset()
			}
		})
	}
}

// TestLongestMayChange: a longer longest pause is approached by doubling, a shorter one holds at once.
func TestLongestMayChange(t *testing.T) {
	var d backoff.Doubling
	for range 6 {
		d.Next()
	}
	d.Longest = time.Minute
	if got := d.Next(); got != 16*time.Second {
		t.Errorf("after 8 s with a minute as the longest: %v", got)
	}
	d.Longest = 2 * time.Second
	if got := d.Next(); got != 2*time.Second {
		t.Errorf("after 16 s with 2 s as the longest: %v", got)
	}
}
