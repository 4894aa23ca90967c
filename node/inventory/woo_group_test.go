package inventory

import (
	"fmt"
	"strings"
	"testing"
)

// groups shows what a file states of groups: "line SKU group", and why it is off sale.
func groups(items []Item) string {
	var out []string
	for _, it := range items {
		s := fmt.Sprintf("%d %s of %s", it.Line, it.Product.SKU, it.Group)
		if it.Left != "" {
			s += " " + string(it.Left)
		}
		out = append(out, s)
	}
	return strings.Join(out, "\n")
}

func TestWooCommerceGroups(t *testing.T) {
	for _, c := range []struct {
		name string
		rows []string
		want string
	}{
		{"a parent is named by ID or by SKU", []string{
			"ID=2|Type=variable|SKU=TEE|Name=Tee",
			"ID=3|Type=variation|SKU=TEE-S|Regular price=1|Parent=TEE",
			"ID=4|Type=variation|SKU=TEE-M|Regular price=1|Parent=id:2",
		}, "2 TEE of id-2 variable\n3 TEE-S of id-2\n4 TEE-M of id-2"},
		{"a simple product has the group that its variations had", []string{
			"ID=2|Type=simple|SKU=TEE|Name=Tee|Regular price=1",
			"ID=5|Type=simple|Name=Cap|Regular price=1",
			"ID=6|Type=simple|SKU=OFF|Name=Off|Regular price=1|Published=0",
			"ID=7|Type=simple|SKU=BAD|Name=Bad",
		}, "2 TEE of id-2\n3 id-5 of id-5\n4 OFF of id-6 unpublished\n5 BAD of id-7 bad-row"},
		{"a parent without variations", []string{
			"ID=2|Type=variable|SKU=TEE|Name=Tee",
			"ID=4|Type=variable|Name=Hat",
			"ID=8|Type=external|Name=Elsewhere",
		}, "2 TEE of id-2 variable\n3  of id-4 variable\n4  of id-8 external"},
		{"a parent with the SKU of a product", []string{
			"ID=2|Type=variable|SKU=TEE|Name=Tee",
			"ID=3|Type=simple|SKU=TEE|Name=Another tee|Regular price=1",
		}, "2  of id-2 variable\n3 TEE of id-3"},
		{"without IDs", []string{
			"Type=variable|SKU=TEE|Name=Tee",
			"Type=variation|SKU=TEE-S|Regular price=1|Parent=TEE",
			"Type=simple|SKU=CUP|Name=Cup|Regular price=1",
			"Type=variable|Name=Nameless",
		}, "2 TEE of TEE variable\n3 TEE-S of TEE\n4 CUP of CUP"},
		{"a parent that the file lacks", []string{
			"ID=3|Type=variation|SKU=TEE-S|Name=S|Regular price=1|Parent=id:2",
		}, "2 TEE-S of  bad-row"},
		{"a SKU that cannot be read may be any product's", []string{
			"ID=3|Type=simple|SKU=8.71E+12|Name=S|Regular price=1",
		}, "2  of  bad-row"},
		{"no type and no price may be a variable product", []string{
			"ID=2|SKU=TEE|Name=Tee",
			"ID=3|SKU=TEE-S|Name=Tee S|Regular price=1",
		}, "2 TEE of  bad-row\n3 TEE-S of id-3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			items, _, err := stated(t, inEuro(), strings.NewReader(woo(c.rows...)))
			if err != nil || groups(items) != c.want {
				t.Errorf("%v\n%s\nwant\n%s", err, groups(items), c.want)
			}
		})
	}
}

// TestWooCommerceGroupStated: a row that states its group alone is counted as the page it is.
func TestWooCommerceGroupStated(t *testing.T) {
	items, report, err := stated(t, inEuro(), strings.NewReader(woo(
		"ID=4|Type=variable|Name=Hat", "ID=7|Type=grouped|Name=Set", "ID=8|Type=external|Name=Elsewhere")))
	if err != nil || len(items) != 3 || report.Rows != 3 || report.ErrorCount != 0 ||
		report.Skipped[SkipVariable] != 1 || report.Skipped[SkipGrouped] != 1 || report.Skipped[SkipExternal] != 1 || len(report.Skips) != 2 {
		t.Errorf("%v, %+v, %+v", err, items, report)
	}
	for _, it := range items {
		if it.Product.SKU != "" || it.Bad != nil || it.Group == "" {
			t.Errorf("%+v", it)
		}
	}
	items, _, err = stated(t, inEuro(), strings.NewReader("ID,Type,SKU,Name,Published,In stock?,Stock\n4,variable,,Hat,1,1,\n5,simple,CUP,Cup,1,1,3\n"))
	if err != nil || groups(items) != "3 CUP of " {
		t.Errorf("a stock list states no group: %v, %s", err, groups(items))
	}
}
