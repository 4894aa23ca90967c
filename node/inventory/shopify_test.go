package inventory

import (
	"fmt"
	"strings"
	"testing"
)

const shopifyHeader = "Handle,Title,Body (HTML),Vendor,Type,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Variant Barcode,Image Src,Gift Card,Variant Image,Variant Weight Unit,Status\n"

func TestShopifyVariants(t *testing.T) {
	items, report, err := read(t, inEuro(), shopifyHeader+
		`lamp,Desk Lamp,"<p>Bright &amp; small</p><script>alert(1)</script><p>two</p>",Lux,Lighting,true,Title,Default Title,,,L-1,450.0,shopify,7,deny,49.90,'4001234567890,https://example.com/l.jpg,false,,kg,active
lamp,,,,,,,,,,,,,,,,,https://example.com/l2.jpg,,,,
sock,Sock,,,,true,Size,S,Colour,Red,,40,,0,deny,5,,https://example.com/s.jpg,false,,g,active
sock,,,,,,,M,,Red,,40,,0,deny,5.50,,,,https://example.com/m.jpg,g,
sock,,,,,,,L,,Red,K-L,40,shopify,-2,continue,6.00,,,,,g,
`)
	if err != nil {
		t.Fatal(err)
	}
	want := "L-1||Desk Lamp|[]|4990|7\n" +
		"sock/s/red|sock|Sock|[{Size S} {Colour Red}]|500|uncounted\n" +
		"sock/m/red|sock|Sock|[{Size M} {Colour Red}]|550|uncounted\n" +
		"K-L|sock|Sock|[{Size L} {Colour Red}]|600|-2\n"
	if got := lines(items); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	lamp := items[0].Product
	if lamp.Description != "Bright & small\n\ntwo" || lamp.Grams != 450 || lamp.Barcode != "4001234567890" || lamp.Vendor != "Lux" || lamp.Category != "Lighting" {
		t.Errorf("lamp: %+v", lamp)
	}
	if items[1].Product.Image != "https://example.com/s.jpg" || items[2].Product.Image != "https://example.com/m.jpg" || items[3].Line != 6 {
		t.Errorf("images or lines are wrong: %+v", items)
	}
	if report.Untracked != 2 || report.FilledSKUs != 2 || report.Oversellable != 1 || report.NegativeStock != 1 || report.Skipped[SkipImageRow] != 1 {
		t.Errorf("report: %+v", report)
	}
}

func TestShopifyLeftOut(t *testing.T) {
	items, report, err := read(t, inEuro(), shopifyHeader+
		"gift,Gift,,,,true,Value,10,,,G10,0,,,deny,10,,,true,,,active\n"+
		"gift,,,,,,,20,,,G20,0,,,deny,20,,,,,,\n"+
		"old,Old,,,,true,,,,,OLD,0,,,deny,10,,,false,,,archived\n"+
		"new,New,,,,false,,,,,NEW,0,,,deny,10,,,false,,,draft\n"+
		"off,Off,,,,false,,,,,OFF,0,,,deny,10,,,false,,,active\n"+
		",,,,,,,,,,,,,,,,,,,,,\n")
	if err != nil || len(items) != 0 {
		t.Fatal(items, err)
	}
	for why, n := range map[SkipReason]int64{SkipGiftCard: 2, SkipArchived: 1, SkipDraft: 1, SkipUnpublished: 1, SkipEmptyRow: 1} {
		if report.Skipped[why] != n {
			t.Errorf("%s: %d skipped, want %d", why, report.Skipped[why], n)
		}
	}
	if len(report.Skips) != 5 || report.Skips[1] != (Skip{Line: 3, Name: "Gift", Reason: SkipGiftCard}) {
		t.Errorf("skips: %+v", report.Skips)
	}
}

