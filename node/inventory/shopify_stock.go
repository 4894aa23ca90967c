package inventory

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
)

// maxPlaces bounds the places of one file; Shopify allows 1,000.
const maxPlaces = 4096

// stockColumns are where a file of Shopify's that tells stock alone has what we read: its
// inventory export, which has a row for each place or, as it was written until 2022, a column;
// or a product file that has counts and no prices.
type stockColumns struct {
	shopifyColumns // handle, title, options, SKU; of a product file tracker, quantity and policy

	place                                     column
	available, onHand, committed, unavailable column
	wide                                      []column // one for each place; nil if places have rows
}

func newStockColumns(h *header) *stockColumns {
	c := &stockColumns{
		shopifyColumns: *newShopifyColumns(h),
		place:          h.col("Location"),
		available:      h.col("Available (not editable)", "Available (current)", "Available"),
		onHand:         h.col("On hand (current)", "On hand (not editable)", "On hand"),
		committed:      h.col("Committed (not editable)", "Committed (current)", "Committed"),
		unavailable:    h.col("Unavailable (not editable)", "Unavailable (current)", "Unavailable"),
	}
	origin := h.col("COO", "Country of Origin")
	if c.place == noColumn && c.quantity == noColumn && origin != noColumn && h.has("SKU") {
		for i := int(origin) + 1; i < len(h.names); i++ {
			if h.names[i] != "" {
				c.wide = append(c.wide, column(i))
			}
		}
	}
	return c
}

// stockReader adds up what the rows of each product count.
type stockReader struct {
	im      *importer
	names   []string // of the columns
	columns *stockColumns
	onHand  bool // the count is what is on hand

	places  []string       // in the order of the file
	placeOf map[string]int // their number, by name in lower case
	counted map[skuHash]*placeCounts
	made    map[skuHash]skuHash // SKUs that are slugs, or qualified → product; the zero hash if several share it
}

// placeCounts are what the file counts of one product.
type placeCounts struct {
	line           int // of the first row that is added up
	counts         []placeCount
	bad            *RowError // the first count that cannot be read
	counted, taken bool
}

type placeCount struct {
	place            int
	units, committed int64
}

func (s *stockReader) index(from io.Reader) error {
	rows := newRowReader(from)
	h, err := rows.readHeader()
	if err != nil {
		return err
	}
	if err := h.check(FormatShopifyInventory); err != nil {
		return err
	}
	s.names, s.columns = h.names, newStockColumns(h)
	s.placeOf, s.counted, s.made = make(map[string]int), make(map[skuHash]*placeCounts), make(map[skuHash]skuHash)
	if err := s.chooseFigure(); err != nil {
		return err
	}
	for _, c := range s.columns.wide {
		if _, err := s.placeNumber(h.names[c]); err != nil {
			return err
		}
	}
	if err := s.count(rows); err != nil {
		return err
	}
	return s.claim()
}

// chooseFigure decides which column is the count, and refuses a figure that the file does not tell.
func (s *stockReader) chooseFigure() error {
	c, figure := s.columns, s.im.options.Figure
	free := c.available != noColumn || c.quantity != noColumn || len(c.wide) > 0
	switch {
	case figure == FigureOnHand && c.onHand == noColumn:
		return exchange.Errorf(exchange.CodeInvalid, "the file tells what is available, not what is on hand: export with the column \"On hand (current)\", or say that its figure is %s or %s", FigureFree, FigureFreeUnaware)
	case figure != "" && figure != FigureOnHand && !free:
		return exchange.Errorf(exchange.CodeInvalid, "the file tells what is on hand, not what is available: export with the column \"Available\", or say that its figure is %s", FigureOnHand)
	}
	s.onHand = figure == FigureOnHand || !free
	return nil
}

