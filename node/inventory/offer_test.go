package inventory

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
)

// TestNothingIsLost: what a file tells of a product beside its name, price and stock.
func TestNothingIsLost(t *testing.T) {
	want := exchange.Product{
		SKU: "CUP", Title: "Cup", Description: "Long", Vendor: "Clay", Category: "Home > Cups", MoreCategories: []string{"Gifts"}, Summary: "Short",
		Tags: []string{"new", "blue"}, Image: "https://example.com/1.jpg", MoreImages: []string{"https://example.com/2.jpg", "https://example.com/3.jpg"},
		Price: exchange.Money{Minor: 800, Currency: "EUR"}, CompareAt: 1000, NoShipping: true,
		Options: []exchange.Option{{Name: "Size", Value: "S, M"}},
	}
	wooHead := "ID,Type,SKU,Name,Short description,Description,Regular price,Sale price,Categories,Tags,Images,Brands,Attribute 1 name,Attribute 1 value(s)\n"
	for name, file := range map[string]string{
		"woocommerce": wooHead + `1,"simple, virtual",CUP,Cup,Short,Long,10,8,"Home > Cups, Gifts","new, blue, new","https://example.com/1.jpg, https://example.com/2.jpg, https://example.com/3.jpg",Clay,Size,"S, M"` + "\n",
		"jsonl": `{"sku":"CUP","title":"Cup","summary":"Short","description":"Long","price":"10","sale_price":"8","category":"Home > Cups","more_categories":["Gifts"],"tags":["new","blue"],` +
			`"image":"https://example.com/1.jpg","more_images":["https://example.com/2.jpg","https://example.com/3.jpg"],"vendor":"Clay","no_shipping":true,"options":[{"name":"Size","value":"S, M"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			items, report, err := read(t, inEuro(), file)
			if err != nil || len(items) != 1 || !reflect.DeepEqual(items[0].Product, want) || report.OnSale != 1 {
				t.Errorf("%+v\nwant\n%+v\n%v", items, want, err)
			}
		})
	}
	t.Run("shopify", func(t *testing.T) {
		items, _, err := read(t, inEuro(), "Handle,Title,Body (HTML),Vendor,Product Category,Tags,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Compare At Price,Variant Requires Shipping,Image Src,Image Position\n"+
			"cup,Cup,Long,Clay,Home > Cups,\"new, blue\",Size,\"S, M\",CUP,8,10,false,https://example.com/2.jpg,2\n"+
			"cup,,,,,,,,,,,,https://example.com/3.jpg,3\ncup,,,,,,,,,,,,https://example.com/1.jpg,1\n")
		want.Group, want.MoreCategories, want.Summary = "cup", nil, ""
		if err != nil || len(items) != 1 || !reflect.DeepEqual(items[0].Product, want) {
			t.Errorf("%+v\nwant\n%+v\n%v", items, want, err)
		}
	})
}

func TestAnyOptionIsTold(t *testing.T) {
	items, report, err := read(t, inEuro(), woo("ID=1|Type=variable|SKU=P|Name=Tee|Attribute 1 name=Colour|Attribute 1 value(s)=Red, Blue|Attribute 2 name=Size|Attribute 2 value(s)=S, M\\, wide, L",
		"ID=2|Type=variation|SKU=V|Regular price=1|Parent=P|Attribute 1 name=Colour|Attribute 1 value(s)=Red|Attribute 2 name=Size"))
	if err != nil || lines(items) != "V|P|Tee - Red|[{Colour Red} {Size any of S, M, wide, L}]|100|uncounted\n" || report.AnyOption != 1 {
		t.Errorf("%s, %v", lines(items), err)
	}
}

// TestJSONSales: a sale with dates is told, one without is the price.
func TestJSONSales(t *testing.T) {
	items, report, err := stated(t, inEuro(), strings.NewReader(`{"sku":"A","title":"A","price":"10","sale_price":"8","sale_from":"2026-01-02","sale_to":"2026-01-03"}
{"sku":"B","title":"B","price":"10","compare_at":"12"}
{"sku":"C","title":"C","price":"10","sale_price":"eight"}
{"sku":"D","title":"D","price":"10","sale_price":0}`))
	if err != nil || left(items) != "C bad-row, D price-zero" {
		t.Fatalf("%s, %v", left(items), err)
	}
	if s := items[0].Sale; s == nil || s.Price.Minor != 800 || s.From.Format("2006-01-02") != "2026-01-02" || s.To.Format("2006-01-02") != "2026-01-04" || items[0].Product.Price.Minor != 1000 {
		t.Errorf("%+v %+v", items[0], s)
	}
	if items[1].Product.CompareAt != 1200 || report.OnSale != 2 {
		t.Errorf("%+v, %+v", items[1], report)
	}
	wantErrors(t, report, "3:sale_price: not an amount", "4:sale_price: the price is 0")
}

// TestTextsFitARecord: the least important goes first, and the report says so.
func TestTextsFitARecord(t *testing.T) {
	var images, tags []string
	for i := range 12 {
		images = append(images, fmt.Sprintf(`"https://example.com/%d%s"`, i, strings.Repeat("x", 900)))
		tags = append(tags, fmt.Sprintf(`"tag %d %s"`, i, strings.Repeat("t", 200)))
	}
	items, report, err := read(t, inEuro(), `{"sku":"A","title":"A","price":1,"description":"`+strings.Repeat("d", 5000)+`","summary":"`+strings.Repeat("s", 900)+
		`","tags":[`+strings.Join(tags, ",")+`],"more_images":[`+strings.Join(images, ",")+`]}`)
	if err != nil || len(items) != 1 || report.ShortenedTexts != 1 {
		t.Fatal(items, err)
	}
	p := items[0].Product
	if n := p.Texts(); n > exchange.MaxTexts || len(p.Description) != exchange.MaxDescription || len(p.Summary) != 900 || len(p.MoreImages) != 0 || len(p.Tags) < 10 {
		t.Errorf("%d bytes; description %d, summary %d, %d images, %d tags", n, len(p.Description), len(p.Summary), len(p.MoreImages), len(p.Tags))
	}
}

// TestStockOfWhatIsOffSaleIsTold, as its figures are followed.
func TestStockOfWhatIsOffSaleIsTold(t *testing.T) {
	for name, file := range map[string]string{
		"shopify": "Handle,Title,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Price,Status\n" +
			"a,A,A,shopify,7,x,active\nb,B,B,shopify,7,1,draft\nc,C,C,shopify,7,0,active\nd,,D,shopify,7,1,\ne,E,E,shopify,7,,active\n",
		"woocommerce": woo("ID=1|Type=simple|SKU=A|Name=A|Stock=7|Regular price=x", "ID=2|Type=simple|SKU=B|Name=B|Stock=7|Regular price=1|Published=-1",
			"ID=3|Type=simple|SKU=C|Name=C|Stock=7|Regular price=0", "ID=4|Type=simple|SKU=D|Stock=7|Regular price=1", "ID=5|Type=variation|SKU=E|Parent=GONE|Name=E|Stock=7|Regular price=1"),
		"jsonl": `{"sku":"A","title":"A","price":"x","stock":7}
{"published":false,"sku":"B","title":"B","price":"1","stock":7}
{"sku":"C","title":"C","price":0,"stock":7}
{"sku":"D","stock":7}
{"price":[],"stock":7,"sku":"E"}`,
	} {
		t.Run(name, func(t *testing.T) {
			items, report, err := stated(t, inEuro(), strings.NewReader(file))
			if err != nil || skus(items) != "A 7, B 7, C 7, D 7, E 7" || len(forSale(items)) > 0 || report.ErrorCount != 4 {
				t.Errorf("%s; off sale %s; %v %v", skus(items), left(items), report.Errors, err)
			}
		})
	}
}

// TestAStockFigureThatCannotBeRead takes the product off sale: what it had may be sold.
func TestAStockFigureThatCannotBeRead(t *testing.T) {
	for name, file := range map[string]string{
		"shopify":     "Handle,Title,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Price\na,A,A,shopify,many,1\n",
		"woocommerce": woo("ID=1|Type=simple|SKU=A|Name=A|Stock=many|Regular price=1"),
		"jsonl":       `{"sku":"A","title":"A","price":"1","stock":"many"}`,
	} {
		t.Run(name, func(t *testing.T) {
			items, _, err := stated(t, inEuro(), strings.NewReader(file))
			if err != nil || left(items) != "A bad-row" || items[0].Stock.Known || !items[0].Stock.Tracked {
				t.Errorf("%+v, %v", items, err)
			}
		})
	}
}

// TestASKUThatCannotBeRead: the group withdraws nothing.
func TestASKUThatCannotBeRead(t *testing.T) {
	for name, file := range map[string]string{
		"shopify":     "Handle,Title,Option1 Value,Variant SKU,Variant Price\ntee,Tee,S,TEE-S,1\ntee,,M,TEE\u202eM,1\n",
		"woocommerce": woo("ID=1|Type=variable|SKU=tee|Name=Tee", "ID=2|Type=variation|SKU=TEE-S|Parent=tee|Regular price=1", "ID=3|Type=variation|SKU=TEE\u202eM|Parent=tee|Regular price=1"),
	} {
		t.Run(name, func(t *testing.T) {
			items, report, err := stated(t, inEuro(), strings.NewReader(file))
			last := items[len(items)-1]
			if err != nil || last.Product.SKU != "" || last.Bad == nil || last.Group != map[string]string{"shopify": "tee", "woocommerce": "id-1"}[name] || report.ErrorCount != 1 || skus(forSale(items)) != "TEE-S uncounted" {
				t.Errorf("%+v, %v", items, err)
			}
		})
	}
}

// TestPoolsHaveNamesThatCanBeSKUs, as a shop's records are kept under them.
func TestPoolsHaveNamesThatCanBeSKUs(t *testing.T) {
	for sku, want := range map[string]string{"P": "P", strings.Repeat("p", 200): "id-1", "p\u202eq": "id-1", "": "id-1"} {
		items, _, err := read(t, inEuro(), woo("ID=1|Type=variable|Name=P|Stock=9|SKU="+sku, "ID=2|Type=variation|SKU=V|Parent=id:1|Regular price=1|Stock=parent"))
		if err != nil || len(items) != 1 || items[0].Stock.Pool != want {
			t.Errorf("%q: %+v, %v", sku, items, err)
		}
	}
}

// TestParentsStock: a pool is counted by the parent's row.
func TestParentsStock(t *testing.T) {
	for _, c := range []struct {
		parent, child string
		want          Stock
	}{
		{"Stock=9", "Stock=parent", Stock{Tracked: true, Known: true, Units: 9, Pool: "P"}},
		{"Stock=-2", "Stock=parent", Stock{Tracked: true, Known: true, Units: -2, Pool: "P"}},
		{"Stock=9|In stock?=0", "Stock=parent|In stock?=0", Stock{Tracked: true, Known: true, Pool: "P"}},
		{"Stock=9", "Stock=parent|In stock?=0", Stock{Tracked: true, Known: true}},
		{"", "Stock=parent", countNotTold},
		{"Stock=9", "Stock=4", counted(4)},
		{"Stock=9", "", notCounted},
		{"", "Stock=-3|In stock?=0", counted(-3)},
		{"", "Stock=5|In stock?=backorder", counted(0)},
	} {
		t.Run(c.parent+" "+c.child, func(t *testing.T) {
			items, _, err := read(t, inEuro(), woo(strings.TrimSuffix("ID=1|Type=variable|SKU=P|Name=P|"+c.parent, "|"),
				strings.TrimSuffix("ID=2|Type=variation|SKU=V|Parent=P|Regular price=1|"+c.child, "|")))
			if err != nil || len(items) != 1 || items[0].Stock != c.want {
				t.Errorf("%+v, %v", items, err)
			}
		})
	}
}