func TestShopifyBadRows(t *testing.T) {
	row := func(handle, sku, price, qty string) string {
		return handle + "," + handle + ",,,,true,,,,," + sku + ",0,shopify," + qty + ",deny," + price + ",,,,,,active\n"
	}
	items, report, err := read(t, inEuro(), shopifyHeader+
		row("a", "A", "-1", "1")+ // line 2
		row("b", "B", "1e9", "1")+
		row("c", "C", "NaN", "1")+
		row("d", "D", `"1,299.00"`, "1")+
		row("e", "E", `"1,299"`, "1")+
		row("f", "F", `"12,99"`, "1")+ // line 7, good by itself
		row("g", "G", "99999999999999999999", "1")+
		row("h", "H", "10000000000000.01", "1")+
		row("i", "I", "", "1")+
		row("j", "J", "1.999", "1")+
		row("k", "K", "1", "many")+
		row("l", "L\u202ex", "1", "1")+
		row("m", "F", "1", "1")+ // F again
		row("", "N", "1", "1")+
		"o,,,,,,,,,,O,0,shopify,1,deny,1,,,,,,\n"+ // no title
		row("p", "P", "€5", "1")+
		row("q", strings.Repeat("Q", 129), "5", "1")+
		row("r", "R", "5", "1000000001")+
		row("s", "S", "5", "2.5"))
	if err != nil {
		t.Fatal(err)
	}
	if got := lines(items); got != "D||d|[]|129900|1\nP||p|[]|500|1\n" {
		t.Errorf("items: %s", got)
	}
	wantErrors(t, report,
		"2:Variant Price: not an amount", "3:Variant Price: not a number", "4:Variant Price: not a number",
		"6:Variant Price: can be read as 1299 or as 1.299, and the file's other numbers do not tell which (line 5 has a decimal point, line 7 a decimal comma)",
		"7:Variant SKU: on two products, \"m\" on line 14 and \"f\" on line 7", "8:Variant Price: too large", "9:Variant Price: highest price", "10:Variant Price: no price",
		"11:Variant Price: can be read as 1999 or as 1.999", "12:Variant Inventory Qty: whole number", "13:Variant SKU: invisible",
		"14:Variant SKU: on two products, \"f\" on line 7", "15:Handle: no handle", "16:Title: no title", "18:Variant SKU: 129 bytes",
		"19:Variant Inventory Qty: more than", "20:Variant Inventory Qty: whole number")
}

func TestShopifyStrictStopsAtTheFirstBadRow(t *testing.T) {
	o := inEuro()
	o.Strict = true
	text := shopifyHeader + "a,A,,,,true,,,,,A,0,,,deny,1,,,,,,active\nb,B,,,,true,,,,,B,0,,,deny,x,,,,,,active\nc,C,,,,true,,,,,C,0,,,deny,1,,,,,,active\n"
	items, report, err := read(t, o, text)
	if err == nil || !strings.Contains(err.Error(), "line 3, column 16 (Variant Price)") || len(items) != 1 || report.ErrorCount != 1 {
		t.Errorf("%v; %d items, report %+v", err, len(items), report)
	}
}

func TestShopifyNewTemplate(t *testing.T) {
	items, _, err := read(t, inEuro(), "Title,URL handle,Description,Vendor,Product category,Published on online store,Status,SKU,Barcode,Option1 name,Option1 value,Price,Inventory tracker,Inventory quantity,Continue selling when out of stock,Weight value (grams),Product image URL,Gift card\n"+
		"Mug,mug,<b>Fine</b>,Clay,Home > Mugs,TRUE,Active,M-1,,,,12.00,shopify,4,DENY,300,https://example.com/m.png,FALSE\n")
	if err != nil || len(items) != 1 || items[0].Product.Category != "Home > Mugs" || items[0].Product.Grams != 300 || items[0].Stock != counted(4) {
		t.Errorf("%+v, %v", items, err)
	}
}

func TestShopifySeveralLocations(t *testing.T) {
	items, report, err := read(t, inEuro(), "Handle,Title,Variant SKU,Variant Price,Variant Inventory Tracker\na,A,A,1,shopify\nb,B,B,1,\n")
	if err != nil || items[0].Stock != countNotTold || items[1].Stock != notCounted || report.StockUntold != 1 || report.Untracked != 1 {
		t.Errorf("%+v, %v", items, err)
	}
}

