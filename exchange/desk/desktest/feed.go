package desktest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// FeedWorld is a supplier and one copy of its catalog: a real desk, codec,
// signatures and stores in memory.
type FeedWorld struct {
	*World
	Supplier  *Shop
	Mem       *store.Mem
	Copy      *replica.Replicas
	Published []*message.FeedUpdate // by OnPublish, and not yet taken
	Updates   int                   // how many there were
	Alarms    []string
	Keep      int // tombstones

	// Pieces and Cut shape the answers of the supplier: at most Pieces items a chunk, and an
	// end after Cut chunks; 0 = as they come. Bend changes a chunk.
	Pieces, Cut int
	Bend        func(*message.FeedChunk)
	Sent, Items int // bytes and items of all answers
}

func NewFeedWorld(t testing.TB, seed uint64) *FeedWorld {
	w := &FeedWorld{World: NewWorld(t, seed, 1), Mem: store.Memory(), Keep: catalog.MaxTombstones}
	w.Supplier = w.Shops[0]
	w.Reopen()
	w.ReopenCopy()
	return w
}

// Reopen does what follows a start of the supplier.
func (w *FeedWorld) Reopen() {
	w.Supplier.Desk.Feed.KeepTombstones(w.Keep)
	w.Supplier.Desk.Feed.OnPublish(func(u *message.FeedUpdate, _ message.FeedKey) {
		w.Published = append(w.Published, u)
		w.Updates++
	})
}

func (w *FeedWorld) RestartSupplier() {
	w.Supplier.Restart()
	w.Reopen()
}

// RestartCopy ends the partner's process and starts it on what was committed.
func (w *FeedWorld) RestartCopy() {
	w.Mem = w.Mem.Clone()
	w.ReopenCopy()
}

func (w *FeedWorld) ReopenCopy() { w.CopyOn(w.Mem) }

// CopyOn opens the partner's copy on a store.
func (w *FeedWorld) CopyOn(on kv.Store) {
	w.T.Helper()
	var err error
	w.Copy, err = replica.Open(replica.Config{
		Store: on, Codec: protocol.Codec{}, Verifier: w.Verifier(), Clock: Clock{w.Supplier},
		Limits: kv.Limits{BatchBytes: 1 << 20, BatchWrites: 10_000},
		Alarm:  func(_ exchange.ShopID, why string) { w.Alarms = append(w.Alarms, why) },
	})
	if err != nil {
		w.T.Fatalf("opening the replicas: %v", err)
	}
}

var errCut = errors.New("the connection broke")

// Pull implements replica.Client: the supplier's answer through the codec, in
// pieces, cut off and bent as the test says.
func (w *FeedWorld) Pull(ctx context.Context, shop exchange.ShopID, pull *message.FeedPull, each func(*message.FeedChunk) error) error {
	raw, err := protocol.Codec{}.Encode(pull)
	if err != nil {
		return err
	}
	sent, err := message.Decode[message.FeedPull](protocol.Codec{}, raw)
	if err != nil {
		return err
	}
	chunks := 0
	return w.Supplier.Desk.Feed.Serve(ctx, shop, sent, func(c *message.FeedChunk) error {
		for _, piece := range w.split(c) {
			if chunks++; w.Cut > 0 && chunks > w.Cut {
				return errCut
			}
			raw, err := protocol.Codec{}.Encode(piece)
			if err != nil {
				return err
			}
			w.Sent += len(raw)
			w.Items += len(piece.Items)
			got, err := message.Decode[message.FeedChunk](protocol.Codec{}, raw)
			if err != nil {
				return err
			}
			if w.Bend != nil {
				w.Bend(got)
			}
			if err := each(got); err != nil {
				return err
			}
		}
		return nil
	})
}

// split cuts a chunk into smaller ones of the same meaning.
func (w *FeedWorld) split(c *message.FeedChunk) []*message.FeedChunk {
	if w.Pieces == 0 || len(c.Items) <= w.Pieces {
		return []*message.FeedChunk{c}
	}
	var list []*message.FeedChunk
	for part := range slices.Chunk(c.Items, w.Pieces) {
		list = append(list, &message.FeedChunk{Items: part})
	}
	first, last := list[0], list[len(list)-1]
	first.Full, first.Key = c.Full, c.Key
	if c.Last && c.Key == nil {
		last.Head = c.Head // the snapshot's own, at the end
	} else {
		first.Head = c.Head
	}
	last.Last = c.Last
	return list
}

func (w *FeedWorld) PullCopy() error { return w.Copy.Pull(context.Background(), w.Supplier.ID, w) }

func (w *FeedWorld) Publish() {
	w.T.Helper()
	Must(w.T, w.Supplier.Desk.Feed.Publish(context.Background()))
}

func (w *FeedWorld) Offer(u *message.FeedUpdate) catalog.Action {
	w.T.Helper()
	action, err := w.Copy.Update(w.Supplier.ID, u)
	Must(w.T, err)
	return action
}

