package replica_test

import (
	"context"
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/store"
)

// A search index kept up to date change by change is the one that a new copy builds.
func TestIndexFollowsChanges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := desktest.NewFeedWorld(t, 50)
		text := func(label string) string {
			return rapid.SampledFrom([]string{"", "red wool", "wool red", "Crème", "hat"}).Draw(rt, label)
		}
		change := func() {
			p := exchange.Product{
				SKU: exchange.SKU(fmt.Sprintf("P-%d", rapid.IntRange(1, 6).Draw(rt, "sku"))), Title: "thing " + text("title"),
				Vendor: text("vendor"), Category: text("category"), Group: text("group"), Barcode: text("barcode"),
				Price: exchange.Money{Minor: rapid.Int64Range(1, 3).Draw(rt, "price"), Currency: "EUR"},
			}
			if v := text("option"); v != "" {
				p.Options = []exchange.Option{{Name: "O", Value: v}}
			}
			switch rapid.IntRange(0, 4).Draw(rt, "change") {
			case 0:
				_ = w.Supplier.Desk.Shelf.Remove(context.Background(), p.SKU) // not there: no change
			case 1:
				_, _ = w.Supplier.Desk.Shelf.SetStock(context.Background(), p.SKU, 7, false) // likewise
			default:
				desktest.Must(t, w.TryPut(p, rapid.Int64Range(0, 3).Draw(rt, "units")))
			}
			w.Publish()
		}
		change()
		desktest.Must(t, w.PullCopy())
		w.Published = nil
		for range rapid.IntRange(1, 15).Draw(rt, "changes") {
			change()
		}
		for _, u := range w.Published {
			w.Offer(u)
		}
		kept := w.Copy.Index(w.Supplier.ID)
		w.Mem = store.Memory()
		w.ReopenCopy()
		desktest.Must(t, w.PullCopy())
		if built := w.Copy.Index(w.Supplier.ID); !reflect.DeepEqual(kept, built) {
			rt.Fatalf("the index that was kept says\n%v\na new one says\n%v", kept, built)
		}
	})
}

// countedStore counts the writes to search indexes.
type countedStore struct {
	kv.Store
	index int
}

func (s *countedStore) Commit(writes []kv.Write) error {
	for _, w := range writes {
		if w.Key[0] == 't' {
			s.index++
		}
	}
	return s.Store.Commit(writes)
}

// Stock and prices change all day long; the words of a product do not.
func TestStockChangeLeavesIndexAlone(t *testing.T) {
	w := desktest.NewFeedWorld(t, 51)
	counted := &countedStore{Store: store.Memory()}
	w.CopyOn(counted)
	w.Fill(20)
	w.Publish()
	desktest.Must(t, w.PullCopy())
	before := counted.index
	w.Published = nil
	_, err := w.Supplier.Desk.Shelf.SetStock(context.Background(), desktest.SampleProduct(3).SKU, 77, false)
	desktest.Must(t, err)
	w.Publish()
	for _, u := range w.Published {
		w.Offer(u)
	}
	w.Equal()
	if counted.index != before {
		t.Fatalf("a change of stock wrote %d rows of the search index", counted.index-before)
	}
}
