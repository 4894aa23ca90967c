package protocol

import (
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
)

func checkFeedProduct(v *desk.FeedProduct) error { return CheckProduct(&v.Product) }

// CheckProduct reports the first field with which a product cannot stand in a
// catalog: a missing or bad SKU, title, price or rate, a text over its limit, or one
// that holds control characters or bidirectional overrides, which would let a partner
// rewrite the terminal or page that shows it. A shop checks its own products with it
// before it stores them; what partners send is held to it by the codec.
func CheckProduct(p *exchange.Product) error {
	if _, err := exchange.ParseSKU(string(p.SKU)); err != nil {
		return err
	}
	if p.Title == "" {
		return errorf("%s: the title is empty", p.SKU)
	}
	if len(p.Options) > exchange.MaxOptions {
		return errorf("%s: %d options; %d are allowed", p.SKU, len(p.Options), exchange.MaxOptions)
	}
	if err := checkProductTexts(p); err != nil {
		return err
	}
	if p.Image != "" && !strings.HasPrefix(p.Image, "https://") && !strings.HasPrefix(p.Image, "http://") {
		return errorf("%s: the image is no http or https URL", p.SKU)
	}
	if err := checkPrice(p.Price); err != nil {
		return err
	}
	if p.Grams < 0 || p.USD.Cents < 0 || p.Available.Units < 0 {
		return errorf("%s: weight, US dollar price and available units are not negative", p.SKU)
	}
	return nil
}

func checkProductTexts(p *exchange.Product) error {
	texts := []struct {
		name, text string
		limit      int
	}{
		{"title", p.Title, exchange.MaxTitle},
		{"description", p.Description, exchange.MaxDescription},
		{"image", p.Image, exchange.MaxURL},
		{"group", p.Group, exchange.MaxText},
		{"vendor", p.Vendor, exchange.MaxText},
		{"category", p.Category, exchange.MaxText},
		{"barcode", p.Barcode, exchange.MaxText},
		{"rate", p.USD.Rate, exchange.MaxText},
		{"rate's source", p.USD.Source, exchange.MaxText},
		{"rate's date", p.USD.Date, exchange.MaxText},
	}
	for _, t := range texts {
		if err := checkPlain(p.SKU, t.name, t.text, t.limit); err != nil {
			return err
		}
	}
	for _, o := range p.Options {
		if err := checkPlain(p.SKU, "option", o.Name, exchange.MaxText); err != nil {
			return err
		}
		if err := checkPlain(p.SKU, "option", o.Value, exchange.MaxText); err != nil {
			return err
		}
	}
	return nil
}

func checkPlain(sku exchange.SKU, name, s string, limit int) error {
	if len(s) > limit {
		return errorf("%s: the %s has %d bytes; %d are allowed", sku, name, len(s), limit)
	}
	for _, r := range s {
		if hostile(r) && !(name == "description" && (r == '\n' || r == '\r' || r == '\t')) {
			return errorf("%s: the %s holds the invisible character %U", sku, name, r)
		}
	}
	return nil
}

// hostile reports control characters (C0, DEL, C1), line separators, and the
// bidirectional embeddings, overrides and isolates. Marks and joiners that plain
// text in some scripts needs are not among them.
func hostile(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7F && r < 0xA0:
		return true
	case r < 0x2028:
		return false
	}
	return r <= 0x202E || r >= 0x2066 && r <= 0x2069
}

func checkFeedHead(v *desk.FeedHead) error {
	if v.Shop.IsZero() {
		return errorf("the shop is missing")
	}
	return checkFeedName(v.Feed)
}

func checkFeedName(feed string) error {
	if feed == "" {
		return errorf("the feed's name is missing")
	}
	return checkText("the feed's name", feed, exchange.MaxText)
}

func checkFeedUpdate(v *desk.FeedUpdate) error {
	if err := checkSignature("the feed's head", v.Head.Payload, v.Head.Signature, maxSmall); err != nil {
		return err
	}
	return checkFeedItems(v.Items)
}

func checkFeedItems(items []desk.FeedItem) error {
	for i := range items {
		if items[i].Sequence == 0 {
			return errorf("%s: changes are numbered from 1", items[i].SKU)
		}
		if _, err := exchange.ParseSKU(string(items[i].SKU)); err != nil {
			return err
		}
		if len(items[i].Record) > MaxFeedRecord {
			return errorf("%s: a record has %d bytes; %d are allowed", items[i].SKU, len(items[i].Record), MaxFeedRecord)
		}
	}
	return nil
}

func checkFeedPull(v *desk.FeedPull) error {
	if len(v.Buckets) > MaxBuckets {
		return errorf("%d buckets are more than there are", len(v.Buckets))
	}
	for i, b := range v.Buckets {
		if b >= MaxBuckets || i > 0 && v.Buckets[i-1] >= b {
			return errorf("buckets ascend and are below %d; %d does not", MaxBuckets, b)
		}
	}
	if h := v.Have; h != nil {
		if err := checkSignature("the feed's head", h.Payload, h.Signature, maxSmall); err != nil {
			return err
		}
	}
	return checkFeedName(v.Feed)
}

func checkFeedChunk(v *desk.FeedChunk) error {
	if len(v.Digests) > MaxBuckets {
		return errorf("%d bucket digests are more than there are buckets", len(v.Digests))
	}
	if v.Head != nil {
		if err := checkSignature("the feed's head", v.Head.Payload, v.Head.Signature, maxSmall); err != nil {
			return err
		}
	}
	return checkFeedItems(v.Items)
}
