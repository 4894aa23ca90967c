package event_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/event"
)

// TestListing: what comes on sale and what goes off it is told, with each product, and what was so
// already is not.
func TestListing(t *testing.T) {
	w := desktest.NewWorld(t, 1, 1)
	acorn := w.Shops[0]
	var skus []exchange.SKU
	for i := range event.MaxProducts + 6 {
		skus = append(skus, exchange.SKU(fmt.Sprintf("p%03d", i)))
		acorn.Stock(skus[i], 5, 100)
	}
	s := acorn.Desk.Shelf
	for _, c := range []struct {
		name string
		do   func() error
		want event.Listing
	}{
		{"withdrawn", func() error { _, err := s.Withdraw(desktest.Ctx, skus, "not in the file", false); return err },
			event.Listing{Status: event.ListingWithdrawn, Reason: "not in the file", SKUs: skus}},
		{"again", func() error { _, err := s.Withdraw(desktest.Ctx, skus, "not in the file", false); return err }, event.Listing{}},
		{"removed", func() error { return s.Remove(desktest.Ctx, skus[:2]...) }, event.Listing{Status: event.ListingRemoved, SKUs: skus[:2]}},
		{"published, and still withdrawn", func() error { return s.Publish(desktest.Ctx, skus[0]) },
			event.Listing{Status: event.ListingWithdrawn, Reason: "not in the file", SKUs: skus[:1]}},
		{"back in a file", func() error { acorn.Stock(skus[0], 5, 100); return nil }, event.Listing{Status: event.ListingOffered, SKUs: skus[:1]}},
		{"a new product", func() error { acorn.Stock("new", 5, 100); return nil }, event.Listing{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			from := acorn.Desk.Log.Last().Number + 1
			desktest.Must(t, c.do())
			told, err := acorn.Desk.Log.Read(from, 1<<20)
			desktest.Must(t, err)
			var got event.Listing
			for _, e := range told {
				l, ok := e.Event.(event.Listing)
				if !ok || len(l.SKUs) > event.MaxProducts || l.At != w.Now {
					t.Errorf("told %+v", e)
				}
				got.Status, got.Reason, got.SKUs = l.Status, l.Reason, append(got.SKUs, l.SKUs...)
			}
			slices.Sort(got.SKUs)
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("told %v, want %v", got, c.want)
			}
		})
	}
}
