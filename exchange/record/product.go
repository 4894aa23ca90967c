package record

import (
	"reflect"
	"slices"

	"github.com/souk-market/souk/exchange"
)

// Is reports whether the record offers exactly p.
func (r *Product) Is(p exchange.Product) bool { return !r.Removed && sameProduct(r.Product, p) }

// sameProduct compares all that an import can change.
func sameProduct(a, b exchange.Product) bool {
	if !slices.Equal(a.Options, b.Options) {
		return false
	}
	a.Options, b.Options = nil, nil
	return reflect.DeepEqual(a, b)
}

// Covers reports whether a file's stock tells nothing that the last import did not.
func (last FileStock) Covers(file FileStock) bool { return !file.Set || file == last }

// Size is what the record and its key take in the store, from above.
func (r *Product) Size() int {
	p := &r.Product
	n := 2*len(p.SKU) + len(p.Title) + len(p.Description) + len(p.Vendor) + len(p.Category) + len(p.Barcode) + len(p.Group) + len(p.Image) +
		len(p.USD.Rate) + len(p.USD.Source) + len(p.USD.Date)
	for _, o := range p.Options {
		n += len(o.Name) + len(o.Value) + 8
	}
	return n + 128 // numbers, tags and lengths
}
