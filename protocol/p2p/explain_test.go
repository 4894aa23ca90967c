package p2p_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// TestExplain: each way is tried by itself, whatever the others answer, and none of it changes what
// is connected.
func TestExplain(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		w.all()
		explain := func() map[string][]p2p.WayTried {
			t.Helper()
			ways, err := w.nodes[1].Explain(t.Context(), w.ids[2])
			if err != nil {
				t.Fatal(err)
			}
			by := map[string][]p2p.WayTried{}
			for _, way := range ways {
				t.Logf("%+v", way)
				if by[way.Path] = append(by[way.Path], way); way.Reached != (way.Why == "") {
					t.Errorf("reached: %v, why: %q", way.Reached, way.Why)
				}
			}
			return by
		}
		reached := func(ways []p2p.WayTried) bool {
			return slices.ContainsFunc(ways, func(way p2p.WayTried) bool { return way.Reached })
		}

		w.mustEcho(1, 2)
		by := explain()
		if !reached(by[p2p.PathOpen]) || !reached(by[p2p.PathAddressBook]) || len(by[p2p.PathRelay]) != 1 || !reached(by[p2p.PathRelay]) || by[p2p.PathRelay][0].Relay != w.ids[0] {
			t.Errorf("everything works: %+v", by)
		}
		if conns := w.nodes[1].Peers(); len(conns) != 2 || !conns[0].Direct || !conns[1].Direct {
			t.Errorf("it changed what is connected: %+v", conns)
		}

		w.world.Partition([]int{1}, []int{2})
		w.wait(time.Minute, "connected through the hub", func() bool {
			return slices.ContainsFunc(w.nodes[1].Peers(), func(p p2p.PeerInfo) bool { return p.Shop == w.ids[2] && !p.Direct }) || w.echo(1, 2) != nil
		})
		w.mustEcho(1, 2)
		by = explain()
		if !reached(by[p2p.PathOpen]) || reached(by[p2p.PathAddressBook]) || !reached(by[p2p.PathRelay]) {
			t.Errorf("the hub relays: %+v", by)
		}
		if why := by[p2p.PathAddressBook][0].Why; !strings.Contains(why, "does not answer") {
			t.Errorf("the direct way answers %q", why)
		}

		w.stop(2)
		w.wait(time.Minute, "the loss", func() bool { return !w.nodes[1].Connected(w.ids[2]) && !w.nodes[0].Connected(w.ids[2]) })
		by = explain()
		if len(by[p2p.PathOpen]) != 0 || reached(by[p2p.PathAddressBook]) || reached(by[p2p.PathRelay]) {
			t.Errorf("it is off: %+v", by)
		}
		if why := by[p2p.PathRelay][0].Why; !strings.Contains(why, "does not lead there") {
			t.Errorf("the relay answers %q", why)
		}
		if known := w.nodes[1].KnownWays(w.ids[2]); !slices.Equal(known.Relays, []exchange.ShopID{w.ids[0]}) {
			t.Errorf("known are %+v", known)
		}

		if _, err := w.nodes[1].Explain(t.Context(), w.ids[1]); exchange.CodeOf(err) != exchange.CodeInvalid {
			t.Errorf("of itself: %v", err)
		}
		if _, err := w.nodes[1].Explain(t.Context(), exchange.ShopID{1}); exchange.CodeOf(err) != exchange.CodeNotMember {
			t.Errorf("of a stranger: %v", err)
		}
	})
}
