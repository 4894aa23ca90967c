package api_test

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/node"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/testnet"
)

const dayRates = "Date, USD, SEK,\n21 September 2026, 1.1, 10,\n"

// TestCost: a retailer sees what a partner's product costs by its terms, rounded as the quote of
// one unit is, and what that is in its own currency once it has rates; of its own products it sees
// neither.
func TestCost(t *testing.T) {
	acorn, birch := pair(t, func(c *node.Config) { c.Currency = "SEK" })
	must(acorn.SetRates(waiting(t), strings.NewReader(dayRates), client.RatesOptions{}))(t)
	acorn.stock("pin", "Pin", 5, 7)
	terms := exchange.DefaultTerms("SEK")
	terms.Discount = 1500
	if err := testnet.Partner(waiting(t), acorn.node, birch.node, terms); err != nil {
		t.Fatal(err)
	}
	find := func(sku exchange.SKU) (found view.Product) {
		t.Helper()
		birch.await(string(sku), func() bool {
			list := must(birch.Products(waiting(t), replica.Query{Text: string(sku)}))(t).Products
			if len(list) == 1 {
				found = list[0]
			}
			return len(list) == 1
		})
		return found
	}
	shoe := find("shoe")
	if shoe.Cost == nil || shoe.Cost.Amount != "84.15" || shoe.DiscountBP != 1500 || shoe.Here != nil {
		t.Errorf("without rates: cost %+v, here %+v", shoe.Cost, shoe.Here)
	}
	must(birch.SetRates(waiting(t), strings.NewReader(dayRates), client.RatesOptions{}))(t)
	if shoe = find("shoe"); shoe.Here == nil || shoe.Here.Price.Amount != "9.90" || shoe.Here.Cost.Amount != "8.42" || shoe.Here.Cost.Currency != "EUR" || shoe.Here.Rate != "0.1" || shoe.Here.Date != "2026-09-21" {
		t.Errorf("with rates: %+v", shoe.Here)
	}
	if pin := find("pin"); pin.Cost == nil || pin.Cost.Minor != 6 { // 7 less floor(1.05)
		t.Errorf("15%% off 7 öre: %+v", pin.Cost)
	}
	birch.await("the supplier's window", func() bool {
		_, ready := birch.desk().Retailer.Window(acorn.id())
		return ready
	})
	held := must(birch.Reserve(waiting(t), reserve(acorn, "shoe", 1)))(t)
	if quoted := held.Quote.Lines[0].Total; quoted != *shoe.Cost {
		t.Errorf("one unit is quoted at %+v, and shown at %+v", quoted, shoe.Cost)
	}
	if own := must(acorn.Product(waiting(t), acorn.product("shoe"), false))(t); own.Cost != nil || own.Here != nil || own.Updated.IsZero() {
		t.Errorf("an own product: %+v", own)
	}
	must(birch.EndTrade(waiting(t), acorn.id(), view.End{}))(t)
}

// TestFollowing: a shop's own system counts, sorts and follows what partners have.
func TestFollowing(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	var page *view.Products
	birch.await("the catalog", func() bool {
		page = must(birch.ProductsCounted(ctx, replica.Query{Sort: replica.SortPriceDown, Limit: 1}))(t)
		return page.Total.Count == 2
	})
	if page.Products[0].SKU != "shoe" || page.Next == "" || page.Total.AtLeast || page.Facets.InStock != 2 || len(page.Facets.Shops) != 1 ||
		page.Facets.Shops[0] != (view.Facet{Value: acorn.id().String(), Name: "Acorn Shoes", Count: 2}) {
		t.Errorf("the dearest: %+v, total %+v, facets %+v", page.Products, page.Total, page.Facets)
	}
	if page = must(birch.Products(ctx, replica.Query{Sort: replica.SortPriceDown, Limit: 1, Cursor: page.Next}))(t); page.Products[0].SKU != "hat" || page.Next != "" {
		t.Errorf("the next: %+v", page)
	}
	if got := must(birch.Products(ctx, replica.Query{Text: "running shoes"}))(t).Products; len(got) != 1 {
		t.Errorf("a plural finds %d", len(got))
	}
	news := must(birch.Products(ctx, replica.Query{UpdatedSince: 1}))(t)
	if len(news.Products) != 2 || news.AsOf.IsZero() || len(news.Shops) == 0 || len(news.Removed) != 0 {
		t.Fatalf("everything: %+v", news)
	}
	if err := acorn.desk().Shelf.Remove(ctx, "hat"); err != nil {
		t.Fatal(err)
	}
	birch.await("the removal", func() bool {
		news = must(birch.Products(ctx, replica.Query{UpdatedSince: exchange.TimeOf(news.AsOf)}))(t)
		return len(news.Removed) == 1 && news.Removed[0].ID == acorn.product("hat")
	})
	_, err := birch.Products(ctx, replica.Query{Sort: "colour"})
	wantCode(t, "an order that there is not", err, exchange.CodeInvalid)
	_, err = birch.Products(ctx, replica.Query{Sort: replica.SortTitle, Cursor: page.Next + "x"})
	wantCode(t, "a cursor of another query", err, exchange.CodeInvalid)
	answered(t, []*shop{acorn, birch}, "search-products")
}
