package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory"
	"github.com/souk-market/souk/testnet"
)

// TestOwnersWord: what the owner removes stays off sale whatever a file says, until it is
// published; repeats are no errors, unknown products are.
func TestOwnersWord(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	birch.sees(acorn, "hat", true)
	held := must(birch.Reserve(ctx, reserve(acorn, "hat", 2)))(t)
	first := must(acorn.RemoveProduct(ctx, "hat", false))(t)
	again := must(acorn.RemoveProduct(ctx, "hat", false))(t)
	if first.Again || !again.Again || again.Product.Listing.Since != first.Product.Listing.Since || first.Product.Stock.Held != 2 {
		t.Errorf("removed: %+v, then %+v", first, again)
	}
	acorn.wantState("hat", view.StateRemoved, "")
	birch.sees(acorn, "hat", false)
	_, err := birch.Reserve(ctx, reserve(acorn, "hat", 1))
	wantCode(t, "a hold of what is removed", err, exchange.CodeNotFound)

	r := acorn.imports(`{"sku":"hat","title":"Straw hat","price":"12.50","stock":7}`, client.ImportOptions{})
	if r.KeptRemoved != 1 || r.Returned != 0 {
		t.Errorf("tonight's export: %+v", r)
	}
	acorn.wantState("hat", view.StateRemoved, "")
	if s := must(birch.Reservation(ctx, held.ID))(t); s.State != "held" {
		t.Errorf("the open hold: %+v", s)
	}
	if o := must(birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}, patience))(t); o.Status != "accepted" {
		t.Errorf("its order: %+v", o)
	}

	for range 2 {
		if p := must(acorn.PublishProduct(ctx, "hat"))(t); p.Listing.State != view.StateListed {
			t.Errorf("published: %+v", p.Listing)
		}
	}
	birch.sees(acorn, "hat", true)

	acorn.imports(`{"sku":"hat","title":"Straw hat","price":"12.50","stock":7,"published":false}`, client.ImportOptions{})
	must(acorn.RemoveProduct(ctx, "hat", false))(t)
	if p := must(acorn.PublishProduct(ctx, "hat"))(t); p.Listing.State != view.StateWithdrawn || p.Listing.Reason != "unpublished" {
		t.Errorf("what the shop's own system withdraws: %+v", p.Listing)
	}

	for range 2 {
		p := must(acorn.SetPrice(ctx, "shoe", view.Amount{Amount: "89.90", Currency: "EUR"}))(t)
		if p.Price.Amount != "89.90" {
			t.Errorf("priced: %+v", p)
		}
	}
	birch.await("the new price", func() bool { return must(birch.Product(ctx, acorn.product("shoe"), false))(t).Price.Amount == "89.90" })
	_, err = acorn.SetPrice(ctx, "shoe", view.Amount{Amount: "89.90", Currency: "SEK"})
	wantCode(t, "another currency", err, exchange.CodeCurrency)
	_, err = acorn.SetPrice(ctx, "shoe", view.Amount{Amount: "0", Currency: "EUR"})
	wantCode(t, "for nothing", err, exchange.CodeInvalid)

	_, err = acorn.RemoveProduct(ctx, "none", false)
	wantCode(t, "removing what never was", err, exchange.CodeNotFound)
	_, err = acorn.PublishProduct(ctx, "none")
	wantCode(t, "publishing it", err, exchange.CodeNotFound)
	_, err = acorn.SetPrice(ctx, "none", view.Amount{Amount: "1", Currency: "EUR"})
	wantCode(t, "pricing it", err, exchange.CodeNotFound)
	_, err = acorn.Stocks().Movements(ctx, "none", 0, "")
	wantCode(t, "its history", err, exchange.CodeNotFound)
	res, _ := acorn.raw("DELETE", "/api/v1/products/"+birch.product("hat").String(), "")
	if res.StatusCode != 404 {
		t.Errorf("removing another shop's product: %d", res.StatusCode)
	}
	answered(t, []*shop{acorn}, "remove-product", "publish-product", "set-price")
}

