package replica_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/store"
)

// Whatever happens to a catalog, its updates, its pulls and the two processes,
// one undisturbed pull makes the copy the supplier's set, and before that no step
// claims what it has not. A supplier on an old store may stop instead, and one that has
// published nothing from that store goes on from the newest.
func TestCopyEqualsSupplier(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := desktest.NewFeedWorld(t, 1)
		w.T = rapidTB{rt, t}
		w.World.T = w.T
		w.Keep = rapid.IntRange(0, 6).Draw(rt, "tombstones kept")
		w.Supplier.Desk.Feed.KeepTombstones(w.Keep)
		var backup, newest *store.Mem // newest: from before the first restore, if any
		signed := 0                   // updates until then
		putBack := func() {
			w.Supplier.Mem, newest = newest, nil
			w.RestartSupplier()
			w.Published = nil
		}
		skus := rapid.StringMatching(`[A-E][0-9]`)
		rt.Repeat(map[string]func(*rapid.T){
			"product": func(rt *rapid.T) {
				w.Put(skus.Draw(rt, "sku"), rapid.SampledFrom(desktest.SampleWords).Draw(rt, "title"), rapid.Int64Range(0, 3).Draw(rt, "units"))
			},
			"many products": func(rt *rapid.T) { w.Fill(rapid.IntRange(1, 40).Draw(rt, "n")) },
			"stock": func(rt *rapid.T) {
				_, err := w.Supplier.Desk.Shelf.SetStock(context.Background(), exchange.SKU(skus.Draw(rt, "sku")), rapid.Int64Range(0, 9).Draw(rt, "shelf"), false)
				if err != nil && exchange.CodeOf(err) != exchange.CodeNotFound {
					rt.Fatal(err)
				}
			},
			"remove": func(rt *rapid.T) {
				err := w.Supplier.Desk.Shelf.Remove(context.Background(), exchange.SKU(skus.Draw(rt, "sku")))
				if err != nil && exchange.CodeOf(err) != exchange.CodeNotFound {
					rt.Fatal(err)
				}
			},
			"publish": func(*rapid.T) { w.Publish() },
			"gossip": func(rt *rapid.T) {
				if len(w.Published) == 0 {
					return
				}
				i := rapid.IntRange(0, len(w.Published)-1).Draw(rt, "update") // any, any number of times
				w.Offer(w.Published[i])
				if rapid.Bool().Draw(rt, "gone") {
					w.Published = append(w.Published[:i:i], w.Published[i+1:]...)
				}
			},
			"broken pull": func(rt *rapid.T) {
				w.Pieces, w.Cut = rapid.IntRange(1, 9).Draw(rt, "pieces"), rapid.IntRange(1, 6).Draw(rt, "cut")
				_ = w.PullCopy()
				w.Pieces, w.Cut = 0, 0
			},
			"damage": func(rt *rapid.T) {
				for sku := range w.Records() {
					desktest.Must(w.T, w.Copy.SpoilRecord(w.Supplier.ID, sku))
					w.Copy.ForgetSets()
					break
				}
			},
			"sweep":            func(*rapid.T) { _, err := w.Copy.Sweep(); desktest.Must(w.T, err) },
			"restart supplier": func(*rapid.T) { w.RestartSupplier() },
			"restart copy":     func(*rapid.T) { w.RestartCopy() },
			"back up":          func(*rapid.T) { backup = w.Supplier.Mem.Clone() },
			"restore": func(*rapid.T) {
				if backup != nil {
					if newest == nil {
						newest, signed = w.Supplier.Mem, w.Updates
					}
					w.Supplier.Mem = backup.Clone()
					w.RestartSupplier()
					w.Published = nil
				}
			},
			"put back": func(*rapid.T) {
				if newest != nil && w.Supplier.Desk.Selling.Stopped() != "" && w.Updates == signed {
					putBack()
				}
			},
			"time": func(rt *rapid.T) { w.Now = w.Now.Add(1e9) },
			"": func(rt *rapid.T) {
				if s, ok := w.Copy.Status(w.Supplier.ID); ok && s.Proven && s.At != s.Head.Sequence {
					rt.Fatalf("the copy claims a head it does not stand at: %+v", s)
				}
			},
		})
		w.Publish()
		err := copyAfterDamage(w)
		if exchange.CodeOf(err) == exchange.CodeRestored && newest != nil {
			if w.Updates != signed {
				return // the old store's heads are in no other: see the package's comment
			}
			putBack()
			w.Publish()
			err = copyAfterDamage(w)
		}
		desktest.Must(w.T, err)
		w.Equal()
		for more := true; more; {
			var err error
			more, err = w.Copy.Sweep()
			desktest.Must(w.T, err)
		}
		w.Equal()
	})
}