// placeNumber is the number of a place.
func (s *stockReader) placeNumber(name string) (int, error) {
	key := strings.ToLower(name)
	n, known := s.placeOf[key]
	if !known {
		if n = len(s.places); n == maxPlaces {
			return 0, exchange.Errorf(exchange.CodeInvalid, "the file has more than %d locations", maxPlaces)
		}
		shown, _ := plainLine(name, maxNameShown)
		s.placeOf[key], s.places = n, append(s.places, shown)
	}
	return n, nil
}

// count is the first pass: it adds up and notes who claims which SKU.
func (s *stockReader) count(rows *rowReader) error {
	chosen := make(map[string]bool)
	for _, name := range s.im.options.Locations {
		chosen[strings.ToLower(strings.TrimSpace(name))] = true
	}
	return s.im.scan(rows, func(row *csvRow) error {
		if row.get(s.columns.handle) == "" {
			return nil
		}
		return s.countRow(row, chosen)
	})
}

func (s *stockReader) countRow(row *csvRow, chosen map[string]bool) error {
	if len(s.columns.wide) == 0 {
		name := row.get(s.columns.place)
		place, err := s.placeNumber(name)
		if err != nil || len(chosen) > 0 && s.columns.place != noColumn && !chosen[strings.ToLower(name)] {
			return err
		}
		n, is, bad := s.readCount(row, place)
		if !is && bad == nil && !s.columns.isVariant(row) { // a further image
			return nil
		}
		p, err := s.product(row)
		if err == nil {
			p.add(n, is, bad)
		}
		return err
	}
	p, err := s.product(row)
	for i, c := range s.columns.wide {
		if err == nil && (len(chosen) == 0 || chosen[strings.ToLower(s.places[i])]) {
			units, is, bad := cellCount(row, c)
			p.add(placeCount{place: i, units: units}, is, bad)
		}
	}
	return err
}

// key is the product of a row: its SKU or, without one, its handle and options.
func (s *stockReader) key(row *csvRow) skuHash {
	c := s.columns
	var b strings.Builder
	for _, text := range append([]string{row.get(c.handle), row.get(c.sku)}, optionValues(c.values(row))...) {
		fmt.Fprintf(&b, "%d:%s", len(text), text)
	}
	return hashSKU(b.String())
}

// product is that of a row, which is new if the row is the first of it.
func (s *stockReader) product(row *csvRow) (*placeCounts, error) {
	key := s.key(row)
	if p := s.counted[key]; p != nil {
		return p, nil
	}
	p := &placeCounts{line: row.line}
	s.counted[key] = p
	sku, filled := s.columns.skuOf(s.im, row)
	if filled || s.im.options.QualifySKU {
		made := hashSKU(sku)
		if _, shared := s.made[made]; shared {
			s.made[made] = skuHash{}
			return p, nil
		}
		s.made[made] = key
	}
	return p, s.im.claims.note(sku, row.line)
}

// claim checks once all places are known that those asked for are among them.
func (s *stockReader) claim() error {
	s.im.report.Places = slices.DeleteFunc(slices.Clone(s.places), func(name string) bool { return name == "" })
	for _, name := range s.im.options.Locations {
		if s.columns.place == noColumn && len(s.columns.wide) == 0 {
			return exchange.Errorf(exchange.CodeInvalid, "the file does not count by location, so %.80q cannot be chosen", name)
		}
		if _, known := s.placeOf[strings.ToLower(strings.TrimSpace(name))]; !known {
			return exchange.Errorf(exchange.CodeInvalid, "the file has no location %.80q; it has %s", name, enumeration(s.im.report.Places))
		}
	}
	return nil
}

// enumeration is names for a message.
func enumeration(names []string) string {
	const most = 20
	text := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return text
}

// add takes the count of one place. The same one twice is one.
func (p *placeCounts) add(n placeCount, is bool, bad *RowError) {
	if bad != nil {
		if p.bad == nil {
			p.bad = bad
		}
		return
	}
	if !is {
		return
	}
	p.counted = true
	for _, had := range p.counts {
		if had == n {
			return
		}
		if had.place == n.place {
			p.bad = &RowError{Message: "the location stands twice for this product, with different counts"}
			return
		}
	}
	p.counts = append(p.counts, n)
}

