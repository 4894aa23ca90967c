package hub

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/souk-market/souk/exchange"
)

// JSONTime is a time in the hub's JSON: RFC 3339 in UTC, to the millisecond, and null for 0. Bare
// milliseconds since 1970, which files kept of invites may hold, are read too.
type JSONTime exchange.Time

// Std is the same time, in UTC.
func (m JSONTime) Std() time.Time { return exchange.Time(m).Std() }

// String is the same as in JSON, and "never" for 0.
func (m JSONTime) String() string { return exchange.Time(m).String() }

// MarshalJSON implements json.Marshaler.
func (m JSONTime) MarshalJSON() ([]byte, error) {
	if m == 0 {
		return []byte("null"), nil
	}
	return json.Marshal(m.String())
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *JSONTime) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		*m = 0
		return nil
	}
	if n, err := strconv.ParseInt(string(b), 10, 64); err == nil {
		*m = JSONTime(n)
		return nil
	}
	var t time.Time
	if err := json.Unmarshal(b, &t); err != nil {
		return err
	}
	*m = JSONTime(exchange.TimeOf(t))
	return nil
}
