package inventory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/souk-market/souk/exchange"
)

// jsonReader turns lines into products, one for one.
type jsonReader struct{ im *importer }

// index notes who claims which SKU.
func (r jsonReader) index(from io.Reader) error {
	return r.lines(from, nil, func(line int, text []byte) error {
		if text[0] != '{' || !json.Valid(text) {
			return nil // the next pass says so
		}
		var sku, id string
		for m := range members(text) {
			switch m.name {
			case "sku":
				_ = decodeString(m.value, &sku) // no SKU if it is none
			case "id":
				_ = decodeNumber(m.value, &id)
			}
		}
		return r.im.claims.note(r.im.qualify(id, sku), line)
	})
}

func (r jsonReader) products(from io.Reader) error {
	return r.lines(from,
		func(bad *RowError) error {
			err := r.im.row()
			if err == nil {
				err = r.im.lost(bad)
			}
			return err
		},
		func(line int, text []byte) error {
			err := r.im.row()
			if err == nil {
				err = r.im.jsonLine(line, text)
			}
			return err
		})
}

// lines reads the lines that are not blank; those that are too long it tells to bad, if any.
func (r jsonReader) lines(from io.Reader, bad func(*RowError) error, take func(line int, text []byte) error) error {
	lines := newRowReader(from)
	for {
		n, err := lines.measure(false)
		if err == io.EOF {
			return nil
		}
		if long, ok := err.(*RowError); ok {
			err = nil
			if bad != nil {
				err = bad(long)
			}
			if err == nil {
				err = lines.dropLine()
			}
		} else if err == nil {
			text, line := bytes.TrimSpace(lines.buf[lines.start:lines.start+n]), lines.line
			lines.consume(n)
			if len(text) > 0 {
				err = take(line, text)
			}
		}
		if err == nil {
			err = r.im.ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

// jsonLine reads one line.
func (im *importer) jsonLine(line int, text []byte) error {
	p := &jsonProduct{im: im, published: true}
	p.draft.item.Line = line
	if !utf8.Valid(text) {
		return im.lost(&RowError{Line: line, Message: notUTF8(text).Error()})
	}
	if bad := checkJSON(text); bad != nil {
		bad.Line = line
		return im.lost(bad)
	}
	p.read(text)
	p.finish()
	it := &p.draft.item
	if it.Bad != nil {
		it.Bad.Line = line
		p.name(it.Bad)
	}
	if it.Left != "" && it.Bad == nil && it.Product.SKU == "" {
		im.skip(line, p.title, it.Left)
		return nil
	}
	return im.emit(&p.draft)
}

// jsonProduct gathers the fields of one line.
type jsonProduct struct {
	im        *importer
	draft     draft
	published bool

	id, sku, title, currency         string
	price, compareAt, salePrice      string
	saleFrom, saleTo                 string
	description, summary, image      string
	category                         string
	options                          []jsonOption
	tags, moreCategories, moreImages []string

	fields []field // of the line, in their order
}

// field is where a field of a line starts: 1-based, in bytes.
type field struct {
	name   string
	column int
	value  []byte // as the line has it
}

// column is where the line has the field; 0 where it lacks it.
func (p *jsonProduct) column(name string) int {
	for _, f := range p.fields {
		if f.name == name {
			return f.column
		}
	}
	return 0
}

// name tells in an error which product it is of, and what the line has there. Of a line that
// was made of a row the row tells.
func (p *jsonProduct) name(e *RowError) {
	if p.im.locate != nil {
		return
	}
	e.SKU, e.Title = cut(p.sku, maxValueShown), cut(p.title, maxValueShown)
	for _, f := range p.fields {
		if f.name != e.ColumnName {
			continue
		}
		value := string(f.value)
		if f.value[0] == '"' {
			_ = decodeString(f.value, &value) // it is a string
		}
		e.Value = cut(value, maxValueShown)
	}
}

type jsonOption struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// read takes the object apart member by member: decoding into a struct would
// let a field that stands twice, or in another case, change the first silently. The first
// error counts, and the rest is read all the same: its SKU may follow.
func (p *jsonProduct) read(text []byte) {
	p.fields = make([]field, 0, 16)
	for m := range members(text) {
		name := m.name
		bad := func(err error) {
			shown, _ := plainLine(name, maxNameShown)
			p.draft.leave(&RowError{Column: m.at + 1, ColumnName: shown, Message: err.Error()})
		}
		if p.column(name) > 0 {
			bad(errors.New("the field stands twice"))
			if name == "sku" {
				p.sku = ""
			}
			continue
		}
		if p.fields = append(p.fields, field{name, m.at + 1, m.value}); len(p.fields) > maxFields {
			bad(fmt.Errorf("a product has at most %d fields", maxFields))
			return
		}
		if err := p.field(name, m.value); err != nil {
			bad(err)
		}
	}
}

// maxFields bounds the fields of a line: some four times those that we know.
const maxFields = 64

// field takes the value of one field.
func (p *jsonProduct) field(name string, value []byte) error {
	product := &p.draft.item.Product
	switch name {
	case "sku":
		return decodeString(value, &p.sku)
	case "title":
		return decodeString(value, &p.title)
	case "id":
		return decodeNumber(value, &p.id)
	case "price":
		return decodeNumber(value, &p.price)
	case "compare_at":
		return decodeNumber(value, &p.compareAt)
	case "sale_price":
		return decodeNumber(value, &p.salePrice)
	case "sale_from":
		return decodeString(value, &p.saleFrom)
	case "sale_to":
		return decodeString(value, &p.saleTo)
	case "summary":
		return decodeString(value, &p.summary)
	case "tags":
		return decodeStrings(value, &p.tags)
	case "more_categories":
		return decodeStrings(value, &p.moreCategories)
	case "more_images":
		return decodeStrings(value, &p.moreImages)
	case "no_shipping":
		return decodeBool(value, &product.NoShipping)
	case "currency":
		return decodeString(value, &p.currency)
	case "description":
		return decodeString(value, &p.description)
	case "image":
		return decodeString(value, &p.image)
	case "options":
		return p.decodeOptions(value)
	case "published":
		return decodeBool(value, &p.published)
	case "group":
		return p.decodeText(value, &product.Group)
	case "vendor":
		return p.decodeText(value, &product.Vendor)
	case "category":
		return decodeString(value, &p.category)
	case "barcode":
		return p.decodeText(value, &product.Barcode)
	case "stock":
		return p.decodeStock(value)
	case "grams":
		var s string
		err := decodeNumber(value, &s)
		if err == nil {
			product.Grams, err = grams(s, gramsPerGram)
		}
		return err
	}
	return p.unknown(name)
}

func (p *jsonProduct) unknown(name string) error {
	if p.im.options.Strict {
		return errors.New("no such field is known; its name may be misspelt")
	}
	shown, _ := plainLine(name, maxNameShown)
	p.im.report.unknownField(shown)
	return nil
}

func (p *jsonProduct) decodeText(value []byte, into *string) error {
	var s string
	err := decodeString(value, &s)
	*into = p.draft.text(s)
	return err
}

func (p *jsonProduct) decodeOptions(value []byte) error {
	if string(value) == "null" {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(value))
	dec.DisallowUnknownFields()
	return dec.Decode(&p.options)
}

func (p *jsonProduct) decodeStock(value []byte) error {
	var s string
	if err := decodeNumber(value, &s); err != nil || s == "" {
		return err
	}
	return p.draft.setCount(s)
}

// finish checks the fields against each other once all are read.
func (p *jsonProduct) finish() {
	d := &p.draft
	it := &d.item
	it.ID = d.text(p.id)
	bad := func(name string, err error) {
		if err != nil {
			d.leave(&RowError{Column: p.column(name), ColumnName: name, Message: err.Error()})
		}
	}
	if !p.published && it.Left == "" && !p.im.counts {
		it.Left = SkipUnpublished
	}
	shop := p.im.options.Currency
	if p.currency != "" && exchange.Currency(p.currency) != shop {
		bad("currency", fmt.Errorf("the product is priced in %.10q, but the shop sells in %s", p.currency, shop))
	}
	if len(p.options) > exchange.MaxOptions {
		bad("options", fmt.Errorf("%d options are more than %d", len(p.options), exchange.MaxOptions))
		p.options = nil
	}
	d.skuColumn, d.skuName = p.column("sku"), "sku"
	bad("sku", d.setSKU(p.im.qualify(it.ID, p.sku)))
	if it.StockOnly = p.im.counts; it.StockOnly {
		it.Product.Title, _ = plainLine(fromHTML(p.title), exchange.MaxTitle)
		return
	}
	bad("title", d.setTitle(p.title))
	p.finishPrice(bad)
	d.setDescription(fromHTML(p.description))
	d.setSummary(fromHTML(p.summary))
	d.setImages(p.image, galleryOf(p.moreImages))
	d.setCategories(append([]string{p.category}, p.moreCategories...))
	d.setTags(p.tags)
	options := make([]exchange.Option, len(p.options))
	for i, o := range p.options {
		options[i] = exchange.Option(o)
	}
	d.setOptions(options)
	d.fit()
}

func (p *jsonProduct) finishPrice(bad func(name string, err error)) {
	o := p.im.options
	listed, err := price(o.Currency, p.price)
	if err != nil {
		bad("price", err)
		return
	}
	bad("price", p.im.offer(&p.draft, listed))
	if p.compareAt != "" {
		before, err := price(o.Currency, p.compareAt)
		bad("compare_at", err)
		p.draft.setCompareAt(before)
	}
	if p.salePrice == "" {
		return
	}
	var sale Sale
	sale.Price, err = price(o.Currency, p.salePrice)
	bad("sale_price", err)
	sale.From, err = saleDate(p.saleFrom, o.Zone, false)
	bad("sale_from", err)
	sale.To, err = saleDate(p.saleTo, o.Zone, true)
	bad("sale_to", err)
	if p.draft.item.Bad == nil {
		bad("sale_price", p.im.reduce(&p.draft, sale))
	}
}