// Put imports one product of a made-up text.
func (w *FeedWorld) Put(sku string, text string, units int64) {
	w.T.Helper()
	Must(w.T, w.TryPut(exchange.Product{SKU: exchange.SKU(sku), Title: text, Price: exchange.Money{Minor: 1000, Currency: "EUR"}}, units))
}

func (w *FeedWorld) TryPut(p exchange.Product, units int64) error {
	_, err := w.Supplier.Desk.Shelf.Import(context.Background(), shelf.Statement{AllowRenamed: true}, []shelf.Item{{Product: p, Stock: shelf.Figure{Set: true, Units: units}}})
	return err
}

// Fill imports n products.
func (w *FeedWorld) Fill(n int) {
	w.T.Helper()
	for at := 0; at < n; at += shelf.ImportChunk {
		var list []shelf.Item
		for i := at; i < min(n, at+shelf.ImportChunk); i++ {
			list = append(list, shelf.Item{Product: SampleProduct(i), Stock: shelf.Figure{Set: true, Units: int64(i % 50)}})
		}
		_, err := w.Supplier.Desk.Shelf.Import(context.Background(), shelf.Statement{AllowRenamed: true}, list)
		Must(w.T, err)
	}
}

var SampleWords = []string{"running", "shoe", "trail", "hat", "wool", "bike", "lamp", "cup", "plate", "blue", "red", "green", "large", "small", "leather", "cotton", "desk", "chair", "knife", "bottle"}

// SampleProduct is a product of some 300 encoded bytes.
func SampleProduct(i int) exchange.Product {
	word := func(k int) string { return SampleWords[(i/k+i*7)%len(SampleWords)] }
	return exchange.Product{
		SKU: exchange.SKU(fmt.Sprintf("SKU-%07d", i)), Group: fmt.Sprintf("group-%d", i/4),
		Title:       fmt.Sprintf("%s %s %s no%d", word(1), word(20), word(400), i),
		Description: "A thing of good make, described in a sentence or two, as shops do for their customers.",
		Vendor:      "Acorn", Category: "Things > " + word(3), Barcode: fmt.Sprintf("40%011d", i),
		Options: []exchange.Option{{Name: "Size", Value: fmt.Sprint(36 + i%12)}}, Grams: 300,
		Price: exchange.Money{Minor: int64(500 + i%10_000), Currency: "EUR"},
	}
}

// Supplied is what the supplier's feed holds: everything a full pull brings.
func (w *FeedWorld) Supplied() (map[exchange.SKU]message.FeedItem, *message.FeedHead) {
	w.T.Helper()
	all := make(map[exchange.SKU]message.FeedItem)
	var head *message.FeedHead
	err := w.Supplier.Desk.Feed.Serve(context.Background(), w.Supplier.ID, &message.FeedPull{Feed: exchange.MainFeed}, func(c *message.FeedChunk) error {
		if c.Head != nil {
			stated, err := message.Decode[message.FeedHead](protocol.Codec{}, c.Head.Payload)
			if err != nil {
				return err
			}
			head = stated
		}
		for _, it := range c.Items {
			all[it.SKU] = it
		}
		return nil
	})
	Must(w.T, err)
	return all, head
}

// Records are the raw rows of the live copy, shown or not.
func (w *FeedWorld) Records() map[exchange.SKU]message.FeedItem {
	w.T.Helper()
	all, err := w.Copy.Records(w.Supplier.ID)
	Must(w.T, err)
	return all
}

// Equal fails unless the copy is the supplier's set, byte for byte, and says so.
func (w *FeedWorld) Equal() {
	w.T.Helper()
	want, head := w.Supplied()
	got := w.Records()
	if len(got) != len(want) {
		w.T.Fatalf("the copy has %d products, the supplier %d", len(got), len(want))
	}
	for sku, it := range want {
		if g := got[sku]; g.Sequence != it.Sequence || !bytes.Equal(g.Record, it.Record) {
			w.T.Fatalf("the copy's %s is not the supplier's: sequence %d and %d", sku, g.Sequence, it.Sequence)
		}
	}
	status, ok := w.Copy.Status(w.Supplier.ID)
	if !ok || !status.Proven || status.Head.Digest != head.Digest || status.Head.Count != uint64(len(want)) || status.At != head.Sequence || status.Epoch != head.Epoch {
		w.T.Fatalf("the copy stands at %+v, the supplier at %+v", status, head)
	}
	w.Found(len(want))
}

// Found fails unless paging through everything shows each product once, in order.
func (w *FeedWorld) Found(n int) {
	w.T.Helper()
	seen := make(map[exchange.ProductID]bool)
	q := replica.Query{Limit: 7}
	for {
		page, err := w.Copy.Search(q)
		Must(w.T, err)
		for _, h := range page.Hits {
			if seen[h.ID] {
				w.T.Fatalf("%v is listed twice", h.ID)
			}
			seen[h.ID] = true
		}
		if page.Next == "" {
			break
		}
		q.Cursor = page.Next
	}
	if len(seen) != n {
		w.T.Fatalf("%d products are listed, %d are there", len(seen), n)
	}
}
