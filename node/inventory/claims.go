package inventory

import (
	"crypto/sha256"
	"encoding/json"
	"math"

	"github.com/souk-market/souk/exchange"
)

// This file finds whose a SKU is that several rows of one file have. Never is it the first
// row's: exports change their order, and the stock of one product would become another's.
//   - Rows that say the same are one product, and a further one is left out; each that cannot
//     be read is told.
//   - Of different ones, that which is the catalogued product of the SKU has it.
//   - Where none is, that which alone is for sale has it.
//   - Else none has it, and each is an error.
//
// The file is read once to find the SKUs that repeat and, if any do, once more to learn of
// each row that has one what decides between them.

// skuHash stands for a SKU in the set of those seen: 16 bytes whatever its
// length, and nobody can make two SKUs that share one.
type skuHash [16]byte

func hashSKU(s string) (h skuHash) {
	sum := sha256.Sum256([]byte(s))
	copy(h[:], sum[:])
	return h
}

// claims are the SKUs of a file and the rows that claim them.
type claims struct {
	first    map[skuHash]int32 // line of the first row with the SKU
	repeated map[skuHash]*rivals
	named    int // rivals whose titles are kept
}

func newClaims() *claims {
	return &claims{first: make(map[skuHash]int32), repeated: make(map[skuHash]*rivals)}
}

// note takes a row's claim in the first pass.
func (c *claims) note(sku string, line int) error {
	if len(sku) == 0 || len(sku) > exchange.MaxSKU {
		return nil // it cannot be a product's
	}
	key := hashSKU(sku)
	if _, again := c.first[key]; again {
		if c.repeated[key] == nil {
			c.repeated[key] = &rivals{claims: c}
		}
		return nil
	}
	if len(c.first) >= MaxItems {
		return exchange.Errorf(exchange.CodeInvalid, "line %d: the file has more than %d products; split it", line, MaxItems)
	}
	c.first[key] = line32(line)
	return nil
}

// line32 is a line's number in 4 bytes; a file of MaxFileBytes rarely has more.
func line32(line int) int32 { return int32(min(line, math.MaxInt32)) }

func (c *claims) repeats() bool { return len(c.repeated) > 0 }

func (c *claims) known(sku exchange.SKU) bool {
	_, ok := c.first[hashSKU(string(sku))]
	return ok
}

// rivals are those of a SKU that repeats; nil = it does not.
func (c *claims) rivals(sku exchange.SKU) *rivals { return c.repeated[hashSKU(string(sku))] }

// claim takes a SKU that does not repeat for the row on a line. It reports false and the
// line of the other if that was made, as for a product without one, of what another has.
func (c *claims) claim(sku exchange.SKU, line int) (first int, ok bool) {
	key := hashSKU(string(sku))
	had, known := c.first[key]
	if !known {
		c.first[key] = line32(line)
	}
	return int(had), !known || had == line32(line)
}

// rivals are the rows of one SKU.
type rivals struct {
	claims *claims
	rows   []rival // different ones; beyond maxRivals only owners
	others int     // that are for sale and not in rows
}

// maxRivals bounds what is kept of one SKU; two of each kind decide.
const maxRivals = 16

// rival is what decides whether a row has its SKU.
type rival struct {
	print [16]byte // of all that it says
	line  int32
	title string // empty beyond the errors that are kept
	owner bool   // it is the catalogued product
	offer bool   // it is for sale, or would be if it could be read
}

// fingerprint is the same of two items that say the same.
func fingerprint(it *Item) (print [16]byte) {
	said := *it
	said.Line = 0
	if said.Bad != nil {
		said.Bad = &RowError{Message: said.Bad.Message}
	}
	text, err := json.Marshal(said)
	if err != nil { // it has no value that JSON lacks
		panic(err)
	}
	sum := sha256.Sum256(text)
	copy(print[:], sum[:])
	return print
}

