package inventory

import (
	"cmp"
	"errors"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/souk-market/souk/exchange"
)

// parentsKept is how many parsed parents stay in memory: a file in the order of
// an export needs one at a time. At 64 KiB each they take at most 8 MiB.
const parentsKept = 128

// wooParent is what variations take from their variable product.
type wooParent struct {
	wooTexts
	name      string
	grams     int64
	badWeight error  // why the weight cannot be read
	group     string // as wooColumns.group says
	shown     string // what the group is called in the shop: the SKU or "id-N"
	pool      string // what the common count of its variations is called; "" if it has no name that can be one
	published bool
	hidden    bool // in the catalog
	stock     wooStock
	choices   map[string]string // by an attribute's name in lower case: its values
}

// wooParents finds a variation's parent: in the cache, or by reading its row
// again from where the index says it starts.
type wooParents struct {
	src     *source
	columns *wooColumns
	rows    *rowReader                    // of the first pass, then of single rows
	offsets map[skuHash]int64             // parent reference → row
	cache   *lru.Cache[int64, *wooParent] // by offset
}

func newWooParents(src *source, columns *wooColumns, rows *rowReader) (*wooParents, error) {
	cache, err := lru.New[int64, *wooParent](parentsKept)
	return &wooParents{src: src, columns: columns, rows: rows, offsets: make(map[skuHash]int64), cache: cache}, err
}

// note notes in the first pass where a variable product starts, under "id:N" and under its
// SKU. Of two with one SKU the first counts.
func (p *wooParents) note(row *csvRow) error {
	if len(p.offsets) >= MaxItems {
		return exchange.Errorf(exchange.CodeInvalid, "line %d: the file has more than %d variable products; split it", row.line, MaxItems/2)
	}
	for _, ref := range []string{idReference(row.get(p.columns.id)), unescapeCell(row.get(p.columns.sku))} {
		key := hashSKU(ref)
		if _, dup := p.offsets[key]; ref != "" && !dup {
			p.offsets[key] = row.offset
		}
	}
	return nil
}

// idReference is how a Parent column names a product by its ID.
func idReference(id string) string {
	if id == "" {
		return ""
	}
	return "id:" + id
}

// group is the name by which the variations of a row's product are grouped, whether it has any
// or is a simple product: by its ID, as its SKU may change, else by its SKU; "" if it has
// neither. However the variations refer to it, the name is the same.
func (c *wooColumns) group(row *csvRow) string {
	name := unescapeCell(row.get(c.sku))
	if id := row.get(c.id); id != "" {
		name = "id-" + id
	}
	name, _ = shorten(name, exchange.MaxURL+1) // over any limit it will meet, but bounded
	return name
}

// parentOf is the parent of a variation.
func (w *wooReader) parentOf(row *csvRow) (*wooParent, *RowError) {
	ref := unescapeCell(row.get(w.columns.parent))
	if ref == "" {
		return nil, row.bad(w.columns.parent, errors.New("the variation does not name its parent"))
	}
	offset, ok := w.parents.offsets[hashSKU(ref)]
	if !ok {
		return nil, row.bad(w.columns.parent, fmt.Errorf("the file has no variable product %.80q; export variable products together with their variations", ref))
	}
	parent, err := w.parents.read(offset)
	if err != nil {
		return nil, row.bad(w.columns.parent, fmt.Errorf("its variable product %.80q cannot be read: %w", ref, err))
	}
	return parent, nil
}

func (p *wooParents) read(offset int64) (*wooParent, error) {
	if parent, ok := p.cache.Get(offset); ok {
		return parent, nil
	}
	p.rows.restart(p.src.from(offset))
	row, err := p.rows.next()
	if err != nil {
		return nil, err
	}
	c := p.columns
	parent := &wooParent{
		wooTexts:  wooTextsOf(row, c),
		published: isPublished(row.get(c.published)),
		hidden:    c.isHidden(row),
		stock:     c.readStock(row),
		choices:   make(map[string]string),
	}
	parent.grams, parent.badWeight = row.grams(c.weight, c.gramsPerUnit)
	parent.name, _ = plainLine(fromHTML(row.get(c.name)), exchange.MaxTitle)
	parent.group = c.group(row)
	parent.shown = cmp.Or(unescapeCell(row.get(c.sku)), parent.group)
	for _, name := range []string{parent.shown, "id-" + row.get(c.id)} {
		if _, err := exchange.ParseSKU(name); err == nil && parent.pool == "" && name != "id-" {
			parent.pool = name
		}
	}
	for i, a := range c.attributes {
		if i == exchange.MaxOptions {
			break
		}
		parent.choices[attributeKey(row.get(a.name))], _ = shorten(choices(row.get(a.value)), exchange.MaxText)
	}
	for _, s := range []*string{&parent.brand, &parent.shown, &parent.stock.count} {
		*s, _ = shorten(*s, exchange.MaxURL+1) // over any limit they will meet, but bounded
	}
	p.cache.Add(offset, parent)
	return parent, nil
}

// wooTexts are what a variation may take from its parent. Each is bounded, as parents are kept.
type wooTexts struct {
	description, summary     string // plain, within their limits, as variations share them
	shortened                bool   // one of them was
	brand                    string
	categories, tags, images []string
}

// wooLists bounds the members of a list that are looked at.
const wooLists = 64

func wooTextsOf(row *csvRow, c *wooColumns) wooTexts {
	t := wooTexts{
		brand:      fromHTML(firstOf(row.get(c.brands))),
		categories: listOf(row.get(c.categories), 1+exchange.MaxMoreCategories),
		tags:       listOf(row.get(c.tags), exchange.MaxTags),
		images:     listOf(row.get(c.images), 1+exchange.MaxMoreImages),
	}
	for i := range t.categories {
		t.categories[i] = fromHTML(t.categories[i])
	}
	for i := range t.tags {
		t.tags[i] = fromHTML(t.tags[i])
	}
	var cut bool
	short := fromHTML(unescapeLines(row.get(c.shortDescription)))
	t.summary, cut = plainText(short, exchange.MaxSummary)
	t.description, t.shortened = plainText(fromHTML(unescapeLines(row.get(c.description))), exchange.MaxDescription)
	t.shortened = t.shortened || cut
	if t.description == "" { // shops of the version before show no summary
		t.description, _ = plainText(short, exchange.MaxDescription)
	}
	return t
}

func (t *wooTexts) fill(from *wooTexts) {
	if t.description == "" {
		t.description, t.shortened = from.description, t.shortened || from.shortened
	}
	t.summary = cmp.Or(t.summary, from.summary)
	t.brand = cmp.Or(t.brand, from.brand)
	for _, l := range []struct{ own, from *[]string }{{&t.categories, &from.categories}, {&t.tags, &from.tags}} {
		if len(*l.own) == 0 {
			*l.own = *l.from
		}
	}
}
