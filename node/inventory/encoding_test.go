package inventory

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	textunicode "golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"
)

const coffee = "Handle,Title,Variant SKU,Variant Price\r\na,Café Größe,A,1\r\nb,\"B\r\nb\",B,2\r\n"

func encoded(t testing.TB, e encoding.Encoding, s string) string {
	t.Helper()
	out, err := e.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// gzipped packs s.
func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

// zipOf packs files: names and contents by turns.
func zipOf(t testing.TB, files ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := w.Create(files[i])
		if err == nil {
			_, err = io.WriteString(f, files[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestFormsOfOneFile: in whatever encoding, container and line ends a file comes, on
// disk or through a pipe, it reads the same, and no temporary file stays.
func TestFormsOfOneFile(t *testing.T) {
	const want = "A||Café Größe|[]|100|uncounted\nB||B b|[]|200|uncounted\n"
	utf16 := func(order textunicode.Endianness, bom textunicode.BOMPolicy) string {
		return encoded(t, textunicode.UTF16(order, bom), coffee)
	}
	windows := encoded(t, charmap.Windows1252, coffee)
	for name, c := range map[string]struct{ file, encoding string }{
		"UTF-8":                      {coffee, ""},
		"UTF-8 with mark":            {byteOrderMark + coffee, ""},
		"UTF-16 LE":                  {utf16(textunicode.LittleEndian, textunicode.UseBOM), "UTF-16"},
		"UTF-16 BE":                  {utf16(textunicode.BigEndian, textunicode.UseBOM), "UTF-16"},
		"UTF-16 LE without mark":     {utf16(textunicode.LittleEndian, textunicode.IgnoreBOM), "UTF-16"},
		"UTF-16 BE without mark":     {utf16(textunicode.BigEndian, textunicode.IgnoreBOM), "UTF-16"},
		"Windows-1252":               {windows, "Windows-1252"},
		"LF":                         {strings.ReplaceAll(coffee, "\r\n", "\n"), ""},
		"CR":                         {strings.ReplaceAll(coffee, "\r\n", "\r"), ""},
		"Windows-1252 with CR":       {strings.ReplaceAll(windows, "\r\n", "\r"), "Windows-1252"},
		"semicolons":                 {strings.ReplaceAll(coffee, ",", ";"), ""},
		"tabs":                       {strings.ReplaceAll(coffee, ",", "\t"), ""},
		"bars":                       {strings.ReplaceAll(coffee, ",", "|"), ""},
		"sep line":                   {"sep=;\r\n" + strings.ReplaceAll(coffee, ",", ";"), ""},
		"sep line in quotes":         {"\"sep=\t\"\r\n" + strings.ReplaceAll(coffee, ",", "\t"), ""},
		"sep line and UTF-16":        {encoded(t, textunicode.UTF16(textunicode.LittleEndian, textunicode.UseBOM), "sep=;\r\n"+strings.ReplaceAll(coffee, ",", ";")), "UTF-16"},
		"gzip":                       {gzipped(coffee), ""},
		"gzip of UTF-16":             {gzipped(utf16(textunicode.LittleEndian, textunicode.UseBOM)), "UTF-16"},
		"zip":                        {zipOf(t, "products.csv", coffee), ""},
		"zip with clutter":           {zipOf(t, "export/", "", "export/products.csv", byteOrderMark+coffee, "__MACOSX/export/._products.csv", "x", "export/.DS_Store", "x", "Thumbs.db", "x"), ""},
		"zip with a picture":         {zipOf(t, "a.jpg", "x", "products.csv", windows, "licence.pdf", "%PDF"), "Windows-1252"},
		"zip of a file without name": {zipOf(t, "products_export_1", coffee), ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := inEuro()
			o.TempDir = t.TempDir()
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			file, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			for from, r := range map[string]io.Reader{"file": file, "pipe": onStream{strings.NewReader(c.file)}} {
				items, report, err := readFrom(t, o, r)
				if err != nil || lines(items) != want || report.Encoding != c.encoding || report.ErrorCount > 0 {
					t.Errorf("%s: %v\n%s%+v", from, err, lines(items), report)
				}
			}
			if left, err := os.ReadDir(o.TempDir); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// TestNotesAboveTheHeader: a title above the header is passed over, where the header is
// one that is known.
func TestNotesAboveTheHeader(t *testing.T) {
	for _, above := range []string{"Products of 2026-01-31\n", "Products;;;\n;;;\n", "# Required | The SKU;# Required | Its name;;\n\n", "\"a note\nof two lines\"\n"} {
		t.Run(above, func(t *testing.T) {
			items, report, err := read(t, inEuro(), above+"Artikelnummer;Bezeichnung;Preis;Bestand\nA;Tasse;1,50;3\nB;b;x;1\n")
			if err != nil || lines(items) != "A||Tasse|[]|150|3\n" {
				t.Errorf("%s%v", lines(items), err)
			}
			wantErrors(t, report, fmt.Sprintf("%d:Preis: not a number", 3+strings.Count(above, "\n")))
		})
	}
	o := inEuro()
	o.Columns = Columns{"sku": "Nr", "title": "Wort", "price": "Betrag"}
	if items, _, err := read(t, o, "Liste\nNr;Wort;Betrag\nA;a;1\n"); err != nil || len(items) != 1 {
		t.Error(items, err)
	}
}

// TestProgressOfAPackedFile ends at the length of the file as it was given.
func TestProgressOfAPackedFile(t *testing.T) {
	file := gzipped(smallCSV + strings.Repeat("c,C,C,3\n", 500_000))
	last := int64(0)
	o := inEuro()
	o.Progress = func(bytesRead, _ int64) {
		if bytesRead < last || bytesRead > int64(len(file)) {
			t.Errorf("progress goes from %d to %d of %d bytes", last, bytesRead, len(file))
		}
		last = bytesRead
	}
	if _, report, err := read(t, o, file); err != nil || last != int64(len(file)) || report.Bytes != last {
		t.Errorf("%v; the progress ends at %d of %d bytes", err, last, len(file))
	}
}

// TestLinesBelowASepLine: the line that names the delimiter counts as one.
func TestLinesBelowASepLine(t *testing.T) {
	_, report, err := read(t, inEuro(), "sep=;\nHandle;Title;Variant SKU;Variant Price\na;A;A;x\n")
	if err != nil {
		t.Fatal(err)
	}
	wantErrors(t, report, "3:Variant Price: not a number")
}

func TestContainersThatAreRefused(t *testing.T) {
	locked := []byte(zipOf(t, "products.csv", coffee))
	locked[6] |= 1                                                 // of the file's header
	locked[bytes.Index(locked, []byte("PK\x01\x02"))+8] |= 1       // of the directory
	damaged := []byte(zipOf(t, "products.csv", coffee))            // its text no longer has its sum
	damaged[bytes.Index(damaged, []byte("PK\x01\x02"))+16] ^= 0xff // in the directory
	many := make([]string, 0, 40_000)
	for i := range cap(many) / 2 {
		many = append(many, fmt.Sprintf("%030d.csv", i), "")
	}
	for name, c := range map[string]struct{ file, message string }{
		"two files":   {zipOf(t, "a.csv", coffee, "b/b.csv", coffee), `holds 2 files: "a.csv", "b/b.csv"`},
		"no file":     {zipOf(t, "__MACOSX/._a.csv", "x"), "holds no file"},
		"Excel":       {zipOf(t, "[Content_Types].xml", "", "xl/workbook.xml", ""), "Excel workbook"},
		"Word":        {zipOf(t, "[Content_Types].xml", "", "word/document.xml", ""), "Office document"},
		"OpenOffice":  {zipOf(t, "mimetype", "", "content.xml", ""), "Text CSV"},
		"Numbers":     {zipOf(t, "Index/Document.iwa", "", "Metadata/Properties.plist", ""), "Numbers"},
		"Excel in it": {zipOf(t, "a.xls", "\xd0\xcf\x11\xe0\xa1\xb1"), "Excel workbook"},
		"zip in zip":  {zipOf(t, "a.zip", zipOf(t, "a.csv", coffee)), "packed twice"},
		"tar in gzip": {gzipped(strings.Repeat("x", 257) + "ustar\x0000" + strings.Repeat("\x00", 200)), "tar archive"},
		"password":    {string(locked), "password"},
		"damaged":     {string(damaged), "damaged or cut off"},
		"cut off":     {gzipped(coffee)[:40], "damaged or cut off"},
		"too many":    {zipOf(t, many...), "too many files"},
		"a bomb":      {gzipped(coffee + strings.Repeat("x", 100<<20)), "more than 200 times its size"},
		"empty":       {gzipped(""), "empty"},
		"HTML":        {gzipped("<html>"), "web page"},
	} {
		t.Run(name, func(t *testing.T) {
			o := inEuro()
			o.TempDir = t.TempDir()
			if _, _, err := read(t, o, c.file); err == nil || !strings.Contains(err.Error(), c.message) {
				t.Errorf("%v, want %q", err, c.message)
			}
			if left, err := os.ReadDir(o.TempDir); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// TestCharactersAcrossBlocks: the check for UTF-8 does not stumble over a character
// that lies on the edge of what is read at once, wherever that is.
func TestCharactersAcrossBlocks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("aé€😀\n"))).Draw(rt, "text")
		bad := rapid.SampledFrom([]string{"", "\xe9", "\xe2\x82", "\xf0\x9f"}).Draw(rt, "bad")
		at := 0
		if text != "" {
			at = rapid.IntRange(0, len([]rune(text))).Draw(rt, "at")
		}
		runes := []rune(text)
		text = string(runes[:at]) + bad + string(runes[at:])
		sizes := rapid.SliceOfN(rapid.IntRange(1, 5), 1, 8).Draw(rt, "sizes")
		valid, err := isUTF8(&pieces{text, sizes})
		if err != nil || valid != (bad == "") {
			rt.Fatalf("%q is valid: %v, %v", text, valid, err)
		}
		c := census{line: 1}
		_, _ = io.Copy(onlyWriter{&c}, &pieces{text, sizes})
		c.end()
		if (c.high > 0) != (bad != "") || bad != "" && c.otherLine != 1+strings.Count(string(runes[:at]), "\n") {
			rt.Fatalf("%q has %+v", text, c)
		}
	})
}

// pieces reads text in pieces of some sizes, over and over.
type pieces struct {
	text  string
	sizes []int
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.text == "" {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.sizes[0])], p.text)
	p.text, p.sizes = p.text[n:], append(p.sizes[1:], p.sizes[0])
	return n, nil
}

type onlyWriter struct{ io.Writer }

// FuzzFile: whatever bytes a file has, it is read the same from disk and through a
// pipe, or refused.
func FuzzFile(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) { fuzzImport(t, FormatAuto, text) })
}
