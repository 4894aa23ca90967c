package p2p_test

import (
	"testing"
	"time"
)

func TestRequestsBetweenMembers(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		w.all()
		if !w.connected(1, 0) || !w.connected(2, 0) {
			t.Fatal("shops are not connected to the hub")
		}
		w.mustEcho(1, 0)
		w.mustEcho(1, 2) // nothing known of each other: found in the DHT
		w.mustEcho(2, 1)
		w.wait(time.Second, "both see each other", func() bool { return w.connected(1, 2) && w.connected(2, 1) })
	})
}
