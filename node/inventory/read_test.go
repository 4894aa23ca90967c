package inventory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/souk-market/souk/exchange"
)

const smallCSV = "Handle,Title,Variant SKU,Variant Price\na,A,A,1\nb,B,B,2\n"

func TestFilesThatAreRefused(t *testing.T) {
	for _, c := range []struct{ file, message string }{
		{"", "empty"},
		{"\ufeff\r\n ", "empty"},
		{"\x1f\x8b\x08\x00", "damaged or cut off"},
		{"PK\x03\x04xl/workbook.xml", "damaged or cut off"},
		{"\xff\xfeH\x00a\x00", "neither a Shopify header"},
		{"\xfe\xff\x00H\x00a", "neither a Shopify header"},
		{"H\x00a\x00n\x00", "neither a Shopify header"},
		{"\x00H\x00a\x00n", "neither a Shopify header"},
		{"\xd0\xcf\x11\xe0\xa1\xb1", "Excel"},
		{"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "no text"},
		{"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "no text"},
		{"%PDF-1.7\nHandle,Title", "PDF"},
		{noise(4096), "no text"},
		{" <!DOCTYPE html>\n<p>Log in", "web page"},
		{"Nummer,Titel\n1,A\n", `neither a Shopify header`},
		{"Nummer,Titel\n1,A\n", `"Nummer", "Titel"; say which is which: for example --columns sku=Nummer,title=Titel`},
		{"[{\"sku\":\"A\"}]", "JSON array"},
		{"Han\xe9le,Title,Variant Price\n", "neither a Shopify header"},
		{"Handle,Title,Variant Price\na,Caf\xe9,1\nb,Café,1\n", "mixes two encodings: line 3 has a character of UTF-8, but byte 0xE9 on line 2"},
		{"Handle,Title,Variant Price\na,\xcf\xf0\xe8\xe2\xe5\xf2,1\n", "another code page"}, // Windows-1251
		{"Handle,Title,Variant Price\na,\xbf\xf3\xb3ty,1\n", "another code page"},           // Windows-1250
		{"Handle,Title,Variant Price\na,\x83\x7d\x83\x4f\x81\x5b,1\n", "another code page"}, // Shift JIS
		{"\"Handle,Title\n", "never closed"},
	} {
		t.Run(fmt.Sprintf("%.30q", c.file), func(t *testing.T) {
			_, report, err := read(t, inEuro(), c.file)
			if exchange.CodeOf(err) != exchange.CodeInvalid || !strings.Contains(err.Error(), c.message) || report.Rows != 0 {
				t.Errorf("%v, want %q", err, c.message)
			}
		})
	}
	for _, f := range []Format{FormatShopify, FormatWooCommerce} {
		o := inEuro()
		o.Format = f
		if _, _, err := read(t, o, "x,y\n1,2\n"); err == nil || !strings.Contains(err.Error(), "header") {
			t.Errorf("%s: %v", f, err)
		}
	}
	for _, o := range []Options{{}, {Currency: "XXZ"}, {Currency: "EUR", Format: "xml"}} {
		t.Run(fmt.Sprintf("%q as %q", o.Currency, o.Format), func(t *testing.T) {
			if _, _, err := read(t, o, smallCSV); exchange.CodeOf(err) != exchange.CodeInvalid {
				t.Error(err)
			}
		})
	}
}

// noise is what compressed or encrypted bytes look like, without a NUL.
func noise(n int) string {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return strings.ReplaceAll(string(b), "\x00", "\x01")
}

// TestStrayControlCharactersAreText: a text may hold a few, and they are dropped.
func TestStrayControlCharactersAreText(t *testing.T) {
	items, _, err := read(t, inEuro(), "Handle,Title,Variant SKU,Variant Price\na,A\x0b\x1f"+strings.Repeat("x", 200)+"\x00,A,1\n")
	if err != nil || len(items) != 1 {
		t.Errorf("%s, %v", lines(items), err)
	}
}

func TestHeaderOnlyGivesNothing(t *testing.T) {
	for _, text := range []string{"Handle,Title,Variant Price\n", woo(), "ID,Type,SKU,Name,Regular price"} {
		t.Run(fmt.Sprintf("%.30q", text), func(t *testing.T) {
			items, report, err := read(t, inEuro(), text)
			if err != nil || len(items) != 0 || report.Rows != 0 {
				t.Errorf("%v, %+v", err, report)
			}
		})
	}
}

func TestBadEncodingAndShortRowsAreNamed(t *testing.T) {
	items, report, err := read(t, inEuro(), "Handle,Title,Variant SKU,Variant Price\r\na,Caf\xe9,A,1\r\nb,B,B\r\nc,C,C,3,,\r\nd,D,D,4,x\r\n")
	if err != nil || len(items) != 2 || items[0].Product.Title != "Café" || items[1].Product.SKU != "C" || report.Encoding != "Windows-1252" {
		t.Errorf("%s, %v", lines(items), err)
	}
	wantErrors(t, report, "3:: 3 columns, but the header has 4", "5:: 5 columns")
}

func TestEndings(t *testing.T) {
	wrong := errors.New("disk full")
	report, err := Read(context.Background(), strings.NewReader(smallCSV), inEuro(), func(Item) error { return wrong })
	if err != wrong || report.Items != 1 {
		t.Errorf("an error of yield: %v, %+v", err, report)
	}
	ctx, cancel := context.WithCancel(context.Background())
	report, err = Read(ctx, strings.NewReader("Handle,Title,Variant SKU,Variant Price\na,A,A,1\nb,B,B,2\nc,C,C,3\n"), inEuro(), func(Item) error { cancel(); return nil })
	if err != context.Canceled || report.Items != 1 {
		t.Errorf("cancelled: %v, %+v", err, report)
	}
	for name, text := range map[string]string{
		"shopify":     smallCSV,
		"woocommerce": woo("ID=1|Type=simple|SKU=A|Name=A|Regular price=1"),
		"jsonl":       `{"sku":"A","title":"A","price":1}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			// a source that breaks beyond what detect looks at
			long := io.MultiReader(strings.NewReader(text), &endless{n: maxHead}, brokenReader{wrong})
			if _, _, err := readFrom(t, inEuro(), long); !errors.Is(err, wrong) {
				t.Errorf("a source that breaks: %v", err)
			}
		})
	}
}

type brokenReader struct{ err error }

func (b brokenReader) Read([]byte) (int, error) { return 0, b.err }

func TestProgressAndPosition(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows := woo("ID=1|Type=simple|SKU=A|Name=A|Regular price=1") + strings.Repeat(wooRow("ID=2|Type=grouped|SKU=B|Name=B|Description="+strings.Repeat("x", 1000)), 4000)
	if _, err := file.WriteString("not this" + rows); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Seek(int64(len("not this")), io.SeekStart); err != nil {
		t.Fatal(err)
	}
	var calls, last, lastRows int64
	o := inEuro()
	o.Progress = func(bytesRead, rows int64) {
		if bytesRead < last {
			t.Errorf("progress went back from %d to %d bytes", last, bytesRead)
		}
		calls, last, lastRows = calls+1, bytesRead, rows
	}
	_, report, err := readFrom(t, o, file)
	if err != nil || report.Rows != 4001 || report.Bytes != int64(len(rows)) || last != report.Bytes || lastRows != 4001 || calls < 4 {
		t.Errorf("%v; %d calls, the last with %d bytes and %d rows; %d bytes in all", err, calls, last, lastRows, len(rows))
	}
}

func TestReportsAreBounded(t *testing.T) {
	n := MaxErrorsKept + 50
	var b strings.Builder
	b.WriteString("Handle,Title,Variant SKU,Variant Price,Status\n")
	for i := range n {
		fmt.Fprintf(&b, "a%d,A,A%d,bad,active\nb%d,B,B%d,1,draft\n", i, i, i, i)
	}
	_, report, err := read(t, inEuro(), b.String())
	if err != nil || report.ErrorCount != int64(n) || len(report.Errors) != MaxErrorsKept || report.Skipped[SkipDraft] != int64(n) || len(report.Skips) != MaxSkipsKept {
		t.Errorf("%v; %d errors, %d kept; %d skips kept", err, report.ErrorCount, len(report.Errors), len(report.Skips))
	}
	if _, err := json.Marshal(report); err != nil {
		t.Error(err)
	}
}

func TestStock(t *testing.T) {
	for _, c := range []struct {
		s         Stock
		untracked string
		want      exchange.Availability
	}{
		{counted(3), "unlimited", exchange.Availability{Units: 3}},
		{counted(-3), "unlimited", exchange.Availability{}},
		{countNotTold, "unlimited", exchange.Availability{}},
		{notCounted, "", exchange.Availability{}},
		{notCounted, "unavailable", exchange.Availability{}},
		{notCounted, "unlimited", exchange.Availability{Unlimited: true}},
		{notCounted, "25", exchange.Availability{Units: 25}},
	} {
		t.Run(fmt.Sprintf("%+v with %q", c.s, c.untracked), func(t *testing.T) {
			u, err := ParseUntracked(c.untracked)
			if err != nil || c.s.Available(u) != c.want {
				t.Errorf("%s: %+v, %v", u, c.s.Available(u), err)
			}
			if again, err := ParseUntracked(u.String()); err != nil || again != u {
				t.Errorf("%s reads back as %v, %v", u, again, err)
			}
		})
	}
	for _, s := range []string{"-1", "many", "1000000001", "1.5"} {
		t.Run(strconv.Quote(s), func(t *testing.T) {
			if _, err := ParseUntracked(s); err == nil {
				t.Error("it is taken")
			}
		})
	}
}

func TestTexts(t *testing.T) {
	for in, want := range map[string]string{
		"  a \t b\u00a0c  ":       "a b c",
		"evil\u202etxt.exe\u0000": "eviltxt.exe",
		"zero\u200bwidth\ufeff":   "zerowidth",
		"👩\u200d🔧":                "👩\u200d🔧",
		"line\nbreak":             "line break",
		"\ufffd":                  "",
		"Größe 3":                 "Größe 3",
	} {
		t.Run(strconv.Quote(in), func(t *testing.T) {
			if got, _ := plainLine(in, 100); got != want {
				t.Errorf("plainLine(%q) = %q, want %q", in, got, want)
			}
		})
	}
	for in, want := range map[string]string{
		"<p>a</p><p>b <b>c</b></p>":              "a\n\nb c",
		"a<br>b<br/>c":                           "a\nb\nc",
		"<ul><li>x</li><li>y</li></ul>":          "x\ny",
		"1 < 2 & 3":                              "1 < 2 & 3",
		"&lt;script&gt;":                         "<script>",
		"<script>x<p></script>y<style>z</style>": "y",
		"<!-- c -->t<img onerror=x src=y>":       "t",
		"a\r\nb\r\n\r\n\r\nc":                    "a\n\nb\n\nc",
		"<script>never closed":                   "",
		"5 <6 boots":                             "5 <6 boots",
		"a <b and c &amp; d":                     "a <b and c & d",
		"<table><tr><td>A</td><td>B</td></tr><tr><td>C</td></tr></table>": "A B\nC",
		"a<svg><title>x</title><path d='1'/>y</svg>b":                     "ab",
		"<template>a<template>b</template>c</template>d":                  "d",
		"<select><option>S</option></select>e<textarea><p></textarea>":    "e",
		"<h2>Head</h2><p>Text</p><iframe src=x>no</iframe>":               "Head\n\nText",
	} {
		t.Run(strconv.Quote(in), func(t *testing.T) {
			if got, _ := plainText(fromHTML(in), 1000); got != want {
				t.Errorf("%q becomes %q, want %q", in, got, want)
			}
		})
	}
	if s, cut := plainLine(strings.Repeat("ä", 10), 7); s != "äää" || !cut {
		t.Errorf("cut to %q", s)
	}
	for in, want := range map[string]string{
		"https://example.com/a.jpg?v=1":   "https://example.com/a.jpg?v=1",
		"HTTPS://example.com/a b.jpg":     "https://example.com/a%20b.jpg",
		"//cdn.example.com/x.jpg":         "https://cdn.example.com/x.jpg",
		"https://example.com/ü/50%.jpg":   "https://example.com/%C3%BC/50%25.jpg",
		"https://example.com/%C3%BC.jpg":  "https://example.com/%C3%BC.jpg",
		"https://bücher.example/a.jpg":    "https://xn--bcher-kva.example/a.jpg",
		"http://example.com/?q=a b&c=<d>": "http://example.com/?q=a%20b&c=%3Cd%3E",
		"https://example.com":             "https://example.com",
	} {
		t.Run(in, func(t *testing.T) {
			if got := image(in); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
	for _, s := range []string{"javascript:alert(1)", "/a.jpg", "https://", "https://user@example.com/", "https://ex ample.com/", "https://example.com/\u202ea", "https://example.com/" + strings.Repeat("a", 1000)} {
		t.Run(fmt.Sprintf("%.40q", s), func(t *testing.T) {
			if image(s) != "" {
				t.Error("it is taken for an image")
			}
		})
	}
}

// checkItem holds an item of any file to what package exchange promises.
func checkItem(t testing.TB, it Item) {
	p := it.Product
	if (it.Left != "" || it.StockOnly) && (p.SKU == "" || p.Title == "" || p.Price.Currency == "") {
		return // what cannot be read of what is off sale is left out
	}
	if _, err := exchange.ParseSKU(string(p.SKU)); err != nil {
		t.Fatalf("%+v: %v", it, err)
	}
	texts := map[string]int{p.Title: exchange.MaxTitle, p.Description: exchange.MaxDescription, p.Group: exchange.MaxText, p.Vendor: exchange.MaxText,
		p.Category: exchange.MaxText, p.Barcode: exchange.MaxText, p.Image: exchange.MaxURL}
	for _, o := range p.Options {
		texts[o.Name], texts[o.Value] = exchange.MaxText, exchange.MaxText
	}
	for s, limit := range texts {
		if len(s) > max(limit, exchange.MaxText) || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
			return unicode.IsControl(r) && r != '\n' || unicode.Is(unicode.Bidi_Control, r)
		}) {
			t.Fatalf("%+v: text %q", it, s)
		}
	}
	if p.Title == "" || strings.Contains(p.Title, "\n") || len(p.Options) > exchange.MaxOptions || p.Grams < 0 || p.Grams > MaxGrams ||
		p.Price.Minor < 0 || p.Price.Minor > MaxPrice || p.Price.Currency != "EUR" || p.USD != (exchange.USDPrice{}) || p.Available != (exchange.Availability{}) ||
		it.Stock.Units < -MaxStock || it.Stock.Units > MaxStock || p.Texts() > exchange.MaxTexts || it.Line < 1 {
		t.Fatalf("%+v breaks a bound", it)
	}
}

// fuzzImport reads text twice, as a file and as a stream: the same items and
// report, all within bounds.
func fuzzImport(t *testing.T, f Format, text string) {
	o := inEuro()
	o.Format = f
	items, report, err := stated(t, o, strings.NewReader(text))
	for _, it := range items {
		checkItem(t, it)
	}
	again, reportAgain, errAgain := stated(t, o, onStream{strings.NewReader(text)})
	if !reflect.DeepEqual(items, again) || !reflect.DeepEqual(report, reportAgain) || (err == nil) != (errAgain == nil) {
		t.Fatalf("%q reads differently the second time:\n%v %+v %v\n%v %+v %v", text, items, report, err, again, reportAgain, errAgain)
	}
}

func FuzzShopify(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) { fuzzImport(t, FormatShopify, text) })
}

func FuzzShopifyInventory(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) { fuzzImport(t, FormatShopifyInventory, text) })
}

func FuzzWooCommerce(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) { fuzzImport(t, FormatWooCommerce, text) })
}

func FuzzJSONLines(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) { fuzzImport(t, FormatJSONLines, text) })
}

// FuzzTexts: what comes of HTML is plain text, and of a URL is one or nothing.
func FuzzTexts(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		if text, _ := plainText(fromHTML(s), 1000); !utf8.ValidString(text) && utf8.ValidString(s) {
			t.Fatalf("%q becomes %q", s, text)
		}
		if u := image(s); u != "" && (image(u) != u || strings.ContainsFunc(u, func(r rune) bool { return r <= ' ' || r >= 0x7f })) {
			t.Fatalf("%q becomes %q, which becomes %q", s, u, image(u))
		}
	})
}

func FuzzRows(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		readAll(t, text)
		if utf8.ValidString(text) {
			sameAsStandard(t, text)
		}
	})
}

// FuzzRates: rates that are read can be used, or say why not.
func FuzzRates(f *testing.F) {
	f.Fuzz(func(t *testing.T, file string) {
		rates, err := ReadRates(strings.NewReader(file))
		if err != nil {
			return
		}
		for _, c := range append(slices.Collect(maps.Keys(rates.perEuro)), euro) {
			rate, err := rates.USD(c)
			if err == nil {
				err = rate.Check()
			}
			if code := exchange.CodeOf(err); err != nil && code != exchange.CodeNoRate && code != exchange.CodeInvalid {
				t.Fatalf("%s: %+v, %v", c, rate, err)
			}
		}
	})
}
