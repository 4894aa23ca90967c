package api_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// TestEveryShortLine: the problem of a refused reservation lists every line that is short, and
// so does the reservation when it is looked at later.
func TestEveryShortLine(t *testing.T) {
	acorn, birch := partners(t, nil) // 10 shoes, 5 hats
	acorn.stock("sock", "Wool sock", 3, 500)
	birch.await("the sock", func() bool {
		p, err := birch.Product(waiting(t), acorn.product("sock"), false)
		return err == nil && p.Sellable
	})
	_, err := birch.Reserve(waiting(t), reserve(acorn, "shoe", 11, "sock", 1, "hat", 6))
	wantCode(t, "more than there is", err, exchange.CodeInsufficient)
	want := []view.ShortLine{{SKU: "shoe", Asked: 11, Available: 10}, {SKU: "hat", Asked: 6, Available: 5}}
	var p *view.Problem
	if !errors.As(err, &p) || !slices.Equal(p.Lines, want) || p.Detail != "shoe: 11 asked, 10 available; hat: 6 asked, 5 available" {
		t.Fatalf("the problem is %+v", p)
	}
	if got := exchange.ShortLines(err); len(got) != len(want) || got[1] != exchange.Short(want[1]) {
		t.Errorf("the client's error carries %v", got)
	}
	listed := must(birch.Reservations(waiting(t), client.ReservationsQuery{Status: "refused"}))(t).Reservations
	if len(listed) != 1 || listed[0].Refusal == nil || !slices.Equal(listed[0].Refusal.Lines, want) {
		t.Fatalf("listed: %+v", listed)
	}
	shown := must(birch.Reservation(waiting(t), listed[0].ID))(t)
	if shown.Refusal == nil || !slices.Equal(shown.Refusal.Lines, want) {
		t.Errorf("shown: %+v", shown.Refusal)
	}
	answered(t, []*shop{birch}, "get-reservation", "list-reservations")
}
