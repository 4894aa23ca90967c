package inventory

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
)

const benchRows = 100_000

// generated is a file of benchRows rows in the given format: products of ten
// variants each, with a description of about 300 bytes on the first.
func generated(f Format) []byte {
	var b bytes.Buffer
	text := "<p>" + strings.Repeat("A plain sentence of a product. ", 9) + "</p>"
	switch f {
	case FormatShopify:
		b.WriteString(shopifyHeader)
		for i := range benchRows {
			title, body, published := "", "", ""
			if i%10 == 0 {
				title, body, published = fmt.Sprintf("Product %d", i/10), text, "true"
			}
			fmt.Fprintf(&b, "product-%d,%s,%s,,,%s,Size,S%d,,,SKU-%d,250,shopify,%d,deny,%d.99,,https://example.com/%d.jpg,,,kg,\n",
				i/10, title, body, published, i%10, i, i%50, i%200, i)
		}
	case FormatWooCommerce:
		b.WriteString(woo())
		for i := range benchRows {
			if i%10 == 0 {
				fmt.Fprintf(&b, "%d,variable,P-%d,Product %d,1,%s,,,1,,,0.25,,,Things,https://example.com/%d.jpg,,Size,,,,,,,\n", i+1, i, i, text, i)
			} else {
				fmt.Fprintf(&b, "%d,variation,V-%d,Product %d,1,,,,1,%d,,,,%d.99,,,P-%d,Size,S%d,,,,,,\n", i+1, i, i, i%50, i%200, i-i%10, i)
			}
		}
	default:
		for i := range benchRows {
			fmt.Fprintf(&b, "{\"sku\":\"SKU-%d\",\"title\":\"Product %d\",\"price\":\"%d.99\",\"stock\":%d,\"group\":\"g%d\",\"options\":[{\"name\":\"Size\",\"value\":\"S%d\"}],\"image\":\"https://example.com/%d.jpg\"}\n",
				i, i/10, i%200, i%50, i/10, i%10, i)
		}
	}
	return b.Bytes()
}

// BenchmarkRead reports rows a second beside a floor of the same run: the rows
// that the standard library takes apart, without making products of them.
func BenchmarkRead(b *testing.B) {
	for _, f := range []Format{FormatShopify, FormatWooCommerce, FormatJSONLines} {
		data := generated(f)
		b.Run(string(f), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				report, err := Read(context.Background(), bytes.NewReader(data), inEuro(), func(Item) error { return nil })
				if err != nil || report.Rows != benchRows || report.ErrorCount > 0 {
					b.Fatal(err, report)
				}
			}
			b.ReportMetric(benchRows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
		b.Run(string(f)+"-floor", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				floor(b, f, data)
			}
			b.ReportMetric(benchRows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func floor(b *testing.B, f Format, data []byte) {
	if f == FormatJSONLines {
		for line := range bytes.Lines(data) {
			var m map[string]any
			if err := json.Unmarshal(line, &m); err != nil {
				b.Fatal(err)
			}
		}
		return
	}
	rows := csv.NewReader(bytes.NewReader(data))
	rows.ReuseRecord = true
	for {
		if _, err := rows.Read(); err == io.EOF {
			return
		} else if err != nil {
			b.Fatal(err)
		}
	}
}
