package inventory

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var wooColumnsOfTest = strings.Split("ID,Type,SKU,Name,Published,Description,Date sale price starts,Date sale price ends,In stock?,Stock,Backorders allowed?,Weight (kg),Sale price,Regular price,Categories,Images,Parent,Attribute 1 name,Attribute 1 value(s),Attribute 2 name,Attribute 2 value(s),Attribute 3 name,Attribute 3 value(s),Attribute 4 name,Attribute 4 value(s)", ",")

// woo makes a file of rows given as "Column=value" pairs separated by "|".
func woo(rows ...string) string {
	var b strings.Builder
	b.WriteString(strings.Join(wooColumnsOfTest, ",") + "\n")
	for _, r := range rows {
		b.WriteString(wooRow(r))
	}
	return b.String()
}

func wooRow(row string) string {
	fields := make([]string, len(wooColumnsOfTest))
	fields[slices.Index(wooColumnsOfTest, "Published")] = "1"
	fields[slices.Index(wooColumnsOfTest, "In stock?")] = "1"
	for pair := range strings.SplitSeq(row, "|") {
		name, value, _ := strings.Cut(pair, "=")
		fields[slices.Index(wooColumnsOfTest, name)] = `"` + strings.ReplaceAll(value, `"`, `""`) + `"`
	}
	return strings.Join(fields, ",") + "\n"
}

func TestWooCommerceKinds(t *testing.T) {
	rows := []string{
		"ID=1|Type=simple|SKU=CUP|Name=Cup <b>&amp;</b> Saucer|Regular price=12,50|Stock=4|Weight (kg)=0.35|Categories=Home > Cups, Gifts",
		"ID=3|Type=variation|SKU=TEE-R|Regular price=20|Parent=TEE|Attribute 1 name=Colour|Attribute 1 value(s)=Red\\, dark|Attribute 2 name=Size",
		"ID=2|Type=variable|SKU=TEE|Name=Tee|Description=First\\nSecond|Categories=Shirts|Weight (kg)=0.2|Images=https://example.com/a.jpg, https://example.com/b.jpg",
		"ID=5|Type=variation|Name=Hat - Blue|Regular price=9|Parent=id:4|Stock=parent|Attribute 1 name=Colour|Attribute 1 value(s)=Blue",
		"ID=4|Type=variable|Name=Hat",
		"ID=6|Type=simple, downloadable, virtual|SKU=PDF|Name=Manual|Regular price=3",
		"ID=7|Type=grouped|SKU=SET|Name=Set",
		"ID=8|Type=external|SKU=EXT|Name=Elsewhere|Regular price=3",
		"ID=9|Type=simple|SKU=DRAFT|Name=Draft|Regular price=3|Published=-1",
		"ID=10|Type=subscription|SKU=SUB|Name=Sub|Regular price=3",
		"ID=11|Type=variable|SKU=HID|Name=Hidden|Published=0",
		"ID=12|Type=variation|SKU=HID-1|Name=Hidden 1|Regular price=1|Parent=HID",
		"ID=13|Type=simple|SKU=OUT|Name=Out|Regular price=3|In stock?=0",
		"ID=14|Type=simple|SKU=BACK|Name=Back|Regular price=3|In stock?=backorder|Backorders allowed?=notify",
	}
	items, report, err := read(t, inEuro(), woo(rows...))
	if err != nil {
		t.Fatal(err)
	}
	want := "CUP||Cup & Saucer|[]|1250|4\n" +
		"TEE-R|TEE|Tee - Red, dark|[{Colour Red, dark} {Size any}]|2000|uncounted\n" +
		"id-5|id-4|Hat - Blue|[{Colour Blue}]|900|untold\n" +
		"PDF||Manual|[]|300|uncounted\n" +
		"OUT||Out|[]|300|0\n" +
		"BACK||Back|[]|300|0\n"
	if got := lines(items); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	tee := items[1].Product
	if tee.Description != "First\nSecond" || tee.Category != "Shirts" || tee.Grams != 200 || tee.Image != "https://example.com/a.jpg" {
		t.Errorf("the variation took not all it lacks from its parent: %+v", tee)
	}
	if cup := items[0].Product; cup.Grams != 350 || cup.Category != "Home > Cups" {
		t.Errorf("cup: %+v", cup)
	}
	for why, n := range map[SkipReason]int64{SkipVariable: 3, SkipGrouped: 1, SkipExternal: 1, SkipUnpublished: 2, SkipUnsupported: 1} {
		if report.Skipped[why] != n {
			t.Errorf("%s: %d skipped, want %d", why, report.Skipped[why], n)
		}
	}
	if report.Untracked != 2 || report.StockUntold != 1 || report.FilledSKUs != 1 || report.Oversellable != 1 || len(report.Skips) != 5 {
		t.Errorf("report: %+v", report)
	}

	streamed, again, err := readFrom(t, inEuro(), onStream{strings.NewReader("\ufeff" + woo(rows...))})
	if err != nil || lines(streamed) != want || again.Rows != report.Rows || again.Bytes != report.Bytes {
		t.Errorf("from a source that cannot seek: %v\n%s%+v", err, lines(streamed), again)
	}
}

