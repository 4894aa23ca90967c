package event

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/souk-market/souk/exchange"
)

// ID names an event of the log, and the place after it: from there a follower goes on. The zero
// ID is the beginning of the log.
type ID struct {
	// At is the writer's time of the event's commit. A store that was put back from a copy gives
	// numbers a second time, and at another time.
	At     exchange.Time
	Number uint64 // 1, 2, 3 …
}

func (id ID) String() string { return fmt.Sprintf("%d-%d", id.At, id.Number) }

// ParseID reads what [ID.String] returns. The error is CodeInvalid.
func ParseID(s string) (ID, error) {
	at, number, _ := strings.Cut(s, "-")
	ms, err := strconv.ParseUint(at, 10, 63)
	n, err2 := strconv.ParseUint(number, 10, 64)
	id := ID{exchange.Time(ms), n}
	if err != nil || err2 != nil || id.String() != s {
		return ID{}, exchange.Errorf(exchange.CodeInvalid, "%.60q is no id of an event, as 1790000000000-42 is", s)
	}
	return id, nil
}
