package inventory

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestTranslatedHeaders: a header in each language, in each of its wordings, is read as
// the English one.
func TestTranslatedHeaders(t *testing.T) {
	if len(translations()) < 25 {
		t.Fatalf("%d languages", len(translations()))
	}
	needed := []string{"Type", "Name", "Published", "Regular price", "Weight (kg)", "Attribute 12 name", "Attribute 12 value(s)", "In stock?", "Stock", "Sale price", "Parent"}
	var language string
	for line := range strings.Lines(wooHeadersText) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '[' {
			language = strings.Trim(line, "[]")
			continue
		}
		labels := strings.Split(line, "\t")
		if len(labels) < 2 {
			t.Errorf("%s: %q has no label", language, line)
		}
	}
	for _, tr := range translations() {
		t.Run(tr.language, func(t *testing.T) {
			var names []string
			for label := range tr.labels {
				names = append(names, label)
			}
			for _, p := range tr.patterns {
				what := "kg"
				if p.digits {
					what = "12"
				}
				names = append(names, p.before+what+p.after)
			}
			names = append(names, []string{"ID", "SKU", "Name", "Type", "Stock", "Images", "Parent", "In stock?"}...) // as languages leave them
			var line []string
			for _, name := range names {
				line = append(line, `"`+strings.ReplaceAll(name, `"`, `""`)+`"`)
			}
			h := columnsOf(t, strings.Join(line, ","))
			if h.found.format != FormatWooCommerce || h.found.language != tr.language {
				t.Fatalf("taken for %q in %q", h.found.format, h.found.language)
			}
			for _, name := range needed {
				if !h.has(name) {
					t.Errorf("no column %q", name)
				}
			}
		})
	}
}

func TestHeadersAsSpreadsheetsLeaveThem(t *testing.T) {
	for _, name := range []string{"Regulärer Preis", "REGULÄRER PREIS", "Regula\u0308rer Preis", " Regulärer\u00a0Preis: ", "„Regulärer  Preis“", "\u200eRegulärer Preis"} {
		t.Run(fmt.Sprintf("%q", name), func(t *testing.T) {
			if h := columnsOf(t, "ID,Typ,Artikelnummer,Name,"+name); h.col("Regular price") != 4 {
				t.Errorf("%+v", h.index)
			}
		})
	}
}

func TestUnitsInHeaders(t *testing.T) {
	for header, want := range map[string]string{
		"ID,Тип,Артикул,Имя,Базовая цена,Вес (кг)": "Weight (kg)", "ID,タイプ,商品コード,名前,公開済み,標準価格,重量 (kg)": "Weight (kg)", "ID,Typ,Artikelnummer,Name,Regulärer Preis,Gewicht (g)": "Weight (g)",
		"ID,Type,UGS,Nom,Publié,Tarif régulier,Poids (kg)": "Weight (kg)",
	} {
		t.Run(header, func(t *testing.T) {
			if h := columnsOf(t, header); !h.has(want) || h.found.format != FormatWooCommerce {
				t.Errorf("%+v", h)
			}
		})
	}
}

// TestLabelsThatLostTheirQuotes: a label with commas in it is one column, quoted or not.
func TestLabelsThatLostTheirQuotes(t *testing.T) {
	for _, header := range []string{
		"ID,Type,SKU,GTIN, UPC, EAN, or ISBN,Name,Published,Regular price,Meta: a,Meta: b",
		"ID,Tipo,SKU,GTIN, UPC, EAN o ISBN,Nombre,Publicado,Precio normal,Meta: a,Meta: b",
		"ID,Typ,Artikelnummer,Datum, an dem Angebotspreis beginnt,Name,Veröffentlicht,Regulärer Preis,Meta: a,Meta: b",
	} {
		t.Run(header, func(t *testing.T) {
			items, report, err := read(t, inEuro(), header+"\n1,simple,A,,Cup,1,5.00\n2,simple,B,,Pot,1,6.00,x,y\n3,simple,C,,,,Bad,1,7.00,x,y\n")
			if err != nil || lines(items) != "A||Cup|[]|500|uncounted\nB||Pot|[]|600|uncounted\n" {
				t.Errorf("%s%v", lines(items), err)
			}
			wantErrors(t, report, "4:: 11 columns, but the header has 9")
		})
	}
}

// TestShortRows holds the rule of widths against a model: rows may grow up to the
// header, never shrink, and always reach the columns that decide.
func TestShortRows(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const header = "ID,SKU,Name,Regular price,Parent,Attribute 1 name,Attribute 1 value(s),Meta: x"
		const least, width = 4, 8
		widths := rapid.SliceOfN(rapid.IntRange(1, width+2), 1, 8).Draw(rt, "widths")
		text := header + "\n"
		var want []int
		widest := 0
		for i, n := range widths {
			cells := []string{fmt.Sprint(i + 1), fmt.Sprintf("S%d", i), "N", "1", "", "", "", "", "", ""}[:n]
			text += strings.Join(cells, ",") + "\n"
			n = min(n, width) // further empty cells are dropped
			if n < least || n < widest {
				want = append(want, i+2)
				continue
			}
			widest = n
		}
		_, report, err := read(t, inEuro(), text)
		var got []int
		for _, e := range report.Errors {
			got = append(got, e.Line)
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			rt.Fatalf("%q: bad lines %v, want %v, %v", text, got, want, err)
		}
	})
}