// TestSlug pins slugs for good: a shop that imports again must find its products.
func TestSlug(t *testing.T) {
	for _, c := range []struct {
		handle string
		values []string
		want   string
	}{
		{"trail-runner", []string{"Blue", "42.5"}, "trail-runner/blue/42.5"},
		{"shirt-red", nil, "shirt-red"},
		{"shirt", []string{"Red"}, "shirt/red"},
		{"größe", []string{"Mittel Groß"}, "größe/mittel-groß"},
		{"bolt", []string{"1/2"}, "bolt/1-2~584a1b9567"},
	} {
		t.Run(c.want, func(t *testing.T) {
			if got := slug(c.handle, c.values); got != c.want {
				t.Errorf("slug(%q, %q) = %q, want %q", c.handle, c.values, got, c.want)
			}
		})
	}
	long := slug(strings.Repeat("ä", 100), []string{"x"})
	if len(long) > 128 || !strings.Contains(long, "~") {
		t.Errorf("%q has %d bytes", long, len(long))
	}
}

// Variants that differ only in case share a slug, so both get a hash, whatever
// their order.
func TestShopifySlugCollision(t *testing.T) {
	a := "x,X,,,,true,Size,M,,,,0,,,deny,1,,,,,,active\n"
	b := "x,X,,,,true,Size,m,,,,0,,,deny,2,,,,,,active\n"
	one, _, err1 := read(t, inEuro(), shopifyHeader+a+b)
	two, _, err2 := read(t, inEuro(), shopifyHeader+b+a)
	if err1 != nil || err2 != nil || len(one) != 2 || len(two) != 2 {
		t.Fatal(one, two, err1, err2)
	}
	if one[0].Product.SKU != two[1].Product.SKU || one[1].Product.SKU != two[0].Product.SKU || one[0].Product.SKU == one[1].Product.SKU {
		t.Errorf("%s, %s in one order; %s, %s in the other", one[0].Product.SKU, one[1].Product.SKU, two[0].Product.SKU, two[1].Product.SKU)
	}
	items, report, _ := read(t, inEuro(), shopifyHeader+a+a)
	if len(items) != 1 || items[0].Product.SKU != "x/m" || report.Skipped[SkipRepeated] != 1 {
		t.Errorf("a variant twice: %s, %+v", lines(items), report)
	}
}

// TestShopifyTooManyVariants: the group withdraws none of those that are not read.
func TestShopifyTooManyVariants(t *testing.T) {
	var b strings.Builder
	b.WriteString("Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\n")
	for i := range maxVariants + 1 {
		fmt.Fprintf(&b, "tee,Tee,Size,%d,S%d,1\n", i, i)
	}
	items, report, err := stated(t, inEuro(), strings.NewReader(b.String()))
	if err != nil || len(forSale(items)) != maxVariants || report.ErrorCount != 1 {
		t.Fatalf("%d items, %v", len(items), err)
	}
	if it := items[0]; it.Product.SKU != "" || it.Bad == nil || it.Group != "tee" {
		t.Errorf("%+v", it)
	}
}

// TestShopifyKinds: a product that gets sizes, and one that loses them, stays the group of its
// handle, so that nothing of the kind before stays on sale beside it.
func TestShopifyKinds(t *testing.T) {
	alone := "tee,Tee,,,,true,Title,Default Title,,,TEE,0,shopify,6,deny,9,,,,,,active\n"
	sizes := "tee,Tee,,,,true,Size,S,,,TEE-S,0,shopify,2,deny,9,,,,,,active\n" +
		"tee,,,,,,,M,,,TEE-M,0,shopify,4,deny,9,,,,,,\n"
	for _, c := range []struct{ rows, want string }{{alone, "2 TEE of tee"}, {sizes, "2 TEE-S of tee\n3 TEE-M of tee"}} {
		items, _, err := stated(t, inEuro(), strings.NewReader(shopifyHeader+c.rows))
		if err != nil || groups(items) != c.want || items[0].ID != "tee" {
			t.Errorf("%v: %s, want %s", err, groups(items), c.want)
		}
	}
}