// readCount is what a row counts; it reports false if it counts nothing.
func (s *stockReader) readCount(row *csvRow, place int) (n placeCount, is bool, bad *RowError) {
	c := s.columns
	n.place = place
	switch {
	case s.onHand:
		var unavailable int64
		if n.units, is, bad = cellCount(row, c.onHand); bad == nil {
			if n.committed, _, bad = cellCount(row, c.committed); bad == nil {
				unavailable, _, bad = cellCount(row, c.unavailable)
			}
		}
		n.units -= unavailable // damaged, or set aside: for nobody
	case c.available != noColumn:
		n.units, is, bad = cellCount(row, c.available)
	case c.tracker == noColumn || row.get(c.tracker) != "":
		n.units, is, bad = cellCount(row, c.quantity)
	}
	return n, is, bad
}

// notStocked is what Shopify writes for a place that does not have a product.
const notStocked = "not stocked"

// cellCount is the count in a cell; it reports false where there is none.
func cellCount(row *csvRow, c column) (int64, bool, *RowError) {
	text := row.get(c)
	if text == "" || strings.EqualFold(text, notStocked) {
		return 0, text != "", nil
	}
	var n int64
	text, err := row.units(c)
	if err == nil {
		n, err = count(text)
	}
	if err != nil {
		return 0, false, row.bad(c, err)
	}
	return n, true, nil
}

func (s *stockReader) products(from io.Reader) error {
	for _, p := range s.counted {
		p.taken = false
	}
	return s.im.rows(from, s.row)
}

// row emits a product at the first row that counts it.
func (s *stockReader) row(row *csvRow) error {
	c := s.columns
	handle := row.get(c.handle)
	if handle == "" {
		return s.im.lost(row.bad(c.handle, errors.New("the row has no handle, so it belongs to no product")))
	}
	p := s.counted[s.key(row)]
	if p == nil || p.taken || p.line != row.line {
		s.im.skip(row.line, "", SkipPlace)
		return nil
	}
	p.taken = true
	d := &draft{item: Item{Line: row.line, ID: handle, StockOnly: true}}
	sku, filled := c.skuOf(s.im, row)
	at := c.sku
	if d.filledSKU = filled; filled {
		at = c.handle
	}
	if product, made := s.made[hashSKU(sku)]; made && product == (skuHash{}) {
		sku = withHash(sku, handle, optionValues(c.values(row)))
	}
	d.skuAt(row, at)
	if err := d.setSKU(sku); err != nil {
		d.leave(row.bad(at, err))
	}
	d.item.Product.Title, _ = plainLine(row.get(c.title), exchange.MaxTitle)
	policy := strings.ToLower(row.get(c.policy))
	d.oversellable = policy == "continue" || yes(policy)
	s.setStock(row, p, d)
	return s.im.emit(d)
}

func (s *stockReader) setStock(row *csvRow, p *placeCounts, d *draft) {
	st := &d.item.Stock
	switch {
	case p.bad != nil:
		*st = countNotTold
		bad := *p.bad
		if bad.Line == 0 {
			bad.Line = row.line
		}
		d.leave(&bad)
		return
	case !p.counted:
		return
	}
	*st = Stock{Tracked: true, Known: true}
	for _, n := range p.counts {
		st.Units += n.units
		st.Committed += n.committed
	}
	d.negativeStock = st.Units < 0
	for _, n := range []int64{st.Units, -st.Units, st.Committed, -st.Committed} {
		if n > MaxStock {
			d.leave(row.bad(noColumn, fmt.Errorf("its locations count %d units, more than %d", n, MaxStock)))
			*st = countNotTold
			return
		}
	}
}
