package testnet_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/node/api/view"
)

// The owner is told the truth about the ways, with the hub and without: who is in reach through what,
// and who is not, and why.
func TestVirtualReach(t *testing.T) {
	reach := func(w *town, s *shop) view.Reach {
		t.Helper()
		return must(s.Reach().Reach(w.ctx()))
	}
	wayTo := func(w *town, s, partner *shop) view.PartnerWay {
		t.Helper()
		for _, p := range reach(w, s).Partners {
			if p.Shop == partner.id {
				return p
			}
		}
		t.Fatalf("%s has no partner %s", s.name, partner.name)
		return view.PartnerWay{}
	}
	inTown(t, func(t *testing.T, w *town) {
		a, b := w.shop(), w.shop()
		w.world.Partition([]int{a.place}, []int{b.place})
		a.start()
		b.start()
		w.known(a, b)
		w.known(b, a)
		time.Sleep(time.Minute)
		w.partner(a, b)
		if r := reach(w, a); r.How != "direct" || !r.OK || !strings.Contains(r.Summary, "proven by hub riverside at ") || !r.Hub {
			t.Errorf("with the hub: %+v", r)
		}
		if way := wayTo(w, a, b); !way.Connected || way.Relay != idOf(w.closed) || way.Way != "through hub riverside" {
			t.Errorf("the way is %+v", way)
		}
		if p := a.problem("hub"); p.Name != "" {
			t.Errorf("the hub is there: %+v", p)
		}
		w.endHub()
		w.wait(2*time.Minute, "the hub is gone, and the partner", func() bool { return wayTo(w, a, b).Away && a.problem("hub").Name != "" })
		if p := a.problem("hub"); !strings.Contains(p.Detail, "hub riverside is not connected. No partner is in reach without it") || strings.Contains(p.Detail, "goes on") {
			t.Errorf("without the hub: %+v", p)
		}
		if p := a.problem("partner"); !strings.Contains(p.Detail, b.name+" is not connected: no answer at ") || !strings.Contains(p.Detail, "hub riverside and nobody else") {
			t.Errorf("of its partner: %+v", p)
		}
		ways := must(a.Reach().Ways(w.ctx(), b.id))
		if ways.Connected || !strings.HasPrefix(ways.Summary, b.name+" is not reached: ") || len(ways.Ways) == 0 {
			t.Errorf("the ways are %+v", ways)
		}
	})
}

// The log tells once how members reach the shop, what it relays, and which partners are lost and back.
func TestVirtualReachInTheLog(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		shops := w.settle(2)
		a, b := shops[0], shops[1]
		w.partner(a, b)
		a.stop()
		log := &logBuffer{}
		a.log = slog.New(slog.NewTextHandler(log, nil))
		a.start()
		said := func(what string) {
			t.Helper()
			w.wait(2*time.Minute, what, func() bool { return log.count(what) > 0 })
			time.Sleep(time.Minute)
			if n := log.count(what); n != 1 {
				t.Errorf("%q is said %d times", what, n)
			}
		}
		said("members reach this shop")
		said("this shop carries sealed traffic")
		b.stop()
		said("partners are out of reach")
		b.start()
		said("partners are back in reach")
		w.endHub()
		said("the hub is lost")
		said("life without the hub")
	})
}
