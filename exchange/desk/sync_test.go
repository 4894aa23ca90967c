package desk_test

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
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/store"
)

// Whatever happens to a catalog, its updates, its pulls and the two processes,
// one undisturbed pull makes the copy the supplier's set, and before that no step
// claims what it has not. A supplier on an old store may stop instead, and one that has
// published nothing from that store goes on from the newest.
func TestCopyEqualsSupplier(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newFeedWorld(t, 1)
		w.t = rapidTB{rt, t}
		w.world.t = w.t
		w.keep = rapid.IntRange(0, 6).Draw(rt, "tombstones kept")
		w.supplier.desk.KeepTombstones(w.keep)
		var backup, newest *store.Mem // newest: from before the first restore, if any
		signed := 0                   // updates until then
		putBack := func() {
			w.supplier.mem, newest = newest, nil
			w.restartSupplier()
			w.published = nil
		}
		skus := rapid.StringMatching(`[A-E][0-9]`)
		rt.Repeat(map[string]func(*rapid.T){
			"product": func(rt *rapid.T) {
				w.put(skus.Draw(rt, "sku"), rapid.SampledFrom(sampleWords).Draw(rt, "title"), rapid.Int64Range(0, 3).Draw(rt, "units"))
			},
			"many products": func(rt *rapid.T) { w.fill(rapid.IntRange(1, 40).Draw(rt, "n")) },
			"stock": func(rt *rapid.T) {
				_, err := w.supplier.desk.SetStock(context.Background(), exchange.SKU(skus.Draw(rt, "sku")), rapid.Int64Range(0, 9).Draw(rt, "shelf"), false)
				if err != nil && exchange.CodeOf(err) != exchange.CodeNotFound {
					rt.Fatal(err)
				}
			},
			"remove": func(rt *rapid.T) {
				err := w.supplier.desk.RemoveProduct(context.Background(), exchange.SKU(skus.Draw(rt, "sku")))
				if err != nil && exchange.CodeOf(err) != exchange.CodeNotFound {
					rt.Fatal(err)
				}
			},
			"publish": func(*rapid.T) { w.publish() },
			"gossip": func(rt *rapid.T) {
				if len(w.published) == 0 {
					return
				}
				i := rapid.IntRange(0, len(w.published)-1).Draw(rt, "update") // any, any number of times
				w.offer(w.published[i])
				if rapid.Bool().Draw(rt, "gone") {
					w.published = append(w.published[:i:i], w.published[i+1:]...)
				}
			},
			"broken pull": func(rt *rapid.T) {
				w.pieces, w.cut = rapid.IntRange(1, 9).Draw(rt, "pieces"), rapid.IntRange(1, 6).Draw(rt, "cut")
				_ = w.pull()
				w.pieces, w.cut = 0, 0
			},
			"damage": func(rt *rapid.T) {
				for sku := range w.copy.Records(w.supplier.id) {
					must(w.t, w.copy.SpoilRecord(w.supplier.id, sku))
					w.copy.ForgetSets()
					break
				}
			},
			"sweep":            func(*rapid.T) { _, err := w.copy.Sweep(); must(w.t, err) },
			"restart supplier": func(*rapid.T) { w.restartSupplier() },
			"restart copy":     func(*rapid.T) { w.restartCopy() },
			"back up":          func(*rapid.T) { backup = w.supplier.mem.Clone() },
			"restore": func(*rapid.T) {
				if backup != nil {
					if newest == nil {
						newest, signed = w.supplier.mem, w.updates
					}
					w.supplier.mem = backup.Clone()
					w.restartSupplier()
					w.published = nil
				}
			},
			"put back": func(*rapid.T) {
				if newest != nil && w.supplier.desk.Stopped() != "" && w.updates == signed {
					putBack()
				}
			},
			"time": func(rt *rapid.T) { w.now = w.now.Add(1e9) },
			"": func(rt *rapid.T) {
				if s, ok := w.copy.Status(w.supplier.id); ok && s.Proven && s.At != s.Head.Sequence {
					rt.Fatalf("the copy claims a head it does not stand at: %+v", s)
				}
			},
		})
		w.publish()
		err := w.copyAfterDamage()
		if exchange.CodeOf(err) == exchange.CodeRestored && newest != nil {
			if w.updates != signed {
				return // the old store's heads are in no other: see the package's comment
			}
			putBack()
			w.publish()
			err = w.copyAfterDamage()
		}
		must(w.t, err)
		w.equal()
		for more := true; more; {
			var err error
			more, err = w.copy.Sweep()
			must(w.t, err)
		}
		w.equal()
	})
}