// copyAfterDamage pulls; a copy that is proven by its head but damaged on disk finds
// out at the next change of that bucket, so every product is changed once.
func copyAfterDamage(w *desktest.FeedWorld) error {
	if err := w.PullCopy(); err != nil {
		return err
	}
	for sku := range w.Records() {
		p, err := w.Supplier.Desk.Shelf.Product(sku)
		if err != nil {
			return err
		}
		p.Product.Description += "."
		if err := w.TryPut(p.Product, p.FileStock.Units); err != nil {
			return err
		}
	}
	w.Publish()
	return w.PullCopy()
}

// rapidTB lets helpers made for testing.TB fail a rapid check.
type rapidTB struct {
	*rapid.T
	testing.TB
}

func (r rapidTB) Helper()                   { r.T.Helper() }
func (r rapidTB) Fatal(args ...any)         { r.T.Fatal(args...) }
func (r rapidTB) Fatalf(f string, a ...any) { r.T.Fatalf(f, a...) }
func (r rapidTB) Error(args ...any)         { r.T.Error(args...) }
func (r rapidTB) Errorf(f string, a ...any) { r.T.Errorf(f, a...) }
func (r rapidTB) Log(args ...any)           { r.T.Log(args...) }
func (r rapidTB) Logf(f string, a ...any)   { r.T.Logf(f, a...) }
func (r rapidTB) Name() string              { return r.T.Name() }
func (r rapidTB) Skip(args ...any)          { r.T.Skip(args...) }
func (r rapidTB) Skipf(f string, a ...any)  { r.T.Skipf(f, a...) }
func (r rapidTB) SkipNow()                  { r.T.SkipNow() }
func (r rapidTB) Fail()                     { r.T.Fail() }
func (r rapidTB) FailNow()                  { r.T.FailNow() }
func (r rapidTB) Failed() bool              { return r.T.Failed() }
func (r rapidTB) Cleanup(f func())          { r.T.Cleanup(f) }
func (r rapidTB) Context() context.Context  { return r.T.Context() }
func (r rapidTB) Output() io.Writer         { return r.TB.Output() }

func TestGossipAlone(t *testing.T) {
	w := desktest.NewFeedWorld(t, 2)
	w.Fill(30)
	w.Publish()
	desktest.Must(t, w.PullCopy())
	w.Equal()
	w.Published = nil
	before := w.Items
	for i := range 20 {
		w.Put(fmt.Sprintf("N%d", i), "new thing", int64(i))
		if i%3 == 0 {
			desktest.Must(t, w.Supplier.Desk.Shelf.Remove(context.Background(), exchange.SKU(fmt.Sprintf("SKU-%07d", i))))
		}
		w.Publish()
	}
	for _, u := range w.Published {
		if a := w.Offer(u); a != catalog.Apply {
			t.Fatalf("an update that continues the copy: %v", a)
		}
	}
	w.Equal()
	if w.Items != before {
		t.Errorf("%d items were pulled beside gossip", w.Items-before)
	}
	for _, u := range w.Published {
		if a := w.Offer(u); a != catalog.Ignore {
			t.Fatalf("an update told twice: %v", a)
		}
	}
}

// Stock that is back where it was when the publisher looks costs no sequence.
func TestUnchangedCostsNothing(t *testing.T) {
	w := desktest.NewFeedWorld(t, 3)
	w.Put("A", "thing", 5)
	w.Publish()
	_, before := w.Supplied()
	for _, n := range []int64{4, 5} {
		_, err := w.Supplier.Desk.Shelf.SetStock(context.Background(), "A", n, false)
		desktest.Must(t, err)
	}
	w.Publish()
	if _, head := w.Supplied(); *head != *before {
		t.Errorf("the head moved from %+v to %+v", before, head)
	}
}