// TestRecall: removing with release_holds ends the open holds of the product and no others; the
// retailers are told, and an order of one is refused.
func TestRecall(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	ordered := must(birch.Reserve(ctx, reserve(acorn, "hat", 1)))(t)
	must(birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: ordered.ID, ShipTo: stockholm}, patience))(t)
	both := must(birch.Reserve(ctx, reserve(acorn, "hat", 1, "shoe", 2)))(t)
	hat := must(birch.Reserve(ctx, reserve(acorn, "hat", 1)))(t)
	shoe := must(birch.Reserve(ctx, reserve(acorn, "shoe", 1)))(t)

	if r := must(acorn.RemoveProduct(ctx, "hat", true))(t); r.Released != 2 || r.Product.Stock.Held != 0 || r.Product.Stock.Unshipped != 1 {
		t.Errorf("recalled: %+v, %+v", r, r.Product.Stock)
	}
	if r := must(acorn.RemoveProduct(ctx, "hat", true))(t); r.Released != 0 || !r.Again {
		t.Errorf("again: %+v", r)
	}
	if s := acorn.listing("shoe").Stock; s.Held != 1 || s.Available != 9 {
		t.Errorf("the shoes of a released hold: %+v", s)
	}
	for _, id := range []exchange.HoldID{both.ID, hat.ID} {
		birch.await("the news of the recall", func() bool { return must(birch.Reservation(ctx, id))(t).State == "released" })
		_, err := birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: id, ShipTo: stockholm}, patience)
		wantCode(t, "ordering what was recalled", err, exchange.CodeReleased)
		if err == nil || !strings.Contains(err.Error(), "recalled hat") {
			t.Errorf("it does not say why: %v", err)
		}
	}
	if o := must(birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: shoe.ID, ShipTo: stockholm}, patience))(t); o.Status != "accepted" {
		t.Errorf("the hold of another product: %+v", o)
	}
	if o := must(birch.Order(ctx, ordered.ID))(t); o.Status != "accepted" {
		t.Errorf("an order that was placed: %+v", o)
	}
}

// oneClock is a source whose system runs on this machine.
func oneClock(figure inventory.Figure) client.ImportOptions {
	return client.ImportOptions{Figure: figure, BookedWithin: ptr(time.Duration(0)), ClockSlack: ptr(time.Duration(0)), AsOf: time.Now()}
}

// sellThree has the shop sell 3 of 10 mugs through Souk, and ship them.
func sellThree(acorn, birch *shop, figure inventory.Figure) {
	acorn.imports(mugs(10), oneClock(figure))
	held := must(birch.Reserve(waiting(acorn.t), reserve(acorn, "MUG", 3)))(acorn.t)
	must(birch.PlaceOrder(waiting(acorn.t), view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}, patience))(acorn.t)
	must(acorn.ShipOrder(waiting(acorn.t), held.ID, view.Ship{}))(acorn.t)
}

func mugs(stock int) string {
	return strings.Replace(`{"sku":"MUG","title":"Mug","price":"8.00","stock":N}`, "N", itoa(stock), 1)
}

func itoa(n int) string { return strings.TrimSpace(units(view.Availability{Units: int64(n)})) }

// TestStockStories: Souk ships 3 of 10, and what the shop's own system says then is taken as it
// means it.
func TestStockStories(t *testing.T) {
	for _, c := range []struct {
		name   string
		figure inventory.Figure
		says   int // of 10
		want   int64
	}{
		{"the till sells 1 and knows nothing of Souk", inventory.FigureFreeUnaware, 9, 6},
		{"the same, and nobody says what it means", "", 9, 6},
		{"the shop books Souk's order itself", inventory.FigureFree, 7, 7},
		{"the shelf is counted after the parcel left", inventory.FigureOnHand, 7, 7},
		{"nobody says that the shop books Souk's order", "", 7, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			acorn, birch := partners(t, nil)
			sellThree(acorn, birch, c.figure)
			tick() // the figure is of a later moment than the parcel
			o := oneClock(c.figure)
			o.DryRun = true
			dry := acorn.imports(mugs(c.says), o)
			o.DryRun = false
			r := acorn.imports(mugs(c.says), o)
			if s := acorn.listing("MUG").Stock; s.Available != c.want || s.Missing != 0 {
				t.Errorf("%+v, want %d available; the dry run said %+v", s, c.want, dry.Stock)
			}
			if r.Stock.Figure != c.figure || dry.Stock.Figure != c.figure {
				t.Errorf("the figure is %q, then %q", dry.Stock.Figure, r.Stock.Figure)
			}
			if (c.figure == "") != (acorn.problem("stock-figure") != "") {
				t.Errorf("doctor says %q", acorn.problem("stock-figure"))
			}
			if c.says == 7 {
				want := view.StockReading{SKU: "MUG", Units: 7, OnHand: 7, Free: 7, FreeUnaware: 4, Taken: c.want}
				if len(dry.Stock.Readings) != 1 || dry.Stock.Readings[0] != want || dry.Stock.Differ != 1 {
					t.Errorf("the readings are %+v, want %+v", dry.Stock, want)
				}
			}
			list := must(acorn.Stocks().Movements(waiting(t), "MUG", 2, ""))(t)
			if len(list.Movements) != 2 || list.Next == "" {
				t.Fatalf("the first page of the journal: %+v", list)
			}
			rest := must(acorn.Stocks().Movements(waiting(t), "MUG", 200, list.Next))(t)
			all := append(list.Movements, rest.Movements...)
			var kinds []string
			for i, m := range all {
				kinds = append(kinds, m.Kind)
				if m.Number != uint64(len(all)-i) {
					t.Errorf("movement %d stands at %d", m.Number, i)
				}
			}
			if got := strings.Join(kinds, " "); !strings.HasSuffix(got, "shipped ordered figure") {
				t.Errorf("the journal has %s", got)
			}
			src := must(acorn.Sources(waiting(t)))(t).Sources
			if len(src) != 1 || src[0].Name != "jsonl" || src[0].StockFigure != string(c.figure) || src[0].ClockSlack != "0 seconds" || src[0].Imported.IsZero() {
				t.Errorf("the sources: %+v", src)
			}
			answered(t, []*shop{acorn}, "list-movements", "list-sources")
		})
	}
}

