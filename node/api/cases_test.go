package api_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory"
)

// caseFile is one of the small files with a known right answer.
func caseFile(t testing.TB, name string) string {
	return string(must(os.ReadFile("../inventory/testdata/cases/" + name))(t))
}

// imports imports a file that is to be taken.
func (s *shop) imports(file string, o client.ImportOptions) *view.ImportReport {
	s.t.Helper()
	return must(s.Import(waiting(s.t), strings.NewReader(file), o, nil))(s.t)
}

// sees waits until a partner's copy of a catalog has a product, or has it not.
func (s *shop) sees(supplier *shop, sku exchange.SKU, there bool) *view.Product {
	s.t.Helper()
	var p *view.Product
	s.await(string(sku)+" at the partner", func() bool {
		var err error
		p, err = s.Product(waiting(s.t), supplier.product(sku), false)
		if err != nil && exchange.CodeOf(err) != exchange.CodeNotFound {
			s.t.Fatal(err)
		}
		return (err == nil) == there
	})
	return p
}

// listing is a product as its owner sees it.
func (s *shop) listing(sku exchange.SKU) *view.Product {
	s.t.Helper()
	return must(s.Product(waiting(s.t), s.product(sku), false))(s.t)
}

func (s *shop) wantState(sku exchange.SKU, state, reason string) {
	s.t.Helper()
	if l := s.listing(sku).Listing; l.State != state || l.Reason != reason || (l.State == view.StateListed) != l.Since.IsZero() {
		s.t.Errorf("%s is %+v, want %s (%s)", sku, l, state, reason)
	}
}

// TestCaseWithdrawn: what the next day's file takes off sale is gone at the partner; open holds
// and orders keep their quote; what the file lacks goes with replace.
func TestCaseWithdrawn(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	day1, day2 := caseFile(t, "11-day1.csv"), caseFile(t, "11-day2.csv")
	acorn.imports(day1, client.ImportOptions{Source: "lumo"})
	birch.sees(acorn, "CHR-1", true)
	held := must(birch.Reserve(ctx, reserve(acorn, "LMP-1", 2, "VAS-1", 1)))(t)

	r := acorn.imports(day2, client.ImportOptions{Source: "lumo"})
	if r.Withdrawn != 3 || len(r.WithdrawnSKUs) != 3 || r.Absent != 0 || r.BadOnSale != 1 {
		t.Errorf("day 2: %+v", r)
	}
	for sku, why := range map[exchange.SKU]string{"LMP-1": "draft", "DSK-1": "unpublished", "CHR-1": "price-zero"} {
		acorn.wantState(sku, view.StateWithdrawn, why)
		birch.sees(acorn, sku, false)
		_, err := birch.Reserve(ctx, reserve(acorn, string(sku), 1))
		wantCode(t, "a hold of what is withdrawn", err, exchange.CodeNotFound)
	}
	birch.sees(acorn, "VAS-1", true)
	list := must(acorn.Catalog(ctx, client.CatalogQuery{State: view.StateWithdrawn}))(t)
	if len(list.Products) != 3 || list.Products[0].SKU != "CHR-1" || list.Products[2].Stock.Held != 2 || list.Next != "" {
		t.Errorf("the owner sees %+v", list)
	}
	if list := must(acorn.Catalog(ctx, client.CatalogQuery{State: view.StateOffSale, Text: "oak", Limit: 1}))(t); len(list.Products) != 1 || list.Next == "" {
		t.Errorf("the first page of oak: %+v", list)
	}
	if len(must(acorn.Catalog(ctx, client.CatalogQuery{}))(t).Products) != 6 {
		t.Error("the owner does not see all products")
	}

	o := must(birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}, patience))(t)
	if o.Status != "accepted" || o.Due != held.Quote.Total {
		t.Errorf("the order of an open hold: %+v", o)
	}

	_, err := acorn.Import(ctx, strings.NewReader(day2), client.ImportOptions{Source: "lumo", Replace: true}, nil)
	wantCode(t, "the last product of the source goes", err, exchange.CodeConfirm)
	if err == nil || !strings.Contains(err.Error(), "--yes") {
		t.Errorf("it names no flag: %v", err)
	}
	birch.sees(acorn, "VAS-1", true)
	if r := acorn.imports(day2, client.ImportOptions{Source: "lumo", Replace: true, Yes: true}); r.Absent != 1 || r.Withdrawn != 1 {
		t.Errorf("replace: %+v", r)
	}
	acorn.wantState("VAS-1", view.StateWithdrawn, "absent")
	birch.sees(acorn, "VAS-1", false)
	birch.sees(acorn, "shoe", true) // another source's

	if r := acorn.imports(day1, client.ImportOptions{Source: "lumo", AsOf: time.Now()}); r.Returned != 4 {
		t.Errorf("all return: %+v", r)
	}
	if s := acorn.listing("LMP-1").Stock; s.Unshipped != 2 || s.Available > 3 {
		t.Errorf("the lamp returns with its stock: %+v", s)
	}
	birch.sees(acorn, "LMP-1", true)
	answered(t, []*shop{acorn}, "list-catalog")
}