// Catching up costs what changed: never more than twice its bytes.
func TestCatchingUpCostsTheDifference(t *testing.T) {
	w := desktest.NewFeedWorld(t, 4)
	w.Fill(3000)
	w.Publish()
	desktest.Must(t, w.PullCopy())
	random := rand.New(rand.NewPCG(4, 4))
	changed := 0
	for range 100 {
		p := desktest.SampleProduct(random.IntN(3000))
		p.Description += " Now with more."
		desktest.Must(t, w.TryPut(p, 7))
	}
	w.Publish()
	_, err := w.Copy.Update(w.Supplier.ID, &message.FeedUpdate{Head: w.Published[len(w.Published)-1].Head})
	desktest.Must(t, err)
	w.Sent, w.Items = 0, 0
	desktest.Must(t, w.PullCopy())
	for _, it := range w.Records() {
		if it.Sequence > 3000 {
			changed += len(it.SKU) + len(it.Record)
		}
	}
	if w.Sent > 2*changed {
		t.Errorf("%d bytes were sent for %d that changed", w.Sent, changed)
	}
	w.Equal()
}

func TestBelowTheFloor(t *testing.T) {
	w := desktest.NewFeedWorld(t, 5)
	w.Keep = 3
	w.Supplier.Desk.Feed.KeepTombstones(3)
	w.Fill(20)
	w.Publish()
	desktest.Must(t, w.PullCopy())
	for i := range 10 {
		desktest.Must(t, w.Supplier.Desk.Shelf.Remove(context.Background(), desktest.SampleProduct(i).SKU))
	}
	w.Publish()
	w.Put("Z", "one more", 1) // what a batch removed, the next forgets
	w.Publish()
	full := w.Copy.Stats().FullPulls
	desktest.Must(t, w.PullCopy())
	w.Equal()
	if w.Copy.Stats().FullPulls != full+1 {
		t.Error("a copy below the floor did not pull in full")
	}
	if w.Copy.Stats().Mismatches != 0 || len(w.Alarms) > 0 {
		t.Errorf("it took alarms: %q", w.Alarms)
	}
}

// A supplier restored from a backup learns of it from its partner's pull and stops
// selling: it signs no head from then on, and the partner's copy stays as it is.
func TestRestoredSupplierStopsAtAHead(t *testing.T) {
	w := desktest.NewFeedWorld(t, 6)
	w.Fill(10)
	w.Publish()
	backup := w.Supplier.Mem.Clone()
	w.Fill(20)
	w.Publish()
	desktest.Must(t, w.PullCopy())
	before, _ := w.Copy.Status(w.Supplier.ID)
	w.Supplier.Mem = backup
	w.RestartSupplier()
	w.Published = nil
	for range 2 {
		if err := w.PullCopy(); exchange.CodeOf(err) != exchange.CodeRestored {
			t.Errorf("a pull: %v", err)
		}
		if !strings.Contains(w.Supplier.Desk.Selling.Stopped(), "catalog head") {
			t.Errorf("it goes on selling: %q", w.Supplier.Desk.Selling.Stopped())
		}
		w.Fill(15)
		w.Publish()
		if len(w.Published) > 0 {
			t.Error("a stopped shop publishes")
		}
		w.RestartSupplier()
	}
	if now, _ := w.Copy.Status(w.Supplier.ID); now.Epoch != before.Epoch || now.At != before.At || len(w.Records()) != 20 {
		t.Errorf("the copy stands at %+v with %d products, before at %+v with 20", now, len(w.Records()), before)
	}
}

