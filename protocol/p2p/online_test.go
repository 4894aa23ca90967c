package p2p_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/protocol/p2p"
)

// TestOnline: a hub says who is connected to it; without one nobody knows.
func TestOnline(t *testing.T) {
	inTown(t, 4, func(t *testing.T, w *town) {
		w.all()
		by, known := w.nodes[1].Online(t.Context())
		if !known || len(by) != 2 || by[w.ids[2]] != w.ids[0] || by[w.ids[3]] != w.ids[0] {
			t.Errorf("all are there: %v, %v", by, known)
		}
		w.stop(3)
		w.wait(time.Minute, "the hub notices", func() bool { return !w.nodes[0].Connected(w.ids[3]) })
		if by, known = w.nodes[1].Online(t.Context()); !known || len(by) != 1 {
			t.Errorf("one is off: %v, %v", by, known)
		}
		w.mustEcho(1, 2) // 2 relays for nobody, and says nothing
		w.stop(0)
		w.wait(time.Minute, "the hub is gone", func() bool { return !w.nodes[1].Connected(w.ids[0]) })
		if by, known = w.nodes[1].Online(t.Context()); known || len(by) != 0 {
			t.Errorf("the hub is gone: %v, %v", by, known)
		}
	})
	t.Run("a member that relays tells who is there, and not who is off", func(t *testing.T) {
		inTown(t, 4, func(t *testing.T, w *town) {
			w.start(0, nil, nil)
			w.start(1, nil, nil)
			w.start(2, func(c *p2p.Config) { c.Relay = true }, nil)
			w.start(3, nil, nil)
			time.Sleep(10 * time.Second)
			if !w.nodes[2].Reach().Use.Serving {
				t.Fatal("it does not relay")
			}
			w.mustEcho(1, 2)
			w.mustEcho(3, 2)
			w.stop(0)
			w.wait(time.Minute, "the hub is gone", func() bool { return !w.nodes[1].Connected(w.ids[0]) })
			if by, known := w.nodes[1].Online(t.Context()); known || by[w.ids[3]] != w.ids[2] {
				t.Errorf("%v, %v", by, known)
			}
		})
	})
}