func TestWooCommerceBadRows(t *testing.T) {
	_, report, err := read(t, inEuro(), woo(
		"ID=1|Type=simple|SKU=A|Name=A",
		"ID=2|Type=variation|SKU=B|Name=B|Regular price=1|Parent=GONE",
		"ID=3|Type=variation|SKU=C|Name=C|Regular price=1",
		"Type=simple|Name=D|Regular price=1",
		"ID=5|Type=simple|SKU=E|Regular price=1",
		"ID=6|Type=simple|SKU=F|Name=F|Regular price=1.234,50",
		"ID=7|Type=simple|SKU=G|Name=G|Regular price=2|Sale price=1|Date sale price ends=soon",
		"ID=8|Type=simple|SKU=H|Name=H|Regular price=2|Weight (kg)=heavy",
		"ID=9|Type=simple|SKU=I|Name=I|Regular price=2|Weight (kg)=100001"))
	if err != nil {
		t.Fatal(err)
	}
	wantErrors(t, report, "2:Regular price: no price", "3:Parent: no variable product", "4:Parent: does not name", "5:SKU: neither SKU nor ID",
		"6:Name: no title", "8:Date sale price ends: not a date", "9:Weight (kg): not a number", "10:Weight (kg): more than")
}

func TestWooCommerceSalePrice(t *testing.T) {
	stockholm := time.FixedZone("CEST", 2*3600)
	at := func(month, day, hour, minute, second int) time.Time {
		return time.Date(2026, time.Month(month), day, hour, minute, second, 0, stockholm)
	}
	for _, c := range []struct {
		sale, from, to string
		price, before  int64 // without a date
		dated          bool
		start, end     time.Time
	}{
		{sale: "8", price: 800, before: 1000},
		{sale: "12", price: 1000}, // no lower
		{sale: "8", from: "2026-06-15", price: 1000, dated: true, start: at(6, 15, 0, 0, 0)},
		{sale: "8", to: "2026-06-15", price: 1000, dated: true, end: at(6, 16, 0, 0, 0)}, // the day included
		{sale: "8", from: "2026-06-01 00:00:00", to: "2026-06-15 23:29:59", price: 1000, dated: true, start: at(6, 1, 0, 0, 0), end: at(6, 15, 23, 30, 0)},
		{sale: "8", from: "2026-06-15T21:30:00+00:00", price: 1000, dated: true, start: at(6, 15, 23, 30, 0)},
		{sale: "8", from: "2026-06-15", to: "2026-06-14", price: 1000}, // over before it starts
	} {
		t.Run(fmt.Sprintf("%s from %q to %q", c.sale, c.from, c.to), func(t *testing.T) {
			o := inEuro()
			o.Zone = stockholm
			items, _, err := read(t, o, woo("ID=1|Type=simple|SKU=A|Name=A|Regular price=10|Sale price="+c.sale+"|Date sale price starts="+c.from+"|Date sale price ends="+c.to))
			if err != nil || len(items) != 1 || items[0].Product.Price.Minor != c.price || items[0].Product.CompareAt != c.before {
				t.Fatalf("%+v, %v", items, err)
			}
			sale := items[0].Sale
			if (sale != nil) != c.dated || sale != nil && (sale.Price.Minor != 800 || !sale.From.Equal(c.start) || !sale.To.Equal(c.end)) {
				t.Errorf("the sale is %+v", sale)
			}
		})
	}
}

