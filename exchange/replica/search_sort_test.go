package replica_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// mall is the copies of several suppliers' catalogs at one shop.
type mall struct {
	t    testing.TB
	w    *desktest.World
	mem  kv.Store
	copy *replica.Replicas
}

func newMall(t testing.TB, shops int) *mall {
	m := &mall{t: t, w: desktest.NewWorld(t, 90, shops), mem: store.Memory()}
	m.open()
	return m
}

func (m *mall) open() {
	m.t.Helper()
	var err error
	m.copy, err = replica.Open(replica.Config{
		Store: m.mem, Codec: protocol.Codec{}, Verifier: m.w.Verifier(), Clock: desktest.Clock{Shop: m.w.Shops[0]},
		Limits: kv.Limits{BatchBytes: 1 << 20, BatchWrites: 10_000},
	})
	desktest.Must(m.t, err)
}

// Pull implements replica.Client.
func (m *mall) Pull(ctx context.Context, shop exchange.ShopID, pull *message.FeedPull, each func(*message.FeedChunk) error) error {
	return m.w.ShopOf(shop).Desk.Feed.Serve(ctx, shop, pull, each)
}

func (m *mall) put(s *desktest.Shop, p exchange.Product, units int64) {
	m.t.Helper()
	_, err := s.Desk.Shelf.Import(context.Background(), shelf.Statement{}, []shelf.Item{{Product: p, Stock: shelf.Figure{Set: true, Units: units}}})
	desktest.Must(m.t, err)
}

// follow publishes what changed and brings the copies along.
func (m *mall) follow() {
	m.t.Helper()
	for _, s := range m.w.Shops {
		desktest.Must(m.t, s.Desk.Feed.Publish(context.Background()))
		desktest.Must(m.t, m.copy.Pull(context.Background(), s.ID, m))
	}
}

// all are all pages of a query.
func (m *mall) all(q replica.Query) (hits []replica.Hit, removed []replica.Removal) {
	m.t.Helper()
	for range 10_000 {
		page, err := m.copy.Search(q)
		desktest.Must(m.t, err)
		if len(page.Hits)+len(page.Removed) > q.Limit {
			m.t.Fatalf("a page has %d hits and %d removals, of %d", len(page.Hits), len(page.Removed), q.Limit)
		}
		hits, removed = append(hits, page.Hits...), append(removed, page.Removed...)
		if q.Cursor = page.Next; q.Cursor == "" {
			return hits, removed
		}
	}
	m.t.Fatal("the pages do not end")
	return nil, nil
}

func ids(hits []replica.Hit) (list []exchange.ProductID) {
	for _, h := range hits {
		list = append(list, h.ID)
	}
	return list
}

// Whatever the query, the order and the size of its pages, and whether few products are sorted or
// the index is walked, the pages together are the products that fit, in their order.
func TestSorts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newMall(t, 3)
		titles := []string{"red shoe", "Red shoes", "blue hat", "a shoe", "zebra hat", "hat"}
		change := func() {
			s := rapid.SampledFrom(m.w.Shops).Draw(rt, "shop")
			sku := exchange.SKU(fmt.Sprintf("P-%d", rapid.IntRange(1, 12).Draw(rt, "sku")))
			m.w.Now = m.w.Now.Add(time.Duration(rapid.IntRange(0, 2).Draw(rt, "seconds")) * time.Second)
			switch rapid.IntRange(0, 5).Draw(rt, "change") {
			case 0:
				_ = s.Desk.Shelf.Remove(context.Background(), sku)
			case 1:
				_, _ = s.Desk.Shelf.SetStock(context.Background(), sku, rapid.Int64Range(0, 2).Draw(rt, "units"), false)
			default:
				m.put(s, exchange.Product{
					SKU: sku, Title: rapid.SampledFrom(titles).Draw(rt, "title"), Group: rapid.SampledFrom([]string{"", "g"}).Draw(rt, "group"),
					Price: exchange.Money{Minor: rapid.Int64Range(1, 5).Draw(rt, "price"), Currency: "EUR"},
				}, rapid.Int64Range(0, 2).Draw(rt, "units"))
			}
		}
		for range rapid.IntRange(0, 40).Draw(rt, "before") {
			change()
		}
		m.follow()
		for range rapid.IntRange(0, 3).Draw(rt, "rounds") {
			for range rapid.IntRange(1, 8).Draw(rt, "changes") {
				change()
			}
			m.follow()
		}
		if rapid.Bool().Draw(rt, "reopened") {
			m.open()
		}
		if rapid.Bool().Draw(rt, "walked") {
			m.copy.WalkOrders()
		}
		q := replica.Query{
			Text:    rapid.SampledFrom([]string{"", "", "shoe", "hats", "s", "red shoes"}).Draw(rt, "text"),
			Group:   rapid.SampledFrom([]string{"", "", "g"}).Draw(rt, "group of query"),
			InStock: rapid.Bool().Draw(rt, "in stock"),
			Sort:    rapid.SampledFrom(replica.Sorts).Draw(rt, "sort"),
			Limit:   rapid.IntRange(1, 9).Draw(rt, "limit"),
		}
		hits, _ := m.all(q)
		got := ids(hits)
		if want := m.expected(q, hits); !slices.Equal(got, want) {
			rt.Fatalf("%+v finds\n%v, want\n%v", q, got, want)
		}
		last := exchange.MaxTime
		for _, h := range hits {
			if q.Sort == replica.SortUpdated && h.Updated > last {
				rt.Fatalf("%v of %v comes after %v", h.ID, h.Updated, last)
			}
			last = h.Updated
			if one, err := m.copy.Product(h.ID); err != nil || one.Updated != h.Updated {
				rt.Fatalf("%v by itself is of %v, in the list of %v: %v", h.ID, one.Updated, h.Updated, err)
			}
		}
		total, err := m.copy.Count(q)
		desktest.Must(t, err)
		if total.Count != len(got) || total.AtLeast {
			rt.Fatalf("%d are counted (at least: %v), %d are found", total.Count, total.AtLeast, len(got))
		}
	})
}

