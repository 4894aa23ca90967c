package desk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// feedWorld is a supplier and one copy of its catalog: a real desk, codec,
// signatures and stores in memory.
type feedWorld struct {
	*world
	supplier  *shop
	mem       *store.Mem
	copy      *desk.Replicas
	published []*message.FeedUpdate // by OnPublish, and not yet taken
	updates   int                   // how many there were
	alarms    []string
	keep      int // tombstones

	// pieces and cut shape the answers of the supplier: at most so many items a
	// chunk, and an end after so many chunks; 0 = as they come. bend changes a chunk.
	pieces, cut int
	bend        func(*message.FeedChunk)
	sent, items int // bytes and items of all answers
}

func newFeedWorld(t testing.TB, seed uint64) *feedWorld {
	w := &feedWorld{world: newWorld(t, seed, 1), mem: store.Memory(), keep: catalog.MaxTombstones}
	w.supplier = w.shops[0]
	w.reopen()
	w.reopenCopy()
	return w
}

// reopen does what follows a start of the supplier.
func (w *feedWorld) reopen() {
	w.supplier.desk.KeepTombstones(w.keep)
	w.supplier.desk.OnPublish(func(u *message.FeedUpdate, _ message.FeedKey) {
		w.published = append(w.published, u)
		w.updates++
	})
}

func (w *feedWorld) restartSupplier() {
	w.supplier.restart()
	w.reopen()
}

// restartCopy ends the partner's process and starts it on what was committed.
func (w *feedWorld) restartCopy() {
	w.mem = w.mem.Clone()
	w.reopenCopy()
}

func (w *feedWorld) reopenCopy() { w.copyOn(w.mem) }

// copyOn opens the partner's copy on a store.
func (w *feedWorld) copyOn(on kv.Store) {
	w.t.Helper()
	var err error
	w.copy, err = desk.OpenReplicas(desk.ReplicasConfig{
		Store: on, Codec: protocol.Codec{}, Verifier: w.verifier(), Clock: clock{w.supplier},
		Limits: kv.Limits{BatchBytes: 1 << 20, BatchWrites: 10_000},
		Alarm:  func(_ exchange.ShopID, why string) { w.alarms = append(w.alarms, why) },
	})
	if err != nil {
		w.t.Fatalf("opening the replicas: %v", err)
	}
}

var errCut = errors.New("the connection broke")

// Pull implements desk.FeedClient: the supplier's answer through the codec, in
// pieces, cut off and bent as the test says.
func (w *feedWorld) Pull(ctx context.Context, shop exchange.ShopID, pull *message.FeedPull, each func(*message.FeedChunk) error) error {
	raw, err := protocol.Codec{}.Encode(pull)
	if err != nil {
		return err
	}
	v, err := protocol.Codec{}.Decode(message.KindFeedPull, raw)
	if err != nil {
		return err
	}
	chunks := 0
	return w.supplier.desk.ServeFeed(ctx, shop, v.(*message.FeedPull), func(c *message.FeedChunk) error {
		for _, piece := range w.split(c) {
			if chunks++; w.cut > 0 && chunks > w.cut {
				return errCut
			}
			raw, err := protocol.Codec{}.Encode(piece)
			if err != nil {
				return err
			}
			w.sent += len(raw)
			w.items += len(piece.Items)
			v, err := protocol.Codec{}.Decode(message.KindFeedChunk, raw)
			if err != nil {
				return err
			}
			got := v.(*message.FeedChunk)
			if w.bend != nil {
				w.bend(got)
			}
			if err := each(got); err != nil {
				return err
			}
		}
		return nil
	})
}

// split cuts a chunk into smaller ones of the same meaning.
func (w *feedWorld) split(c *message.FeedChunk) []*message.FeedChunk {
	if w.pieces == 0 || len(c.Items) <= w.pieces {
		return []*message.FeedChunk{c}
	}
	var list []*message.FeedChunk
	for part := range slices.Chunk(c.Items, w.pieces) {
		list = append(list, &message.FeedChunk{Items: part})
	}
	first, last := list[0], list[len(list)-1]
	first.Full, first.Key = c.Full, c.Key
	if c.Last && c.Key == nil {
		last.Head = c.Head // the snapshot's own, told at the end
	} else {
		first.Head = c.Head
	}
	last.Last = c.Last
	return list
}

func (w *feedWorld) pull() error { return w.copy.Pull(context.Background(), w.supplier.id, w) }

func (w *feedWorld) publish() {
	w.t.Helper()
	must(w.t, w.supplier.desk.Publish(context.Background()))
}

func (w *feedWorld) offer(u *message.FeedUpdate) catalog.Action {
	w.t.Helper()
	action, err := w.copy.Update(w.supplier.id, u)
	must(w.t, err)
	return action
}

