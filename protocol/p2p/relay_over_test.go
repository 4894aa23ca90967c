package p2p_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/protocol/p2p"
)

// TestRelayOver: circuits that stay open beyond the day's bytes are ended, whoever uses them.
func TestRelayOver(t *testing.T) {
	inTown(t, 4, func(t *testing.T, w *town) {
		with := books(4)
		for i := 2; i < 4; i++ {
			w.world.Shut(i)
		}
		w.world.Partition([]int{2}, []int{3})
		for i := range 4 {
			w.start(i, with(i), nil)
		}
		w.wait(time.Minute, "the member is a relay of both", func() bool { return w.nodes[1].Reach().Use.Reservations == 2 })
		w.stop(0)
		w.wait(10*time.Second, "a circuit", func() bool { return w.echo(2, 3) == nil })
		w.nodes[1].SetRelayed(p2p.DefaultRelayBytes + p2p.MemberData - 1<<10)
		w.mustEcho(2, 3)
		before := w.nodes[1].Reach().Use
		w.wait(time.Minute, "the circuit is ended", func() bool { _ = w.echo(2, 3); return w.nodes[1].Reach().Use.Circuits == 0 })
		if use := w.nodes[1].Reach().Use; before.Circuits == 0 || use.Bytes < before.Bytes || use.Bytes > use.MaxBytes+p2p.MemberData+64<<10 {
			t.Errorf("%+v, then %+v", before, use)
		}
		time.Sleep(25 * time.Hour)
		w.wait(time.Minute, "the next day", func() bool { return w.echo(2, 3) == nil })
	})
}
