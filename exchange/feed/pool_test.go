package feed_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/writer"
)

// importPool imports products that sell from one stock of 50 units.
func importPool(t *testing.T, w *desktest.FeedWorld, products int) {
	t.Helper()
	pool, err := exchange.PoolStock("BOWL")
	desktest.Must(t, err)
	var items []shelf.Item
	for i := range products {
		it := shelf.Item{Product: desktest.SampleProduct(i), Stock: shelf.Figure{Set: true, Units: 50}, Pool: pool}
		if items = append(items, it); len(items) == shelf.ImportChunk || i == products-1 {
			_, err := w.Supplier.Desk.Shelf.Import(context.Background(), shelf.Statement{}, items)
			desktest.Must(t, err)
			items = nil
		}
	}
}

// TestPoolIsPublished: a pool has one mark, and every product that sells from it is published
// with what is left, however many there are, also where it changes or the shop starts anew before
// all of them are.
func TestPoolIsPublished(t *testing.T) {
	w := desktest.NewFeedWorld(t, 3)
	const products = 700
	importPool(t, w, products)
	w.Publish()
	desktest.Must(t, w.PullCopy())
	set := func(units int64) {
		t.Helper()
		_, err := w.Supplier.Desk.Shelf.SetStock(context.Background(), desktest.SampleProduct(3).SKU, units, false)
		desktest.Must(t, err)
	}
	some := func() {
		t.Helper()
		if more, err := w.Supplier.Desk.Feed.PublishSome(context.Background()); err != nil || !more {
			t.Fatalf("one operation published a pool of %d products (%v)", products, err)
		}
	}
	units := int64(100)
	for _, steps := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8} {
		for _, again := range []string{"", "changed", "changed in the batch", "started anew"} {
			t.Run(fmt.Sprintf("%d steps %s", steps, again), func(t *testing.T) {
				units--
				set(units)
				w.Supplier.Desk.Feed.Expand(100)
				for range steps {
					some()
				}
				switch again {
				case "changed":
					units--
					set(units)
				case "changed in the batch":
					d := w.Supplier.Desk
					desktest.Must(t, d.Writer.Do(context.Background(), func(b *writer.Batch) error {
						if err := d.Feed.PublishIn(b); err != nil {
							return err
						}
						pool, err := exchange.PoolStock("BOWL")
						if err != nil {
							return err
						}
						_, err = d.Shelf.Move(b, []hold.Delta{{SKU: desktest.SampleProduct(3).SKU, Stock: pool, Move: hold.MoveHold, Units: 1}}, shelf.Of{})
						return err
					}))
				case "started anew":
					w.RestartSupplier()
				}
				left := desktest.StockOf(t, w.Supplier, desktest.SampleProduct(3).SKU).Available()
				w.Publish()
				desktest.Must(t, w.PullCopy())
				w.Equal()
				for i := range products {
					hit, err := w.Copy.Product(exchange.ProductID{Shop: w.Supplier.ID, SKU: desktest.SampleProduct(i).SKU})
					if err != nil || hit.Product.Available.Units != left {
						t.Fatalf("product %d: %+v, %v; %d are left", i, hit.Product.Available, err, left)
					}
				}
				if n := w.Supplier.Desk.Feed.DirtyMarks(); n > 0 {
					t.Errorf("%d marks are left", n)
				}
			})
		}
	}
}

// TestChangeAfterPublishing: what changes in the very batch that has published it is published by
// the next.
func TestChangeAfterPublishing(t *testing.T) {
	for _, c := range []struct {
		name     string
		products int
		stock    func(exchange.SKU) exchange.StockID
	}{
		{"its own stock", 0, exchange.OwnStock},
		{"a pool", 30, func(exchange.SKU) exchange.StockID { id, _ := exchange.PoolStock("BOWL"); return id }},
		{"a pool of many steps", record.MaxSharing, func(exchange.SKU) exchange.StockID { id, _ := exchange.PoolStock("BOWL"); return id }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := desktest.NewFeedWorld(t, 3)
			importPool(t, w, c.products)
			if c.products == 0 {
				w.Supplier.Stock(desktest.SampleProduct(0).SKU, 50, 700)
			}
			w.Publish()
			sku := desktest.SampleProduct(0).SKU
			d := w.Supplier.Desk
			take := func(b *writer.Batch) error {
				_, err := d.Shelf.Move(b, []hold.Delta{{SKU: sku, Stock: c.stock(sku), Move: hold.MoveHold, Units: 1}}, shelf.Of{})
				return err
			}
			desktest.Must(t, d.Writer.Do(context.Background(), take))
			desktest.Must(t, d.Writer.Do(context.Background(), func(b *writer.Batch) error {
				if err := d.Feed.PublishIn(b); err != nil {
					return err
				}
				return take(b)
			}))
			w.Publish()
			desktest.Must(t, w.PullCopy())
			w.Equal()
			if hit, err := w.Copy.Product(exchange.ProductID{Shop: w.Supplier.ID, SKU: sku}); err != nil || hit.Product.Available.Units != 48 {
				t.Errorf("%+v, %v", hit.Product.Available, err)
			}
			if n := d.Feed.DirtyMarks(); n > 0 {
				t.Errorf("%d marks are left", n)
			}
		})
	}
}
