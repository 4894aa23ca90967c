package inventory

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
)

// What the formats make of a product in the same way: its price, pictures, lists, SKU.

var errFreePrice = errors.New("the price is 0, so the product is not offered; give it a price, or import with --free to give it away")

// offer sets the price at which the product is offered. It is errFreePrice at 0, unless the
// owner said otherwise.
func (im *importer) offer(d *draft, m exchange.Money) error {
	d.item.Product.Price = m
	if m.Minor == 0 && !im.options.Free {
		return errFreePrice
	}
	return nil
}

// reduce takes a lower price, for a time where it has a date and from now on where it has
// none. One that is no lower, or over before it starts, changes nothing.
func (im *importer) reduce(d *draft, sale Sale) error {
	p := &d.item.Product
	switch dated := !sale.From.IsZero() || !sale.To.IsZero(); {
	case sale.Price.Minor >= p.Price.Minor, !sale.From.IsZero() && !sale.To.IsZero() && !sale.From.Before(sale.To):
		return nil
	case !dated:
		p.CompareAt = p.Price.Minor
		return im.offer(d, sale.Price)
	case sale.Price.Minor == 0 && !im.options.Free:
		return errFreePrice
	}
	d.item.Sale = &sale
	return nil
}

// setCompareAt takes the price before a reduction, which says something only above the price.
func (d *draft) setCompareAt(before exchange.Money) {
	if p := &d.item.Product; before.Minor > p.Price.Minor {
		p.CompareAt = before.Minor
	}
}

// gallery are the usable pictures of a list, each once.
type gallery struct {
	urls    []string
	dropped bool // one of the list is no web address
}

func galleryOf(list []string) gallery {
	var g gallery
	for _, s := range list {
		url := image(s)
		switch {
		case url == "":
			g.dropped = g.dropped || s != ""
		case !slices.Contains(g.urls, url):
			g.urls = append(g.urls, url)
		}
	}
	return g
}

// setImages takes the picture of the product itself, "" where it has none, and those that it
// shares with its siblings. The first becomes its image.
func (d *draft) setImages(own string, shared gallery) {
	p := &d.item.Product
	if p.Image = image(own); p.Image == "" {
		d.droppedImage = own != ""
	}
	d.droppedImage = d.droppedImage || shared.dropped
	for _, url := range shared.urls {
		switch {
		case p.Image == "":
			p.Image = url
		case url == p.Image:
		case len(p.MoreImages) == exchange.MaxMoreImages:
			d.shortened = true
		default:
			p.MoreImages = append(p.MoreImages, url)
		}
	}
}

// setCategories takes the categories of a product, the first as the one.
func (d *draft) setCategories(list []string) {
	list = d.texts(list, 1+exchange.MaxMoreCategories)
	if len(list) > 0 {
		d.item.Product.Category, d.item.Product.MoreCategories = list[0], append([]string(nil), list[1:]...)
	}
}

func (d *draft) setTags(list []string) { d.item.Product.Tags = d.texts(list, exchange.MaxTags) }

// texts are the different texts of a list, at most so many.
func (d *draft) texts(list []string, most int) []string {
	var out []string
	for _, s := range list {
		s = d.text(s)
		if s == "" || slices.Contains(out, s) {
			continue
		}
		if len(out) == most {
			d.shortened = true
			break
		}
		out = append(out, s)
	}
	return out
}

func (d *draft) setSummary(s string) {
	text, cut := plainText(s, exchange.MaxSummary)
	d.item.Product.Summary = text
	d.shortened = d.shortened || cut
}

// roomForRate is what the texts of the dollar price take, which the shelf adds.
const roomForRate = 128

// fit drops what a record has no room for, the least important first: further images, tags,
// further categories, the summary, the end of the description.
func (d *draft) fit() {
	p := &d.item.Product
	over := func() int { return p.Texts() + roomForRate - exchange.MaxTexts }
	if over() <= 0 {
		return
	}
	d.shortened = true
	for _, list := range []*[]string{&p.MoreImages, &p.Tags, &p.MoreCategories} {
		for len(*list) > 0 && over() > 0 {
			*list = (*list)[:len(*list)-1]
		}
	}
	for _, text := range []*string{&p.Summary, &p.Description} {
		if n := over(); n > 0 {
			*text, _ = shorten(*text, max(0, len(*text)-n))
		}
	}
}

// parts are the members of a list in one cell.
func parts(cell string) []string {
	if cell == "" {
		return nil
	}
	return strings.Split(cell, ",")
}

// qualify puts a product's ID before its SKU where the owner asked for it.
func (im *importer) qualify(id, sku string) string {
	if !im.options.QualifySKU || sku == "" || id == "" {
		return sku
	}
	whole := id + "/" + sku
	if len(whole) > exchange.MaxSKU {
		return withHash(whole, id, []string{sku})
	}
	return whole
}

// no reads a truth value of an export: false where it says so, unlike where it says nothing.
func no(s string) bool { return slices.Contains(noWords, strings.ToLower(s)) }

// barcode reads a barcode. One that a spreadsheet took for a number has lost its last
// digits, and is dropped.
func (im *importer) barcode(row *csvRow, c column) string {
	code := withoutApostrophe(unescapeCell(row.get(c)))
	if digits, had := strings.CutSuffix(code, ".0"); had && allDigits(digits) {
		code = digits // a code that some program took for a number; nothing is lost
	}
	what := damaged(code)
	if what == "" && dated(code) {
		what = "a date that a spreadsheet has made of it"
	}
	if what != "" {
		im.warn(row.bad(c, fmt.Errorf("the barcode %s is dropped: it is %s", shown([]byte(code)), what)))
		if !im.resolving {
			im.report.DamagedBarcodes++
		}
		return ""
	}
	code, _ = plainLine(code, exchange.MaxText)
	return code
}