func TestWooCommerceManyAttributes(t *testing.T) {
	items, _, err := read(t, inEuro(), woo("ID=1|Type=variable|SKU=P|Name=P",
		"ID=2|Type=variation|SKU=V|Regular price=1|Name=Thing|Parent=P|Attribute 1 name=a|Attribute 1 value(s)=1|Attribute 2 name=b|Attribute 2 value(s)=2|Attribute 3 name=c|Attribute 3 value(s)=3|Attribute 4 name=d|Attribute 4 value(s)=4"))
	if err != nil || lines(items) != "V|P|Thing|[{a 1} {b 2} {c 3} {d 4}]|100|uncounted\n" {
		t.Errorf("%s, %v", lines(items), err)
	}
}

// TestWooCommerceOrder: whatever the order of its rows, a file gives the same
// products.
func TestWooCommerceOrder(t *testing.T) {
	var rows []string
	for _, parent := range []string{"10", "11", "12"} {
		sku := map[string]string{"10": "P10"}[parent]
		rows = append(rows, "ID="+parent+"|Type=variable|Name=Parent "+parent+"|Categories=Cat "+parent+"|SKU="+sku)
		for _, n := range []string{"1", "2", "3"} {
			ref := "id:" + parent
			if sku != "" {
				ref = sku
			}
			rows = append(rows, "ID="+parent+n+"|Type=variation|Regular price="+n+"|Parent="+ref+"|Attribute 1 name=N|Attribute 1 value(s)="+n)
		}
	}
	rows = append(rows, "ID=7|Type=simple|SKU=S|Name=Simple\nof two lines|Regular price=7")
	sorted := func(t testing.TB, rows []string) string {
		items, report, err := read(t, inEuro(), woo(rows...))
		if err != nil || report.ErrorCount > 0 {
			t.Fatal(err, report.Errors)
		}
		for i := range items {
			items[i].Line = 0
		}
		slices.SortFunc(items, func(a, b Item) int { return strings.Compare(string(a.Product.SKU), string(b.Product.SKU)) })
		return lines(items)
	}
	want := sorted(t, rows)
	rapid.Check(t, func(rt *rapid.T) {
		if got := sorted(t, rapid.Permutation(rows).Draw(rt, "rows")); got != want {
			rt.Fatalf("got\n%swant\n%s", got, want)
		}
	})
}

// TestWooCommerceHidden: what is hidden in its shop's catalog is listed, and counted.
func TestWooCommerceHidden(t *testing.T) {
	items, report, err := read(t, inEuro(), "ID,Type,SKU,Name,Published,Visibility in catalog,Regular price,Parent\n"+
		"1,simple,A,A,1,visible,1,\n2,simple,B,B,1,hidden,1,\n3,variable,P,P,1,hidden,,\n4,variation,V,V,1,visible,1,P\n5,simple,C,C,0,hidden,1,\n6,simple,D,D,1,search,1,\n")
	if err != nil || len(items) != 4 || report.Hidden != 2 {
		t.Errorf("%d hidden of %d, %v", report.Hidden, len(items), err)
	}
}
