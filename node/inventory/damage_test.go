package inventory

import (
	"fmt"
	"strings"
	"testing"
)

// TestFailedFormulas: what a spreadsheet writes where a formula fails is nobody's SKU, title or
// barcode.
func TestFailedFormulas(t *testing.T) {
	for _, cell := range []string{"#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#n/a", "#BEZUG!", "#NV", "#¡REF!", "Err:502"} {
		for name, file := range map[string]string{
			"shopify": "Handle,Title,Variant SKU,Variant Price,Variant Barcode\na,A,%[1]s,1,\nb,%[1]s,B,1,\nc,C,C,1,%[1]s\n",
			"woocommerce": "ID,Type,SKU,Name,Regular price,\"GTIN, UPC, EAN, or ISBN\"\n" +
				"1,simple,%[1]s,A,1,\n2,simple,B,%[1]s,1,\n3,simple,C,C,1,%[1]s\n",
			"generic": "sku,title,price,barcode\n%[1]s,A,1,\nB,%[1]s,1,\nC,C,1,%[1]s\n",
		} {
			t.Run(name+" "+cell, func(t *testing.T) {
				items, report, err := stated(t, inEuro(), strings.NewReader(fmt.Sprintf(file, cell)))
				if err != nil || skus(forSale(items)) != "C uncounted" || left(items) != " bad-row, B bad-row" || report.ErrorCount != 2 {
					t.Fatalf("%s; off sale %s; %v, %v", skus(forSale(items)), left(items), report.Errors, err)
				}
				if b := items[2].Product.Barcode; b != "" || report.DamagedBarcodes != 1 || report.WarningCount != 1 {
					t.Errorf("barcode %q, %v", b, report.Warnings)
				}
				for _, e := range report.Errors {
					if !strings.Contains(e.Message, cell) || !strings.Contains(e.Message, "where a formula fails") {
						t.Error(e.Message)
					}
				}
			})
		}
	}
	for _, code := range []string{"#1", "#REF", "#A-12", "Err:50", "N/A", "REF!", "#REF!-2"} {
		if failed(code) {
			t.Errorf("%s is a code", code)
		}
	}
	o := inEuro()
	o.QualifySKU = true
	items, _, err := stated(t, o, strings.NewReader(woo("ID=1|Type=simple|SKU=#N/A|Name=A|Regular price=1",
		"ID=2|Type=variable|SKU=P|Name=#REF!", "ID=3|Type=variation|SKU=V|Parent=P|Regular price=1|Attribute 1 name=Size|Attribute 1 value(s)=S")))
	if err != nil || left(items) != " bad-row, 2/P variable, 3/V bad-row" {
		t.Errorf("%s, %v", left(items), err)
	}
}
