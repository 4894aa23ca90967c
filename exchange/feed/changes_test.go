package feed_test

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/feed"
)

// TestChanges: whoever reads changes page by page, beside what changes, knows at the end what is for
// sale; or is told to begin again, which happens only where more was removed than is remembered.
func TestChanges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := desktest.NewFeedWorld(t, 1)
		desk := w.Supplier.Desk
		desk.Feed.KeepTombstones(rapid.IntRange(0, 4).Draw(rt, "tombstones"))
		var place feed.Place
		known := map[exchange.SKU]bool{}
		withdrawn, removed := 0, 0 // not published yet; published
		began := 0                 // of removed, those that the reader was told of or never knew
		publish := func() {
			w.Publish()
			withdrawn, removed = 0, removed+withdrawn
		}
		read := func() (more bool) {
			list, to, more, err := desk.Feed.Changes(place, rapid.IntRange(1, 3).Draw(rt, "page"))
			if exchange.CodeOf(err) == exchange.CodeTooOld {
				if removed-began == 0 {
					rt.Fatalf("begun again, and nothing was removed since %d", began)
				}
				place, known = feed.Place{}, map[exchange.SKU]bool{}
				return true
			}
			desktest.Must(t, err)
			if place.Sequence == 0 {
				began = removed
			}
			for _, c := range list {
				if delete(known, c.SKU); !c.Removed {
					known[c.SKU] = true
				}
			}
			place = to
			if !more {
				began = removed
			}
			return more
		}
		listed := map[exchange.SKU]bool{}
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			sku := fmt.Sprintf("p%d", rapid.IntRange(0, 9).Draw(rt, "product"))
			switch rapid.IntRange(0, 3).Draw(rt, "act") {
			case 0, 1:
				w.Put(sku, "text", int64(rapid.IntRange(0, 50).Draw(rt, "units")))
				listed[exchange.SKU(sku)] = true
			case 2:
				if listed[exchange.SKU(sku)] {
					_, err := desk.Shelf.Withdraw(desktest.Ctx, []exchange.SKU{exchange.SKU(sku)}, "draft", false)
					desktest.Must(t, err)
					delete(listed, exchange.SKU(sku))
					withdrawn++
				}
			case 3:
				read()
				continue
			}
			if rapid.Bool().Draw(rt, "publish") {
				publish()
			}
		}
		publish()
		for read() {
		}
		if !maps.Equal(known, listed) {
			rt.Fatalf("known %v, for sale %v", known, listed)
		}
	})
}

// TestChangesOfAnotherEpoch: a place in an earlier epoch, and one ahead of the feed, are too old.
func TestChangesOfAnotherEpoch(t *testing.T) {
	w := desktest.NewFeedWorld(t, 1)
	w.Put("a", "text", 1)
	w.Publish()
	_, place, _, err := w.Supplier.Desk.Feed.Changes(feed.Place{}, 9)
	desktest.Must(t, err)
	for name, change := range map[string]func(*feed.Place){
		"of an earlier epoch": func(p *feed.Place) { p.Epoch-- },
		"ahead of the feed":   func(p *feed.Place) { p.Sequence++ },
	} {
		p := place
		change(&p)
		if _, _, _, err := w.Supplier.Desk.Feed.Changes(p, 9); exchange.CodeOf(err) != exchange.CodeTooOld {
			t.Errorf("%s: %v", name, err)
		}
	}
	if list, to, more, err := w.Supplier.Desk.Feed.Changes(place, 9); len(list) != 0 || to != place || more || err != nil {
		t.Errorf("nothing new: %v, %v, %v, %v", list, to, more, err)
	}
}
