package catalog

import (
	"strings"
	"unicode/utf8"

	"github.com/souk-market/souk/exchange"
)

// MaxRecord bounds an encoded product, in bytes. It fits a product with every text at its
// limit, with its numbers and tags, and leaves room for fields to come.
const MaxRecord = 10 << 10

// MaxUnits bounds what a catalog may say is available; it is the greatest shelf count.
const MaxUnits = 1_000_000_000

// CheckProduct reports the first reason why a catalog may not hold p. A supplier
// checks what it publishes, a replica what it shows: records are another shop's
// words.
func CheckProduct(p exchange.Product) error {
	if _, err := exchange.ParseSKU(string(p.SKU)); err != nil {
		return err
	}
	if err := checkTexts(p); err != nil {
		return err
	}
	bad := func(format string, args ...any) error {
		return exchange.Errorf(exchange.CodeInvalid, "product %s: "+format, append([]any{p.SKU}, args...)...)
	}
	if err := p.Price.Currency.Check(); err != nil {
		return bad("%w", err)
	}
	switch {
	case p.Price.Minor < 0 || p.USD.Cents < 0:
		return bad("its price is negative")
	case p.Grams < 0:
		return bad("its weight is negative")
	case !p.Available.Unlimited && (p.Available.Units < 0 || p.Available.Units > MaxUnits):
		return bad("%d units cannot be available", p.Available.Units)
	case p.CompareAt < 0:
		return bad("the price that it is compared at is negative")
	}
	for _, image := range append([]string{p.Image}, p.MoreImages...) {
		if image != "" && !strings.HasPrefix(image, "https://") && !strings.HasPrefix(image, "http://") {
			return bad("its image %.40q is not a web address", image)
		}
	}
	return nil
}

func checkTexts(p exchange.Product) error {
	if p.Title == "" {
		return exchange.Errorf(exchange.CodeInvalid, "product %s has no title", p.SKU)
	}
	for _, list := range []struct {
		name      string
		have, max int
	}{
		{"options", len(p.Options), exchange.MaxOptions},
		{"tags", len(p.Tags), exchange.MaxTags},
		{"further categories", len(p.MoreCategories), exchange.MaxMoreCategories},
		{"further images", len(p.MoreImages), exchange.MaxMoreImages},
	} {
		if list.have > list.max {
			return exchange.Errorf(exchange.CodeInvalid, "product %s has %d %s; %d are allowed", p.SKU, list.have, list.name, list.max)
		}
	}
	if n := p.Texts(); n > exchange.MaxTexts {
		return exchange.Errorf(exchange.CodeInvalid, "product %s: its texts have %d bytes in all; %d are allowed", p.SKU, n, exchange.MaxTexts)
	}
	type text struct {
		name, value string
		limit       int
	}
	texts := []text{
		{"title", p.Title, exchange.MaxTitle},
		{"description", p.Description, exchange.MaxDescription},
		{"group", p.Group, exchange.MaxText},
		{"vendor", p.Vendor, exchange.MaxText},
		{"category", p.Category, exchange.MaxText},
		{"barcode", p.Barcode, exchange.MaxText},
		{"image", p.Image, exchange.MaxURL},
		{"summary", p.Summary, exchange.MaxSummary},
		{"rate", p.USD.Rate, exchange.MaxText},
		{"rate source", p.USD.Source, exchange.MaxText},
		{"rate date", p.USD.Date, exchange.MaxText},
	}
	for _, o := range p.Options {
		texts = append(texts, text{"option name", o.Name, exchange.MaxText}, text{"option value", o.Value, exchange.MaxText})
	}
	for _, s := range p.Tags {
		texts = append(texts, text{"tag", s, exchange.MaxText})
	}
	for _, s := range p.MoreCategories {
		texts = append(texts, text{"further category", s, exchange.MaxText})
	}
	for _, s := range p.MoreImages {
		texts = append(texts, text{"further image", s, exchange.MaxURL})
	}
	for _, t := range texts {
		if len(t.value) > t.limit {
			return exchange.Errorf(exchange.CodeInvalid, "product %s: its %s has %d bytes; %d are allowed", p.SKU, t.name, len(t.value), t.limit)
		}
		if err := checkPlain(p.SKU, t.name, t.value); err != nil {
			return err
		}
	}
	return nil
}

// checkPlain reports text that could rewrite the terminal or page that shows it.
// A description and a summary may have lines.
func checkPlain(sku exchange.SKU, name, text string) error {
	if !utf8.ValidString(text) {
		return exchange.Errorf(exchange.CodeInvalid, "product %s: its %s is not UTF-8", sku, name)
	}
	for _, r := range text {
		if invisible(r) && !((name == "description" || name == "summary") && (r == '\n' || r == '\r' || r == '\t')) {
			return exchange.Errorf(exchange.CodeInvalid, "product %s: its %s holds the invisible character %U", sku, name, r)
		}
	}
	return nil
}

// invisible reports control characters (C0, DEL, C1), line separators, and the
// bidirectional embeddings, overrides and isolates. Joiners and marks that some
// scripts need are none of them.
func invisible(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7F && r < 0xA0:
		return true
	case r < 0x2028:
		return false
	}
	return r <= 0x202E || r >= 0x2066 && r <= 0x2069
}
