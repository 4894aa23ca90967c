package exchange_test

import (
	"math"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
)

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 seconds", -time.Hour: "0 seconds", time.Microsecond: "0 seconds",
		15 * time.Minute: "15 minutes", 7 * 24 * time.Hour: "7 days", time.Hour: "1 hour", 90 * time.Minute: "1 hour 30 minutes",
		1500 * time.Millisecond: "1 second 500 milliseconds", 48*time.Hour + time.Second: "2 days 1 second",
		math.MaxInt64: "106751 days 23 hours 47 minutes 16 seconds 854 milliseconds",
	} {
		t.Run(d.String(), func(t *testing.T) {
			if got := exchange.Span(d); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}
