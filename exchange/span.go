package exchange

import (
	"fmt"
	"strings"
	"time"
)

// Span is a duration as people write it, exact to the millisecond: "15 minutes",
// "7 days", "1 hour 30 minutes".
func Span(d time.Duration) string {
	if d < time.Millisecond {
		return "0 seconds"
	}
	var parts []string
	for _, unit := range []struct {
		name string
		of   time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}, {"millisecond", time.Millisecond}} {
		n := d / unit.of
		d -= n * unit.of
		switch {
		case n == 1:
			parts = append(parts, "1 "+unit.name)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", n, unit.name))
		}
	}
	return strings.Join(parts, " ")
}
