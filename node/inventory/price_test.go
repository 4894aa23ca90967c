package inventory

import (
	"strings"
	"testing"
)

// What has no price or costs nothing, in each format.

const shopifyPrices = "Handle,Title,Variant SKU,Variant Price\nzero,Zero,ZERO,0.00\nnone,None,NONE,\nfine,Fine,FINE,1.00\n"

var wooPrices = woo(
	"ID=1|Type=simple|SKU=ZERO|Name=Zero|Regular price=0",
	"ID=2|Type=simple|SKU=NONE|Name=None",
	"ID=3|Type=simple|SKU=SALE|Name=Sale|Regular price=5|Sale price=0",
	"ID=4|Type=variable|SKU=PARENT|Name=Parent",
	"ID=5|Type=variation|SKU=FINE|Name=Fine|Regular price=1|Parent=PARENT")

const jsonPrices = `{"sku":"ZERO","title":"Zero","price":"0.00"}
{"sku":"NONE","title":"None"}
{"sku":"FINE","title":"Fine","price":"1.00"}`

func TestNothingIsGivenAwayByMistake(t *testing.T) {
	for _, c := range []struct {
		name, file string
		errors     []string
		left       string
	}{
		{"shopify", shopifyPrices, []string{"2:Variant Price: the price is 0", "3:Variant Price: no price"}, "ZERO price-zero, NONE bad-row"},
		{"woocommerce", wooPrices, []string{"2:Regular price: the price is 0", "3:Regular price: no price", "4:Sale price: the price is 0"}, "ZERO price-zero, NONE bad-row, SALE price-zero, PARENT variable"},
		{"jsonl", jsonPrices, []string{"1:price: the price is 0", "2:price: no price"}, "ZERO price-zero, NONE bad-row"},
	} {
		t.Run(c.name, func(t *testing.T) {
			items, report, err := stated(t, inEuro(), strings.NewReader(c.file))
			if sale := forSale(items); err != nil || len(sale) != 1 || sale[0].Product.SKU != "FINE" || report.Free != 0 || left(items) != c.left {
				t.Errorf("for sale %s; off sale %s; %v", lines(sale), left(items), err)
			}
			wantErrors(t, report, c.errors...)
		})
	}
}

func TestFreeProductsByTheOwnersWord(t *testing.T) {
	o := inEuro()
	o.Free = true
	for name, file := range map[string]string{"shopify": shopifyPrices, "woocommerce": wooPrices, "jsonl": jsonPrices} {
		t.Run(name, func(t *testing.T) {
			items, report, err := read(t, o, file)
			if err != nil || report.ErrorCount != 1 || !strings.Contains(report.Errors[0].Message, "no price") {
				t.Errorf("%+v, %v", report.Errors, err)
			}
			free := int64(0)
			for _, it := range items {
				if it.Product.Price.Minor == 0 {
					free++
				}
			}
			if free == 0 || report.Free != free {
				t.Errorf("%d products are free, the report says %d", free, report.Free)
			}
		})
	}
}

// TestPlacesOfErrors: a line and a column where there is one, a name alone where a
// field is missing, and never a column 0.
func TestPlacesOfErrors(t *testing.T) {
	_, report, err := read(t, inEuro(), `{"sku":"A","title":"T","price":"x"}
{"sku":"B","title":"T"}
{"sku":"C","title":"T","price":"1"}
{"title":"U","sku":"C","price":"1"}`)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"line 1, column 24 (price): ", "line 2 (price): ", "line 3, column 2 (sku): ", "line 4, column 14 (sku): "} {
		if got := report.Errors[i].Error(); !strings.HasPrefix(got, want) {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}
