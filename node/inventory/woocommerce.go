package inventory

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/govalues/decimal"

	"github.com/souk-market/souk/exchange"
)

// wooColumns are where a file has what we read.
type wooColumns struct {
	id, kind, sku, name, published, parent column
	shortDescription, description          column
	regularPrice, salePrice                column
	saleStarts, saleEnds                   column
	inStock, stock, backorders             column
	weight                                 column
	gramsPerUnit                           decimal.Decimal // of the weight column
	categories, tags, brands, images       column
	barcode, visibility                    column
	attributes                             []struct{ name, value column }
}

func newWooColumns(h *header) *wooColumns {
	c := &wooColumns{
		id:               h.col("ID"),
		kind:             h.col("Type"),
		sku:              h.col("SKU"),
		name:             h.col("Name"),
		published:        h.col("Published"),
		parent:           h.col("Parent"),
		shortDescription: h.col("Short description"),
		description:      h.col("Description"),
		regularPrice:     h.col("Regular price"),
		salePrice:        h.col("Sale price"),
		saleStarts:       h.col("Date sale price starts"),
		saleEnds:         h.col("Date sale price ends"),
		inStock:          h.col("In stock?"),
		stock:            h.col("Stock"),
		backorders:       h.col("Backorders allowed?"),
		weight:           noColumn,
		categories:       h.col("Categories"),
		tags:             h.col("Tags"),
		brands:           h.col("Brands"),
		images:           h.col("Images"),
		barcode:          h.col("GTIN, UPC, EAN, or ISBN"),
		visibility:       h.col("Visibility in catalog"),
	}
	for _, unit := range []struct {
		name  string
		grams decimal.Decimal
	}{{"kg", gramsPerKilogram}, {"g", gramsPerGram}, {"lbs", gramsPerPound}, {"lb", gramsPerPound}, {"oz", gramsPerOunce}} {
		if w := h.col("Weight (" + unit.name + ")"); w != noColumn {
			c.weight, c.gramsPerUnit = w, unit.grams
			break
		}
	}
	for n := 1; ; n++ {
		name, value := h.col(fmt.Sprintf("Attribute %d name", n)), h.col(fmt.Sprintf("Attribute %d value(s)", n))
		if name == noColumn || value == noColumn {
			return c
		}
		c.attributes = append(c.attributes, struct{ name, value column }{name, value})
	}
}

// wooReader turns rows into products, one for one.
type wooReader struct {
	im      *importer
	src     *source
	columns *wooColumns
	parents *wooParents
	counts  bool // the file has counts and no prices
}

// index notes who claims which SKU and where variable products start, so that a variation
// finds its parent anywhere in the file. Bad rows are left to the next pass to report.
func (w *wooReader) index(from io.Reader) error {
	rows := newRowReader(from)
	h, err := rows.readHeader()
	if err != nil {
		return err
	}
	if err := h.check(FormatWooCommerce); err != nil {
		return err
	}
	w.columns, w.counts = newWooColumns(h), h.found.stockOnly
	if w.parents, err = newWooParents(w.src, w.columns, rows); err != nil {
		return err
	}
	return w.im.scan(rows, w.note)
}

func (w *wooReader) note(row *csvRow) error {
	switch kind, _ := wooKind(row.get(w.columns.kind)); kind {
	case "variable":
		return w.parents.note(row)
	case "simple", "variation":
		sku, _ := w.sku(row)
		return w.im.claims.note(sku, row.line)
	}
	return nil
}

func (w *wooReader) products(from io.Reader) error { return w.im.rows(from, w.add) }

