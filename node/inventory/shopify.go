package inventory

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
)

// Bounds on what is held of one handle: 2048 variants, each with 3 option
// values of 1020 bytes and an image URL of 1000, are 8 MiB.
const (
	maxVariants    = 2048    // what Shopify allows
	maxOptionValue = 255 * 4 // bytes; Shopify allows 255 characters
)

// shopifyColumns are where a file has what we read, under the column names of
// the export or of the newer template.
type shopifyColumns struct {
	handle, title, body, vendor, category, kind column
	published, status, giftCard                 column
	option                                      [exchange.MaxOptions]struct{ name, value column }
	sku, price, barcode, grams                  column
	tracker, quantity, policy                   column
	image, variantImage                         column
}

func isShopify(h *header) bool {
	return h.has("Handle", "URL handle") && h.has("Title") && h.has("Variant Price", "Price")
}

func newShopifyColumns(h *header) *shopifyColumns {
	c := &shopifyColumns{
		handle:       h.col("Handle", "URL handle"),
		title:        h.col("Title"),
		body:         h.col("Body (HTML)", "Description"),
		vendor:       h.col("Vendor"),
		category:     h.col("Product Category"),
		kind:         h.col("Type", "Custom Product Type"),
		published:    h.col("Published", "Published on online store"),
		status:       h.col("Status"),
		giftCard:     h.col("Gift Card"),
		sku:          h.col("Variant SKU", "SKU"),
		price:        h.col("Variant Price", "Price"),
		barcode:      h.col("Variant Barcode", "Barcode"),
		grams:        h.col("Variant Grams", "Weight value (grams)"),
		tracker:      h.col("Variant Inventory Tracker", "Inventory tracker"),
		quantity:     h.col("Variant Inventory Qty", "Inventory quantity"),
		policy:       h.col("Variant Inventory Policy", "Continue selling when out of stock"),
		image:        h.col("Image Src", "Product image URL"),
		variantImage: h.col("Variant Image", "Variant image URL"),
	}
	for i := range c.option {
		c.option[i].name = h.col(fmt.Sprintf("Option%d Name", i+1))
		c.option[i].value = h.col(fmt.Sprintf("Option%d Value", i+1))
	}
	return c
}

// shopifyHead is what a handle's first row says of all of its variants.
type shopifyHead struct {
	title, vendor, category, image string
	description                    string
	shortened                      bool                        // the description was
	options                        [exchange.MaxOptions]string // names
	left                           SkipReason                  // why none of it is for sale; "" if it is
}

// shopifyVariant is one row that may become a product.
type shopifyVariant struct {
	line         int
	bad          *RowError // why it cannot
	draft        draft     // SKU, price, stock, weight, barcode, own image
	values       []string  // of the options, by number
	defaultTitle bool
	blankSKU     bool
}

// shopifyReader turns rows into groups of one handle each.
type shopifyReader struct {
	im      *importer
	columns *shopifyColumns

	handle   string // of the group at hand
	head     *shopifyHead
	variants []shopifyVariant
}

func readShopify(im *importer, src *source) error {
	rows := newRowReader(src.stream())
	h, err := rows.readHeader()
	if err != nil {
		return err
	}
	if !isShopify(h) {
		return h.unknown()
	}
	s := &shopifyReader{im: im, columns: newShopifyColumns(h)}
	for {
		row, err := rows.next()
		if err == io.EOF {
			return s.flush()
		}
		if stop := im.row(); stop != nil {
			return stop
		}
		if bad, ok := err.(*RowError); ok { // the row alone: what ends the reading wraps it
			err = im.fail(bad)
		} else if err == nil {
			err = s.add(row)
		}
		if err != nil {
			return err
		}
	}
}

// add takes one row into the group of its handle.
func (s *shopifyReader) add(row *csvRow) error {
	c := s.columns
	if row.blank() {
		s.im.skip(row.line, "", SkipEmptyRow)
		return nil
	}
	handle := row.get(c.handle)
	if handle == "" {
		return s.im.fail(row.bad(c.handle, errors.New("the row has no handle, so it belongs to no product")))
	}
	if handle != s.handle {
		if err := s.flush(); err != nil {
			return err
		}
		s.handle = handle
	}
	first := s.head == nil && row.get(c.title) != ""
	if first {
		s.head = s.readHead(row)
	} else if s.head != nil && s.head.image == "" {
		s.head.image = row.get(c.image)
	}
	variant := row.get(c.option[0].value) != "" || row.get(c.sku) != "" || row.get(c.price) != ""
	switch {
	case !variant && !first && row.get(c.image) != "":
		s.im.skip(row.line, "", SkipImageRow)
	case !variant && !first:
		s.im.skip(row.line, handle, SkipEmptyRow)
	case len(s.variants) == maxVariants:
		return s.im.fail(row.bad(c.handle, fmt.Errorf("product %.80q has more than %d variants", handle, maxVariants)))
	default:
		s.variants = append(s.variants, s.readVariant(row))
	}
	return nil
}

func (s *shopifyReader) readHead(row *csvRow) *shopifyHead {
	c := s.columns
	h := &shopifyHead{
		title:    row.get(c.title),
		vendor:   row.get(c.vendor),
		category: row.get(c.category),
		image:    row.get(c.image),
	}
	h.description, h.shortened = plainText(fromHTML(row.get(c.body)), exchange.MaxDescription)
	if h.category == "" {
		h.category = row.get(c.kind)
	}
	for i := range h.options {
		h.options[i] = row.get(c.option[i].name)
	}
	status := strings.ToLower(row.get(c.status))
	switch {
	case yes(row.get(c.giftCard)):
		h.left = SkipGiftCard
	case status == "draft":
		h.left = SkipDraft
	case status == "archived":
		h.left = SkipArchived
	case status != "" && status != "active":
		h.left = SkipUnpublished
	case row.get(c.published) != "" && !yes(row.get(c.published)):
		h.left = SkipUnpublished
	}
	return h
}

