package replica_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// ownCatalog is a shop's own catalog as a node has it: the desk, and the copy that search reads.
type ownCatalog struct {
	w        *desktest.FeedWorld
	mem      *store.Mem
	copy     *replica.Replicas
	follower *replica.Follower
	silent   bool   // the feed publishes nothing
	flushing func() // called once while a flush is under way
}

func newOwnCatalog(t testing.TB, seed uint64) *ownCatalog {
	o := &ownCatalog{w: desktest.NewFeedWorld(t, seed), mem: store.Memory()}
	o.open()
	return o
}

// open is what a start of the shop does.
func (o *ownCatalog) open() {
	o.w.T.Helper()
	own := o.w.Supplier
	o.copy = openOwn(o.w.T, o.w, own.Desk, o.mem)
	o.follower = replica.NewFollower(replica.FollowerConfig{Replicas: o.copy, Client: o.w, Flush: o.flush})
	st, _ := o.copy.Status(own.ID)
	lacks, err := own.Desk.Feed.Lacks(catalog.Position{Epoch: st.Epoch, Sequence: st.At})
	desktest.Must(o.w.T, err)
	o.follower.Late(lacks)
}

func openOwn(t testing.TB, w *desktest.FeedWorld, d *desk.Desk, on kv.Store) *replica.Replicas {
	t.Helper()
	r, err := replica.Open(replica.Config{
		Store: on, Codec: protocol.Codec{}, Verifier: w.Verifier(), Clock: desktest.Clock{Shop: w.Supplier},
		Limits: kv.Limits{BatchBytes: 1 << 20, BatchWrites: 10_000},
		Own:    &replica.Own{Shop: d.Shop(), Product: d.Shelf.Current},
	})
	desktest.Must(t, err)
	return r
}

// flush publishes and brings the copy along, as the publisher and the follower of a node do.
func (o *ownCatalog) flush(ctx context.Context) (at catalog.Position, err error) {
	if o.silent {
		return at, exchange.Errorf(exchange.CodeRestored, "nothing is published")
	}
	if err := o.w.Supplier.Desk.Feed.Publish(ctx); err != nil {
		return at, err
	}
	if err := o.copy.Pull(ctx, o.w.Supplier.ID, o.w); err != nil {
		return at, err
	}
	if meanwhile := o.flushing; meanwhile != nil {
		o.flushing = nil
		meanwhile()
	}
	st, _ := o.copy.Status(o.w.Supplier.ID)
	return catalog.Position{Epoch: st.Epoch, Sequence: st.At}, nil
}

// put imports a product as a node does, and reports the error of the wait.
func (o *ownCatalog) put(p exchange.Product, units int64) error {
	_, err := o.w.Supplier.Desk.Shelf.Import(context.Background(), shelf.Statement{}, []shelf.Item{{Product: p, Stock: shelf.Figure{Set: true, Units: units}}})
	desktest.Must(o.w.T, err)
	return o.follower.CatchUp(context.Background(), []exchange.SKU{p.SKU})
}

// found are all pages of a query, as SKU, title, price and count.
func (o *ownCatalog) found(q replica.Query) (list []string) {
	o.w.T.Helper()
	for {
		page, err := o.copy.Search(q)
		desktest.Must(o.w.T, err)
		for _, h := range page.Hits {
			list = append(list, shown(h.Product))
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return list
		}
	}
}

func shown(p exchange.Product) string {
	return fmt.Sprint(p.SKU, " ", p.Title, " ", p.Price.Minor, " ", p.Available)
}

