package inventory

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestColumnsByName(t *testing.T) {
	for _, c := range []struct{ flag, header string }{
		{"sku=Ref,title=Bezeichnung,price=Brutto,stock=Menge,option:Size=Grösse", "Ref,Bezeichnung,Brutto,Menge,Grösse"},
		{"Ref=sku,Bezeichnung=title,Brutto=price,Menge=stock,Grösse=option:Size", "Ref,Bezeichnung,Brutto,Menge,Grösse"},
		{`sku="Ref, no",title="Das ""Wort""",price=A=B`, ""},
		{"sku=ref,name=BEZEICHNUNG,price=brutto,qty=Menge,option:Size=grösse", "Ref,Bezeichnung,Brutto,Menge,Grösse"},
	} {
		t.Run(c.flag, func(t *testing.T) {
			columns, err := ParseColumns(c.flag)
			if err != nil {
				t.Fatal(err)
			}
			if c.header == "" {
				if columns["sku"] != "Ref, no" || columns["title"] != `Das "Wort"` || columns["price"] != "A=B" {
					t.Errorf("%q", columns)
				}
				return
			}
			o := inEuro()
			o.Columns = columns
			items, report, err := read(t, o, c.header+"\nT-1,Tee,\"12,50\",4,M\n")
			if err != nil || lines(items) != "T-1||Tee|[{Size M}]|1250|4\n" || report.Format != FormatGeneric || report.Columns["price"] != "Brutto" {
				t.Errorf("%s%+v, %v", lines(items), report, err)
			}
		})
	}
	for _, flag := range []string{"sku", "=x", "sku=", "colour=red", `sku="x`, `sku="x"y`, "sku=a,sku=b", "option:=x", ",", "sku=a,"} {
		t.Run(flag+" is refused", func(t *testing.T) {
			if columns, err := ParseColumns(flag); err == nil {
				t.Errorf("%q", columns)
			}
		})
	}
	o := inEuro()
	o.Columns = Columns{"sku": "Ref", "title": "Wort", "price": "Preis"}
	if _, _, err := read(t, o, "Ref,Name,Preis\n"); err == nil || !strings.Contains(err.Error(), `no column "Wort" for title; its columns are "Ref", "Name", "Preis"`) {
		t.Error(err)
	}
	o.Format = FormatShopify
	if _, _, err := read(t, o, smallCSV); err == nil {
		t.Error("columns are taken for a Shopify file")
	}
}

func TestColumnsReadBack(t *testing.T) {
	name := rapid.StringMatching(`[ -~äß€]{1,12}`).Filter(func(s string) bool { return strings.TrimSpace(s) == s && s != "" })
	rapid.Check(t, func(rt *rapid.T) {
		columns := make(Columns)
		for _, field := range rapid.SliceOfN(rapid.SampledFrom(columnFields), 1, 5).Draw(rt, "fields") {
			columns[field] = name.Draw(rt, "column")
		}
		columns["option:A, \"b\"=c"] = name.Draw(rt, "option")
		again, err := ParseColumns(columns.String())
		if err != nil || again.String() != columns.String() || len(again) != len(columns) {
			rt.Fatalf("%s reads as %s, %v", columns, again, err)
		}
	})
}

func FuzzColumns(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseColumns(s)
		if err != nil {
			return
		}
		if again, err := ParseColumns(c.String()); err != nil || again.String() != c.String() {
			t.Fatalf("%q is %s, which reads as %s, %v", s, c, again, err)
		}
	})
}

