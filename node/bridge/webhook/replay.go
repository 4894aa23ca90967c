package webhook

import (
	"sync"
	"time"
)

// replays notes the IDs of messages for as long as their time would be accepted. Only messages
// that were verified are noted, so the node's own rate bounds them. It is safe for concurrent use.
type replays struct {
	mu   sync.Mutex
	seen map[string]bool
	list []noted // oldest first
}

type noted struct {
	id string
	at time.Time
}

// first notes an ID and reports whether it is new.
func (r *replays) first(id string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.list) > 0 && now.Sub(r.list[0].at) > 2*Tolerance {
		delete(r.seen, r.list[0].id)
		r.list = r.list[1:]
	}
	if r.seen[id] {
		return false
	}
	if r.seen == nil {
		r.seen = make(map[string]bool)
	}
	r.seen[id] = true
	r.list = append(r.list, noted{id, now})
	return true
}