// copyAfterDamage pulls; a copy that is proven by its head but damaged on disk finds
// out at the next change of that bucket, so every product is changed once.
func (w *feedWorld) copyAfterDamage() error {
	if err := w.pull(); err != nil {
		return err
	}
	for sku := range w.copy.Records(w.supplier.id) {
		p, err := w.supplier.desk.Product(sku)
		if err != nil {
			return err
		}
		p.Product.Description += "."
		if err := w.tryPut(p.Product, p.FileStock.Units); err != nil {
			return err
		}
	}
	w.publish()
	return w.pull()
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
	w := newFeedWorld(t, 2)
	w.fill(30)
	w.publish()
	must(t, w.pull())
	w.equal()
	w.published = nil
	before := w.items
	for i := range 20 {
		w.put(fmt.Sprintf("N%d", i), "new thing", int64(i))
		if i%3 == 0 {
			must(t, w.supplier.desk.RemoveProduct(context.Background(), exchange.SKU(fmt.Sprintf("SKU-%07d", i))))
		}
		w.publish()
	}
	for _, u := range w.published {
		if a := w.offer(u); a != catalog.Apply {
			t.Fatalf("an update that continues the copy: %v", a)
		}
	}
	w.equal()
	if w.items != before {
		t.Errorf("%d items were pulled beside gossip", w.items-before)
	}
	for _, u := range w.published {
		if a := w.offer(u); a != catalog.Ignore {
			t.Fatalf("an update told twice: %v", a)
		}
	}
}

// Stock that is back where it was when the publisher looks costs no sequence.
func TestUnchangedCostsNothing(t *testing.T) {
	w := newFeedWorld(t, 3)
	w.put("A", "thing", 5)
	w.publish()
	_, before := w.supplied()
	for _, n := range []int64{4, 5} {
		_, err := w.supplier.desk.SetStock(context.Background(), "A", n, false)
		must(t, err)
	}
	w.publish()
	if _, head := w.supplied(); *head != *before {
		t.Errorf("the head moved from %+v to %+v", before, head)
	}
}

// Catching up costs what changed: never more than twice its bytes.
func TestCatchingUpCostsTheDifference(t *testing.T) {
	w := newFeedWorld(t, 4)
	w.fill(3000)
	w.publish()
	must(t, w.pull())
	random := rand.New(rand.NewPCG(4, 4))
	changed := 0
	for range 100 {
		p := sampleProduct(random.IntN(3000))
		p.Description += " Now with more."
		must(t, w.tryPut(p, 7))
	}
	w.publish()
	_, err := w.copy.Update(w.supplier.id, &message.FeedUpdate{Head: w.published[len(w.published)-1].Head})
	must(t, err)
	w.sent, w.items = 0, 0
	must(t, w.pull())
	for _, it := range w.copy.Records(w.supplier.id) {
		if it.Sequence > 3000 {
			changed += len(it.SKU) + len(it.Record)
		}
	}
	if w.sent > 2*changed {
		t.Errorf("%d bytes were sent for %d that changed", w.sent, changed)
	}
	w.equal()
}

