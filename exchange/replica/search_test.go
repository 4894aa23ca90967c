package replica_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/protocol"
)

func searched(w *desktest.FeedWorld, q replica.Query) []string {
	w.T.Helper()
	page, err := w.Copy.Search(q)
	desktest.Must(w.T, err)
	var skus []string
	for _, h := range page.Hits {
		skus = append(skus, string(h.ID.SKU))
	}
	return skus
}

func TestSearch(t *testing.T) {
	w := desktest.NewFeedWorld(t, 20)
	product := func(sku, group, title, category string, cents, units int64) {
		p := exchange.Product{SKU: exchange.SKU(sku), Group: group, Title: title, Category: category, Price: exchange.Money{Minor: cents, Currency: "EUR"}}
		desktest.Must(t, w.TryPut(p, units))
	}
	product("TR-41", "trail", "Trail running shoe", "Sport > Shoes", 9900, 3)
	product("TR-42", "trail", "Trail running shoe", "Sport > Shoes", 10900, 0)
	product("CAP", "", "Café cap", "Hats", 1500, 9)
	product("SOCK", "", "Running sock", "Sport > Socks", 500, 1)
	w.Publish()
	desktest.Must(t, w.PullCopy())
	for _, c := range []struct {
		q    replica.Query
		want string
	}{
		{replica.Query{Text: "running"}, "SOCK TR-41 TR-42"},
		{replica.Query{Text: "socks"}, "SOCK"},
		{replica.Query{Text: "running shoes"}, "TR-41 TR-42"},
		{replica.Query{Text: "running shoe"}, "TR-41 TR-42"},
		{replica.Query{Text: "RUNN tra"}, "TR-41 TR-42"},
		{replica.Query{Text: "tr 41"}, "TR-41"},
		{replica.Query{Text: "cafe"}, "CAP"},
		{replica.Query{Text: "unning"}, ""},
		{replica.Query{Text: "–"}, ""},
		{replica.Query{Text: "shoe", InStock: true}, "TR-41"},
		{replica.Query{Group: "trail"}, "TR-41 TR-42"},
		{replica.Query{Group: "trai"}, ""},
		{replica.Query{Category: "sport > s"}, "SOCK TR-41 TR-42"},
		{replica.Query{MinCents: 1000, MaxCents: 11_000}, "CAP TR-41"}, // 1.1 dollars a euro
		{replica.Query{}, "CAP SOCK TR-41 TR-42"},
		{replica.Query{Shop: w.Supplier.ID, Text: "cap"}, "CAP"},
		{replica.Query{Shop: exchange.ShopID{1}, Text: "cap"}, ""},
	} {
		got := searched(w, c.q)
		if c.q.Text == "" {
			slices.Sort(got) // listed by title
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%+v finds %q, want %q", c.q, s, c.want)
		}
	}
	if got := searched(w, replica.Query{}); got[0] != "CAP" || got[1] != "SOCK" {
		t.Errorf("listed as %q, not by title", got)
	}
	id := exchange.ProductID{Shop: w.Supplier.ID, SKU: "CAP"}
	if h, err := w.Copy.Product(id); err != nil || h.Product.Title != "Café cap" || !h.Sellable {
		t.Errorf("%+v, %v", h, err)
	}
	id.SKU = "NONE"
	if _, err := w.Copy.Product(id); exchange.CodeOf(err) != exchange.CodeNotFound {
		t.Errorf("a product that is not there: %v", err)
	}
}

// A product of a supplier without a rate reaches the copy as one without a price in US dollars,
// which is neither dear nor cheap; a rate that comes gives it one there too.
func TestSearchWithoutRate(t *testing.T) {
	w := desktest.NewFeedWorld(t, 21)
	policy := w.Supplier.Policy
	policy.Rate = exchange.Rate{}
	desktest.Must(t, w.Supplier.Desk.SetPolicy(policy))
	desktest.Must(t, w.TryPut(exchange.Product{SKU: "CAP", Title: "Cap", Price: exchange.Money{Minor: 1500, Currency: "EUR"}}, 9))
	finds := func(wanted string) {
		t.Helper()
		w.Publish()
		desktest.Must(t, w.PullCopy())
		for q, want := range map[replica.Query]string{
			{}: "CAP", {Text: "cap"}: "CAP", {MinCents: 1}: wanted, {MaxCents: 1 << 40}: wanted, {Text: "cap", MaxCents: 1650}: wanted,
		} {
			if got := strings.Join(searched(w, q), " "); got != want {
				t.Errorf("%+v finds %q, want %q", q, got, want)
			}
		}
	}
	finds("")
	policy.Rate = w.Supplier.Policy.Rate
	desktest.Must(t, w.Supplier.Desk.SetPolicy(policy))
	_, err := w.Supplier.Desk.Shelf.Reprice(desktest.Ctx)
	desktest.Must(t, err)
	finds("CAP")
}

