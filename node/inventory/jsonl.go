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

func readJSONLines(im *importer, src *source) error {
	lines := newRowReader(src.stream())
	for {
		n, err := lines.measure(false)
		if err == io.EOF {
			return nil
		}
		if bad, ok := err.(*RowError); ok {
			if err = im.row(); err == nil {
				err = im.fail(bad)
			}
			if err == nil {
				err = lines.dropLine()
			}
		} else if err == nil {
			text := bytes.TrimSpace(lines.buf[lines.start : lines.start+n])
			line := lines.line
			lines.consume(n)
			err = im.jsonLine(line, text)
		}
		if err != nil {
			return err
		}
	}
}

// jsonLine reads one line; an empty one is nothing.
func (im *importer) jsonLine(line int, text []byte) error {
	if len(text) == 0 {
		return nil
	}
	if err := im.row(); err != nil {
		return err
	}
	p := &jsonProduct{im: im, published: true}
	p.draft.item.Line = line
	if !utf8.Valid(text) {
		return im.fail(&RowError{Line: line, Message: notUTF8(text).Error()})
	}
	bad := p.read(text)
	if bad == nil && p.published {
		bad = p.finish()
	}
	switch {
	case bad != nil:
		bad.Line = line
		return im.fail(bad)
	case !p.published:
		im.skip(line, p.title, SkipUnpublished)
		return nil
	}
	return im.emit(&p.draft)
}

// jsonProduct gathers the fields of one line.
type jsonProduct struct {
	im        *importer
	draft     draft
	published bool

	sku, title, currency, price string
	options                     []jsonOption
	description, image          string

	fields []field // of the line, in their order
}

// field is where a field of a line starts: 1-based, in bytes.
type field struct {
	name   string
	column int
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

type jsonOption struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// read takes the object apart member by member: decoding into a struct would
// let a field that stands twice, or in another case, change the first silently.
func (p *jsonProduct) read(text []byte) *RowError {
	if bad := checkJSON(text); bad != nil {
		return bad
	}
	p.fields = make([]field, 0, 16)
	for m := range members(text) {
		name := m.name
		bad := func(err error) *RowError {
			shown, _ := plainLine(name, maxNameShown)
			return &RowError{Column: m.at + 1, ColumnName: shown, Message: err.Error()}
		}
		if p.column(name) > 0 {
			return bad(errors.New("the field stands twice"))
		}
		if p.fields = append(p.fields, field{name, m.at + 1}); len(p.fields) > maxFields {
			return bad(fmt.Errorf("a product has at most %d fields", maxFields))
		}
		if err := p.field(name, m.value); err != nil {
			return bad(err)
		}
	}
	return nil
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
	case "price":
		return decodeNumber(value, &p.price)
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
		return p.decodeText(value, &product.Category)
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
	if err := p.draft.setCount(s); err != nil {
		return err
	}
	if p.draft.negativeStock {
		return fmt.Errorf("stock %s is below zero", s)
	}
	return nil
}

// finish checks the fields against each other once all are read.
func (p *jsonProduct) finish() *RowError {
	bad := func(name string, err error) *RowError {
		return &RowError{Column: p.column(name), ColumnName: name, Message: err.Error()}
	}
	shop := p.im.options.Currency
	if p.currency != "" && exchange.Currency(p.currency) != shop {
		return bad("currency", fmt.Errorf("the product is priced in %.10q, but the shop sells in %s", p.currency, shop))
	}
	if len(p.options) > exchange.MaxOptions {
		return bad("options", fmt.Errorf("%d options are more than %d", len(p.options), exchange.MaxOptions))
	}
	options := make([]exchange.Option, len(p.options))
	for i, o := range p.options {
		options[i] = exchange.Option(o)
	}
	var err error
	p.draft.skuColumn, p.draft.skuName = p.column("sku"), "sku"
	if err = p.draft.setSKU(p.sku); err != nil {
		return bad("sku", err)
	}
	if err = p.draft.setTitle(p.title); err != nil {
		return bad("title", err)
	}
	listed, err := price(shop, p.price)
	if err == nil {
		err = p.im.setPrice(&p.draft, listed)
	}
	if err != nil {
		return bad("price", err)
	}
	p.draft.setDescription(fromHTML(p.description))
	p.draft.setImage(p.image)
	p.draft.setOptions(options)
	return nil
}
