package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/store"
)

// order has birch order units of a product of acorn's, by hand or not, until it is answered.
func (s *shop) order(acorn *shop, sku string, units int) exchange.OrderID {
	s.t.Helper()
	ctx := waiting(s.t)
	held := must(s.Reserve(ctx, reserve(acorn, sku, units)))(s.t)
	must(s.PlaceOrder(ctx, view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}, patience/4))(s.t)
	return held.ID
}

var errEnough = errors.New("enough")

// kept are the events of a stream until it is live.
func (s *shop) kept(from client.EventsFrom) (list []view.Event) {
	s.t.Helper()
	err := s.Follow(waiting(s.t), from, func(e view.Event) error {
		if list = append(list, e); e.Type == "live" {
			return errEnough
		}
		return nil
	})
	if err != errEnough {
		s.t.Fatalf("%v, after %+v", err, list)
	}
	return list[1:] // hello
}

func told(list []view.Event) (out []string) {
	for _, e := range list {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s", e.Type, e.Status)))
	}
	return out
}

// TestFollow: a client goes on after any event that it was told, over a restart, and is told each
// event of the log once, in order, beside what the log does not keep.
func TestFollow(t *testing.T) {
	acorn, birch := partners(t, nil)
	first := birch.order(acorn, "shoe", 1)
	all := birch.kept(client.EventsFrom{After: "0-0"})
	if got, want := told(all), []string{"started", "partnership proposed", "partnership active", "order requested", "order submitted", "order accepted", "live"}; !slices.Equal(slices.Compact(got), want) {
		t.Fatalf("told %v, want %v", got, want)
	}
	birch.stop()
	birch.start()
	birch.await("the supplier's window", func() bool {
		_, ready := birch.desk().Retailer.Window(acorn.id())
		return ready
	})
	second := birch.order(acorn, "hat", 1)
	now := birch.kept(client.EventsFrom{After: "0-0"})
	if !slices.Equal(told(now)[:len(all)-1], told(all)[:len(all)-1]) {
		t.Errorf("after a restart the log begins with %v", told(now))
	}
	for i := range now {
		if rest := birch.kept(client.EventsFrom{After: now[i].ID}); i < len(now)-1 && !slices.Equal(ids(rest), ids(now)[i+1:]) {
			t.Errorf("after %s: %v, want %v", now[i].ID, ids(rest), ids(now)[i+1:])
		}
	}
	only := birch.kept(client.EventsFrom{After: "0-0", Types: []string{"order"}})
	if len(only) != 7 || only[0].Order != first || only[5].Order != second || only[6].ID != now[len(now)-1].ID {
		t.Errorf("of orders alone: %v", told(only))
	}
	if since := birch.kept(client.EventsFrom{Since: now[len(all)].At}); len(since) < 4 || since[0].Type == "gap" {
		t.Errorf("since the restart: %v", told(since))
	}
	for after, want := range map[string]string{"7": "gap unknown", "1-1": "gap restored"} {
		if got := birch.kept(client.EventsFrom{After: after}); told(got)[0] != want || !strings.Contains(got[0].Detail, "/api/v1/changes") {
			t.Errorf("after %s: %v", after, told(got))
		}
	}
	live(t, acorn, birch, now[len(now)-1].ID)
}

func ids(list []view.Event) (out []string) {
	for _, e := range list {
		out = append(out, e.ID)
	}
	return out
}

// live follows while orders are placed, breaking off and going on again and again.
func live(t *testing.T, acorn, birch *shop, after string) {
	t.Helper()
	const orders = 3
	done := make(chan bool)
	go func() {
		defer close(done)
		for range orders {
			birch.order(acorn, "shoe", 1)
		}
	}()
	var got []string
	for n := 0; n < orders; {
		took := 0
		err := birch.Follow(waiting(t), client.EventsFrom{After: after}, func(e view.Event) error {
			if e.ID == "" || e.Type == "live" || e.Type == "hello" || e.Type == "ping" {
				return nil
			}
			if got, after = append(got, e.ID), e.ID; e.Type == "order" && e.Status == "accepted" {
				n++
			}
			if took++; took == 2 || n == orders {
				return errEnough
			}
			return nil
		})
		if err != errEnough {
			t.Fatal(err)
		}
	}
	<-done
	if len(got) != 3*orders || len(slices.Compact(slices.Sorted(slices.Values(got)))) != len(got) {
		t.Errorf("told %v", got)
	}
}