// expected is what a query finds among products that are read one by one. When each was updated it
// takes from what was found.
func (m *mall) expected(q replica.Query, found []replica.Hit) (list []exchange.ProductID) {
	m.t.Helper()
	type hit struct {
		id      exchange.ProductID
		p       exchange.Product
		score   uint32
		updated exchange.Time
	}
	var hits []hit
	for _, s := range m.w.Shops {
		for i := range 13 {
			sku := exchange.SKU(fmt.Sprintf("P-%d", i))
			p, ok, err := s.Desk.Shelf.Current(sku)
			desktest.Must(m.t, err)
			score, matches := catalog.Score(catalog.QueryWords(q.Text), catalog.Tokens(p))
			if !ok || !matches || q.Group != "" && p.Group != q.Group || q.InStock && !p.Available.Any() {
				continue
			}
			h := hit{id: exchange.ProductID{Shop: s.ID, SKU: sku}, p: p, score: score}
			for _, f := range found {
				if f.ID == h.id {
					h.updated = f.Updated
				}
			}
			hits = append(hits, h)
		}
	}
	in := func(h hit) int {
		if h.p.Available.Any() {
			return 0
		}
		return 1
	}
	byTitle := func(a, b hit) int { return strings.Compare(catalog.Fold(a.p.Title), catalog.Fold(b.p.Title)) }
	byID := func(a, b hit) int {
		return cmp.Or(a.id.Shop.Compare(b.id.Shop), strings.Compare(string(a.id.SKU), string(b.id.SKU)))
	}
	best := func(a, b hit) int {
		if q.Text != "" || q.Group != "" {
			return cmp.Or(cmp.Compare(b.score, a.score), byID(a, b))
		}
		return cmp.Or(a.id.Shop.Compare(b.id.Shop), byTitle(a, b), byID(a, b))
	}
	slices.SortFunc(hits, func(a, b hit) int {
		switch q.Sort {
		case replica.SortAvailable:
			return cmp.Or(in(a)-in(b), best(a, b))
		case replica.SortTitle:
			return cmp.Or(byTitle(a, b), byID(a, b))
		case replica.SortPrice:
			return cmp.Or(cmp.Compare(a.p.USD.Cents, b.p.USD.Cents), byID(a, b))
		case replica.SortPriceDown:
			return -cmp.Or(cmp.Compare(a.p.USD.Cents, b.p.USD.Cents), byID(a, b))
		}
		return best(a, b)
	})
	for _, h := range hits {
		list = append(list, h.id)
	}
	if q.Sort != replica.SortUpdated {
		return list
	}
	// Of products of one moment the order is the search's own; the set must be right.
	same := slices.Clone(list)
	got := ids(found)
	slices.SortFunc(same, func(a, b exchange.ProductID) int { return strings.Compare(a.String(), b.String()) })
	sorted := slices.Clone(got)
	slices.SortFunc(sorted, func(a, b exchange.ProductID) int { return strings.Compare(a.String(), b.String()) })
	if slices.Equal(same, sorted) {
		return got
	}
	return list
}