// A broken-off first pull goes on where it stopped.
func TestFirstPullGoesOn(t *testing.T) {
	w := desktest.NewFeedWorld(t, 7)
	w.Fill(500)
	w.Publish()
	w.Pieces, w.Cut = 10, 20
	if err := w.PullCopy(); err == nil {
		t.Fatal("a cut pull ended well")
	}
	if len(w.Records()) > 0 {
		t.Error("an unfinished copy is shown")
	}
	w.RestartCopy()
	w.Put("SKU-0000003", "changed meanwhile", 9)
	w.Publish()
	w.Cut, w.Items = 0, 0
	desktest.Must(t, w.PullCopy())
	w.Equal()
	if w.Items > 310 {
		t.Errorf("%d items were sent again", w.Items)
	}
}

func TestRepairPullsOnlyWhatDiffers(t *testing.T) {
	w := desktest.NewFeedWorld(t, 8)
	w.Fill(2000)
	w.Publish()
	desktest.Must(t, w.PullCopy())
	w.Copy.ForgetSets()
	desktest.Must(t, w.Copy.SpoilRecord(w.Supplier.ID, desktest.SampleProduct(77).SKU))
	// A change in the same bucket brings the damage to light.
	p := desktest.SampleProduct(77)
	p.Title = "another title"
	desktest.Must(t, w.TryPut(p, 1))
	var other exchange.Product
	for i := 2000; ; i++ {
		if other = desktest.SampleProduct(i); catalog.BucketOf(other.SKU) == catalog.BucketOf(p.SKU) {
			break
		}
	}
	w.Publish()
	desktest.Must(t, w.PullCopy())
	desktest.Must(t, w.Copy.SpoilRecord(w.Supplier.ID, p.SKU))
	desktest.Must(t, w.TryPut(other, 1))
	w.Publish()
	w.Items = 0
	desktest.Must(t, w.PullCopy())
	w.Equal()
	if len(w.Alarms) == 0 || w.Copy.Stats().Mismatches == 0 {
		t.Error("a repair raised no alarm")
	}
	if w.Items > 20 {
		t.Errorf("%d items were pulled to repair one", w.Items)
	}
}

// A supplier that lies can spoil its own catalog here, until it tells the truth.
// It cannot make a copy claim what it is not.
func TestHostileSupplier(t *testing.T) {
	for name, bend := range map[string]func(*message.FeedChunk){
		"drops an item":     func(c *message.FeedChunk) { c.Items = c.Items[:max(0, len(c.Items)-1)] },
		"changes a record":  func(c *message.FeedChunk) { spoil(c, func(it *message.FeedItem) { it.Record = []byte("x") }) },
		"moves a sequence":  func(c *message.FeedChunk) { spoil(c, func(it *message.FeedItem) { it.Sequence += 1000 }) },
		"sequence zero":     func(c *message.FeedChunk) { spoil(c, func(it *message.FeedItem) { it.Sequence = 0 }) },
		"renames a product": func(c *message.FeedChunk) { spoil(c, func(it *message.FeedItem) { it.SKU += "x" }) },
		"doubles a product": func(c *message.FeedChunk) {
			if len(c.Items) > 1 {
				c.Items[0].SKU = c.Items[1].SKU
			}
		},
		"huge record": func(c *message.FeedChunk) {
			spoil(c, func(it *message.FeedItem) { it.Record = make([]byte, catalog.MaxRecord+1) })
		},
		"no head": func(c *message.FeedChunk) { c.Head = nil },
		"another head": func(c *message.FeedChunk) {
			c.Head = &message.SignedFeedHead{Payload: []byte("x"), Signature: []byte("y")}
		},
		"never ends":    func(c *message.FeedChunk) { c.Last = false },
		"turns around":  func(c *message.FeedChunk) { reverse(c.Items) },
		"bends digests": func(c *message.FeedChunk) { c.Items = nil; bendDigest(c) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, first := range []bool{true, false} {
				w := desktest.NewFeedWorld(t, 9)
				w.Fill(50)
				w.Publish()
				if !first {
					desktest.Must(t, w.PullCopy())
				}
				was := w.Records()
				w.Fill(60)
				desktest.Must(t, w.Supplier.Desk.Shelf.Remove(context.Background(), desktest.SampleProduct(1).SKU))
				w.Publish()
				w.Bend = bend
				if err := w.PullCopy(); err == nil {
					t.Fatal("the pull ended well")
				}
				if s, _ := w.Copy.Status(w.Supplier.ID); s.Proven && (first || s.Head.Count != uint64(len(was))) {
					t.Fatalf("the copy claims to be proven: %+v", s)
				}
				w.Bend = nil
				desktest.Must(t, w.PullCopy())
				w.Equal()
			}
		})
	}
}

