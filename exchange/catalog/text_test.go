package catalog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
)

func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"Running Shoes, size 42":       {"running", "shoes", "size", "42"},
		"Ærø Kräm":                     {"aero", "kram"},
		"STRASSE Straße":               {"strasse", "strasse"},
		"cafe\u0301 café":              {"cafe", "cafe"},
		"Łódź İstanbul":                {"lodz", "istanbul"},
		"ABC-123/x":                    {"abc", "123", "x"},
		"日本 set":                       {"日", "本", "set"},
		"Кроссовки":                    {"кроссовки"},
		"":                             nil,
		" \u202e<b>–</b> ":             {"b", "b"},
		strings.Repeat("é", 100):       {strings.Repeat("e", catalog.MaxToken)},
		strings.Repeat("ж", 100):       {strings.Repeat("ж", catalog.MaxToken/2)},
		"x" + strings.Repeat("ж", 100): {"x" + strings.Repeat("ж", (catalog.MaxToken-1)/2)},
	} {
		t.Run(fmt.Sprintf("%.30q", text), func(t *testing.T) {
			if got := catalog.Words(text); !slices.Equal(got, want) {
				t.Errorf("Words(%q) = %q, want %q", text, got, want)
			}
		})
	}
}

func TestScore(t *testing.T) {
	shoe := exchange.Product{SKU: "SH-42", Title: "Trail running shoe", Vendor: "Acorn", Category: "Sport > Shoes", Options: []exchange.Option{{Name: "Size", Value: "42"}}}
	cap := exchange.Product{SKU: "CAP", Title: "Cap", Vendor: "Runner's", Category: "Running"}
	score := func(q string, p exchange.Product) uint32 {
		s, ok := catalog.Score(catalog.QueryWords(q), catalog.Tokens(p))
		if ok != (s > 0) {
			t.Errorf("%q: score %d, ok %v", q, s, ok)
		}
		return s
	}
	if score("runn", shoe) <= score("runn", cap) {
		t.Error("a word of the title counts no more than one of the category")
	}
	if score("shoe", shoe) <= score("sho", shoe) {
		t.Error("a whole word counts no more than its beginning")
	}
	if score("running shoe 42", shoe) == 0 || score("RÜNNING", shoe) == 0 {
		t.Error("a product is not found by its own words")
	}
	if score("running boot", shoe) != 0 || score("unning", shoe) != 0 {
		t.Error("a product is found by words it does not have")
	}
}

// Every product is found by any beginning of any of its title's words, and the
// limits hold whatever another shop writes.
func TestTokensFindTheirProduct(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := exchange.Product{SKU: "S", Title: rapid.StringN(1, 60, 200).Draw(t, "title")}
		tokens := catalog.Tokens(p)
		if len(tokens) > catalog.MaxTokens {
			t.Fatalf("%d tokens", len(tokens))
		}
		for _, tok := range tokens {
			if len(tok.Text) > catalog.MaxToken || !utf8.ValidString(tok.Text) || strings.ContainsRune(tok.Text, 0) {
				t.Fatalf("token %q", tok.Text)
			}
		}
		words := catalog.Words(p.Title)
		if len(words) == 0 {
			return
		}
		w := words[rapid.IntRange(0, min(len(words), catalog.MaxTokens)-1).Draw(t, "word")]
		_, n := utf8.DecodeRuneInString(w)
		for _, q := range []string{w, w[:n]} {
			if _, ok := catalog.Score([]string{q}, tokens); !ok {
				t.Fatalf("%q is not found by %q", p.Title, q)
			}
		}
	})
}

func FuzzTokens(f *testing.F) {
	f.Add("Running Shoes", "ABC-1")
	f.Add("\xff\x00\u202e", "é")
	f.Fuzz(func(t *testing.T, title, query string) {
		for _, tok := range catalog.Tokens(exchange.Product{Title: title}) {
			if tok.Text == "" || len(tok.Text) > catalog.MaxToken || strings.IndexByte(tok.Text, 0) >= 0 {
				t.Fatalf("token %q of %q", tok.Text, title)
			}
		}
		if n := len(catalog.QueryWords(query)); n > catalog.MaxQueryTokens {
			t.Fatalf("%d words", n)
		}
	})
}

func TestCheckProduct(t *testing.T) {
	good := exchange.Product{
		SKU: "A", Title: "Shoe", Price: exchange.Money{Minor: 100, Currency: "EUR"},
		Available: exchange.Availability{Units: 3}, Image: "https://example.com/a.jpg",
		Description: "one\ntwo\tthree",
	}
	if err := catalog.CheckProduct(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*exchange.Product){
		"sku":         func(p *exchange.Product) { p.SKU = " A" },
		"no title":    func(p *exchange.Product) { p.Title = "" },
		"long title":  func(p *exchange.Product) { p.Title = strings.Repeat("x", exchange.MaxTitle+1) },
		"not utf-8":   func(p *exchange.Product) { p.Description = "\xff" },
		"bidi":        func(p *exchange.Product) { p.Title = "a\u202eb" },
		"control":     func(p *exchange.Product) { p.Vendor = "a\x1b[2Jb" },
		"two lines":   func(p *exchange.Product) { p.Title = "a\nb" },
		"price":       func(p *exchange.Product) { p.Price.Minor = -1 },
		"usd":         func(p *exchange.Product) { p.USD.Cents = -1 },
		"currency":    func(p *exchange.Product) { p.Price.Currency = "euro" },
		"units":       func(p *exchange.Product) { p.Available.Units = -1 },
		"many units":  func(p *exchange.Product) { p.Available.Units = catalog.MaxUnits + 1 },
		"weight":      func(p *exchange.Product) { p.Grams = -1 },
		"image":       func(p *exchange.Product) { p.Image = "javascript:alert(1)" },
		"options":     func(p *exchange.Product) { p.Options = make([]exchange.Option, exchange.MaxOptions+1) },
		"long option": func(p *exchange.Product) { p.Options = []exchange.Option{{Name: strings.Repeat("x", 256)}} },
	} {
		t.Run(name, func(t *testing.T) {
			p := good
			spoil(&p)
			if err := catalog.CheckProduct(p); exchange.CodeOf(err) != exchange.CodeInvalid {
				t.Error(err)
			}
		})
	}
}
