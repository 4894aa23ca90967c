package hub

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/souk-market/souk/exchange"
)

// Moment is a time in the hub's JSON: RFC 3339 in UTC, to the millisecond, and null for 0. Bare
// milliseconds since 1970, which files kept of invites may hold, are read too.
type Moment exchange.Time

// Std is the same moment, in UTC.
func (m Moment) Std() time.Time { return exchange.Time(m).Std() }

// String is the same as in JSON, and "never" for 0.
func (m Moment) String() string { return exchange.Time(m).String() }

// MarshalJSON implements json.Marshaler.
func (m Moment) MarshalJSON() ([]byte, error) {
	if m == 0 {
		return []byte("null"), nil
	}
	return json.Marshal(m.String())
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *Moment) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		*m = 0
		return nil
	}
	if n, err := strconv.ParseInt(string(b), 10, 64); err == nil {
		*m = Moment(n)
		return nil
	}
	var t time.Time
	if err := json.Unmarshal(b, &t); err != nil {
		return err
	}
	*m = Moment(exchange.TimeOf(t))
	return nil
}