// TestCaseConflict: another thing under a known SKU changes nothing unless the owner says so.
func TestCaseConflict(t *testing.T) {
	acorn, birch := partners(t, nil)
	acorn.imports(caseFile(t, "03-two-files-a.csv"), client.ImportOptions{})
	birch.sees(acorn, "100", true)
	hose := caseFile(t, "03-two-files-b.csv")
	r := acorn.imports(hose, client.ImportOptions{})
	if r.Conflicts != 1 || r.ErrorCount != 1 || r.Items != 0 || !strings.Contains(r.Errors[0].Message, "Tin cup") || !strings.Contains(r.Errors[0].Message, "Garden hose") {
		t.Errorf("the conflict: %+v", r)
	}
	if p := acorn.listing("100"); p.Title != "Tin cup" || p.Price.Amount != "9.00" || p.Stock.Available != 3 {
		t.Errorf("after the conflict: %+v", p)
	}
	if r := acorn.imports(hose, client.ImportOptions{AllowRenamed: true}); r.Changed != 1 {
		t.Errorf("with allow-renamed: %+v", r)
	}
	if p := acorn.listing("100"); p.Title != "Garden hose" {
		t.Errorf("after it: %+v", p)
	}
}

// TestCaseInventory: products without counts, then Shopify's inventory export, of all places or
// of some.
func TestCaseInventory(t *testing.T) {
	acorn, birch := partners(t, nil)
	if r := acorn.imports(caseFile(t, "04-products-multiloc.csv"), client.ImportOptions{}); r.Added != 2 || r.NotCounted != 2 {
		t.Errorf("the products: %+v", r)
	}
	if p := acorn.problem("not-counted"); !strings.Contains(p, "2 products for sale cannot be bought (SC-B") {
		t.Errorf("doctor says %q", p)
	}
	counts := caseFile(t, "04-inventory.csv")
	if r := acorn.imports(counts, client.ImportOptions{}); r.StockOnly != 2 || r.Report.StockOnly != 2 {
		t.Errorf("the counts: %+v", r)
	}
	for sku, want := range map[exchange.SKU]int64{"SC-R": 8, "SC-B": 4} {
		if s := acorn.listing(sku).Stock; s.Available != want {
			t.Errorf("%s: %+v, want %d", sku, s, want)
		}
	}
	birch.sees(acorn, "SC-R", true)
	must(birch.Reserve(waiting(t), reserve(acorn, "SC-R", 8)))(t)
	if p := acorn.problem("not-counted"); p != "" {
		t.Errorf("doctor still says %q", p)
	}
	acorn.imports(counts, client.ImportOptions{Source: "street", Locations: []string{"High street"}, Figure: inventory.FigureFree, AsOf: time.Now()})
	if s := acorn.listing("SC-B").Stock; s.Available != 4 {
		t.Errorf("SC-B of one place: %+v", s)
	}
	acorn.imports(counts, client.ImportOptions{Source: "street", Locations: []string{"High street", "Warehouse"}, AsOf: time.Now()})
	for _, src := range must(acorn.Sources(waiting(t)))(t).Sources {
		if src.Name == "street" && strings.Join(src.Locations, "+") != "High street+Warehouse" {
			t.Errorf("two places: %+v", src)
		}
	}
}

