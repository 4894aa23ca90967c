package main

import (
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/node/api/view"
)

// TestReservationState: a reservation is not called held while its release is asked for.
func TestReservationState(t *testing.T) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	quote := &view.Quote{}
	for name, c := range map[string]struct {
		r          view.Reservation
		list, show string
		not        string
	}{
		"held":           {view.Reservation{State: "held", Quote: quote}, "held", "Next: souk order place", "release is asked"},
		"being released": {view.Reservation{State: "held", ReleaseAt: now.Add(-time.Minute), Quote: quote}, "being released", "Its release is asked for since", "souk order place"},
		"given back soon": {
			view.Reservation{State: "held", ReleaseAt: now.Add(time.Minute), Quote: quote},
			"held, given back at " + timeText(now.Add(time.Minute)), "unless it is ordered or prolonged before", "is asked for since",
		},
		"not answered":                       {view.Reservation{State: "none"}, "not answered", "the supplier has not answered yet", "release is asked"},
		"not answered, and nobody waits":     {view.Reservation{State: "none", ReleaseAt: now}, "being released", "Its release is asked for since", "souk order place"},
		"released, as the supplier answered": {view.Reservation{State: "released", ReleaseAt: now, Quote: quote}, "released", "The stock has been given back", "is asked for since"},
	} {
		t.Run(name, func(t *testing.T) {
			a := reservationCommands{&app{now: func() time.Time { return now }}}
			list := &view.Reservations{Reservations: []view.Reservation{c.r}}
			if out := pageOf(func(p *page) { a.reservationsPage(p, list, true) }); !strings.Contains(out, "  "+c.list+"\n") {
				t.Errorf("list: %q in\n%s", c.list, out)
			}
			out := pageOf(func(p *page) { a.reservationPage(p, &c.r) })
			says(t, out, c.show)
			if strings.Contains(out, c.not) {
				t.Errorf("it says %q:\n%s", c.not, out)
			}
		})
	}
}
