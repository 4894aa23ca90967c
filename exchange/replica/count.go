package replica

import (
	"cmp"
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

// How many products a search finds, and of which kinds.

const (
	// maxCounted is how many products are read to count them: some 50 ms.
	maxCounted = 2_000
	// maxFacet is how many values of a facet are told.
	maxFacet = 50
)

// Total is how many products a query finds, whatever its Limit and Cursor.
type Total struct {
	Count int
	// AtLeast says that there may be more than Count. FacetsAtLeast says the same of all that
	// follows: not all products were looked at.
	AtLeast       bool
	FacetsAtLeast bool
	Shops         []Facet // Value is a ShopID
	// Categories, Vendors are the most frequent values; products without one are left out.
	Categories []Facet
	Vendors    []Facet
	InStock    int
}

// Facet is how many of the products have a value.
type Facet struct {
	Value string
	Count int
}

// Count counts what a query finds. It is exact where there are at most maxCounted products to look
// at, and of a query without a condition but the shop.
func (r *Replicas) Count(q Query) (Total, error) {
	s, views, err := r.search(q)
	if err != nil || s == nil {
		return Total{}, err
	}
	t := &tally{search: s, facets: map[string]map[string]int{}}
	for _, v := range views {
		if err := t.view(v); err != nil {
			return Total{}, err
		}
	}
	out := Total{
		Count: t.count, AtLeast: t.cut, FacetsAtLeast: t.cut, InStock: t.inStock,
		Shops: t.facet(facetShop), Categories: t.facet(facetCategory), Vendors: t.facet(facetVendor),
	}
	if n, ok := s.known(views); ok && t.cut {
		out.Count, out.AtLeast = max(n, out.Count), false
	}
	return out, nil
}

const (
	facetShop     = "shop"
	facetCategory = "category"
	facetVendor   = "vendor"
)

// tally counts products.
type tally struct {
	*search
	count, inStock int
	cut            bool // products were left out
	facets         map[string]map[string]int
}

// view counts what a copy has.
func (t *tally) view(v *view) error {
	late := t.lateIn(v)
	found, err := t.findLate(v, late)
	if err != nil {
		return err
	}
	for _, c := range found {
		c.title = ""
		if err := t.add(c); err != nil {
			return err
		}
	}
	if t.byIndex() {
		matches, complete, err := t.match(v)
		if err != nil {
			return err
		}
		t.cut = t.cut || !complete
		for _, m := range matches {
			c := candidate{view: v, sku: exchange.SKU(m.sku)}
			if _, is := late[c.sku]; is {
				continue
			}
			if err := t.add(c); err != nil || t.full() {
				return err
			}
		}
		return nil
	}
	if v.generation == 0 {
		return nil
	}
	return t.list(v, late)
}

// list counts the products of a copy that no index names: those that changed, where that is asked
// for, else all.
func (t *tally) list(v *view, late map[exchange.SKU]uint64) error {
	rows := kv.Prefix(tokenPrefix(v.generation, tokenTitle))
	sku := func(key []byte) (exchange.SKU, bool) {
		_, sku, ok := splitToken(key[len(generationKey(prefixToken, v.generation)):])
		return exchange.SKU(sku), ok
	}
	if since := t.q.UpdatedSince; since > v.log.base {
		rows = kv.Prefix(changedPrefix(v.generation, changePut))
		rows.To = changedKey(v.generation, changePut, since-1, "")
		sku = func(key []byte) (exchange.SKU, bool) {
			_, sku, ok := parseChanged(key)
			return sku, ok
		}
	}
	for row, err := range kv.Rows(t.r.store, rows) {
		if err != nil {
			return err
		}
		c := candidate{view: v}
		var ok bool
		if c.sku, ok = sku(row.Key); !ok {
			continue
		}
		if _, is := late[c.sku]; is {
			continue
		}
		if err := t.add(c); err != nil || t.full() {
			return err
		}
	}
	return nil
}

// full reports that no more products are looked at, and notes that there may be more.
func (t *tally) full() bool {
	t.cut = t.cut || t.examined >= maxCounted
	return t.cut && t.examined >= maxCounted
}

func (t *tally) add(c candidate) error {
	h, ok, err := t.fits(c)
	if err != nil || !ok {
		return err
	}
	t.count++
	if h.Product.Available.Any() {
		t.inStock++
	}
	for name, value := range map[string]string{
		facetShop: h.ID.Shop.String(), facetCategory: h.Product.Category, facetVendor: h.Product.Vendor,
	} {
		if value == "" {
			continue
		}
		if t.facets[name] == nil {
			t.facets[name] = map[string]int{}
		}
		t.facets[name][value]++
	}
	return nil
}

// facet are the most frequent values.
func (t *tally) facet(name string) []Facet {
	var list []Facet
	for value, n := range t.facets[name] {
		list = append(list, Facet{value, n})
	}
	slices.SortFunc(list, func(a, b Facet) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Value, b.Value))
	})
	return list[:min(len(list), maxFacet)]
}

// known is how many products the copies have, where the query has no condition but the shop.
func (s *search) known(views []*view) (n int, ok bool) {
	q := s.q
	if s.byIndex() || q.Category != "" || q.MinCents != 0 || q.MaxCents != 0 || q.InStock || q.UpdatedSince != 0 {
		return 0, false
	}
	for _, v := range views {
		n += int(v.head.Count)
	}
	return n, true
}

// Horizon is since when the removals of each shop's products are known here: whoever asked last
// before that takes all of its products anew. A shop that is not named has no copy here.
func (r *Replicas) Horizon() map[exchange.ShopID]exchange.Time {
	known := make(map[exchange.ShopID]exchange.Time)
	for _, v := range r.views(exchange.ShopID{}) {
		if v.generation != 0 {
			known[v.shop] = v.log.horizon
		}
	}
	return known
}