// add learns of a row in the pass that resolves.
func (r *rivals) add(d *draft, owner func(Item) bool) {
	it := &d.item
	v := rival{print: fingerprint(it), line: line32(it.Line), owner: owner != nil && owner(*it), offer: it.Left == "" || it.Left == SkipBadRow}
	for _, had := range r.rows {
		if had.print == v.print {
			return
		}
	}
	if len(r.rows) >= maxRivals && !v.owner {
		if v.offer {
			r.others++
		}
		return
	}
	if len(r.rows) >= 2*maxRivals { // two owners decide as well as more
		return
	}
	if r.claims.named < MaxErrorsKept {
		r.claims.named++
		v.title, _ = plainLine(it.Product.Title, maxNameShown)
	}
	r.rows = append(r.rows, v)
}

// holder is the row that has the SKU; nil if none has. torn reports that several are the
// catalogued product, so that the file contradicts itself on what it says of it.
func (r *rivals) holder() (holder *rival, torn bool) {
	if len(r.rows) == 1 && r.others == 0 {
		return &r.rows[0], false
	}
	owners, offers := 0, r.others
	for i := range r.rows {
		v := &r.rows[i]
		if v.owner {
			if owners++; owners == 1 {
				holder = v
			}
		}
		if v.offer {
			offers++
		}
	}
	switch {
	case owners > 1:
		return nil, true
	case owners == 1:
		return holder, false
	case offers == 1:
		for i := range r.rows {
			if r.rows[i].offer {
				return &r.rows[i], false
			}
		}
	}
	return nil, false
}

// decide hands on an item whose SKU repeats if it has the SKU, and says why else.
func (im *importer) decide(d *draft, r *rivals) error {
	it := &d.item
	holder, torn := r.holder()
	print := fingerprint(it)
	switch {
	case holder != nil && holder.line == line32(it.Line):
		return im.hand(d)
	case holder != nil && holder.print == print && it.Bad == nil:
		im.skip(it.Line, it.Product.Title, SkipRepeated)
		return nil
	case it.Left != "" && it.Bad == nil:
		if torn && r.owns(print, it.Line) {
			return im.hand(d)
		}
		im.skip(it.Line, it.Product.Title, it.Left)
		return nil
	}
	bad := it.Bad
	if bad == nil {
		bad = r.conflict(d, holder, torn)
	}
	if torn && r.owns(print, it.Line) {
		it.Bad, it.Left = bad, SkipBadRow
		return im.hand(d)
	}
	return im.fail(bad)
}

// owns reports whether the row on line is the first of those that are the catalogued product.
func (r *rivals) owns(print [16]byte, line int) bool {
	for _, v := range r.rows {
		if v.owner {
			return v.print == print && v.line == line32(line)
		}
	}
	return false
}

// conflict says that the item's SKU is not its, naming the other.
func (r *rivals) conflict(d *draft, holder *rival, torn bool) *RowError {
	const advice = "give each product its own, or import with --qualify-sku"
	it := &d.item
	title, _ := plainLine(it.Product.Title, maxNameShown)
	if holder != nil {
		return d.at("SKU %q of %q is that of %s on line %d, which the shop sells under it; %s", it.Product.SKU, title, quoted(holder.title), holder.line, advice)
	}
	other := &r.rows[0]
	for i := range r.rows {
		if v := &r.rows[i]; v.line != line32(it.Line) && v.offer {
			other = v
			break
		}
	}
	if torn {
		return d.at("SKU %q stands on line %d (%s) and on line %d (%q) with different contents, so that neither can be sold; %s",
			it.Product.SKU, other.line, quoted(other.title), it.Line, title, advice)
	}
	return d.at("SKU %q is on two products, %s on line %d and %q on line %d; none of them was taken: %s",
		it.Product.SKU, quoted(other.title), other.line, title, it.Line, advice)
}

// quoted is a title for a message, where it is known.
func quoted(title string) string {
	if title == "" {
		return "a product"
	}
	return `"` + title + `"`
}