func TestBelowTheFloor(t *testing.T) {
	w := newFeedWorld(t, 5)
	w.keep = 3
	w.supplier.desk.KeepTombstones(3)
	w.fill(20)
	w.publish()
	must(t, w.pull())
	for i := range 10 {
		must(t, w.supplier.desk.RemoveProduct(context.Background(), sampleProduct(i).SKU))
	}
	w.publish()
	w.put("Z", "one more", 1) // what a batch removed, the next forgets
	w.publish()
	full := w.copy.Stats().FullPulls
	must(t, w.pull())
	w.equal()
	if w.copy.Stats().FullPulls != full+1 {
		t.Error("a copy below the floor did not pull in full")
	}
	if w.copy.Stats().Mismatches != 0 || len(w.alarms) > 0 {
		t.Errorf("it took alarms: %q", w.alarms)
	}
}

// A supplier restored from a backup learns of it from its partner's pull and stops
// selling: it signs no head from then on, and the partner's copy stays as it is.
func TestRestoredSupplierStopsAtAHead(t *testing.T) {
	w := newFeedWorld(t, 6)
	w.fill(10)
	w.publish()
	backup := w.supplier.mem.Clone()
	w.fill(20)
	w.publish()
	must(t, w.pull())
	before, _ := w.copy.Status(w.supplier.id)
	w.supplier.mem = backup
	w.restartSupplier()
	w.published = nil
	for range 2 {
		if err := w.pull(); exchange.CodeOf(err) != exchange.CodeRestored {
			t.Errorf("a pull: %v", err)
		}
		if !strings.Contains(w.supplier.desk.Stopped(), "catalog head") {
			t.Errorf("it goes on selling: %q", w.supplier.desk.Stopped())
		}
		w.fill(15)
		w.publish()
		if len(w.published) > 0 {
			t.Error("a stopped shop publishes")
		}
		w.restartSupplier()
	}
	if now, _ := w.copy.Status(w.supplier.id); now.Epoch != before.Epoch || now.At != before.At || len(w.copy.Records(w.supplier.id)) != 20 {
		t.Errorf("the copy stands at %+v with %d products, before at %+v with 20", now, len(w.copy.Records(w.supplier.id)), before)
	}
}

// A broken-off first pull goes on where it stopped.
func TestFirstPullGoesOn(t *testing.T) {
	w := newFeedWorld(t, 7)
	w.fill(500)
	w.publish()
	w.pieces, w.cut = 10, 20
	if err := w.pull(); err == nil {
		t.Fatal("a cut pull ended well")
	}
	if len(w.copy.Records(w.supplier.id)) > 0 {
		t.Error("an unfinished copy is shown")
	}
	w.restartCopy()
	w.put("SKU-0000003", "changed meanwhile", 9)
	w.publish()
	w.cut, w.items = 0, 0
	must(t, w.pull())
	w.equal()
	if w.items > 310 {
		t.Errorf("%d items were sent again", w.items)
	}
}

