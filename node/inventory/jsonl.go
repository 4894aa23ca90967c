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
}

type jsonOption struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// read takes the object apart token by token: encoding/json would let a field
// that stands twice, or in another case, change the first silently.
func (p *jsonProduct) read(text []byte) *RowError {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields() // in options
	at := func() int { return int(dec.InputOffset()) + 1 }
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return &RowError{Column: 1, Message: "the line is not a JSON object"}
	}
	var have []string
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return badJSON(at(), "", err)
		}
		name := t.(string) // a key: the decoder takes nothing else here
		for _, other := range have {
			if other == name {
				return &RowError{Column: at(), ColumnName: name, Message: "the field stands twice"}
			}
		}
		have = append(have, name)
		column := at()
		if err := p.field(dec, name); err != nil {
			return badJSON(column, name, err)
		}
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return badJSON(at(), "", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return &RowError{Column: at(), Message: "something follows the product; write one object per line"}
	}
	return nil
}

func badJSON(column int, name string, err error) *RowError {
	name, _ = plainLine(name, maxNameShown)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = errors.New("the line ends within the object; it is cut off, or the object is spread over several lines")
	}
	return &RowError{Column: column, ColumnName: name, Message: err.Error()}
}

// field reads the value of one field.
func (p *jsonProduct) field(dec *json.Decoder, name string) error {
	product := &p.draft.item.Product
	switch name {
	case "sku":
		return dec.Decode(&p.sku)
	case "title":
		return dec.Decode(&p.title)
	case "price":
		return decodeNumber(dec, &p.price)
	case "currency":
		return dec.Decode(&p.currency)
	case "description":
		return dec.Decode(&p.description)
	case "image":
		return dec.Decode(&p.image)
	case "options":
		return dec.Decode(&p.options)
	case "published":
		return dec.Decode(&p.published)
	case "group":
		return p.decodeText(dec, &product.Group)
	case "vendor":
		return p.decodeText(dec, &product.Vendor)
	case "category":
		return p.decodeText(dec, &product.Category)
	case "barcode":
		return p.decodeText(dec, &product.Barcode)
	case "stock":
		return p.decodeStock(dec)
	case "grams":
		var s string
		err := decodeNumber(dec, &s)
		if err == nil {
			product.Grams, err = grams(s, gramsPerGram)
		}
		return err
	}
	return p.unknown(dec, name)
}

func (p *jsonProduct) unknown(dec *json.Decoder, name string) error {
	if p.im.options.Strict {
		return errors.New("no such field is known; its name may be misspelt")
	}
	shown, _ := plainLine(name, maxNameShown)
	p.im.report.unknownField(shown)
	var ignored json.RawMessage
	return dec.Decode(&ignored)
}

func (p *jsonProduct) decodeText(dec *json.Decoder, into *string) error {
	var s string
	err := dec.Decode(&s)
	*into = p.draft.text(s)
	return err
}

// decodeNumber keeps a number, or a string that holds one, as it is written; null is "".
func decodeNumber(dec *json.Decoder, into *string) error {
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	switch raw[0] {
	case '"':
		return json.Unmarshal(raw, into)
	case 'n':
		return nil
	case '{', '[', 't', 'f':
		return fmt.Errorf("%s is not a number", shown(raw))
	}
	*into = string(raw)
	return nil
}

func (p *jsonProduct) decodeStock(dec *json.Decoder) error {
	var s string
	if err := decodeNumber(dec, &s); err != nil || s == "" {
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
	bad := func(name string, err error) *RowError { return &RowError{ColumnName: name, Message: err.Error()} }
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
	if err = p.draft.setSKU(p.sku); err != nil {
		return bad("sku", err)
	}
	if err = p.draft.setTitle(p.title); err != nil {
		return bad("title", err)
	}
	if p.draft.item.Product.Price, err = price(shop, p.price); err != nil {
		return bad("price", err)
	}
	p.draft.setDescription(fromHTML(p.description))
	p.draft.setImage(p.image)
	p.draft.setOptions(options)
	return nil
}
