package inventory

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/souk-market/souk/exchange"
)

// Bounds on what is held of one handle: 2048 variants, each with 3 option
// values of 1020 bytes and an image URL of 1000, are 8 MiB.
const (
	maxVariants    = 2048    // what Shopify allows
	maxGallery     = 250     // images of one product: what Shopify allows
	shopifyOptions = 3       // that Shopify has
	maxOptionValue = 255 * 4 // bytes; Shopify allows 255 characters
)

// shopifyColumns are where a file has what we read, under the column names of
// the export or of the newer template.
type shopifyColumns struct {
	handle, title, body, vendor           column
	category, kind, tags                  column
	published, status, giftCard           column
	option                                [shopifyOptions]struct{ name, value column }
	sku, price, compareAt, barcode, grams column
	tracker, quantity, policy, shipping   column
	image, position, variantImage         column
}

func newShopifyColumns(h *header) *shopifyColumns {
	c := &shopifyColumns{
		handle:       h.col("Handle", "URL handle"),
		title:        h.col("Title"),
		body:         h.col("Body (HTML)", "Description"),
		vendor:       h.col("Vendor"),
		category:     h.col("Product Category"),
		kind:         h.col("Type", "Custom Product Type"),
		tags:         h.col("Tags"),
		published:    h.col("Published", "Published on online store"),
		status:       h.col("Status"),
		giftCard:     h.col("Gift Card"),
		sku:          h.col("Variant SKU", "SKU"),
		price:        h.col("Variant Price", "Price"),
		compareAt:    h.col("Variant Compare At Price", "Compare-at price", "Compare At Price"),
		barcode:      h.col("Variant Barcode", "Barcode"),
		grams:        h.col("Variant Grams", "Weight value (grams)"),
		tracker:      h.col("Variant Inventory Tracker", "Inventory tracker"),
		quantity:     h.col("Variant Inventory Qty", "Inventory quantity"),
		policy:       h.col("Variant Inventory Policy", "Continue selling when out of stock"),
		shipping:     h.col("Variant Requires Shipping", "Requires shipping"),
		image:        h.col("Image Src", "Product image URL"),
		position:     h.col("Image Position"),
		variantImage: h.col("Variant Image", "Variant image URL"),
	}
	for i := range c.option {
		c.option[i].name = h.col(fmt.Sprintf("Option%d Name", i+1))
		c.option[i].value = h.col(fmt.Sprintf("Option%d Value", i+1))
	}
	return c
}

// shopifyReader turns rows into groups of one handle each. Rows of a handle that stand apart
// are brought together: see scattered.
type shopifyReader struct {
	im      *importer
	src     *source
	columns *shopifyColumns
	header  *header // for messages
	apart   *scattered

	group *shopifyGroup    // at hand; nil between two
	spare []shopifyVariant // of the group before, to be reused
}

// index notes who claims which SKU, and the handles whose rows stand apart.
func (s *shopifyReader) index(from io.Reader) error {
	rows := newRowReader(from)
	h, err := rows.readHeader()
	if err != nil {
		return err
	}
	if err := h.check(FormatShopify); err != nil {
		return err
	}
	s.columns, s.header, s.apart = newShopifyColumns(h), h, newScattered(s.src, rows)
	err = s.im.scan(rows, func(row *csvRow) error {
		handle := row.get(s.columns.handle)
		if handle == "" {
			return nil
		}
		s.apart.note(handle, row)
		if !s.columns.isVariant(row) {
			return nil
		}
		sku, _ := s.columns.skuOf(s.im, row)
		return s.im.claims.note(sku, row.line)
	})
	s.apart.end(rows.offset)
	return err
}

func (s *shopifyReader) products(from io.Reader) error {
	s.apart.begin()
	if err := s.im.rows(from, s.row); err != nil {
		return err
	}
	return s.flush()
}

// row takes one row of the file, and with the first of a handle whose rows stand apart all.
func (s *shopifyReader) row(row *csvRow) error {
	handle := row.get(s.columns.handle)
	if handle == "" {
		return s.im.lost(row.bad(s.columns.handle, errors.New("the row has no handle, so it belongs to no product")))
	}
	if s.group == nil || s.group.handle != handle {
		if err := s.flush(); err != nil {
			return err
		}
	}
	switch done, is := s.apart.handles[hashSKU(handle)]; {
	case !is:
		return s.add(handle, row)
	case done.taken:
		return nil
	}
	err := s.apart.rows(handle, func(row *csvRow) error {
		if row.get(s.columns.handle) != handle { // blank, or without one: met in its place
			return nil
		}
		return s.add(handle, row)
	})
	if err != nil {
		return err
	}
	return s.flush()
}

