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
	categories, brands, images, barcode    column
	attributes                             []struct{ name, value column }
}

func isWooCommerce(h *header) bool {
	return h.has("Type") && h.has("SKU") && h.has("Name") && h.has("Regular price")
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
		brands:           h.col("Brands"),
		images:           h.col("Images"),
		barcode:          h.col("GTIN, UPC, EAN, or ISBN"),
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
	columns *wooColumns
	parents *wooParents
}

func readWooCommerce(im *importer, src *source) error {
	if err := src.twice(im.options.TempDir); err != nil {
		return err
	}
	parents, err := indexParents(im.ctx, src)
	if err != nil {
		return err
	}
	rows := newRowReader(src.section())
	h, err := rows.readHeader()
	if err != nil {
		return err
	}
	w := &wooReader{im: im, columns: newWooColumns(h), parents: parents}
	for {
		row, err := rows.next()
		if err == io.EOF {
			return nil
		}
		if stop := im.row(); stop != nil {
			return stop
		}
		if bad, ok := err.(*RowError); ok { // the row alone: what ends the reading wraps it
			err = im.fail(bad)
		} else if err == nil {
			err = w.add(row)
		}
		if err != nil {
			return err
		}
	}
}

// add makes a product of one row, or says why not.
func (w *wooReader) add(row *csvRow) error {
	c := w.columns
	kind := wooKind(row.get(c.kind))
	why := SkipReason("")
	switch {
	case row.blank():
		why = SkipEmptyRow
	case kind == "variable":
		why = SkipVariable
	case kind == "grouped":
		why = SkipGrouped
	case kind == "external":
		why = SkipExternal
	case kind != "simple" && kind != "variation":
		why = SkipUnsupported
	case !isPublished(row.get(c.published)):
		why = SkipUnpublished
	}
	var parent *wooParent
	if why == "" && kind == "variation" {
		var bad *RowError
		if parent, bad = w.parentOf(row); bad != nil {
			return w.im.fail(bad)
		}
		if !parent.published {
			why = SkipUnpublished
		}
	}
	if why != "" {
		name := row.get(c.name)
		if name == "" {
			name = row.get(c.sku)
		}
		w.im.skip(row.line, name, why)
		return nil
	}
	d := &draft{item: Item{Line: row.line}}
	if bad := w.read(row, parent, d); bad != nil {
		return w.im.fail(bad)
	}
	return w.im.emit(d)
}

// wooKind is the word of a Type such as "simple, downloadable, virtual" that
// says what kind of row it is.
func wooKind(s string) string {
	for _, word := range strings.Split(strings.ToLower(s), ",") {
		switch word = strings.TrimSpace(word); word {
		case "", "downloadable", "virtual": // how it is delivered
		default:
			return word
		}
	}
	return "simple" // as WooCommerce's own import takes it
}

// isPublished knows 1, published, from 0, private, −1, draft, and 2, pending.
func isPublished(s string) bool { return s == "" || s == "1" }

// read fills d from a row and, for a variation, from its parent.
func (w *wooReader) read(row *csvRow, parent *wooParent, d *draft) *RowError {
	c := w.columns
	options := w.options(row, parent)
	if err := w.readSKU(row, d); err != nil {
		return row.bad(c.sku, err)
	}
	if err := d.setTitle(title(row.get(c.name), parent, options)); err != nil {
		return row.bad(c.name, err)
	}
	if bad := w.readPrice(row, d); bad != nil {
		return bad
	}
	if err := w.readStock(row, d); err != nil {
		return row.bad(c.stock, err)
	}
	if err := w.readWeight(row, parent, d); err != nil {
		return row.bad(c.weight, err)
	}
	w.readTexts(row, parent, d)
	d.setOptions(options)
	return nil
}

// title is a product's own name, or its parent's with the options.
func title(name string, parent *wooParent, options []exchange.Option) string {
	if name != "" || parent == nil {
		return fromHTML(name)
	}
	name = parent.name
	for i, o := range options {
		name += [...]string{" - ", ", "}[min(i, 1)] + o.Value
	}
	return name
}

func (w *wooReader) readSKU(row *csvRow, d *draft) error {
	sku := unescapeCell(row.get(w.columns.sku))
	d.skuAt(row, w.columns.sku)
	if sku == "" {
		d.skuAt(row, w.columns.id)
		id := row.get(w.columns.id)
		if id == "" {
			return errors.New("the row has neither SKU nor ID")
		}
		sku, d.filledSKU = "id-"+id, true
	}
	return d.setSKU(sku)
}