// Whatever the query and page size, paging shows each product that fits exactly
// once, and the index finds what reading every product finds.
func TestSearchEqualsReadingEverything(t *testing.T) {
	w := desktest.NewFeedWorld(t, 21)
	w.Fill(150)
	w.Publish()
	desktest.Must(t, w.PullCopy())
	// The rest of the index is made change by change, some of them back and forth.
	for i := range 60 {
		w.Put(string(desktest.SampleProduct(3*i).SKU), "zzz other "+desktest.SampleWords[i%20], 1)
	}
	w.Publish()
	desktest.Must(t, w.PullCopy())
	w.Fill(300)
	for i := range 60 { // the import counts no stock again that its file does not change
		_, err := w.Supplier.Desk.Shelf.SetStock(context.Background(), desktest.SampleProduct(3*i).SKU, int64(3*i%50), false)
		desktest.Must(t, err)
	}
	w.Publish()
	desktest.Must(t, w.PullCopy())
	w.Equal()
	rapid.Check(t, func(t *rapid.T) {
		q := replica.Query{
			Text:     rapid.SampledFrom([]string{"", "shoe", "s", "running sh", "no1 blue", "sku 0000012", "zzz", "lamps", "leathers shoes", "shoes no1"}).Draw(t, "text"),
			Category: rapid.SampledFrom([]string{"", "things > r", "x"}).Draw(t, "category"),
			Group:    rapid.SampledFrom([]string{"", "", "group-7"}).Draw(t, "group"),
			InStock:  rapid.Bool().Draw(t, "in stock"),
			MaxCents: rapid.SampledFrom([]int64{0, 700}).Draw(t, "max"),
			Limit:    rapid.IntRange(1, 40).Draw(t, "limit"),
		}
		want := map[exchange.SKU]bool{}
		for i := range 300 {
			p := desktest.SampleProduct(i)
			_, matches := catalog.Score(catalog.QueryWords(q.Text), catalog.Tokens(p))
			cents := (p.Price.Minor*11 + 5) / 10
			if matches && (q.Group == "" || p.Group == q.Group) && strings.HasPrefix(strings.ToLower(p.Category), q.Category) &&
				(!q.InStock || i%50 > 0) && (q.MaxCents == 0 || cents <= q.MaxCents) {
				want[p.SKU] = true
			}
		}
		for {
			page, err := w.Copy.Search(q)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range page.Hits {
				if !want[h.ID.SKU] {
					t.Fatalf("%v does not fit, or comes twice", h.ID.SKU)
				}
				delete(want, h.ID.SKU)
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
		}
		if len(want) > 0 {
			t.Fatalf("%d products are not found, such as %v", len(want), want)
		}
	})
}

// A record that another shop filled with what no product may say is kept for the
// digest and shown to nobody.
func TestUnfitRecordsAreHidden(t *testing.T) {
	w := desktest.NewFeedWorld(t, 22)
	w.Fill(5)
	w.Publish()
	desktest.Must(t, w.PullCopy())
	desktest.Must(t, w.Copy.SpoilRecord(w.Supplier.ID, desktest.SampleProduct(2).SKU))
	w.Found(4)
	if _, err := w.Copy.Product(exchange.ProductID{Shop: w.Supplier.ID, SKU: desktest.SampleProduct(2).SKU}); exchange.CodeOf(err) != exchange.CodeNotFound {
		t.Errorf("it is shown: %v", err)
	}
	p := desktest.SampleProduct(3)
	p.Image, p.Available.Units = "https://acorn.example/3.png", 5
	fit, err := protocol.Codec{}.Encode(&message.FeedProduct{Product: p})
	desktest.Must(t, err)
	record := bytes.Replace(fit, []byte("https://acorn"), []byte("xttps://acorn"), 1)
	desktest.Must(t, w.Copy.PutRecord(w.Supplier.ID, p.SKU, record))
	w.Found(3)
	if got := searched(w, replica.Query{Text: string(p.SKU)}); len(got) > 0 {
		t.Errorf("a product whose image is no web address is found: %v", got)
	}
}

func FuzzCursor(f *testing.F) {
	w := desktest.NewFeedWorld(f, 23)
	w.Fill(20)
	w.Publish()
	desktest.Must(f, w.PullCopy())
	for _, q := range []replica.Query{{Limit: 3}, {Text: "s", Limit: 3}} {
		page, err := w.Copy.Search(q)
		desktest.Must(f, err)
		f.Add(q.Text, page.Next)
	}
	f.Add("shoe", "AQ")
	f.Fuzz(func(t *testing.T, text, cursor string) {
		page, err := w.Copy.Search(replica.Query{Text: text, Cursor: cursor})
		if err != nil && exchange.CodeOf(err) != exchange.CodeInvalid {
			t.Fatal(err)
		}
		if len(page.Hits) > replica.DefaultHits {
			t.Fatalf("%d hits", len(page.Hits))
		}
	})
}
