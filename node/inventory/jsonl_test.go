package inventory

import (
	"strings"
	"testing"
)

func TestJSONLines(t *testing.T) {
	text := "\ufeff" + `{"sku":"A","title":"Mug","price":"18.50","currency":"EUR","stock":4,"group":"mug","options":[{"name":"Glaze","value":"Ash"}],"description":"<p>One</p><p>Two</p>","vendor":"V","category":"C","barcode":"1","image":"https://example.com/a.jpg","grams":350}` + "\r\n\n" +
		`{"sku":"B","title":"Tile","price":145}` + "\n" +
		`{"sku":"C","title":"Later","price":"1","published":false}` + "\n" +
		`{"sku":"D","title":"Null","price":"1","stock":null,"grams":null,"color":"red"}`
	items, report, err := read(t, inEuro(), text)
	if err != nil {
		t.Fatal(err)
	}
	want := "A|mug|Mug|[{Glaze Ash}]|1850|4\nB||Tile|[]|14500|uncounted\nD||Null|[]|100|uncounted\n"
	if lines(items) != want {
		t.Errorf("got\n%swant\n%s", lines(items), want)
	}
	if p := items[0].Product; p.Description != "One\n\nTwo" || p.Grams != 350 || p.Vendor != "V" || p.Category != "C" || p.Barcode != "1" || p.Image == "" {
		t.Errorf("%+v", p)
	}
	if items[1].Line != 3 || report.Skipped[SkipUnpublished] != 1 || strings.Join(report.UnknownFields, ",") != "color" || report.Format != FormatJSONLines {
		t.Errorf("report: %+v", report)
	}
}

func TestJSONLinesBadRows(t *testing.T) {
	_, report, err := read(t, inEuro(), strings.Join([]string{
		`{"sku":"A","title":"T","price":"1"`,
		`{"sku":"A","title":"T","price":"1"} {}`,
		`{"sku":"A","title":"T","price":"1","price":"2"}`,
		`{"sku":"A","title":"T","price":1e9}`,
		`{"sku":"A","title":"T","price":-1}`,
		`{"sku":"A","title":"T","price":{}}`,
		`{"sku":"A","title":"T"}`,
		`{"sku":"A","price":"1"}`,
		`{"title":"T","price":"1"}`,
		`{"sku":"A","title":"T","price":"1","currency":"SEK"}`,
		`{"sku":"A","title":"T","price":"1","stock":[1]}`,
		`{"sku":"A","title":"T","price":"1","stock":1.5}`,
		`{"sku":"A","title":"T","price":"1","options":[{"nam":"x"}]}`,
		`{"sku":"A","title":"T","price":"1","options":[{},{},{},{},{},{},{},{},{},{},{}]}`,
		`{"sku":7,"title":"T","price":"1"}`,
		`["A"]`,
		`{"sku":"A\u202eB","title":"T","price":"1"}`,
	}, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	wantErrors(t, report, "1:: ends within", "2:: one object per line", "3:price: twice", "4:price: not an amount", "5:price: not an amount", "6:price: not a number",
		"7:price: no price", "8:title: no title", "9:sku: no SKU", "10:currency: sells in EUR", "11:stock: not a number", "12:stock: whole number",
		"13:options: nam", "14:options: more than 10", "15:sku: not a string", "16:: not a JSON object", "17:sku: invisible")
}

func TestJSONLinesStrictRefusesUnknownFields(t *testing.T) {
	o := inEuro()
	o.Strict = true
	_, _, err := read(t, o, `{"sku":"A","titel":"T","price":"1"}`)
	if err == nil || !strings.Contains(err.Error(), "column 12 (titel): no such field") {
		t.Error(err)
	}
}

// TestJSONLinesNameTheProduct: an error says of which product it is and what the line has.
func TestJSONLinesNameTheProduct(t *testing.T) {
	_, report, err := read(t, inEuro(), `{"price":"a lot","title":"Round laces","sku":"LACE"}
{"sku":"MUG","title":"Mug","price":1,"stock":[1,2]}`)
	if err != nil || report.ErrorCount != 2 {
		t.Fatal(report, err)
	}
	for i, want := range []RowError{{SKU: "LACE", Title: "Round laces", Value: "a lot"}, {SKU: "MUG", Title: "Mug", Value: "[1,2]"}} {
		if got := report.Errors[i]; got.SKU != want.SKU || got.Title != want.Title || got.Value != want.Value {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}