// problem is what the shop says is not as it should be, by name; "" = nothing.
func (s *shop) problem(name string) string {
	for _, p := range must(s.Ready(waiting(s.t)))(s.t).Problems {
		if p.Name == name {
			return p.Detail
		}
	}
	return ""
}

// TestCaseForms: Shopify's forms reach the partner as they are meant.
func TestCaseForms(t *testing.T) {
	acorn, birch := partners(t, nil)
	r := acorn.imports(caseFile(t, "12-shopify-forms.csv"), client.ImportOptions{})
	if r.Added != 5 || r.SoldOut != 1 || r.WarningCount == 0 {
		t.Errorf("the report: %+v", r)
	}
	for sku, want := range map[exchange.SKU]int64{"TEE-S": 4, "TEE-M": 0, "TEE-L": 9, "SOCK-SR": 3, "SOCK-MR": 3} {
		if p := birch.sees(acorn, sku, true); p.Available.Units != want {
			t.Errorf("%s: %+v, want %d", sku, p.Available, want)
		}
	}
	if b := birch.sees(acorn, "TEE-S", true).Barcode; b != "0123456789012" {
		t.Errorf("barcode %q", b)
	}
	if s := acorn.listing("TEE-M").Stock; s.Missing != 2 || s.Deficit != 2 || s.Shortfall != 0 {
		t.Errorf("what was sold without being there: %+v", s)
	}
	for _, sku := range []exchange.SKU{"STK", "HID"} {
		birch.sees(acorn, sku, false)
	}
}

// TestCaseSale: a sale ends by the clock, without another import.
func TestCaseSale(t *testing.T) {
	acorn, birch := partners(t, nil)
	ends := time.Now().Add(3 * time.Second).Truncate(time.Second)
	file := strings.Replace(caseFile(t, "27-sale-ends.csv"), "2026-11-30T11:01:59", ends.Format("2006-01-02T15:04:05"), 1)
	acorn.imports(file, client.ImportOptions{})
	now := acorn.listing("FLASH")
	if time.Now().Before(ends) && (now.Price.Amount != "8.00" || now.Listing.Regular.Amount != "10.00" || now.Listing.Sale == nil || now.CompareAt == nil || now.CompareAt.Amount != "10.00") {
		t.Errorf("while it runs: %+v, %+v", now, now.Listing)
	}
	until := now.Listing.Sale.Until
	birch.await("the regular price", func() bool {
		p, err := birch.Product(waiting(t), acorn.product("FLASH"), false)
		return err == nil && p.Price.Amount == "10.00" && p.CompareAt == nil
	})
	if time.Now().Before(until) {
		t.Errorf("the sale ended before %v", until)
	}
	held := must(birch.Reserve(waiting(t), reserve(acorn, "FLASH", 1)))(t)
	if held.Quote.Lines[0].List.Amount != "10.00" {
		t.Errorf("quoted %+v", held.Quote.Lines[0])
	}
}

// TestCaseDigital: what is not sent pays no shipping.
func TestCaseDigital(t *testing.T) {
	acorn, birch := partners(t, nil)
	acorn.imports(caseFile(t, "28-digital-shopify.csv"), client.ImportOptions{})
	acorn.imports(caseFile(t, "28-digital-woo.csv"), client.ImportOptions{})
	for _, sku := range []string{"PAT-1", "EBOOK"} {
		if p := birch.sees(acorn, exchange.SKU(sku), true); !p.NoShipping {
			t.Errorf("%s: %+v", sku, p)
		}
	}
	held := must(birch.Reserve(waiting(t), reserve(acorn, "PAT-1", 1, "EBOOK", 2)))(t)
	if held.Quote.Shipping.Minor != 0 {
		t.Errorf("shipping is %+v", held.Quote.Shipping)
	}
}

