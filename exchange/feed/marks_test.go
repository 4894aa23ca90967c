package feed_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/feed"
	"github.com/souk-market/souk/exchange/shelf"
)

// TestEveryMarkIsPublished: however few dirty marks memory holds, and however often restarts
// empty it, every change is published and no product stays marked.
func TestEveryMarkIsPublished(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := desktest.NewFeedWorld(t, 40)
		w.Supplier.Desk.Feed.KeepMarks(rapid.SampledFrom([]int{1, 3, 20, 10_000}).Draw(rt, "marks in memory"))
		products := rapid.IntRange(1, 60).Draw(rt, "products")
		w.Fill(products)
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			switch rapid.IntRange(0, 5).Draw(rt, "step") {
			case 0:
				w.RestartSupplier()
				w.Supplier.Desk.Feed.KeepMarks(rapid.IntRange(1, 30).Draw(rt, "marks in memory"))
			case 1:
				_, err := w.Supplier.Desk.Feed.PublishSome(context.Background())
				desktest.Must(t, err)
			default:
				first := rapid.IntRange(0, products-1).Draw(rt, "first")
				for i := first; i < min(products, first+rapid.IntRange(1, 40).Draw(rt, "counted")); i++ {
					_, err := w.Supplier.Desk.Shelf.SetStock(context.Background(), desktest.SampleProduct(i).SKU, int64(rapid.IntRange(0, 9).Draw(rt, "units")), false)
					desktest.Must(t, err)
				}
			}
		}
		w.Publish()
		if n := w.Supplier.Desk.Feed.DirtyMarks(); n != 0 {
			rt.Fatalf("%d products are still marked", n)
		}
		desktest.Must(t, w.PullCopy())
		w.Equal()
		for i := range products {
			sku := desktest.SampleProduct(i).SKU
			counted, err := w.Supplier.Desk.Shelf.Stock(sku)
			desktest.Must(t, err)
			told, err := w.Copy.Product(exchange.ProductID{Shop: w.Supplier.ID, SKU: sku})
			desktest.Must(t, err)
			if told.Product.Available != counted.Availability() {
				rt.Fatalf("the catalog says %v of %s; the shop has %v", told.Product.Available, sku, counted.Availability())
			}
		}
	})
}

// threeTurns is a published catalog of as many products as three turns of the publisher drain,
// with their SKUs in the order in which it drains them.
func threeTurns(t *testing.T) (*desktest.FeedWorld, []exchange.SKU) {
	w := desktest.NewFeedWorld(t, 41)
	skus := make([]exchange.SKU, 3*feed.MaxPublish)
	w.Fill(len(skus))
	w.Publish()
	for i := range skus {
		skus[i] = desktest.SampleProduct(i).SKU
	}
	slices.SortFunc(skus, func(a, b exchange.SKU) int { return int(catalog.BucketOf(a)) - int(catalog.BucketOf(b)) })
	return w, skus
}

// TestBusyProductsHoldUpNoOther: products that change all the time do not keep the change of
// another product from partners.
func TestBusyProductsHoldUpNoOther(t *testing.T) {
	w, skus := threeTurns(t)
	last := skus[len(skus)-1]
	count := func(sku exchange.SKU, units int64) {
		_, err := w.Supplier.Desk.Shelf.SetStock(context.Background(), sku, units, false)
		desktest.Must(t, err)
	}
	count(last, 777)
	for turn := range len(skus)/feed.MaxPublish + 1 {
		for _, sku := range skus[:2*feed.MaxPublish] {
			count(sku, int64(100+turn))
		}
		_, err := w.Supplier.Desk.Feed.PublishSome(context.Background())
		desktest.Must(t, err)
	}
	all, _ := w.Supplied()
	desktest.Must(t, w.PullCopy())
	hit, err := w.Copy.Product(exchange.ProductID{Shop: w.Supplier.ID, SKU: last})
	desktest.Must(t, err)
	if hit.Product.Available.Units != 777 {
		t.Fatalf("after a turn for every product, the catalog of %d says %d units of the last one", len(all), hit.Product.Available.Units)
	}
}

// TestBusyProductsHoldUpNoUnreadMark: products that change all the time do not keep a mark that
// memory lacks from being published: a mark from before a restart, or without room.
func TestBusyProductsHoldUpNoUnreadMark(t *testing.T) {
	for name, room := range map[string]int{"from before a restart": 10_000, "no room": feed.MaxPublish + 50} {
		t.Run(name, func(t *testing.T) {
			w, skus := threeTurns(t)
			last := skus[len(skus)-1]
			_, err := w.Supplier.Desk.Shelf.SetStock(context.Background(), last, 777, false)
			desktest.Must(t, err)
			w.RestartSupplier()
			w.Supplier.Desk.Feed.KeepMarks(room)
			for turn := range 40 {
				var counts []shelf.Count
				for _, sku := range skus[:2*feed.MaxPublish] {
					counts = append(counts, shelf.Count{SKU: sku, Units: int64(100 + turn), When: shelf.Now})
				}
				_, err := w.Supplier.Desk.Shelf.Count(context.Background(), counts)
				desktest.Must(t, err)
				_, err = w.Supplier.Desk.Feed.PublishSome(context.Background())
				desktest.Must(t, err)
			}
			desktest.Must(t, w.PullCopy())
			hit, err := w.Copy.Product(exchange.ProductID{Shop: w.Supplier.ID, SKU: last})
			desktest.Must(t, err)
			if hit.Product.Available.Units != 777 {
				t.Errorf("after 40 publishings, the catalog says %d units of the last product", hit.Product.Available.Units)
			}
			w.Publish()
			if n := w.Supplier.Desk.Feed.DirtyMarks(); n != 0 {
				t.Errorf("%d products are still marked", n)
			}
		})
	}
}

// TestPublisherRest: the publisher rests longer while the shop is busy.
func TestPublisherRest(t *testing.T) {
	const took = 10 * time.Millisecond
	for _, c := range []struct {
		took        time.Duration
		more, quiet bool
		want        time.Duration
	}{
		{took, true, false, 4 * took},
		{took, true, true, took},
		{took, false, false, feed.PublishInterval},
		{took, false, true, feed.PublishInterval},
		{time.Minute, true, false, time.Second},
		{time.Minute, false, true, time.Second},
	} {
		t.Run(fmt.Sprintf("after %v, more %v, quiet %v", c.took, c.more, c.quiet), func(t *testing.T) {
			if got := feed.PublishRest(c.took, c.more, c.quiet); got != c.want {
				t.Errorf("the publisher rests %v, want %v", got, c.want)
			}
		})
	}
	w := desktest.NewFeedWorld(t, 42)
	w.Fill(3 * feed.MaxPublish)
	for _, quiet := range []bool{false, true} {
		_, err := w.Supplier.Desk.Feed.PublishSome(context.Background())
		desktest.Must(t, err)
		if got := w.Supplier.Desk.Feed.Quiet(); got != quiet {
			t.Errorf("the publisher finds the shop quiet: %v, want %v", got, quiet)
		}
	}
	_, err := w.Supplier.Desk.Shelf.SetStock(context.Background(), desktest.SampleProduct(0).SKU, 3, false)
	desktest.Must(t, err)
	_, err = w.Supplier.Desk.Feed.PublishSome(context.Background())
	desktest.Must(t, err)
	if w.Supplier.Desk.Feed.Quiet() {
		t.Error("the publisher finds a shop quiet whose stock was counted")
	}
}
