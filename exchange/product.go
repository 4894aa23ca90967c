package exchange

import (
	"strings"
	"unicode/utf8"
)

// MaxSKU is the longest SKU, in bytes. Shopify allows 255 characters and
// WooCommerce 100; 128 bytes keep a product's store key below 200.
const MaxSKU = 128

// SKU names a product within its shop: 1 to MaxSKU bytes of UTF-8 without
// control, bidirectional-override or other invisible format characters (Unicode
// categories Cc, Cf, Zl, Zp), and without white space at either end. SKUs are
// equal when their bytes are; nothing is folded or normalized.
type SKU string

// ParseSKU checks s.
func ParseSKU(s string) (SKU, error) {
	switch {
	case s == "":
		return "", Errorf(CodeInvalid, "a SKU is empty")
	case len(s) > MaxSKU:
		return "", Errorf(CodeInvalid, "SKU %.40q… has %d bytes; %d are allowed", s, len(s), MaxSKU)
	case visibleASCII(s):
		return SKU(s), nil
	case !utf8.ValidString(s):
		return "", Errorf(CodeInvalid, "SKU %q is not UTF-8", s)
	case strings.TrimSpace(s) != s:
		return "", Errorf(CodeInvalid, "SKU %q starts or ends with white space", s)
	}
	for _, r := range s {
		if isInvisible(r) {
			return "", Errorf(CodeInvalid, "SKU %q holds the invisible character %U", s, r)
		}
	}
	return SKU(s), nil
}

// visibleASCII spares nearly every SKU the look at each character's category.
func visibleASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// ProductID names a product of the federation: "ShopID:SKU". A ShopID holds no
// colon, so the first one separates; a SKU may hold more.
type ProductID struct {
	Shop ShopID
	SKU  SKU
}

// ParseProductID reads "ShopID:SKU".
func ParseProductID(s string) (ProductID, error) {
	shop, sku, ok := strings.Cut(s, ":")
	if !ok {
		return ProductID{}, Errorf(CodeInvalid, "%.80q is not a product ID; write ShopID:SKU", s)
	}
	id, err := ParseShopID(shop)
	if err != nil {
		return ProductID{}, err
	}
	k, err := ParseSKU(sku)
	if err != nil {
		return ProductID{}, err
	}
	return ProductID{Shop: id, SKU: k}, nil
}

func (p ProductID) String() string { return p.Shop.String() + ":" + string(p.SKU) }

// MarshalText implements encoding.TextMarshaler.
func (p ProductID) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *ProductID) UnmarshalText(b []byte) error {
	parsed, err := ParseProductID(string(b))
	if err == nil {
		*p = parsed
	}
	return err
}

// Quantity bounds, inclusive.
const (
	MinQuantity = 1
	MaxQuantity = 1_000_000
)

// Quantity counts units of one product in one line of a hold or order.
type Quantity int64

// Check reports a quantity outside 1 … 1,000,000.
func (q Quantity) Check() error {
	if q < MinQuantity || q > MaxQuantity {
		return Errorf(CodeInvalid, "a quantity is %d to %d, not %d", MinQuantity, MaxQuantity, q)
	}
	return nil
}

// Availability is how much of a product a supplier offers now.
type Availability struct {
	Unlimited bool  // not counted: digital goods, made to order
	Units     int64 // ≥ 0; meaningless when Unlimited
}

// Any reports whether at least one unit can be had.
func (a Availability) Any() bool { return a.Unlimited || a.Units > 0 }

// Product is what a catalog says of one product, the same to every partner:
// per-partner terms never stand in it. Text fields are plain text, never markup;
// whoever shows them escapes them.
type Product struct {
	SKU         SKU
	Group       string // products of one group are variants of one thing; empty = stands alone
	Title       string // ≤ MaxTitle bytes, never empty
	Options     []Option
	Description string // ≤ MaxDescription bytes
	Vendor      string
	Category    string // "Clothing > Shoes"
	Barcode     string
	Image       string // an https or http URL, or empty
	Grams       int64  // shipping weight ≥ 0; 0 = unknown or none
	Price       Money  // list price of one unit, native currency, ≥ 0
	USD         USDPrice
	Available   Availability

	Summary        string   // the short description: ≤ MaxSummary bytes, may have lines
	Tags           []string // ≤ MaxTags
	MoreCategories []string // beside Category: ≤ MaxMoreCategories
	MoreImages     []string // beside Image: URLs, ≤ MaxMoreImages
	CompareAt      int64    // price before a reduction, in minor units of Price's currency; 0 = none
	NoShipping     bool     // nothing is sent: it pays no shipping, whatever its weight
}

// Texts is the length of all texts of p in bytes, with 16 for each element of a list, which
// is more than its tags and lengths take on the wire.
func (p *Product) Texts() int {
	n := len(p.SKU) + len(p.Group) + len(p.Title) + len(p.Description) + len(p.Vendor) + len(p.Category) + len(p.Barcode) + len(p.Image) +
		len(p.USD.Rate) + len(p.USD.Source) + len(p.USD.Date) + len(p.Summary)
	for _, o := range p.Options {
		n += len(o.Name) + len(o.Value) + 16
	}
	for _, list := range [][]string{p.Tags, p.MoreCategories, p.MoreImages} {
		for _, s := range list {
			n += len(s) + 16
		}
	}
	return n
}

// Option is one axis on which variants of a group differ, such as Size=42.
type Option struct{ Name, Value string }

// USDPrice is the list price in US dollars, converted by the supplier for who compares
// prices. It is the zero value where the supplier has no rate: the product sells all the same.
type USDPrice struct {
	Cents  int64
	Rate   string // decimal text: US dollars for one unit of the native currency
	Source string // "ECB", "fixed"
	Date   string // of the rate, YYYY-MM-DD
}

// Known is false where the supplier had no rate.
func (p USDPrice) Known() bool { return p.Rate != "" }

// Limits on a product's texts, in bytes, and on its lists. Not every field can be full at
// once: MaxTexts bounds their sum, so that a record stays below catalog.MaxRecord, which
// every version before refuses to pass, and six fit a 64 KiB gossip message.
const (
	MaxTitle       = 500
	MaxDescription = 4000
	MaxText        = 255 // group, vendor, category, barcode, option name and value
	MaxURL         = 1000
	MaxOptions     = 10 // Shopify has 3, WooCommerce as many as a shop likes
	MaxSummary     = 1000
	MaxTags        = 50

	MaxMoreCategories = 10
	MaxMoreImages     = 10

	MaxTexts = 9000 // what [Product.Texts] counts
)