func spoil(c *message.FeedChunk, change func(*message.FeedItem)) {
	if len(c.Items) > 0 {
		change(&c.Items[len(c.Items)/2])
	}
}

func reverse(items []message.FeedItem) {
	for i, j := 0, len(items)-1; i < j; i, j = i+1, j-1 {
		items[i], items[j] = items[j], items[i]
	}
}

func bendDigest(c *message.FeedChunk) {
	if len(c.Digests) > 0 {
		c.Digests[7][0] ^= 1
	}
}

func TestUpdateIsVerified(t *testing.T) {
	w := desktest.NewFeedWorld(t, 10)
	w.Put("A", "thing", 1)
	w.Publish()
	desktest.Must(t, w.PullCopy())
	w.Put("A", "thing", 2)
	w.Publish()
	u := *w.Published[len(w.Published)-1]
	bad := u
	bad.Head.Signature = append([]byte{1}, u.Head.Signature[1:]...)
	if _, err := w.Copy.Update(w.Supplier.ID, &bad); exchange.CodeOf(err) != exchange.CodeSignature {
		t.Errorf("a forged head: %v", err)
	}
	if _, err := w.Copy.Update(desktest.NewWorld(t, 99, 1).Shops[0].ID, &u); err == nil {
		t.Error("another shop's head was taken")
	}
	gap := u
	gap.Items = []message.FeedItem{{Sequence: u.After + 1, SKU: "B", Record: []byte("r")}}
	if a, err := w.Copy.Update(w.Supplier.ID, &gap); err != nil || a != catalog.PullAfter {
		t.Errorf("changes that are not what the head states: %v, %v", a, err)
	}
	if a := w.Offer(&u); a != catalog.Apply {
		t.Errorf("the true update: %v", a)
	}
	w.Equal()
}

func TestDrop(t *testing.T) {
	w := desktest.NewFeedWorld(t, 11)
	w.Fill(100)
	w.Publish()
	desktest.Must(t, w.PullCopy())
	desktest.Must(t, w.Copy.Drop(w.Supplier.ID))
	if page, err := w.Copy.Search(replica.Query{Text: "shoe"}); err != nil || len(page.Hits) > 0 {
		t.Errorf("a dropped catalog is found: %d, %v", len(page.Hits), err)
	}
	for more := true; more; {
		var err error
		more, err = w.Copy.Sweep()
		desktest.Must(t, err)
	}
	if n := w.Mem.Len(); n != 2 { // the next generation's number, and the version of the rows
		t.Errorf("%d rows are left", n)
	}
	w.RestartCopy()
	desktest.Must(t, w.PullCopy())
	w.Equal()
}

func TestStrangerReadsNothing(t *testing.T) {
	w := desktest.NewFeedWorld(t, 12)
	w.Put("A", "thing", 1)
	w.Publish()
	err := w.Supplier.Desk.Feed.Serve(context.Background(), exchange.ShopID{1}, &message.FeedPull{Feed: exchange.MainFeed}, func(*message.FeedChunk) error {
		t.Error("a stranger gets a chunk")
		return nil
	})
	if exchange.CodeOf(err) != exchange.CodeNoPartnership {
		t.Errorf("a stranger gets %v", err)
	}
	for _, p := range []message.FeedPull{{Feed: "other"}, {Feed: exchange.MainFeed, Buckets: []uint32{catalog.Buckets}}, {Feed: exchange.MainFeed, Buckets: []uint32{2, 1}}, {Feed: exchange.MainFeed, Buckets: make([]uint32, message.MaxPullBuckets+1)}} {
		if err := w.Supplier.Desk.Feed.Serve(context.Background(), w.Supplier.ID, &p, func(*message.FeedChunk) error { return nil }); err == nil {
			t.Errorf("the pull %+v is answered", p)
		}
	}
}