// add says what a row says of its product.
func (w *wooReader) add(row *csvRow) error {
	c := w.columns
	kind, virtual := wooKind(row.get(c.kind))
	d := &draft{item: Item{Line: row.line, ID: row.get(c.id)}}
	d.item.Product.NoShipping = virtual
	switch kind {
	case "simple", "variation":
	case "variable":
		return w.page(row, d, SkipVariable)
	case "grouped":
		return w.page(row, d, SkipGrouped)
	case "external":
		return w.page(row, d, SkipExternal)
	default:
		return w.page(row, d, SkipUnsupported)
	}
	var parent *wooParent
	var orphan *RowError
	if kind == "variation" {
		if parent, orphan = w.parentOf(row); orphan == nil {
			d.item.Group = parent.group
		}
	}
	if w.counts {
		return w.count(row, parent, d)
	}
	if !isPublished(row.get(c.published)) || parent != nil && !parent.published {
		d.item.Left = SkipUnpublished
	}
	d.leave(w.readSKU(row, d))
	d.leave(orphan)
	w.read(row, parent, d)
	if kind == "simple" && w.isAlone(row, d) {
		d.item.Group = c.group(row)
	}
	if d.item.Left != "" && d.item.Bad == nil && d.item.Product.SKU == "" {
		w.im.skip(row.line, w.name(row), d.item.Left)
		return nil
	}
	return w.im.emit(d)
}

// isAlone reports that a row says of its product that it has no variations, so that those it
// had are off sale. A row whose SKU cannot be read may be any product's, and one that tells
// no type and has no price, a variable product's.
func (w *wooReader) isAlone(row *csvRow, d *draft) bool {
	return d.item.Product.SKU != "" && (row.get(w.columns.kind) != "" || d.item.Bad == nil)
}

// count hands on what a row of a stock list says.
func (w *wooReader) count(row *csvRow, parent *wooParent, d *draft) error {
	d.item.StockOnly, d.item.Group = true, ""
	d.leave(w.readSKU(row, d))
	d.item.Product.Title, _ = plainLine(fromHTML(row.get(w.columns.name)), exchange.MaxTitle)
	if err := w.setStock(w.columns.readStock(row), parent, d); err != nil {
		d.leave(row.bad(w.columns.stock, err))
	}
	return w.im.emit(d)
}

// page hands on a row that is no product. A product that was sold under its SKU is one no more,
// and its group has the variations that the file names, be it none.
func (w *wooReader) page(row *csvRow, d *draft, why SkipReason) error {
	d.page, d.item.Left = true, why
	if !w.counts {
		d.item.Group = w.columns.group(row)
	}
	if d.item.Group == "" {
		w.im.skip(row.line, w.name(row), why)
		return nil
	}
	if sku, filled := w.sku(row); filled || d.setSKU(sku) != nil {
		d.item.Product.SKU = ""
	}
	d.item.Product.Title, _ = plainLine(fromHTML(w.name(row)), exchange.MaxTitle)
	return w.im.emit(d)
}

// name is what a row is called, for the report.
func (w *wooReader) name(row *csvRow) string {
	return cmp.Or(row.get(w.columns.name), row.get(w.columns.sku))
}

// wooKind is the word of a Type such as "simple, downloadable, virtual" that says what kind
// of row it is, and whether nothing is sent. What is downloadable alone is sent as well.
func wooKind(s string) (kind string, virtual bool) {
	for _, word := range strings.Split(strings.ToLower(s), ",") {
		switch word = strings.TrimSpace(word); word {
		case "", "downloadable":
		case "virtual":
			virtual = true
		default:
			kind = cmp.Or(kind, word)
		}
	}
	return cmp.Or(kind, "simple"), virtual // as WooCommerce's own import takes it
}

// isPublished knows 1, published, from 0, private, −1, draft, and 2, pending.
func isPublished(s string) bool { return s == "" || yes(s) }

// isHidden reports a product that its shop shows in no list and no search.
func (c *wooColumns) isHidden(row *csvRow) bool {
	return strings.EqualFold(row.get(c.visibility), "hidden")
}