// TestLastEventID: the header goes before the query, as it does where a browser comes again.
func TestLastEventID(t *testing.T) {
	s := lone(t)
	must(s.RemoveProduct(waiting(t), "shoe", false))(t)
	all := s.kept(client.EventsFrom{After: "0-0"})
	last := all[len(all)-1].ID
	ctx, stop := context.WithCancel(waiting(t))
	defer stop()
	req := must(http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/api/v1/events?after=0-0&types=listing", nil))(t)
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Last-Event-ID", last)
	res := must(http.DefaultTransport.RoundTrip(req))(t)
	defer res.Body.Close()
	b := make([]byte, 0, 4096)
	for !strings.Contains(string(b), `"type":"live"`) {
		n, err := res.Body.Read(b[len(b):cap(b)])
		if b = b[:len(b)+n]; err != nil {
			t.Fatalf("%v, after %s", err, b)
		}
	}
	if got := string(b); !strings.HasPrefix(got, `data: {"type":"hello"`) || strings.Count(got, "data: ") != 2 || !strings.Contains(got, "id: "+last+"\ndata: ") {
		t.Errorf("after %s: %s", last, b)
	}
}

// reader is a client that follows the changes.
type reader struct {
	t        testing.TB
	s        *shop
	since    string
	limit    int
	products map[exchange.ProductID]string
	orders   map[string]string
	sales    map[string]string
}

func newReader(s *shop, limit int) *reader {
	return &reader{t: s.t, s: s, limit: limit, products: map[exchange.ProductID]string{}, orders: map[string]string{}, sales: map[string]string{}}
}

// read reads until there is no more.
func (r *reader) read() {
	r.t.Helper()
	for more := true; more; {
		c := must(r.s.Changes(waiting(r.t), r.since, r.limit))(r.t)
		for _, p := range c.Products {
			if delete(r.products, p.ID); !p.Removed {
				r.products[p.ID] = fmt.Sprint(p.Product.Title, p.Product.Available)
			}
		}
		for _, o := range c.Orders {
			r.orders[o.Role+o.ID.String()] = fmt.Sprint(o.Status, o.Due)
		}
		for _, s := range c.Sales {
			r.sales[s.ID.String()] = saleText(s)
		}
		r.since, more = c.Next, c.More
		if len(c.Products) > r.limit || len(c.Orders)+len(c.Sales) > r.limit {
			r.t.Errorf("%d products, %d orders and %d sales, at most %d were asked for", len(c.Products), len(c.Orders), len(c.Sales), r.limit)
		}
	}
}

func saleText(s view.Sale) string { return fmt.Sprint(s.Status, s.Due, s.Lines[0].Returned) }

// check holds what was read against the shop.
func (r *reader) check() {
	r.t.Helper()
	products, orders := map[exchange.ProductID]string{}, map[string]string{}
	for _, p := range must(r.s.Catalog(waiting(r.t), client.CatalogQuery{State: view.StateListed, Limit: 200}))(r.t).Products {
		products[p.ID] = fmt.Sprint(p.Title, p.Available)
	}
	for _, o := range must(r.s.Orders(waiting(r.t), client.OrdersQuery{Limit: 200}))(r.t).Orders {
		orders[o.Role+o.ID.String()] = fmt.Sprint(o.Status, o.Due)
	}
	sales := map[string]string{}
	for _, s := range must(r.s.Sales().List(waiting(r.t), client.SalesQuery{Limit: 200}))(r.t).Sales {
		sales[s.ID.String()] = saleText(s)
	}
	if fmt.Sprint(r.sales) != fmt.Sprint(sales) {
		r.t.Errorf("read sales\n%v\nthere are\n%v", r.sales, sales)
	}
	if fmt.Sprint(r.products) != fmt.Sprint(products) || fmt.Sprint(r.orders) != fmt.Sprint(orders) {
		r.t.Errorf("read\n%v\n%v\nthere are\n%v\n%v", r.products, r.orders, products, orders)
	}
}

// published waits until the catalog tells of all changes.
func (s *shop) published() {
	s.t.Helper()
	if _, err := s.desk().Feed.Flush(waiting(s.t)); err != nil {
		s.t.Fatal(err)
	}
}

// TestChanges: whoever reads the changes has what there is, whenever it began, in pages of any
// size, beside writers, and over restarts; and is told to begin again where it cannot.
func TestChanges(t *testing.T) {
	acorn, birch := partners(t, byHand)
	ctx := waiting(t)
	for i := range 7 {
		acorn.stock(exchange.SKU(fmt.Sprintf("p%d", i)), "Product", 5, 100)
	}
	held := must(birch.Reserve(ctx, reserve(acorn, "shoe", 1)))(t)
	must(birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}, patience/4))(t)
	own := func(units int64, left bool) *view.Sale {
		return must(acorn.Sales().Sell(ctx, view.NewSale{Lines: []view.Units{{SKU: "hat", Units: units}}, Left: left}))(t)
	}
	for range 3 {
		own(1, false)
	}
	acorn.published()
	sold, bought := newReader(acorn, 2), newReader(birch, 1)
	sold.read()
	bought.read()
	sold.check()
	bought.check()

	copied := acorn.disks.Store.(disk).Store.(*store.Mem).Clone()
	writing := make(chan bool)
	go func() {
		defer close(writing)
		for i := range 5 {
			acorn.stock("hat", "Straw hat", int64(20+i), 1250)
			must(birch.Reserve(ctx, reserve(acorn, "shoe", 1)))(t)
			must(acorn.Sales().Return(ctx, own(2, true).ID, view.Return{Damaged: true}))(t)
			must(acorn.RemoveProduct(ctx, exchange.SKU(fmt.Sprintf("p%d", i)), false))(t)
		}
		must(acorn.AcceptOrder(ctx, held.ID))(t)
	}()
	late := newReader(acorn, 1)
	for busy := true; busy; {
		select {
		case <-writing:
			busy = false
		default:
		}
		sold.read()
		late.read()
	}
	acorn.published()
	birch.await("the acceptance", func() bool {
		o, err := birch.Order(ctx, held.ID)
		return err == nil && o.Status == "accepted"
	})
	acorn.stop()
	acorn.start()
	sold.s, late.s = acorn, acorn
	for _, r := range []*reader{sold, late, bought} {
		r.read()
		r.check()
	}

	_, err := acorn.Changes(ctx, "nonsense", 0)
	wantCode(t, "no cursor", err, exchange.CodeInvalid)
	acorn.stop() // an older copy is put back, and has lost what no event told of, too
	acorn.disks.Store = disk{copied, acorn.full, acorn.slow}
	acorn.start()
	_, err = acorn.Changes(ctx, sold.since, 0)
	wantCode(t, "a store put back", err, exchange.CodeTooOld)
	again := newReader(acorn, 3)
	again.read()
	again.check()
}