// expected is what a query finds among products that are read one by one.
func (o *ownCatalog) expected(q replica.Query, skus []exchange.SKU) (list []string) {
	o.w.T.Helper()
	type hit struct {
		score uint32
		title string
		text  string
	}
	var hits []hit
	for _, sku := range skus {
		p, ok, err := o.w.Supplier.Desk.Shelf.Current(sku)
		desktest.Must(o.w.T, err)
		score, matches := catalog.Score(catalog.QueryWords(q.Text), catalog.Tokens(p))
		if ok && matches && (q.Group == "" || p.Group == q.Group) && (!q.InStock || p.Available.Any()) && (q.MaxCents == 0 || p.USD.Cents <= q.MaxCents) {
			hits = append(hits, hit{score, catalog.Fold(p.Title), shown(p)})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { // skus ascend
		switch {
		case q.Text == "" && q.Group == "":
			return strings.Compare(a.title, b.title)
		default:
			return int(b.score) - int(a.score)
		}
	})
	for _, h := range hits {
		list = append(list, h.text)
	}
	return list
}

// Whatever of the feed is published and has come to the copy, and whatever was lost, a search
// finds the own products as the shelf has them.
func TestOwnReadsSeeWrites(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := newOwnCatalog(t, 60)
		d := func() *desk.Desk { return o.w.Supplier.Desk }
		var skus []exchange.SKU
		for i := range 8 {
			skus = append(skus, exchange.SKU(fmt.Sprintf("P-%d", i)))
		}
		ctx := context.Background()
		rt.Repeat(map[string]func(*rapid.T){
			"import": func(rt *rapid.T) {
				err := o.put(exchange.Product{
					SKU: rapid.SampledFrom(skus).Draw(rt, "sku"), Title: rapid.SampledFrom([]string{"red wool", "wool hat", "hat", "Blue"}).Draw(rt, "title"),
					Group: rapid.SampledFrom([]string{"", "g"}).Draw(rt, "group"),
					Price: exchange.Money{Minor: rapid.Int64Range(1, 3).Draw(rt, "price"), Currency: "EUR"},
				}, rapid.Int64Range(0, 3).Draw(rt, "units"))
				if (err != nil) != o.silent {
					rt.Fatalf("silent %v: %v", o.silent, err)
				}
			},
			"set stock": func(rt *rapid.T) {
				_, _ = d().Shelf.SetStock(ctx, rapid.SampledFrom(skus).Draw(rt, "sku"), rapid.Int64Range(0, 3).Draw(rt, "units"), rapid.Bool().Draw(rt, "unlimited")) // not there: no change
			},
			"remove": func(rt *rapid.T) {
				_ = d().Shelf.Remove(ctx, rapid.SampledFrom(skus).Draw(rt, "sku")) // likewise
			},
			"reprice": func(rt *rapid.T) {
				d().Shelf.SetRate(exchange.Rate{From: "EUR", Num: rapid.Int64Range(1, 3).Draw(rt, "rate"), Den: 1, Text: "1"})
				_, err := d().Shelf.Reprice(ctx)
				desktest.Must(t, err)
			},
			"silence": func(rt *rapid.T) { o.silent = rapid.Bool().Draw(rt, "silent") },
			"publish": func(*rapid.T) { o.w.Publish() },
			"settle":  func(*rapid.T) { _ = o.follower.SettleLate(ctx) }, // silent: it does nothing
			"restart": func(*rapid.T) { o.w.RestartSupplier(); o.mem = o.mem.Clone(); o.open() },
			"lose":    func(*rapid.T) { o.mem = store.Memory(); o.open() },
			"": func(rt *rapid.T) {
				for _, q := range []replica.Query{
					{}, {InStock: true}, {MaxCents: 3}, {Text: "wool"}, {Text: "ha"}, {Text: "red wool"}, {Group: "g"}, {Text: "wool", Group: "g"},
				} {
					q.Limit = rapid.IntRange(1, 9).Draw(rt, "limit")
					if got, want := o.found(q), o.expected(q, skus); !slices.Equal(got, want) {
						rt.Fatalf("%+v finds\n%q, want\n%q", q, got, want)
					}
					for _, sort := range replica.Sorts { // in any order the same products
						in := q
						in.Sort = sort
						got, want := o.found(in), o.expected(q, skus)
						if sort != replica.SortBest {
							slices.Sort(got)
							slices.Sort(want)
						}
						if !slices.Equal(got, want) {
							rt.Fatalf("%+v finds %q, want %q", in, got, want)
						}
					}
				}
				for _, sku := range skus {
					p, ok, err := d().Shelf.Current(sku)
					desktest.Must(t, err)
					h, err := o.copy.Product(exchange.ProductID{Shop: o.w.Supplier.ID, SKU: sku})
					if (err == nil) != ok || ok && shown(h.Product) != shown(p) {
						rt.Fatalf("%s: %v, %v; the shelf has %v, %v", sku, h.Product, err, p, ok)
					}
				}
			},
		})
	})
}