func (w *wooReader) readWeight(row *csvRow, parent *wooParent, d *draft) error {
	weight := withPoint(row.get(w.columns.weight))
	if weight == "" && parent != nil {
		weight = parent.weight
	}
	var err error
	d.item.Product.Grams, err = grams(weight, w.columns.gramsPerUnit)
	return err
}

func (w *wooReader) readStock(row *csvRow, d *draft) error {
	c := w.columns
	stock := strings.ToLower(unescapeCell(row.get(c.stock)))
	status := strings.ToLower(row.get(c.inStock))
	backorders := strings.ToLower(row.get(c.backorders))
	d.oversellable = status == "backorder" || backorders == "notify" || yes(backorders)
	switch {
	case status == "0", status == "no", status == "false", status == "backorder":
		d.item.Stock = counted(0)
	case stock == "":
		d.item.Stock = notCounted
	case stock == "parent":
		d.item.Stock = countNotTold
	default:
		return d.setCount(stock)
	}
	return nil
}

func (w *wooReader) readPrice(row *csvRow, d *draft) *RowError {
	c, o := w.columns, w.im.options
	regular, err := price(o.Currency, withPoint(row.get(c.regularPrice)))
	if err == nil {
		err = w.im.setPrice(d, regular)
	}
	if err != nil {
		return row.bad(c.regularPrice, err)
	}
	if row.get(c.salePrice) == "" {
		return nil
	}
	sale, err := price(o.Currency, withPoint(row.get(c.salePrice)))
	if err != nil {
		return row.bad(c.salePrice, err)
	}
	starts, err := saleDate(row.get(c.saleStarts), o.Now.Location(), false)
	if err != nil {
		return row.bad(c.saleStarts, err)
	}
	ends, err := saleDate(row.get(c.saleEnds), o.Now.Location(), true)
	if err != nil {
		return row.bad(c.saleEnds, err)
	}
	if sale.Minor >= regular.Minor {
		return nil
	}
	dated := !starts.IsZero() || !ends.IsZero()
	if dated && o.Now.IsZero() {
		return nil
	}
	if !o.Now.Before(starts) && (ends.IsZero() || o.Now.Before(ends)) {
		if err := w.im.setPrice(d, sale); err != nil {
			return row.bad(c.salePrice, err)
		}
		d.onSale = true
	}
	if dated && (ends.IsZero() || starts.Before(ends)) {
		w.im.report.priceChanges(o.Now, starts)
		w.im.report.priceChanges(o.Now, ends)
	}
	return nil
}

func (w *wooReader) readTexts(row *csvRow, parent *wooParent, d *draft) {
	c, p := w.columns, &d.item.Product
	own := wooTextsOf(row, c)
	if parent != nil {
		own.fill(&parent.wooTexts)
		p.Group = d.text(parent.group)
	}
	p.Description = own.description
	d.shortened = d.shortened || own.shortened
	p.Vendor, p.Category = d.text(own.brand), d.text(own.category)
	p.Barcode = d.text(unescapeCell(row.get(c.barcode)))
	d.setImage(own.image)
}

// options are the attributes of a variation; a blank value is "any" and no option.
func (w *wooReader) options(row *csvRow, parent *wooParent) []exchange.Option {
	if parent == nil {
		return nil
	}
	var options []exchange.Option
	for _, a := range w.columns.attributes {
		name, value := fromHTML(row.get(a.name)), unescapeComma(row.get(a.value))
		if value != "" {
			options = append(options, exchange.Option{Name: name, Value: fromHTML(value)})
		}
	}
	return options
}

// wooTexts are what a variation may take from its parent.
type wooTexts struct {
	description            string // plain, within its limit, as variations share it
	shortened              bool   // the description was
	category, brand, image string
}

func wooTextsOf(row *csvRow, c *wooColumns) wooTexts {
	t := wooTexts{
		category: fromHTML(firstOf(row.get(c.categories))),
		brand:    fromHTML(firstOf(row.get(c.brands))),
		image:    firstOf(row.get(c.images)),
	}
	for _, from := range []column{c.description, c.shortDescription} {
		if t.description == "" {
			t.description, t.shortened = plainText(fromHTML(unescapeLines(row.get(from))), exchange.MaxDescription)
		}
	}
	return t
}

func (t *wooTexts) fill(from *wooTexts) {
	if t.description == "" {
		t.description, t.shortened = from.description, from.shortened
	}
	t.category = cmp.Or(t.category, from.category)
	t.brand = cmp.Or(t.brand, from.brand)
	t.image = cmp.Or(t.image, from.image)
}