// TestEntityTags: an answer that the caller has is not sent again, and another one is.
func TestEntityTags(t *testing.T) {
	acorn, birch := partners(t, nil)
	id := birch.order(acorn, "shoe", 1)
	product := "/api/v1/products/" + acorn.product("shoe").String()
	for _, c := range []struct {
		s      *shop
		target string
		weak   bool
		change func()
	}{
		{acorn, product, true, func() { acorn.stock("shoe", "Running shoe", 20, 9900) }},
		{acorn, "/api/v1/products?limit=200", true, func() { acorn.stock("hat", "Straw hat", 6, 1350) }},
		{birch, "/api/v1/orders/" + id.String(), false, func() {
			must(acorn.ShipOrder(waiting(t), id, view.Ship{}))(t)
			birch.await("the shipment", func() bool {
				o, err := birch.Order(waiting(t), id)
				return err == nil && o.Status == "shipped"
			})
		}},
		{acorn, "/api/v1/orders?role=sold", false, func() { must(acorn.DeliverOrder(waiting(t), id, view.Deliver{}))(t) }},
		{acorn, "/api/v1/partners/" + birch.id().String() + "/ledger", false, func() {
			must(acorn.EndTrade(waiting(t), birch.id(), view.End{}))(t)
		}},
	} {
		t.Run(c.target, func(t *testing.T) {
			var tag, body string
			c.s.await("it rests, and what is known is not sent again", func() bool { // a change before may still be on its way to it
				var res *http.Response
				res, body = c.s.raw(http.MethodGet, c.target, "")
				tag = res.Header.Get("ETag")
				if res.StatusCode != http.StatusOK || len(body) == 0 || strings.HasPrefix(tag, "W/") != c.weak || !strings.HasSuffix(tag, `"`) {
					t.Fatalf("%d, tag %s: %s", res.StatusCode, tag, body)
				}
				for _, ask := range []string{tag, `"other", ` + strings.TrimPrefix(tag, "W/"), "*"} {
					if res, body := c.s.raw(http.MethodGet, c.target, "", "If-None-Match", ask); res.StatusCode != http.StatusNotModified || body != "" || res.Header.Get("ETag") != tag {
						return false
					}
				}
				res, again := c.s.raw(http.MethodGet, c.target, "", "If-None-Match", `"other"`)
				if res.StatusCode != http.StatusOK || res.Header.Get("ETag") == tag && !c.weak && again != body {
					t.Fatalf("another tag: %d, %s", res.StatusCode, res.Header.Get("ETag"))
				}
				return res.Header.Get("ETag") == tag
			})
			c.change()
			if res, _ := c.s.raw(http.MethodGet, c.target, "", "If-None-Match", tag); res.StatusCode != http.StatusOK || res.Header.Get("ETag") == tag {
				t.Errorf("after a change: %d, tag %s", res.StatusCode, res.Header.Get("ETag"))
			}
		})
	}
	if res, _ := acorn.raw(http.MethodGet, "/api/v1/orders/"+strings.Repeat("0", 32), "", "If-None-Match", "*"); res.StatusCode == http.StatusNotModified || res.Header.Get("ETag") != "" {
		t.Errorf("what there is not: %d, tag %s", res.StatusCode, res.Header.Get("ETag"))
	}
}

