package hub_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/hub"
)

// TestJSONTime: JSON shows times with their zone, and reads them back, bare milliseconds too.
func TestJSONTime(t *testing.T) {
	m := hub.JSONTime(exchange.TimeOf(time.Date(2026, 3, 9, 7, 4, 5, 120_000_000, time.UTC)))
	b, err := json.Marshal(m)
	if err != nil || string(b) != `"2026-03-09T07:04:05.120Z"` {
		t.Fatalf("%s, %v", b, err)
	}
	for text, want := range map[string]hub.JSONTime{string(b): m, `"2026-03-09T08:04:05.12+01:00"`: m, "1773039845120": m, "null": 0} {
		t.Run(text, func(t *testing.T) {
			if got := hub.JSONTime(1); json.Unmarshal([]byte(text), &got) != nil || got != want {
				t.Errorf("it is read as %v, want %v", got, want)
			}
		})
	}
	if b, err := json.Marshal(hub.JSONTime(0)); err != nil || string(b) != "null" {
		t.Errorf("no time is %s, %v", b, err)
	}
	for _, bad := range []string{`"yesterday"`, `{}`, `1.5`} {
		t.Run(bad, func(t *testing.T) {
			if got := hub.JSONTime(1); json.Unmarshal([]byte(bad), &got) == nil {
				t.Errorf("it is read as %v", got)
			}
		})
	}
}