// TestPresets reads a small export of each system whose columns are known.
func TestPresets(t *testing.T) {
	for _, c := range []struct{ name, preset, file, want string }{
		{"PrestaShop's list", "PrestaShop", "Product ID;Image;Name;Reference;Category;Price (tax excl.);Price (tax incl.);Quantity;Status;Position\n" +
			"1;https://x.test/1.jpg;Hummingbird T-shirt;demo_1;Men;\"23,90 €\";\"28,68 €\";300;1;1\n2;;Off;demo_2;Men;1;1;0;0;2\n",
			"demo_1||Hummingbird T-shirt|[]|2868|300\n"},
		{"PrestaShop's list of late", "PrestaShop", "ID;Image;Name;Reference;Category;Price (tax excl.);Price (tax incl.);Quantity;Status\n" +
			"1;https://x.test/1.jpg;Hummingbird T-shirt;demo_1;Men;\"23,90 €\";\"28,68 €\";300;1\n2;;Off;demo_2;Men;1;1;0;0\n",
			"demo_1||Hummingbird T-shirt|[]|2868|300\n"},
		{"PrestaShop's list without taxes", "PrestaShop", "ID;Name;Reference;Price (tax excl.);Quantity;Status\n1;Cup;CUP;5.00;3;1\n", "CUP||Cup|[]|500|3\n"},
		{"PrestaShop's import", "PrestaShop", "Product ID;Active (0/1);Name *;Categories (x,y,z...);Price tax excluded;Reference #;Manufacturer;EAN13;Weight;Quantity;Description;Image URLs (x,y,z...)\n" +
			";1;Cup;Home,Kitchen;12.50;CUP;Acme;4001234567890;0.3;4;<p>Nice</p>;https://x.test/1.jpg,https://x.test/2.jpg\n",
			"CUP||Cup|[]|1250|4\n"},
		{"Magento", "Magento", "sku,store_view_code,attribute_set_code,product_type,categories,name,price,qty,product_online\n" +
			"WS01-S,,Top,simple,Default,Shirt S,29.000000,100.0000,1\nWS01,,Top,configurable,Default,Shirt,,,1\nWS01-S,de,,,,Hemd S,,,\nOFF,,Top,simple,Default,Off,1,1,2\n",
			"WS01-S||Shirt S|[]|2900|100\n"},
		{"BigCommerce", "BigCommerce", "Item Type,Product ID,Product Name,Product Code/SKU,Brand Name,Price,Product Weight,Current Stock Level,Product Visible?,Product UPC/EAN\n" +
			"Product,1,Mug,MUG,Acme,5.00,1,7,Y,\nRule,,x,,,,,,,\n", "MUG||Mug|[]|500|7\n"},
		{"BigCommerce 3", "BigCommerce", "Item,ID,Name,Type,SKU,Options,Inventory Tracking,Current Stock,Price,Is Visible\nProduct,1,Mug,physical,MUG,,product,7,5.00,TRUE\nImage,,,,,,,,,\n", "MUG||Mug|[]|500|7\n"},
		{"Etsy", "Etsy", "TITLE,DESCRIPTION,PRICE,CURRENCY_CODE,QUANTITY,TAGS,MATERIALS,IMAGE1,SKU\nRing,Silver,19.00,EUR,3,\"a,b\",silver,https://x.test/r.jpg,RING\n", "RING||Ring|[]|1900|3\n"},
		{"Google feed", "Google feed", "id\ttitle\tdescription\tlink\timage_link\tavailability\tprice\tbrand\tgtin\titem_group_id\tcolor\tshipping_weight\n" +
			"1\tCup\tNice\thttps://x.test\thttps://x.test/1.jpg\tin_stock\t12.99 EUR\tAcme\t4001234567890\tcups\tred\t0.3 kg\n2\tPot\t\t\t\tout of stock\t5 EUR\t\t\t\t\t\n",
			"1|cups|Cup|[{Color red}]|1299|uncounted\n2||Pot|[]|500|0\n"},
		{"plain", "", "Artikelnummer;Bezeichnung;Preis;Bestand;Gewicht (kg)\nA;Tasse;1.299,00 €;3;0,3\n", "A||Tasse|[]|129900|3\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			items, report, err := read(t, inEuro(), c.file)
			if err != nil || lines(items) != c.want || report.Preset != c.preset || report.ErrorCount > 0 || report.Columns["price"] == "" {
				t.Errorf("%v\n%s%+v", err, lines(items), report)
			}
		})
	}
}

// TestSalesAreNoStock: an export of orders has SKUs, prices and quantities, and is none of
// products; by the owner's word any file is.
func TestSalesAreNoStock(t *testing.T) {
	const file = "Order ID,SKU,Product name,Price,Quantity,Customer email\n1,A,Cup,5.00,2,x\n"
	if _, _, err := read(t, inEuro(), file); err == nil || !strings.Contains(err.Error(), "say which is which") {
		t.Errorf("taken for products: %v", err)
	}
	o := inEuro()
	o.Columns = Columns{"sku": "SKU", "title": "Product name", "price": "Price"}
	if items, _, err := read(t, o, file); err != nil || len(items) != 1 {
		t.Error(items, err)
	}
}

// TestEtsyVariations: a listing of several variations is no product of one count.
func TestEtsyVariations(t *testing.T) {
	_, report, err := read(t, inEuro(), "TITLE,PRICE,CURRENCY_CODE,QUANTITY,VARIATION 1 TYPE,VARIATION 1 VALUES,SKU\nRing,19.00,EUR,3,Size,\"S,M\",\"R-S,R-M\"\n")
	if err != nil {
		t.Fatal(err)
	}
	wantErrors(t, report, "2:VARIATION 1 VALUES: a row for each variation")
}

// TestGenericErrors: an error has the column of the file, whoever finds it.
func TestGenericErrors(t *testing.T) {
	_, report, err := read(t, inEuro(), "SKU,Product,Price,Qty,Weight,Currency\nA,a,x,1,,\n,b,1,1,,\nC,c,1,lots,,\nD,d,0,1,,\nE,e,1,1,,USD\nF,f,,1,,\nG,,1,1,,\nA\u202e,x,1,1,,\nH,h\n")
	if err != nil {
		t.Fatal(err)
	}
	wantErrors(t, report, "2:Price: not a number", "3:SKU: no SKU", "4:Qty: whole number", "5:Price: the price is 0", "6:Currency: sells in EUR", "7:Price: no price", "8:Product: no title", "9:SKU: invisible", "10:: 2 columns")
	for _, e := range report.Errors {
		if e.Line != 3 && e.SKU == "" {
			t.Errorf("no SKU: %+v", e)
		}
	}
}

func TestGenericFilesThatAreNotClear(t *testing.T) {
	for file, want := range map[string]string{
		"a,b,c,d\n1,2,3,4\n":          "--columns sku=a,title=b,price=c,stock=d", // as good as any
		"SKU,Beschr,Betrag\n":         "--columns sku=SKU,title=Beschr,price=Betrag",
		"SKU,Name of it,\"x,y\"\nA\n": `--columns 'sku=SKU,title=Name of it,price="x,y"'`,
	} {
		t.Run(file, func(t *testing.T) {
			if _, _, err := read(t, inEuro(), file); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}

func FuzzGeneric(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) { fuzzImport(t, FormatGeneric, text) })
}