// TestLedgerCalls: both shops read the same entries, page by page, and agree where they end.
func TestLedgerCalls(t *testing.T) {
	acorn, birch := partners(t, nil)
	id := birch.order(acorn, "shoe", 2)
	must(acorn.ShipOrder(waiting(t), id, view.Ship{Carrier: "PostNord", Tracking: "P1"}))(t)
	birch.await("the shipment", func() bool {
		o, err := birch.Order(waiting(t), id)
		return err == nil && o.Status == "shipped"
	})
	read := func(s, partner *shop) (all []view.LedgerEntry) {
		t.Helper()
		for after, more := uint64(0), true; more; {
			page := must(s.Ledger(waiting(t), partner.id(), "", after))(t)
			all = append(all, page.Entries...)
			if after, more = page.Next, page.Next > 0; !more && page.Hash != all[len(all)-1].Hash {
				t.Errorf("the ledger ends with %s", page.Hash)
			}
		}
		return all
	}
	sold, bought := read(acorn, birch), read(birch, acorn)
	if len(sold) < 4 || len(sold) != len(bought) {
		t.Fatalf("%d and %d entries", len(sold), len(bought))
	}
	var kinds []string
	for i := range sold {
		kinds = append(kinds, sold[i].Kind)
		if sold[i].Hash != bought[i].Hash || sold[i].Position != uint64(i+1) || sold[i].By == bought[i].By {
			t.Errorf("entry %d: %+v, %+v", i+1, sold[i], bought[i])
		}
	}
	if !slices.Equal(kinds[len(kinds)-3:], []string{"order", "accept", "ship"}) {
		t.Errorf("kinds %v", kinds)
	}
	last := sold[len(sold)-1]
	ordered := sold[len(sold)-3]
	if last.Order != id || last.Tracking != "P1" || last.By != "self" || ordered.Number == 0 || ordered.Total == nil || !slices.Equal(ordered.Lines, []view.Units{{SKU: "shoe", Units: 2}}) {
		t.Errorf("the order is %+v, the shipment %+v", ordered, last)
	}
	if page := must(acorn.Ledger(waiting(t), birch.id(), view.Sell, last.Position-1))(t); len(page.Entries) != 1 || page.Entries[0].Hash != last.Hash {
		t.Errorf("after the last but one: %+v", page)
	}
	_, err := acorn.Ledger(waiting(t), birch.id(), view.Buy, 0)
	wantCode(t, "the ledger that there is not", err, exchange.CodeNoPartnership)
	for s, partner := range map[*shop]*shop{acorn: birch, birch: acorn} {
		s.await("equal ledgers", func() bool {
			c, err := s.CompareLedger(waiting(t), partner.id())
			return err == nil && len(c.Ledgers) == 1 && c.Ledgers[0].State == "equal" && c.Ledgers[0].There.Position == last.Position && c.Ledgers[0].There.Hash == last.Hash
		})
	}
	birch.stop()
	if c := must(acorn.CompareLedger(waiting(t), birch.id()))(t); c.Ledgers[0].State != "unreachable" || c.Ledgers[0].There != nil || c.Ledgers[0].Refusal == nil {
		t.Errorf("of a shop that is off: %+v", c.Ledgers[0])
	}
	answered(t, []*shop{acorn}, "list-ledger", "compare-ledger")
}
