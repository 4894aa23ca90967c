package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

const shopifyHead = "Handle,Title,Vendor,Published,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Price,Status\n"

// TestDraftThenRename: the owner drafts a product, edits an option, and publishes it again.
func TestDraftThenRename(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	file := func(option, status string) string {
		return shopifyHead + "mug,Mug,A,true,Colour," + option + ",,shopify,6,5.00," + status + "\n"
	}
	acorn.imports(file("White", "active"), client.ImportOptions{})
	before := must(acorn.Catalog(ctx, client.CatalogQuery{Text: "mug"}))(t).Products
	birch.sees(acorn, before[0].SKU, true)
	held := must(birch.Reserve(ctx, reserve(acorn, string(before[0].SKU), 3)))(t)
	acorn.imports(file("White", "draft"), client.ImportOptions{})
	acorn.imports(file("Cream", "active"), client.ImportOptions{})
	listed := must(acorn.Catalog(ctx, client.CatalogQuery{Text: "mug", State: view.StateListed}))(t).Products
	if listed[0].Stock.Available > 3 {
		t.Errorf("6 are there, 3 are held, %d available", listed[0].Stock.Available)
	}
	must(birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}, patience))(t)
	birch.sees(acorn, listed[0].SKU, true)
	if _, err := birch.Reserve(ctx, reserve(acorn, string(listed[0].SKU), 6)); err == nil {
		t.Error("9 of 6 are promised")
	}
}

// TestRemoveThenRename: the owner removes a variant, its system renames it.
func TestRemoveThenRename(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	file := func(option string) string {
		return shopifyHead + "mug,Mug,A,true,Colour," + option + ",,shopify,6,5.00,active\n"
	}
	acorn.imports(file("White"), client.ImportOptions{})
	before := must(acorn.Catalog(ctx, client.CatalogQuery{Text: "mug"}))(t).Products
	birch.sees(acorn, before[0].SKU, true)
	must(birch.Reserve(ctx, reserve(acorn, string(before[0].SKU), 3)))(t)
	if _, err := acorn.RemoveProduct(ctx, before[0].SKU, false); err != nil {
		t.Fatal(err)
	}
	acorn.imports(file("Cream"), client.ImportOptions{})
	listed := must(acorn.Catalog(ctx, client.CatalogQuery{Text: "mug", State: view.StateListed}))(t).Products
	if len(listed) > 0 && listed[0].Stock.Available > 3 {
		t.Errorf("6 are there, 3 are held, %d available", listed[0].Stock.Available)
	}
}

// TestSameFileAfterCount: the same bytes again, after the shelf was counted.
func TestSameFileAfterCount(t *testing.T) {
	for _, first := range []bool{true, false} {
		acorn := lone(t)
		ctx := waiting(t)
		day1 := caseFile(t, "11-day1.csv")
		o := client.ImportOptions{Source: "lumo", Figure: "on-hand"}
		acorn.imports(day1, o)
		if !first {
			acorn.imports(day1, o)
		}
		units := int64(1)
		must(acorn.Stocks().Set(ctx, "LMP-1", view.SetStock{Units: &units, CountedAt: "now"}))(t)
		r := acorn.imports(day1, o)
		if s := acorn.listing("LMP-1").Stock; s.Available != 1 {
			t.Errorf("imported once %v: 1 was counted, %d available: %+v", first, s.Available, r.Stock)
		}
	}
}

// TestDraftOfAnother: a draft of another product under a known SKU.
func TestDraftOfAnother(t *testing.T) {
	acorn := lone(t)
	acorn.imports(caseFile(t, "03-two-files-a.csv"), client.ImportOptions{})
	hose := "ID,Type,SKU,Name,Published,Stock,Regular price\n1,simple,100,Garden hose,0,500,49.00\n"
	r := acorn.imports(hose, client.ImportOptions{})
	l := acorn.listing("100")
	if l.Listing.State != view.StateListed || l.Stock.Available != 3 || r.Withdrawn != 0 {
		t.Errorf("the tin cup is %s (%s), %d available; withdrawn %d, conflicts %d", l.Listing.State, l.Listing.Reason, l.Stock.Shelf, r.Withdrawn, r.Conflicts)
	}
}

// TestInterruptedThenOtherFile: an import that ends early, another file of the same source, and the first again.
func TestInterruptedThenOtherFile(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	zero := time.Duration(0)
	o := client.ImportOptions{Figure: "free", BookedWithin: &zero, ClockSlack: &zero}
	file := func(option, cap string) string {
		return shopifyHead + "mug,Mug,A,true,Colour," + option + ",,shopify,6,5.00,active\n" +
			"cap,Cap,A,true,Title,Default Title,CAP,shopify," + cap + ",3.00,active\n"
	}
	sock := shopifyHead + "sock,Sock,A,true,Title,Default Title,SOCK,shopify,3,9.00,active\n"
	acorn.imports(file("White", "10"), o)
	before := must(acorn.Catalog(ctx, client.CatalogQuery{Text: "mug"}))(t).Products
	birch.sees(acorn, before[0].SKU, true)
	birch.sees(acorn, "CAP", true)
	must(birch.Reserve(ctx, reserve(acorn, string(before[0].SKU), 3)))(t)
	cap := must(birch.Reserve(ctx, reserve(acorn, "CAP", 1)))(t)
	must(birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: cap.ID, ShipTo: stockholm}, patience))(t)
	acorn.imports(sock, o)
	_, err := acorn.Import(ctx, strings.NewReader(file("Cream", "1000000000")), o, nil)
	if err != nil {
		t.Error("one product's figure ends the import, after the mug was withdrawn")
	}
	acorn.imports(sock, o) // any other file of the source
	acorn.imports(file("Cream", "9"), o)
	listed := must(acorn.Catalog(ctx, client.CatalogQuery{Text: "mug", State: view.StateListed}))(t).Products
	if len(listed) != 1 || listed[0].Stock.Available > 3 {
		t.Errorf("6 are there, 3 are held: %+v", listed[0].Stock)
	}
}
