package event_test

import (
	"context"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange/event"
)

// TestPoint: a store has all that it had, whatever came after; and not where a copy was put back
// that is older, though nothing that it lacks was an event, or where the log was pruned.
func TestPoint(t *testing.T) {
	// Each case begins with an event, a copy, a commit that tells nothing, and the point.
	for _, c := range []struct {
		name  string
		after func(r *rig, putBack func())
		want  bool
	}{
		{"nothing", func(*rig, func()) {}, true},
		{"commits and starts", func(r *rig, _ func()) {
			for range 3 {
				r.must(r.commit("more"))
				r.clock.now++
				r.open()
				r.must(r.commit())
			}
		}, true},
		{"a copy put back", func(_ *rig, putBack func()) { putBack() }, false},
		{"and going on", func(r *rig, putBack func()) {
			putBack()
			r.must(r.commit("other"))
		}, false},
		{"and going on, and started again", func(r *rig, putBack func()) {
			putBack()
			for range 3 {
				r.must(r.commit("other"))
				r.clock.now++
				r.open()
			}
		}, false},
		{"pruned", func(r *rig, _ func()) {
			r.must(r.commit("more"))
			r.clock.now = r.clock.now.Add(2 * event.Kept)
			r.must(r.commit("later"))
			_, err := r.log.Prune(context.Background())
			r.must(err)
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.must(r.commit("a"))
			id, old := r.log.Last(), r.mem.Clone()
			r.clock.now++
			r.must(r.commit())
			p, err := r.log.Point(id)
			r.must(err)
			r.clock.now = r.clock.now.Add(time.Minute)
			c.after(r, func() {
				r.mem = old
				r.open()
			})
			if has, err := r.log.Has(p); err != nil || has != c.want {
				t.Errorf("it has all: %v, %v; want %v", has, err, c.want)
			}
		})
	}
}
