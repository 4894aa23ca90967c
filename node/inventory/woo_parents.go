package inventory

import (
	"context"
	"errors"
	"fmt"
	"io"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/souk-market/souk/exchange"
)

// parentsKept is how many parsed parents stay in memory: a file in the order of
// an export needs one at a time. At 20 KiB each they take at most 5 MiB.
const parentsKept = 256

// wooParent is what variations take from their variable product.
type wooParent struct {
	wooTexts
	name      string
	weight    string // as in the file, with a decimal point
	group     string
	published bool
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

// indexParents is the first pass: it notes where each variable product starts,
// under "id:N" and under its SKU. Of two with one SKU the first counts. Bad rows
// are left to the second pass to report.
func indexParents(ctx context.Context, src *source) (*wooParents, error) {
	cache, err := lru.New[int64, *wooParent](parentsKept)
	if err != nil {
		return nil, err
	}
	p := &wooParents{src: src, offsets: make(map[skuHash]int64), cache: cache}
	p.rows = newRowReader(src.section())
	h, err := p.rows.readHeader()
	if err != nil {
		return nil, err
	}
	if !isWooCommerce(h) {
		return nil, h.unknown()
	}
	p.columns = newWooColumns(h)
	for {
		row, err := p.rows.next()
		if _, bad := err.(*RowError); bad {
			continue
		}
		if err == io.EOF {
			return p, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = p.note(row)
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *wooParents) note(row *csvRow) error {
	if wooKind(row.get(p.columns.kind)) != "variable" {
		return nil
	}
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
		weight:    withPoint(row.get(c.weight)),
		published: isPublished(row.get(c.published)),
	}
	parent.name, _ = plainLine(fromHTML(row.get(c.name)), exchange.MaxTitle)
	parent.group, _ = plainLine(unescapeCell(row.get(c.sku)), exchange.MaxText)
	if parent.group == "" {
		parent.group = "id-" + row.get(c.id)
	}
	for _, s := range []*string{&parent.category, &parent.brand, &parent.image, &parent.weight} {
		*s, _ = shorten(*s, exchange.MaxURL+1) // over any limit they will meet, but bounded
	}
	p.cache.Add(offset, parent)
	return parent, nil
}