func (s *shopifyReader) readVariant(row *csvRow) shopifyVariant {
	v := shopifyVariant{line: row.line}
	v.draft.item.Line = row.line
	v.bad = s.readFields(row, &v)
	return v
}

func (s *shopifyReader) readFields(row *csvRow, v *shopifyVariant) *RowError {
	c, d := s.columns, &v.draft
	p := &d.item.Product
	for i := range c.option {
		value := row.get(c.option[i].value)
		if len(value) > maxOptionValue {
			return row.bad(c.option[i].value, fmt.Errorf("the option value has %d bytes; %d are allowed", len(value), maxOptionValue))
		}
		v.values = append(v.values, value)
	}
	v.defaultTitle = v.values[0] == "Default Title"
	sku := withoutApostrophe(row.get(c.sku))
	d.skuAt(row, c.handle)
	if v.blankSKU = sku == ""; !v.blankSKU {
		d.skuAt(row, c.sku)
		if err := d.setSKU(sku); err != nil {
			return row.bad(c.sku, err)
		}
	}
	listed, err := price(s.im.options.Currency, withPoint(row.get(c.price)))
	if err == nil {
		err = s.im.setPrice(d, listed)
	}
	if err != nil {
		return row.bad(c.price, err)
	}
	if p.Grams, err = grams(row.get(c.grams), gramsPerGram); err != nil {
		return row.bad(c.grams, err)
	}
	if err = s.readStock(row, d); err != nil {
		return row.bad(c.quantity, err)
	}
	p.Barcode = d.text(withoutApostrophe(row.get(c.barcode)))
	d.setImage(row.get(c.variantImage))
	return nil
}

func (s *shopifyReader) readStock(row *csvRow, d *draft) error {
	c := s.columns
	d.item.Stock = notCounted
	if c.tracker != noColumn && row.get(c.tracker) == "" {
		return nil
	}
	policy := strings.ToLower(row.get(c.policy))
	d.oversellable = policy == "continue" || yes(policy)
	quantity := row.get(c.quantity)
	switch {
	case quantity != "":
		return d.setCount(quantity)
	case c.tracker != noColumn:
		d.item.Stock = countNotTold
	}
	return nil
}

// withoutApostrophe undoes how Shopify keeps spreadsheets from taking a code of
// digits for a number: an apostrophe before it.
func withoutApostrophe(s string) string {
	digits, had := strings.CutPrefix(s, "'")
	if had && digits != "" && strings.Trim(digits, "0123456789") == "" {
		return digits
	}
	return s
}

// flush emits the variants of the group at hand and begins a new one.
func (s *shopifyReader) flush() error {
	head, variants := s.head, s.variants
	defer func() { s.head, s.variants, s.handle = nil, s.variants[:0], "" }()
	if head != nil && head.left == "" {
		s.fillSKUs(variants)
	}
	for i := range variants {
		v := &variants[i]
		var err error
		switch {
		case head == nil:
			err = s.im.fail(&RowError{Line: v.line, Column: int(s.columns.title) + 1, ColumnName: "Title",
				Message: fmt.Sprintf("product %.80q has no title; the first row of a handle carries it, and all its rows must stand together", s.handle)})
		case head.left != "":
			s.im.skip(v.line, head.title, head.left)
		case v.bad != nil:
			err = s.im.fail(v.bad)
		default:
			err = s.emit(head, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fillSKUs gives each variant without a SKU its slug. Of variants with the same
// one but other option values, each gets its hash.
func (s *shopifyReader) fillSKUs(variants []shopifyVariant) {
	bySlug := make(map[string][]*shopifyVariant)
	for i := range variants {
		if v := &variants[i]; v.blankSKU && v.bad == nil {
			text := slug(s.handle, v.optionValues())
			bySlug[text] = append(bySlug[text], v)
		}
	}
	for text, same := range bySlug {
		alike := !slices.ContainsFunc(same, func(v *shopifyVariant) bool {
			return !slices.Equal(v.optionValues(), same[0].optionValues())
		})
		for _, v := range same {
			sku := text
			if !alike {
				sku = distinct(s.handle, v.optionValues())
			}
			v.draft.filledSKU = true
			if err := v.draft.setSKU(sku); err != nil {
				v.bad = &RowError{Line: v.line, Column: int(s.columns.handle) + 1, ColumnName: "Handle", Message: err.Error()}
			}
		}
	}
}

// optionValues are the values that tell the variant from its siblings.
func (v *shopifyVariant) optionValues() []string {
	if v.defaultTitle {
		return nil
	}
	n := len(v.values)
	for n > 0 && v.values[n-1] == "" {
		n--
	}
	return v.values[:n]
}

func (s *shopifyReader) emit(head *shopifyHead, v *shopifyVariant) error {
	d := &v.draft
	p := &d.item.Product
	if err := d.setTitle(head.title); err != nil {
		return s.im.fail(&RowError{Line: v.line, Column: int(s.columns.title) + 1, ColumnName: "Title", Message: err.Error()})
	}
	p.Description = head.description
	d.shortened = d.shortened || head.shortened
	p.Vendor, p.Category = d.text(head.vendor), d.text(head.category)
	if p.Image == "" && !d.droppedImage {
		d.setImage(head.image)
	}
	if values := v.optionValues(); len(values) > 0 {
		p.Group = d.text(s.handle)
		options := make([]exchange.Option, len(values))
		for i, value := range values {
			options[i] = exchange.Option{Name: head.options[i], Value: value}
		}
		d.setOptions(options)
	}
	return s.im.emit(d)
}