// TestErrorsNameTheProduct: an error of a row shows its value as the file has it and
// whose row it is.
func TestErrorsNameTheProduct(t *testing.T) {
	_, report, err := read(t, inEuro(), "ID,SKU,Name,Regular price\n1,K-1,Kettle,\"12,9 9\"\n2,K-2,"+strings.Repeat("ä", 50)+",x\n3,K-3\n")
	if err != nil || len(report.Errors) != 3 {
		t.Fatal(report.Errors, err)
	}
	if e := report.Errors[0]; e.SKU != "K-1" || e.Title != "Kettle" || e.Value != "12,9 9" ||
		e.Error() != `line 2, column 4 (Regular price): "12,9 9" is not a number such as 12.99 (SKU K-1, title Kettle)` {
		t.Errorf("%+v: %v", e, &e)
	}
	if e := report.Errors[1]; e.Title != strings.Repeat("ä", 40)+"…" {
		t.Errorf("%+v", e)
	}
	if e := report.Errors[2]; e.SKU != "K-3" || e.Value != "" {
		t.Errorf("%+v", e)
	}
}

// TestWhatIsMissingIsNamed: a column left out is told with its use, and stops the file
// only where no product can be made without it.
func TestWhatIsMissingIsNamed(t *testing.T) {
	for header, want := range map[string]string{
		"Handle,Title,Variant SKU":             "Variant Price (what it costs)",
		"Handle,Variant SKU,Variant Price":     "Title (the product's name)",
		"Title,Variant SKU,Variant Price":      "Handle (which rows are one product)",
		"ID,SKU,Regular price,Published":       "Name (the product's name)",
		"ID,SKU,Name,Published,Type,Tax class": "Regular price (what it costs)",
	} {
		t.Run(header, func(t *testing.T) {
			if _, _, err := read(t, inEuro(), header+"\n"); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
	_, report, err := read(t, inEuro(), "ID,Name,Published,Regular price\n1,Cup,1,5\n")
	if err != nil || len(report.Missing) != 3 || !strings.Contains(report.Missing[1], "the ID serves") {
		t.Errorf("%+v, %v", report, err)
	}
}

func FuzzHeader(f *testing.F) {
	f.Fuzz(func(t *testing.T, line string) {
		r := newRowReader(strings.NewReader(line))
		h, err := r.readHeader()
		if err != nil {
			return
		}
		if r.least < 1 || r.least > len(h.names) || h.unknown() == nil {
			t.Fatalf("%q: least %d of %d", line, r.least, len(h.names))
		}
	})
}

// TestAStockListSaysSo: a file that has counts and no prices is told to lack them, whatever its
// format, as it may be an export of products that was left with too few columns.
func TestAStockListSaysSo(t *testing.T) {
	for _, c := range []struct {
		name, file, lacks string
		format            Format
		columns           Columns
	}{
		{"woocommerce", "ID,Type,SKU,Name,Published,Stock\n1,simple,A,A,1,3\n", "Regular price", FormatWooCommerce, nil},
		{"shopify", "Handle,Title,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty\na,A,A,shopify,3\n", "Variant Price", FormatShopifyInventory, nil},
		{"generic", "sku,name,stock\nA,A,3\n", "price", FormatGeneric, nil},
		{"named columns", "nr;menge\nA;3\n", "price", FormatGeneric, Columns{"sku": "nr", "stock": "menge"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := inEuro()
			o.Columns = c.columns
			items, report, err := read(t, o, c.file)
			if err != nil || report.Format != c.format || len(items) != 1 || !items[0].StockOnly || report.StockOnly != 1 {
				t.Fatalf("%s, %+v, %v", report.Format, items, err)
			}
			if !slices.ContainsFunc(report.Missing, func(m string) bool { return strings.HasPrefix(m, c.lacks+" (what it costs; without it") }) {
				t.Errorf("it lacks %q", report.Missing)
			}
		})
	}
}

// TestFormerPriceLabels: an export that calls its prices as versions and regions do has prices.
func TestFormerPriceLabels(t *testing.T) {
	for _, c := range []struct{ header, label string }{
		{"ID,タイプ,SKU,名前,公開済み,在庫,通常価格", "Regular price"},
		{"ID,タイプ,SKU,名前,公開済み,在庫,標準価格", "Regular price"},
		{"ID,Тип,Артикул,Имя,Опубликован,Запасы,Обычная цена", "Regular price"},
		{"ID,Tipo,SKU,Nombre,Publicado,Inventario,Precio regular", "Regular price"},
		{"ID,Type,UGS,Nom,Publié,Stock,Prix régulier", "Regular price"},
	} {
		t.Run(c.header, func(t *testing.T) {
			if h := columnsOf(t, c.header); h.found.format != FormatWooCommerce || h.found.stockOnly || h.col(c.label) != 6 {
				t.Errorf("%+v, %d", h.found, h.col(c.label))
			}
		})
	}
}
