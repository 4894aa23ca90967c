package inventory

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/souk-market/souk/exchange"
)

// shopifyGroup is what the rows of one handle say.
type shopifyGroup struct {
	handle   string
	head     *shopifyHead    // nil: no row has a title
	lone     *shopifyVariant // the row with the title if it is no variant: the product where no row is one
	variants []shopifyVariant
	images   []shopifyImage // ≤ maxGallery
}

// shopifyHead is what a handle's first row says of all of its variants.
type shopifyHead struct {
	title, vendor, category string
	tags                    []string
	description             string
	shortened               bool                   // the description was
	options                 [shopifyOptions]string // names
	left                    SkipReason             // why none of it is for sale; "" if it is
}

// shopifyVariant is one row that may become a product.
type shopifyVariant struct {
	draft    draft    // all but what the head tells
	values   []string // of the options, by number
	blankSKU bool
}

type shopifyImage struct {
	url      string
	position int
}

// addImage takes a picture; one without a position follows those with one.
func (g *shopifyGroup) addImage(url, position string) {
	n, err := strconv.Atoi(position)
	if err != nil {
		n = math.MaxInt
	}
	if len(g.images) < maxGallery && len(url) <= 3*exchange.MaxURL {
		g.images = append(g.images, shopifyImage{url, n})
	}
}

// gallery are the pictures of the group in their order.
func (g *shopifyGroup) gallery() gallery {
	slices.SortStableFunc(g.images, func(a, b shopifyImage) int { return min(1, max(-1, a.position-b.position)) })
	urls := make([]string, len(g.images))
	for i, im := range g.images {
		urls[i] = im.url
	}
	return galleryOf(urls)
}

// flush emits the variants of the group at hand.
func (s *shopifyReader) flush() error {
	g := s.group
	if g == nil {
		return nil
	}
	s.group = nil
	defer func() { s.spare = g.variants }()
	switch {
	case g.lone != nil && len(g.variants) == 0:
		g.variants = append(g.variants, *g.lone)
	case g.lone != nil:
		s.im.skip(g.lone.draft.item.Line, "", SkipHeadRow)
	}
	s.fillSKUs(g)
	pictures := g.gallery()
	for i := range g.variants {
		v := &g.variants[i]
		s.fill(g, v, pictures)
		if it := &v.draft.item; it.Product.SKU == "" && it.Bad == nil { // the group tells that all of it is off sale
			s.im.skip(it.Line, it.Product.Title, it.Left)
			continue
		}
		if err := s.im.emit(&v.draft); err != nil {
			return err
		}
	}
	return nil
}

// fillSKUs gives each variant without a SKU its slug. Of variants with the same one but other
// option values each gets its hash, and so do those whose qualified SKUs are the same.
func (s *shopifyReader) fillSKUs(g *shopifyGroup) {
	same := make(map[string][]*shopifyVariant)
	for i := range g.variants {
		v := &g.variants[i]
		text := string(v.draft.item.Product.SKU)
		switch {
		case v.blankSKU:
			text = slug(g.handle, optionValues(v.values))
			v.draft.filledSKU = true
		case !s.im.options.QualifySKU || text == "":
			continue
		}
		same[text] = append(same[text], v)
	}
	for text, variants := range same {
		alike := !slices.ContainsFunc(variants, func(v *shopifyVariant) bool {
			return !slices.Equal(optionValues(v.values), optionValues(variants[0].values))
		})
		for _, v := range variants {
			sku := text
			if !alike {
				sku = withHash(text, g.handle, optionValues(v.values))
			}
			if err := v.draft.setSKU(sku); err != nil {
				v.draft.leave(s.cell(s.columns.handle, v, err))
			}
		}
	}
}

// optionValues are those of a variant's values that tell it from its siblings.
func optionValues(values []string) []string {
	if values[0] == "Default Title" {
		return nil
	}
	n := len(values)
	for n > 0 && values[n-1] == "" {
		n--
	}
	return values[:n]
}

// cell is an error in a cell of a variant's row.
func (s *shopifyReader) cell(c column, v *shopifyVariant, err error) *RowError {
	e := &RowError{Line: v.draft.item.Line, Message: err.Error(), SKU: cut(string(v.draft.item.Product.SKU), maxValueShown)}
	e.Column, e.ColumnName = (&csvRow{head: s.header}).place(c)
	return e
}

// fill adds what the group tells of each of its variants.
func (s *shopifyReader) fill(g *shopifyGroup, v *shopifyVariant, pictures gallery) {
	d, head := &v.draft, g.head
	p := &d.item.Product
	if head == nil {
		d.leave(s.cell(s.columns.title, v, fmt.Errorf("product %.80q has no title; one row of a handle carries it", g.handle)))
		return
	}
	titled := d.setTitle(head.title)
	if head.left != "" {
		d.item.Left, d.item.Bad = head.left, nil
	} else if titled != nil {
		d.leave(s.cell(s.columns.title, v, titled))
	}
	if s.im.resolving && d.item.Bad == nil && s.im.claims.rivals(p.SKU) == nil {
		return // nobody looks at it
	}
	p.Description = head.description
	d.shortened = d.shortened || head.shortened
	p.Vendor = d.text(head.vendor)
	d.setCategories([]string{head.category})
	d.setTags(head.tags)
	d.setImages(d.image, pictures)
	if values := optionValues(v.values); len(values) > 0 {
		p.Group = d.text(g.handle)
		options := make([]exchange.Option, len(values))
		for i, value := range values {
			options[i] = exchange.Option{Name: fromHTML(head.options[i]), Value: fromHTML(value)}
		}
		d.setOptions(options)
	}
	d.fit()
}
