package inventory

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
)

const stockHeader = "Handle,Title,Option1 Name,Option1 Value,SKU,HS Code,COO,Location,Incoming (not editable),Unavailable (not editable),Committed (not editable),Available (not editable),On hand (current),On hand (new)\n"

func TestShopifyInventory(t *testing.T) {
	file := stockHeader +
		"scarf,Scarf,Color,Red,SC-R,,,Warehouse,0,2,1,6,9,\n" +
		"lamp,Lamp,Title,Default Title,,,,Warehouse,0,0,0,not stocked,not stocked,\n" +
		"scarf,Scarf,Color,Red,SC-R,,,High street,0,0,0,-1,-1,50\n" +
		"scarf,Scarf,Color,Red,SC-R,,,High street,0,0,0,-1,-1,50\n" + // the same again
		"mug,Mug,Size,XL,,,,Warehouse,0,0,0,3,3,\n" +
		"mug,Mug,Size,xl,,,,Warehouse,0,0,0,4,4,\n"
	xl, small := slug("mug", []string{"XL"}), withHash("mug/xl", "mug", []string{"xl"})
	big := withHash("mug/xl", "mug", []string{"XL"})
	if xl != "mug/xl" {
		t.Fatal(xl)
	}
	for _, c := range []struct {
		name      string
		figure    Figure
		locations []string
		want      string
		committed int64
	}{
		{"free", FigureFree, nil, "SC-R 5, lamp 0, " + big + " 3, " + small + " 4", 0},
		{"not said", "", nil, "SC-R 5, lamp 0, " + big + " 3, " + small + " 4", 0},
		{"on hand", FigureOnHand, nil, "SC-R 6, lamp 0, " + big + " 3, " + small + " 4", 1},
		{"one place", FigureFreeUnaware, []string{" warehouse"}, "SC-R 6, lamp 0, " + big + " 3, " + small + " 4", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := inEuro()
			o.Figure, o.Locations = c.figure, c.locations
			items, report, err := read(t, o, file)
			if err != nil || skus(items) != c.want || items[0].Stock.Committed != c.committed || report.ErrorCount > 0 {
				t.Errorf("%s, %+v, %v", skus(items), report, err)
			}
		})
	}
	// Each has the SKU that the product export gives it.
	products, _, err := read(t, inEuro(), "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\nmug,Mug,Size,XL,,1\nmug,,,xl,,1\nlamp,Lamp,Title,Default Title,,1\n")
	if got := skus(products); err != nil || got != big+" uncounted, "+small+" uncounted, lamp uncounted" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestShopifyInventoryByColumn(t *testing.T) {
	file := "Handle,Title,Option1 Name,Option1 Value,SKU,HS Code,COO,Warehouse,High street\n" +
		"scarf,Scarf,Color,Red,SC-R,,,6,not stocked\nscarf,Scarf,Color,Blue,SC-B,,,,4\nscarf,Scarf,Color,Grey,SC-G,,,,\n"
	items, report, err := read(t, inEuro(), file)
	if err != nil || skus(items) != "SC-R 6, SC-B 4, SC-G uncounted" || strings.Join(report.Places, "|") != "Warehouse|High street" {
		t.Errorf("%s, %+v, %v", skus(items), report, err)
	}
	o := inEuro()
	o.Locations = []string{"High street"}
	if items, _, err = read(t, o, file); err != nil || skus(items) != "SC-R 0, SC-B 4, SC-G uncounted" {
		t.Errorf("%s, %v", skus(items), err)
	}
}

func TestShopifyInventoryThatIsRefused(t *testing.T) {
	row := "scarf,Scarf,Color,Red,SC-R,,,Warehouse,0,2,1,6,9,\n"
	for _, c := range []struct {
		name, file, message string
		o                   Options
	}{
		{"an unknown place", stockHeader + row, `no location "Moon"; it has Warehouse`, Options{Locations: []string{"Moon"}}},
		{"no places", "Handle,Title,Variant SKU,Variant Inventory Qty\na,A,A,1\n", "does not count by location", Options{Locations: []string{"Moon"}}},
		{"no on hand", "Handle,Title,SKU,Location,Available\na,A,A,W,1\n", "not what is on hand", Options{Figure: FigureOnHand}},
		{"no available", "Handle,Title,SKU,Location,On hand (current)\na,A,A,W,1\n", "not what is available", Options{Figure: FigureFree}},
		{"another figure", stockHeader + row, "a stock figure is on-hand", Options{Figure: "gross"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Currency = "EUR"
			_, report, err := read(t, c.o, c.file)
			if exchange.CodeOf(err) != exchange.CodeInvalid || !strings.Contains(err.Error(), c.message) || report.Items > 0 {
				t.Error(err)
			}
		})
	}
}

// TestBadCountsAreNotAddedUp: part of a sum is no count.
func TestBadCountsAreNotAddedUp(t *testing.T) {
	items, report, err := stated(t, inEuro(), strings.NewReader(stockHeader+
		"a,A,Title,Default Title,A,,,Warehouse,0,0,0,6,6,\n"+
		"a,A,Title,Default Title,A,,,High street,0,0,0,many,6,\n"+
		"b,B,Title,Default Title,B,,,Warehouse,0,0,0,6,6,\n"+
		"b,B,Title,Default Title,B,,,Warehouse,0,0,0,7,7,\n"+
		"c,C,Title,Default Title,C,,,Warehouse,0,0,0,1000000000,6,\n"+
		"c,C,Title,Default Title,C,,,High street,0,0,0,1000000000,6,\n"+
		",D,Title,Default Title,D,,,High street,0,0,0,1,6,\n"))
	if err != nil || left(items) != "A bad-row, B bad-row, C bad-row,  bad-row" {
		t.Errorf("%s, %v", left(items), err)
	}
	for _, it := range items {
		if it.Stock.Known {
			t.Errorf("%+v", it)
		}
	}
	wantErrors(t, report, "3:Available (not editable): not a whole number", "4:: stands twice", "6:: more than", "8:Handle: no handle")
}

// TestStockListsOfOtherSystems: counts without prices tell the stock of what is there already.
func TestStockListsOfOtherSystems(t *testing.T) {
	for name, c := range map[string]struct {
		file   string
		format Format
	}{
		"woocommerce": {"ID,Type,SKU,Name,In stock?,Stock\n1,simple,A,Cup,1,4\n2,variable,P,Pot,1,\n3,simple,B,Jug,0,\n4,simple,C,Can,1,x\n", FormatWooCommerce},
		"generic":     {"SKU,Stock\nA,4\nB,0\nC,x\n", FormatGeneric},
	} {
		t.Run(name, func(t *testing.T) {
			items, report, err := stated(t, inEuro(), strings.NewReader(c.file))
			if err != nil || report.Format != c.format || skus(items) != "A 4, B 0, C untold" || left(items) != "C bad-row" || report.StockOnly != 2 || report.ErrorCount != 1 {
				t.Errorf("%s; off sale %s; %+v, %v", skus(items), left(items), report, err)
			}
			for _, it := range items {
				if !it.StockOnly || it.Group != "" {
					t.Errorf("%+v", it)
				}
			}
		})
	}
}