// read fills d from a row and, for a variation, from its parent. Of several errors the first
// counts; what can be read is read in any case, as the stock of what is off sale is followed.
func (w *wooReader) read(row *csvRow, parent *wooParent, d *draft) {
	c := w.columns
	options := w.options(row, parent, d)
	d.hidden = c.isHidden(row) || parent != nil && parent.hidden
	bad := func(c column, err error) {
		if err != nil {
			d.leave(row.bad(c, err))
		}
	}
	bad(c.name, d.setTitle(title(row.get(c.name), parent, options)))
	d.leave(w.readPrice(row, d))
	bad(c.stock, w.setStock(c.readStock(row), parent, d))
	bad(c.weight, w.readWeight(row, parent, d))
	if w.im.resolving && w.im.claims.rivals(d.item.Product.SKU) == nil {
		return // nobody looks at the rest
	}
	w.readTexts(row, parent, d)
	if parent == nil && len(options) > exchange.MaxOptions {
		options, d.shortened = options[:exchange.MaxOptions], true
	}
	d.setOptions(options)
	d.fit()
}

// title is a product's own name, or its parent's with the options that tell it apart.
func title(name string, parent *wooParent, options []exchange.Option) string {
	if name != "" || parent == nil {
		return fromHTML(name)
	}
	if failed(parent.name) {
		return parent.name // which is no title
	}
	name, between := parent.name, " - "
	for _, o := range options {
		if o.Value != anyOne && !strings.HasPrefix(o.Value, anyOf) {
			name, between = name+between+o.Value, ", "
		}
	}
	return name
}

// sku is the SKU of a row, qualified if asked for, or made of its ID; "" if it has neither.
func (w *wooReader) sku(row *csvRow) (sku string, filled bool) {
	id := row.get(w.columns.id)
	if own := unescapeCell(row.get(w.columns.sku)); own != "" {
		return w.im.qualify(id, own), false
	}
	if id == "" {
		return "", true
	}
	return "id-" + id, true
}

func (w *wooReader) readSKU(row *csvRow, d *draft) *RowError {
	c := w.columns
	sku, filled := w.sku(row)
	at := c.sku
	if filled && sku != "" {
		at = c.id
	}
	d.skuAt(row, at)
	d.filledSKU = filled
	err := errors.New("the row has neither SKU nor ID")
	if sku != "" {
		err = d.setSKU(sku)
	}
	if err != nil {
		return row.bad(c.sku, err)
	}
	return nil
}

func (w *wooReader) readWeight(row *csvRow, parent *wooParent, d *draft) error {
	var err error
	d.item.Product.Grams, err = row.grams(w.columns.weight, w.columns.gramsPerUnit)
	if err == nil && row.get(w.columns.weight) == "" && parent != nil {
		d.item.Product.Grams, err = parent.grams, parent.badWeight
	}
	return err
}

func (w *wooReader) readPrice(row *csvRow, d *draft) *RowError {
	c, o := w.columns, w.im.options
	regular, err := row.price(c.regularPrice, o.Currency)
	if err == nil {
		err = w.im.offer(d, regular)
	}
	if err != nil {
		return row.bad(c.regularPrice, err)
	}
	if row.get(c.salePrice) == "" {
		return nil
	}
	var sale Sale
	if sale.Price, err = row.price(c.salePrice, o.Currency); err != nil {
		return row.bad(c.salePrice, err)
	}
	if sale.From, err = saleDate(row.get(c.saleStarts), o.Zone, false); err != nil {
		return row.bad(c.saleStarts, err)
	}
	if sale.To, err = saleDate(row.get(c.saleEnds), o.Zone, true); err != nil {
		return row.bad(c.saleEnds, err)
	}
	if err := w.im.reduce(d, sale); err != nil {
		return row.bad(c.salePrice, err)
	}
	return nil
}

func (w *wooReader) readTexts(row *csvRow, parent *wooParent, d *draft) {
	c, p := w.columns, &d.item.Product
	own := wooTextsOf(row, c)
	images := own.images
	if parent != nil {
		own.fill(&parent.wooTexts)
		images = append(images, parent.images...)
		p.Group = d.text(parent.shown)
	}
	p.Description, p.Summary = own.description, own.summary
	d.shortened = d.shortened || own.shortened
	p.Vendor = d.text(own.brand)
	d.setCategories(own.categories)
	d.setTags(own.tags)
	d.setImages("", galleryOf(images))
	p.Barcode = w.im.barcode(row, c.barcode)
}
