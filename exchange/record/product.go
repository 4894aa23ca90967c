package record

import (
	"reflect"
	"slices"

	"github.com/souk-market/souk/exchange"
)

// Product is one of the shop's own products. Its stock is apart, because
// every hold writes that.
type Product struct {
	// Product is what the catalog says of it at the time of the record; Available is unset, for
	// the stock record has it. While a sale runs, Price is the sale's and CompareAt the regular
	// price.
	Product  exchange.Product
	Imported exchange.Time // of the last change by import or hand
	// FileStock is what the last import of a version before 2 read; a [Reading] has it since.
	FileStock FileStock

	// Withdrawn says why the owner's system takes the product off sale, as "draft"; "" = it does
	// not. What the system says later brings it back.
	Withdrawn string
	// Removed is the owner's own word, which only the owner takes back.
	Removed bool
	Left    exchange.Time // since when it is withdrawn or removed; 0 = it is for sale

	Source string // which file or system tells of it; "" = none, or a version before 2 read it
	ID     string // that source's own name of it
	Group  string // that source's own name of the thing of which it is a variant; "" = it stands alone

	// Took reports that the product came to its group when other variants went: while those have
	// promises, they are taken off its figures.
	Took bool
	// Succeeded reports that the product went from its group, and that those that came have been
	// told apart from it.
	Succeeded bool

	Pool exchange.StockID // the stock it sells from; "" = its own
	Sale *Sale            // a reduced price for a time; nil = none
}

// Sale is a reduced price for a time, in the currency of the product's price.
type Sale struct {
	Regular   int64 // the price without it
	CompareAt int64 // what the catalog compares the regular price with; 0 = nothing
	Price     int64
	From      exchange.Time // 0 = since ever
	To        exchange.Time // exclusive; 0 = for ever
}

// Runs reports whether the reduced price is the price at a time.
func (s *Sale) Runs(at exchange.Time) bool {
	return s != nil && at >= s.From && (s.To == 0 || at < s.To)
}

// Next is when the price changes next after a time; 0 = never.
func (s *Sale) Next(at exchange.Time) exchange.Time {
	switch {
	case s == nil:
	case at < s.From:
		return s.From
	case at < s.To:
		return s.To
	}
	return 0
}

// Offered reports whether the product is for sale.
func (r *Product) Offered() bool { return !r.Removed && r.Withdrawn == "" }

// Stock is the stock record from which the product sells.
func (r *Product) Stock() exchange.StockID {
	if r.Pool != "" {
		return r.Pool
	}
	return exchange.OwnStock(r.Product.SKU)
}

// At is the product as the catalog says it at a time: its price follows the sale.
func (r *Product) At(at exchange.Time) exchange.Product {
	p := r.Product
	if s := r.Sale; s != nil {
		p.Price.Minor, p.CompareAt = s.Regular, s.CompareAt
		if s.Runs(at) {
			p.Price.Minor, p.CompareAt = s.Price, s.Regular
		}
	}
	return p
}

// Is reports whether the record says exactly p.
func (r *Product) Is(p exchange.Product) bool { return sameProduct(r.Product, p) }

// FileStock is what an import file of a version before 2 said of a product's stock.
type FileStock struct {
	Set       bool // an import has said something
	Unlimited bool
	Units     int64
}

// sameProduct compares all that an import can change.
func sameProduct(a, b exchange.Product) bool {
	if !slices.Equal(a.Options, b.Options) || !slices.Equal(a.Tags, b.Tags) ||
		!slices.Equal(a.MoreCategories, b.MoreCategories) || !slices.Equal(a.MoreImages, b.MoreImages) {
		return false
	}
	for _, p := range []*exchange.Product{&a, &b} { // an empty list and none are the same
		p.Options, p.Tags, p.MoreCategories, p.MoreImages = nil, nil, nil, nil
	}
	return reflect.DeepEqual(a, b)
}

// Size is what the record and its key take in the store, from above.
func (r *Product) Size() int {
	return len(r.Product.SKU) + r.Product.Texts() + len(r.Withdrawn) + len(r.Source) + len(r.ID) + len(r.Group) + len(r.Pool) + 192 // its key; numbers, tags and lengths
}