// isVariant reports whether a row is a variant, and not only an image or what variants share.
func (c *shopifyColumns) isVariant(row *csvRow) bool {
	return row.get(c.option[0].value) != "" || row.get(c.sku) != "" || row.get(c.price) != ""
}

// add takes one row into the group of its handle.
func (s *shopifyReader) add(handle string, row *csvRow) error {
	c := s.columns
	if s.group == nil {
		s.group = &shopifyGroup{handle: handle, variants: s.spare[:0]}
	}
	g := s.group
	first := g.head == nil && row.get(c.title) != ""
	if first {
		g.head = s.readHead(row)
	}
	picture := row.get(c.image)
	if picture != "" {
		g.addImage(picture, row.get(c.position))
	}
	variant := c.isVariant(row)
	switch {
	case variant && len(g.variants) == maxVariants:
		d := &draft{item: Item{Line: row.line, ID: handle, Group: handle}}
		d.leave(row.bad(c.handle, fmt.Errorf("product %.80q has more than %d variants", handle, maxVariants)))
		return s.im.hand(d)
	case variant:
		g.variants = append(g.variants, s.readVariant(handle, row))
	case first:
		head := s.readVariant(handle, row)
		g.lone = &head
	case picture != "":
		s.im.skip(row.line, "", SkipImageRow)
	default:
		s.im.skip(row.line, handle, SkipEmptyRow)
	}
	return nil
}

func (s *shopifyReader) readHead(row *csvRow) *shopifyHead {
	c := s.columns
	h := &shopifyHead{
		title:    fromHTML(row.get(c.title)),
		vendor:   fromHTML(row.get(c.vendor)),
		category: row.get(c.category),
		tags:     parts(row.get(c.tags)),
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

// skuOf is the SKU of a row, qualified if asked for; of a blank one the slug, which is not
// always the last word: see fillSKUs.
func (c *shopifyColumns) skuOf(im *importer, row *csvRow) (sku string, filled bool) {
	handle := row.get(c.handle)
	if own := withoutApostrophe(row.get(c.sku)); own != "" {
		return im.qualify(handle, own), false
	}
	return slug(handle, optionValues(c.values(row))), true
}

func (c *shopifyColumns) values(row *csvRow) []string {
	values := make([]string, len(c.option))
	for i := range c.option {
		values[i] = row.get(c.option[i].value)
	}
	return values
}

func (s *shopifyReader) readVariant(handle string, row *csvRow) shopifyVariant {
	c := s.columns
	v := shopifyVariant{values: c.values(row)}
	d := &v.draft
	d.item.Line, d.item.ID, d.item.Group = row.line, handle, handle
	for i, value := range v.values {
		if len(value) > maxOptionValue {
			d.leave(row.bad(c.option[i].value, fmt.Errorf("the option value has %d bytes; %d are allowed", len(value), maxOptionValue)))
			v.values[i], _ = shorten(value, maxOptionValue)
		}
	}
	sku, blank := c.skuOf(s.im, row)
	d.skuAt(row, c.handle)
	if v.blankSKU = blank; !blank {
		d.skuAt(row, c.sku)
		if err := d.setSKU(sku); err != nil {
			d.leave(row.bad(c.sku, err))
		}
	}
	s.readFields(row, d)
	return v
}

func (s *shopifyReader) readFields(row *csvRow, d *draft) {
	c, p := s.columns, &d.item.Product
	bad := func(c column, err error) {
		if err != nil {
			d.leave(row.bad(c, err))
		}
	}
	listed, err := row.price(c.price, s.im.options.Currency)
	if err == nil {
		err = s.im.offer(d, listed)
	}
	bad(c.price, err)
	if row.get(c.compareAt) != "" {
		m, err := row.price(c.compareAt, s.im.options.Currency)
		if err != nil {
			s.im.warn(row.bad(c.compareAt, fmt.Errorf("the price before a reduction is dropped: %w", err)))
		}
		d.setCompareAt(m)
	}
	p.Grams, err = row.grams(c.grams, gramsPerGram)
	bad(c.grams, err)
	bad(c.quantity, s.readStock(row, d))
	p.NoShipping = no(row.get(c.shipping))
	p.Barcode = s.im.barcode(row, c.barcode)
	d.image = row.get(c.variantImage)
}

func (s *shopifyReader) readStock(row *csvRow, d *draft) error {
	c := s.columns
	d.item.Stock = notCounted
	if c.tracker != noColumn && row.get(c.tracker) == "" {
		return nil
	}
	policy := strings.ToLower(row.get(c.policy))
	d.oversellable = policy == "continue" || yes(policy)
	switch {
	case row.get(c.quantity) != "":
		return d.setUnits(row, c.quantity)
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