func TestRepairPullsOnlyWhatDiffers(t *testing.T) {
	w := newFeedWorld(t, 8)
	w.fill(2000)
	w.publish()
	must(t, w.pull())
	w.copy.ForgetSets()
	must(t, w.copy.SpoilRecord(w.supplier.id, sampleProduct(77).SKU))
	// A change in the same bucket brings the damage to light.
	p := sampleProduct(77)
	p.Title = "another title"
	must(t, w.tryPut(p, 1))
	var other exchange.Product
	for i := 2000; ; i++ {
		if other = sampleProduct(i); catalog.BucketOf(other.SKU) == catalog.BucketOf(p.SKU) {
			break
		}
	}
	w.publish()
	must(t, w.pull())
	must(t, w.copy.SpoilRecord(w.supplier.id, p.SKU))
	must(t, w.tryPut(other, 1))
	w.publish()
	w.items = 0
	must(t, w.pull())
	w.equal()
	if len(w.alarms) == 0 || w.copy.Stats().Mismatches == 0 {
		t.Error("a repair raised no alarm")
	}
	if w.items > 20 {
		t.Errorf("%d items were pulled to repair one", w.items)
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
				w := newFeedWorld(t, 9)
				w.fill(50)
				w.publish()
				if !first {
					must(t, w.pull())
				}
				was := w.copy.Records(w.supplier.id)
				w.fill(60)
				must(t, w.supplier.desk.RemoveProduct(context.Background(), sampleProduct(1).SKU))
				w.publish()
				w.bend = bend
				if err := w.pull(); err == nil {
					t.Fatal("the pull ended well")
				}
				if s, _ := w.copy.Status(w.supplier.id); s.Proven && (first || s.Head.Count != uint64(len(was))) {
					t.Fatalf("the copy claims to be proven: %+v", s)
				}
				w.bend = nil
				must(t, w.pull())
				w.equal()
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
	w := newFeedWorld(t, 10)
	w.put("A", "thing", 1)
	w.publish()
	must(t, w.pull())
	w.put("A", "thing", 2)
	w.publish()
	u := *w.published[len(w.published)-1]
	bad := u
	bad.Head.Signature = append([]byte{1}, u.Head.Signature[1:]...)
	if _, err := w.copy.Update(w.supplier.id, &bad); exchange.CodeOf(err) != exchange.CodeSignature {
		t.Errorf("a forged head: %v", err)
	}
	if _, err := w.copy.Update(newWorld(t, 99, 1).shops[0].id, &u); err == nil {
		t.Error("another shop's head was taken")
	}
	gap := u
	gap.Items = []message.FeedItem{{Sequence: u.After + 1, SKU: "B", Record: []byte("r")}}
	if a, err := w.copy.Update(w.supplier.id, &gap); err != nil || a != catalog.PullAfter {
		t.Errorf("changes that are not what the head states: %v, %v", a, err)
	}
	if a := w.offer(&u); a != catalog.Apply {
		t.Errorf("the true update: %v", a)
	}
	w.equal()
}

func TestDrop(t *testing.T) {
	w := newFeedWorld(t, 11)
	w.fill(100)
	w.publish()
	must(t, w.pull())
	must(t, w.copy.Drop(w.supplier.id))
	if page, err := w.copy.Search(desk.Query{Text: "shoe"}); err != nil || len(page.Hits) > 0 {
		t.Errorf("a dropped catalog is found: %d, %v", len(page.Hits), err)
	}
	for more := true; more; {
		var err error
		more, err = w.copy.Sweep()
		must(t, err)
	}
	if n := w.mem.Len(); n != 1 { // the next generation's number
		t.Errorf("%d rows are left", n)
	}
	w.restartCopy()
	must(t, w.pull())
	w.equal()
}

func TestStrangerReadsNothing(t *testing.T) {
	w := newFeedWorld(t, 12)
	w.put("A", "thing", 1)
	w.publish()
	err := w.supplier.desk.ServeFeed(context.Background(), exchange.ShopID{1}, &message.FeedPull{Feed: exchange.MainFeed}, func(*message.FeedChunk) error {
		t.Error("a stranger gets a chunk")
		return nil
	})
	if exchange.CodeOf(err) != exchange.CodeNoPartnership {
		t.Errorf("a stranger gets %v", err)
	}
	for _, p := range []message.FeedPull{{Feed: "other"}, {Feed: exchange.MainFeed, Buckets: []uint32{catalog.Buckets}}, {Feed: exchange.MainFeed, Buckets: []uint32{2, 1}}, {Feed: exchange.MainFeed, Buckets: make([]uint32, message.MaxPullBuckets+1)}} {
		if err := w.supplier.desk.ServeFeed(context.Background(), w.supplier.id, &p, func(*message.FeedChunk) error { return nil }); err == nil {
			t.Errorf("the pull %+v is answered", p)
		}
	}
}