// TestCaseVariants: the variants of a file replace those of the file before, and nothing is
// counted twice, with a hold open on the one that went.
func TestCaseVariants(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	acorn.imports(caseFile(t, "38-slug-change.csv"), client.ImportOptions{})
	before := must(acorn.Catalog(ctx, client.CatalogQuery{Text: "mug"}))(t).Products
	if len(before) != 1 {
		t.Fatalf("day 1: %+v", before)
	}
	birch.sees(acorn, before[0].SKU, true)
	held := must(birch.Reserve(ctx, reserve(acorn, string(before[0].SKU), 2)))(t)
	r := acorn.imports(caseFile(t, "38-slug-change-day2.csv"), client.ImportOptions{})
	if r.Added != 1 || r.Renamed != 1 || r.Withdrawn != 1 {
		t.Errorf("day 2: %+v", r)
	}
	acorn.wantState(before[0].SKU, view.StateWithdrawn, "not-a-variant")
	listed := must(acorn.Catalog(ctx, client.CatalogQuery{Text: "mug", State: view.StateListed}))(t).Products
	if len(listed) != 1 || listed[0].Stock.Available != 1 || listed[0].Listing.Pool != string(before[0].SKU) {
		t.Fatalf("listed on day 2: %+v", listed)
	}
	white := string(listed[0].SKU)
	birch.sees(acorn, listed[0].SKU, true)
	birch.sees(acorn, before[0].SKU, false)
	_, err := birch.Reserve(ctx, reserve(acorn, white, 2))
	wantCode(t, "2 of 3, of which 2 are held", err, exchange.CodeInsufficient)
	must(birch.Reserve(ctx, reserve(acorn, white, 1)))(t)
	if o := must(birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}, patience))(t); o.Status != "accepted" {
		t.Errorf("the order of the old variant: %+v", o)
	}
}

// TestCasePool: variants that share their parent's count are checked together.
func TestCasePool(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	acorn.imports(caseFile(t, "39-parent-stock.csv"), client.ImportOptions{})
	for _, sku := range []exchange.SKU{"BOWL-S", "BOWL-L"} {
		if p := birch.sees(acorn, sku, true); p.Available.Units != 9 {
			t.Errorf("%s: %+v", sku, p.Available)
		}
	}
	_, err := birch.Reserve(ctx, reserve(acorn, "BOWL-S", 5, "BOWL-L", 5))
	wantCode(t, "5 + 5 of 9", err, exchange.CodeInsufficient)
	held := must(birch.Reserve(ctx, reserve(acorn, "BOWL-S", 5, "BOWL-L", 4)))(t)
	for _, sku := range []exchange.SKU{"BOWL-S", "BOWL-L"} {
		if p := acorn.listing(sku); p.Stock.Available != 0 || p.Stock.Held != 9 || p.Listing.Pool == "" {
			t.Errorf("%s after it: %+v %+v", sku, p.Stock, p.Listing)
		}
		birch.await("no bowl", func() bool { return must(birch.Product(ctx, acorn.product(sku), false))(t).Available.Units == 0 })
	}
	must(birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}, patience))(t)
	must(acorn.ShipOrder(ctx, held.ID, view.Ship{Lines: []view.Units{{SKU: "BOWL-L", Units: 4}}}))(t)
	list := must(acorn.Stocks().Movements(ctx, "BOWL-S", 0, ""))(t)
	if m := list.Movements[0]; m.Kind != "shipped" || m.Units != -4 || m.Shelf != 5 || m.SKU != "BOWL-L" || m.Order != held.ID || list.Pool == "" {
		t.Errorf("the pool's journal: %+v", list)
	}
}
