package api_test

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// TestListReservations: what was reserved is found without its id, by where it stands and
// in pages, and says when it was first asked for.
func TestListReservations(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	ordered := must(birch.Reserve(ctx, reserve(acorn, "hat", 1)))(t)
	must(birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: ordered.ID, ShipTo: stockholm}, patience))(t)
	released := must(birch.Reserve(ctx, reserve(acorn, "hat", 1)))(t)
	must(birch.Release(ctx, released.ID))(t)
	_, err := birch.Reserve(ctx, reserve(acorn, "hat", 100))
	wantCode(t, "more than there is", err, exchange.CodeInsufficient)
	keyed := client.WithKey(ctx, "basket 17")
	held := must(birch.Reserve(keyed, reserve(acorn, "shoe", 2)))(t)
	if again := must(birch.Reserve(keyed, reserve(acorn, "shoe", 2)))(t); again.ID != held.ID || again.Created != held.Created {
		t.Errorf("a repeat of what was made at %v says %v", held.Created, again.Created)
	}

	for status, want := range map[string]int{"": 4, "held": 1, "open": 1, "committed": 1, "released": 1, "refused": 1, "none": 0, "expired": 0} {
		t.Run(strconv.Quote(status), func(t *testing.T) {
			got := must(birch.Reservations(ctx, client.ReservationsQuery{Status: status}))(t)
			if len(got.Reservations) != want || got.Next != "" {
				t.Errorf("%d reservations, not %d; next %q", len(got.Reservations), want, got.Next)
			}
			for _, r := range got.Reservations {
				if status != "" && status != "open" && r.State != status {
					t.Errorf("one is %s", r.State)
				}
			}
		})
	}
	found := must(birch.Reservations(ctx, client.ReservationsQuery{Status: "held"}))(t).Reservations[0]
	if found.ID != held.ID || found.SupplierName != "Acorn Shoes" || found.Created != held.Created || found.Expires != held.Expires ||
		found.Quote == nil || found.Quote.Total != held.Quote.Total || len(found.Lines) != 1 || found.Lines[0] != held.Lines[0] {
		t.Errorf("found: %+v, reserved: %+v", found, held)
	}

	seen := map[exchange.HoldID]bool{}
	q := client.ReservationsQuery{Limit: 1}
	for pages := 1; ; pages++ {
		page := must(birch.Reservations(ctx, q))(t)
		for _, r := range page.Reservations {
			seen[r.ID] = true
		}
		if len(page.Reservations) > 1 || pages > 5 {
			t.Fatalf("page %d has %d", pages, len(page.Reservations))
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	if len(seen) != 4 {
		t.Errorf("pages of one show %d reservations", len(seen))
	}
	for _, bad := range []url.Values{{"status": {"lost"}}, {"cursor": {"17"}}, {"limit": {"201"}}} {
		t.Run(bad.Encode(), func(t *testing.T) {
			if res, _ := birch.raw(http.MethodGet, "/api/v1/reservations?"+bad.Encode(), ""); res.StatusCode/100 != 4 {
				t.Error(res.Status)
			}
		})
	}
	answered(t, []*shop{birch}, "list-reservations")
}