// Whoever remembers when it last asked hears of everything that came, changed or went since, once
// a page; of a copy that came as a whole it hears everything.
func TestUpdatedSince(t *testing.T) {
	m := newMall(t, 2)
	acorn, birch := m.w.Shops[0], m.w.Shops[1]
	product := func(sku string, cents int64) exchange.Product {
		return exchange.Product{SKU: exchange.SKU(sku), Title: "thing " + sku, Price: exchange.Money{Minor: cents, Currency: "EUR"}}
	}
	for i := range 5 {
		m.put(acorn, product(fmt.Sprint("A-", i), 100), 1)
		m.put(birch, product(fmt.Sprint("B-", i), 100), 1)
	}
	m.follow()
	since := func(at exchange.Time) string {
		t.Helper()
		hits, removed := m.all(replica.Query{UpdatedSince: at, Limit: 2})
		var list []string
		for _, h := range hits {
			list = append(list, string(h.ID.SKU))
		}
		for _, r := range removed {
			list = append(list, "-"+string(r.ID.SKU))
		}
		return strings.Join(list, " ")
	}
	if got := since(m.w.Now); len(strings.Fields(got)) != 10 {
		t.Errorf("of copies that came now: %s", got)
	}
	tick := func() exchange.Time { m.w.Now = m.w.Now.Add(time.Second); return m.w.Now }
	one := tick()
	if got := since(one); got != "" {
		t.Errorf("nothing has changed, and %s is told", got)
	}
	m.put(acorn, product("A-1", 150), 1)
	m.follow()
	two := tick()
	desktest.Must(t, birch.Desk.Shelf.Remove(context.Background(), "B-2"))
	_, err := acorn.Desk.Shelf.SetStock(context.Background(), "A-3", 9, false)
	desktest.Must(t, err)
	m.follow()
	three := tick()
	m.put(birch, product("B-9", 10), 1)
	m.follow()
	for range 2 {
		for _, c := range []struct {
			at   exchange.Time
			want string
		}{{one, "B-9 A-3 A-1 -B-2"}, {two, "B-9 A-3 -B-2"}, {three, "B-9"}, {three.Add(time.Second), ""}} {
			if got := since(c.at); got != c.want {
				t.Errorf("since %v: %q, want %q", c.at, got, c.want)
			}
		}
		m.open()
	}
	tick()
	m.put(birch, product("B-2", 100), 1) // it returns
	desktest.Must(t, birch.Desk.Shelf.Publish(context.Background(), "B-2"))
	m.follow()
	if got := since(two); got != "B-2 B-9 A-3" {
		t.Errorf("once it is back: %q", got)
	}
	if got, _ := m.all(replica.Query{Text: "thing", UpdatedSince: one, Limit: 9}); len(got) != 4 {
		t.Errorf("with a text: %v", ids(got))
	}
	birch.Desk.Feed.KeepTombstones(0) // the copy must be pulled as a whole
	desktest.Must(t, birch.Desk.Shelf.Remove(context.Background(), "B-0"))
	desktest.Must(t, birch.Desk.Shelf.Remove(context.Background(), "B-1"))
	desktest.Must(t, birch.Desk.Feed.Publish(context.Background()))
	from := tick()
	desktest.Must(t, m.copy.Drop(birch.ID))
	m.follow()
	if got := since(from); got != "B-2 B-3 B-4 B-9" {
		t.Errorf("after a pull of everything: %q", got)
	}
	horizon := m.copy.Horizon()
	if horizon[birch.ID] != from || horizon[acorn.ID] >= one {
		t.Errorf("removals are known since %v; %v and %v", horizon, one, from)
	}
}

// TestEarlierRows: a store of the version before, which knows no prices and no changes, is brought
// up to date when it is opened.
func TestEarlierRows(t *testing.T) {
	m := newMall(t, 1)
	for i := range 20 {
		m.put(m.w.Shops[0], desktest.SampleProduct(i), 1)
	}
	m.follow()
	desktest.Must(t, m.copy.MakeEarlier())
	if got, _ := m.all(replica.Query{Sort: replica.SortPrice, Limit: 50}); len(got) != 0 {
		t.Fatalf("the rows are not of the version before: %d", len(got))
	}
	m.open()
	if got, _ := m.all(replica.Query{Sort: replica.SortPrice, Limit: 50}); len(got) != 20 {
		t.Errorf("%d products are in the order of prices", len(got))
	}
	if got, _ := m.all(replica.Query{Text: "no7", Limit: 50}); len(got) != 1 {
		t.Errorf("%d products are found", len(got))
	}
	if got, _ := m.all(replica.Query{UpdatedSince: m.w.Now, Limit: 50}); len(got) != 20 {
		t.Errorf("%d products count as new", len(got))
	}
}
