package exchange_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
)

func TestParseSKU(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"plain":                        {"ACORN-42", true},
		"one byte":                     {"7", true},
		"longest":                      {strings.Repeat("x", exchange.MaxSKU), true},
		"space inside":                 {"red shoe 42", true},
		"colon and slash":              {"a:b/c?d#e%2F", true},
		"other scripts":                {"Größe-日本-שָׁלוֹם", true},
		"combining mark":               {"e\u0301", true},
		"formula":                      {"=1+1", true}, // whoever writes CSV guards it
		"empty":                        {"", false},
		"one byte too long":            {strings.Repeat("x", exchange.MaxSKU+1), false},
		"bytes count, not letters":     {strings.Repeat("ö", exchange.MaxSKU/2+1), false},
		"huge":                         {strings.Repeat("x", 1<<24), false},
		"space in front":               {" a", false},
		"space behind":                 {"a ", false},
		"no-break space behind":        {"a\u00a0", false},
		"ideographic space in front":   {"\u3000a", false},
		"only space":                   {"   ", false},
		"NUL":                          {"a\x00b", false},
		"tab":                          {"a\tb", false},
		"line end":                     {"a\nb", false},
		"escape":                       {"\x1b[31mred", false},
		"delete":                       {"a\x7fb", false},
		"C1 control":                   {"a\u0085b", false},
		"right-to-left override":       {"a\u202egpj.exe", false},
		"bidi isolate":                 {"a\u2066b\u2069", false},
		"zero-width space":             {"a\u200bb", false},
		"zero-width joiner":            {"a\u200db", false},
		"byte order mark":              {"\ufeffa", false},
		"soft hyphen":                  {"a\u00adb", false},
		"tag character":                {"a\U000e0041b", false},
		"line separator":               {"a\u2028b", false},
		"paragraph separator":          {"a\u2029b", false},
		"a lone continuation byte":     {"a\x80", false},
		"a surrogate in UTF-8":         {"a\xed\xa0\x80b", false},
		"an overlong encoding of NUL":  {"a\xc0\x80b", false},
		"half a character":             {"a\xe6\x97", false},
		"beyond the last code point":   {"a\xf4\x90\x80\x80", false},
		"a replacement character only": {"\ufffd", true},
	} {
		t.Run(name, func(t *testing.T) {
			sku, err := exchange.ParseSKU(c.text)
			if c.ok && (err != nil || string(sku) != c.text) {
				t.Errorf("%q, %v; want it accepted as it is", sku, err)
			}
			if !c.ok && (exchange.CodeOf(err) != exchange.CodeInvalid || sku != "") {
				t.Errorf("%.40q, %v; want it refused as invalid", sku, err)
			}
			if err != nil && len(err.Error()) > 1000 {
				t.Errorf("the message has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestParseProductID(t *testing.T) {
	shop := shopVectors[1].peerID
	id, err := exchange.ParseProductID(shop + ":a:b")
	if err != nil || id != (exchange.ProductID{Shop: vectorShop(1), SKU: "a:b"}) {
		t.Errorf("%v, %v; the first colon separates", id, err)
	}
	for name, text := range map[string]string{
		"empty":                "",
		"no colon":             shop,
		"no shop":              ":a",
		"no SKU":               shop + ":",
		"other colon":          shop + "：a",
		"bad shop":             shop[1:] + ":a",
		"bad SKU":              shop + ": a",
		"hostile":              strings.Repeat(":", 1<<20),
		"no colon, a megabyte": strings.Repeat("\x00", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			id, err := exchange.ParseProductID(text)
			if exchange.CodeOf(err) != exchange.CodeInvalid || id != (exchange.ProductID{}) {
				t.Errorf("%v, %v; want it refused as invalid", id, err)
			}
			if err != nil && len(err.Error()) > 1000 {
				t.Errorf("the message has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestProductIDText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := exchange.ProductID{Shop: vectorShop(rapid.IntRange(0, 2).Draw(t, "shop")), SKU: drawSKU(t)}
		encoded, err := json.Marshal(id)
		if err != nil {
			t.Fatal(err)
		}
		var back exchange.ProductID
		if err := json.Unmarshal(encoded, &back); err != nil || back != id {
			t.Fatalf("%s came back as %v, %v", encoded, back, err)
		}
	})
}

// drawSKU makes SKUs of every kind of visible character.
func drawSKU(t *rapid.T) exchange.SKU {
	text := rapid.StringOfN(rapid.RuneFrom([]rune(`aZ09 -_.:/%&"'<>\,;=#?é日😀`)), 1, 24, exchange.MaxSKU).
		Filter(func(s string) bool { return strings.TrimSpace(s) == s }).Draw(t, "sku")
	sku, err := exchange.ParseSKU(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return sku
}

func TestQuantity(t *testing.T) {
	for q, ok := range map[exchange.Quantity]bool{
		-1 << 63: false, -1: false, 0: false, 1: true, 1_000_000: true, 1_000_001: false, 1<<63 - 1: false,
	} {
		t.Run(fmt.Sprint(q), func(t *testing.T) {
			err := q.Check()
			if (err == nil) != ok || (!ok && exchange.CodeOf(err) != exchange.CodeInvalid) {
				t.Error(err)
			}
		})
	}
}

func TestAvailability(t *testing.T) {
	for a, any := range map[exchange.Availability]bool{
		{}: false, {Units: 1}: true, {Unlimited: true}: true,
	} {
		t.Run(fmt.Sprintf("%+v", a), func(t *testing.T) {
			if a.Any() != any {
				t.Errorf("Any() = %v", !any)
			}
		})
	}
}

func FuzzParseSKU(f *testing.F) {
	f.Add("ACORN-42")
	f.Fuzz(func(t *testing.T, text string) {
		sku, err := exchange.ParseSKU(text)
		checkParse(t, text, string(sku), err)
	})
}

func FuzzParseProductID(f *testing.F) {
	f.Add(shopVectors[0].peerID + ":ACORN-42")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := exchange.ParseProductID(text)
		checkParse(t, text, id.String(), err)
	})
}