// put imports one product of a made-up text.
func (w *feedWorld) put(sku string, text string, units int64) {
	w.t.Helper()
	must(w.t, w.tryPut(exchange.Product{SKU: exchange.SKU(sku), Title: text, Price: exchange.Money{Minor: 1000, Currency: "EUR"}}, units))
}

func (w *feedWorld) tryPut(p exchange.Product, units int64) error {
	_, err := w.supplier.desk.Import(context.Background(), []desk.ImportItem{{Product: p, Stock: record.FileStock{Set: true, Units: units}}}, false)
	return err
}

// fill imports n products.
func (w *feedWorld) fill(n int) {
	w.t.Helper()
	for at := 0; at < n; at += desk.ImportChunk {
		var list []desk.ImportItem
		for i := at; i < min(n, at+desk.ImportChunk); i++ {
			list = append(list, desk.ImportItem{Product: sampleProduct(i), Stock: record.FileStock{Set: true, Units: int64(i % 50)}})
		}
		_, err := w.supplier.desk.Import(context.Background(), list, false)
		must(w.t, err)
	}
}

var sampleWords = []string{"running", "shoe", "trail", "hat", "wool", "bike", "lamp", "cup", "plate", "blue", "red", "green", "large", "small", "leather", "cotton", "desk", "chair", "knife", "bottle"}

// sampleProduct is a product of some 300 encoded bytes.
func sampleProduct(i int) exchange.Product {
	word := func(k int) string { return sampleWords[(i/k+i*7)%len(sampleWords)] }
	return exchange.Product{
		SKU: exchange.SKU(fmt.Sprintf("SKU-%07d", i)), Group: fmt.Sprintf("group-%d", i/4),
		Title:       fmt.Sprintf("%s %s %s no%d", word(1), word(20), word(400), i),
		Description: "A thing of good make, described in a sentence or two, as shops do for their customers.",
		Vendor:      "Acorn", Category: "Things > " + word(3), Barcode: fmt.Sprintf("40%011d", i),
		Options: []exchange.Option{{Name: "Size", Value: fmt.Sprint(36 + i%12)}}, Grams: 300,
		Price: exchange.Money{Minor: int64(500 + i%10_000), Currency: "EUR"},
	}
}

// supplied is what the supplier's feed holds: everything a full pull brings.
func (w *feedWorld) supplied() (map[exchange.SKU]message.FeedItem, *message.FeedHead) {
	w.t.Helper()
	all := make(map[exchange.SKU]message.FeedItem)
	var head *message.FeedHead
	err := w.supplier.desk.ServeFeed(context.Background(), w.supplier.id, &message.FeedPull{Feed: exchange.MainFeed}, func(c *message.FeedChunk) error {
		if c.Head != nil {
			v, err := protocol.Codec{}.Decode(message.KindFeedHead, c.Head.Payload)
			if err != nil {
				return err
			}
			head = v.(*message.FeedHead)
		}
		for _, it := range c.Items {
			all[it.SKU] = it
		}
		return nil
	})
	must(w.t, err)
	return all, head
}

// equal fails unless the copy is the supplier's set, byte for byte, and says so.
func (w *feedWorld) equal() {
	w.t.Helper()
	want, head := w.supplied()
	got := w.copy.Records(w.supplier.id)
	if len(got) != len(want) {
		w.t.Fatalf("the copy has %d products, the supplier %d", len(got), len(want))
	}
	for sku, it := range want {
		if g := got[sku]; g.Sequence != it.Sequence || !bytes.Equal(g.Record, it.Record) {
			w.t.Fatalf("the copy's %s is not the supplier's: sequence %d and %d", sku, g.Sequence, it.Sequence)
		}
	}
	status, ok := w.copy.Status(w.supplier.id)
	if !ok || !status.Proven || status.Head.Digest != head.Digest || status.Head.Count != uint64(len(want)) || status.At != head.Sequence || status.Epoch != head.Epoch {
		w.t.Fatalf("the copy stands at %+v, the supplier at %+v", status, head)
	}
	w.found(len(want))
}

// found fails unless paging through everything shows each product once, in order.
func (w *feedWorld) found(n int) {
	w.t.Helper()
	seen := make(map[exchange.ProductID]bool)
	q := desk.Query{Limit: 7}
	for {
		page, err := w.copy.Search(q)
		must(w.t, err)
		for _, h := range page.Hits {
			if seen[h.ID] {
				w.t.Fatalf("%v is listed twice", h.ID)
			}
			seen[h.ID] = true
		}
		if page.Next == "" {
			break
		}
		q.Cursor = page.Next
	}
	if len(seen) != n {
		w.t.Fatalf("%d products are listed, %d are there", len(seen), n)
	}
}