// tick waits until the clock has moved on.
func tick() {
	for now := exchange.TimeOf(time.Now()); exchange.TimeOf(time.Now()) == now; {
		time.Sleep(100 * time.Microsecond)
	}
}

// TestConfiguredSource: shop.toml says what a source means, before any import and against what
// an import has said.
func TestConfiguredSource(t *testing.T) {
	acorn, _ := pair(t, func(c *node.Config) {
		c.Sources = []node.SourceConfig{{Name: "till", StockFigure: "on-hand", BookedWithin: "1m", ClockSlack: "5s", Locations: []string{"Cellar"}}}
	})
	src := must(acorn.Sources(waiting(t)))(t).Sources
	if len(src) != 2 || src[1].Name != "till" || src[1].StockFigure != "on-hand" || src[1].BookedWithin != "1 minute" || src[1].ClockSlack != "5 seconds" || !src[1].Configured || !src[1].Imported.IsZero() {
		t.Errorf("before an import: %+v", src)
	}
	if r := acorn.imports(mugs(10), client.ImportOptions{Source: "till"}); r.Stock.Figure != inventory.FigureOnHand || r.Stock.ClockSlack != "5 seconds" {
		t.Errorf("the import: %+v", r.Stock)
	}
	if p := acorn.problem("stock-figure"); !strings.Contains(p, "jsonl") || strings.Contains(p, "till") {
		t.Errorf("doctor says %q", p)
	}
	for query, says := range map[string]string{
		"?as_of=soon": "as_of", "?as_of=2999-01-01T00:00:00Z": "as of", "?booked_within=x": "booked_within", "?clock_slack=-1s": "clocks",
		"?stock_figure=some": "stock_figure", "?rebase=true&source=till": "free-unaware",
	} {
		res, body := acorn.raw("POST", "/api/v1/imports"+query, mugs(10), "Content-Type", "application/x-ndjson")
		if res.StatusCode != 422 || !strings.Contains(body, says) {
			t.Errorf("%s: %d %s", query, res.StatusCode, body)
		}
	}
}

// TestDatedFiles: a file that is surely older than what is known changes nothing, one that may be
// can only lower, and the report says so.
func TestDatedFiles(t *testing.T) {
	s := newShop(t, must(testnet.NewFederation("api"))(t), "Acorn Shoes", nil)
	now := time.Now()
	dated := func(ago time.Duration) client.ImportOptions {
		return client.ImportOptions{Figure: inventory.FigureFreeUnaware, ClockSlack: ptr(time.Minute), AsOf: now.Add(-ago)}
	}
	for _, c := range []struct {
		name           string
		says           int
		ago            time.Duration
		want           int64
		older, doubted int64
	}{
		{"the first", 10, time.Hour, 10, 0, 0},
		{"of the day before", 4, 24 * time.Hour, 10, 1, 0},
		{"of a minute later, with more", 12, time.Hour - time.Minute, 10, 0, 1},
		{"of a minute later, with less", 7, time.Hour - time.Minute, 7, 0, 0},
		{"of now", 9, 0, 9, 0, 0},
	} {
		r := s.imports(mugs(c.says), dated(c.ago))
		if got := s.listing("MUG").Stock.Available; got != c.want || r.Stock.Older != c.older || r.Stock.Doubted != c.doubted || r.Stock.AsOf.IsZero() {
			t.Errorf("a file %s that says %d: %d available, %+v; want %d, older %d, doubted %d", c.name, c.says, got, r.Stock, c.want, c.older, c.doubted)
		}
	}
	strict := dated(48 * time.Hour)
	strict.Strict = true
	r := s.imports(mugs(3)+"\n"+strings.ReplaceAll(mugs(3), "MUG", "CUP"), strict)
	if !r.Older || r.Stock.Older != 2 || r.Added+r.Changed+r.StockOnly+r.Unchanged != 0 {
		t.Errorf("an older file, read strictly, changed nothing; its report: %+v", r)
	}
}