// More products than one page examines, none of them in the index.
func TestOwnListWithoutIndex(t *testing.T) {
	o := newOwnCatalog(t, 61)
	o.silent = true
	var skus []exchange.SKU
	for i := range 4000 {
		skus = append(skus, desktest.SampleProduct(i).SKU)
	}
	o.w.Fill(len(skus))
	o.follower.Late(skus)
	for _, q := range []replica.Query{{Limit: 150}, {Limit: 150, Text: "no3999"}, {InStock: true, Limit: replica.MaxHits}} {
		if got, want := o.found(q), o.expected(q, skus); !slices.Equal(got, want) {
			t.Errorf("%+v finds %d products, want %d", q, len(got), len(want))
		}
	}
	o.silent = false
	desktest.Must(t, o.follower.SettleLate(t.Context()))
	if n := o.copy.Late(); n != 0 {
		t.Errorf("%d products are late though the index has them", n)
	}
	if got := o.found(replica.Query{Limit: 150}); len(got) != len(skus) {
		t.Errorf("the index lists %d products, want %d", len(got), len(skus))
	}
}

// A product that is late again, while those that were late are settled, stays late.
func TestLateAgainWhileSettling(t *testing.T) {
	o := newOwnCatalog(t, 63)
	o.silent = true
	p := desktest.SampleProduct(1)
	if err := o.put(p, 1); err == nil {
		t.Fatal("a silent feed has published")
	}
	o.silent = false
	o.flushing = func() {
		p.Title = "renamed"
		o.w.Put(string(p.SKU), p.Title, 1)
		o.follower.Late([]exchange.SKU{p.SKU})
	}
	desktest.Must(t, o.follower.SettleLate(t.Context()))
	if got := o.found(replica.Query{Text: "renamed"}); len(got) != 1 || o.copy.Late() != 1 {
		t.Errorf("%d products are late, found %q", o.copy.Late(), got)
	}
}

// TestCatchUp: with publisher and follower at work, the wait ends when the index has
// what was written, within the publisher's interval; without the follower it ends with
// its context, and what is late then is settled when the follower is there.
func TestCatchUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := desktest.NewFeedWorld(t, 62)
		cfg := w.Supplier.Config()
		cfg.Inline = false
		d, err := desk.Open(cfg)
		desktest.Must(t, err)
		own := openOwn(t, w, d, store.Memory())
		s := replica.NewFollower(replica.FollowerConfig{Replicas: own, Client: ownFeed{d}, Flush: d.Feed.Flush})
		d.Feed.OnPublish(func(u *message.FeedUpdate, _ message.FeedKey) { s.Updated(d.Shop(), u) })
		run, end := context.WithCancel(t.Context())
		deskDone, followDone := make(chan error, 1), make(chan error, 1)
		go func() { deskDone <- d.Run(run) }()
		put := func(i int) error {
			p := desktest.SampleProduct(i)
			_, err := d.Shelf.Import(t.Context(), shelf.Statement{}, []shelf.Item{{Product: p, Stock: shelf.Figure{Set: true, Units: 1}}})
			desktest.Must(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			return s.CatchUp(ctx, []exchange.SKU{p.SKU})
		}
		listed := func(n int) {
			t.Helper()
			page, err := own.Search(replica.Query{})
			desktest.Must(t, err)
			if len(page.Hits) != n {
				t.Errorf("%d products are listed, want %d", len(page.Hits), n)
			}
		}
		if err := put(0); err == nil || own.Late() != 1 {
			t.Errorf("without a follower: %v, %d late", err, own.Late())
		}
		listed(1)
		s.Follow(d.Shop())
		go func() { followDone <- s.Run(run) }()
		time.Sleep(time.Second) // of the bubble
		if own.Late() != 0 {
			t.Errorf("%d products are late though the follower has caught up", own.Late())
		}
		for i := 1; i < 20; i++ {
			begin := time.Now()
			if err := put(i); err != nil || own.Late() != 0 {
				t.Errorf("import %d: %v, %d late", i, err, own.Late())
			}
			if took := time.Since(begin); took > 200*time.Millisecond {
				t.Errorf("import %d waited %v", i, took)
			}
			listed(i + 1)
		}
		end()
		desktest.Must(t, <-followDone)
		desktest.Must(t, <-deskDone)
	})
}
