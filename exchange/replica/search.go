package replica

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
)

// Limits of one search.
const (
	DefaultHits = 50
	MaxHits     = 200
	// maxPostings is how many products the index may name for one word: some 5 ms. A word of
	// more products narrows no search; it is checked on the products that other words find.
	maxPostings = 20_000
	// maxExamined is how many products are read for one page: at 15 µs each, 25 ms. If the
	// filters leave few of these, the page is short and has a cursor.
	maxExamined = 1_700
	// maxSorted is how many products are read to sort them: some 60 ms. More are not read: the order
	// that the index keeps is walked, and the page may be short.
	maxSorted = 3_000
	// maxWalked is how many rows of an order are looked at for one page: 50 ms.
	maxWalked = 50_000
)

// Query asks for products. Every condition set must hold.
type Query struct {
	Text     string          // every word begins a word of title, SKU, barcode, vendor, option, category or group
	Shop     exchange.ShopID // zero = all
	Group    string          // exactly
	Category string          // its beginning, folded: "clothing > sh"
	MinCents int64           // US cents, ≥; 0 = any. A product without a price in US dollars is
	MaxCents int64           // US cents, ≤; 0 = any. found only where neither is set
	InStock  bool            // at least one unit, or unlimited
	// UpdatedSince asks for what this shop learned of from then on, by its own clock; 0 = all.
	// Without a Sort the order is SortUpdated, and the page tells removals, too.
	UpdatedSince exchange.Time
	Sort         Sort
	Limit        int    // hits a page; 0 = DefaultHits, at most MaxHits
	Cursor       string // Page.Next of the page before, of the same query
}

// Hit is one product found.
type Hit struct {
	ID       exchange.ProductID
	Product  exchange.Product
	Sequence uint64        // of its latest change; 0 for an own product
	Score    uint32        // 0 where the query has no text
	Updated  exchange.Time // when this shop learned of it as it is
	// Sellable is false where the supplier has been out of reach for too long to
	// promise anything: since UnreachableSince.
	Sellable         bool
	UnreachableSince exchange.Time
}

// Page is a part of what was found, in the order of [Query].Sort. A product that does not change
// while somebody pages appears exactly once. A page may be short, even empty, while Next is set.
type Page struct {
	Hits []Hit
	// Removed are products that are gone, of a query with UpdatedSince in the order SortUpdated.
	// Its other conditions but Shop do not apply to them: nobody knows their texts any more.
	Removed []Removal
	Next    string // empty = the end
	// Partial says that every word is so common that not all products with it were
	// considered. Add words.
	Partial bool
}

// Removal is a product that its supplier has removed.
type Removal struct {
	ID exchange.ProductID
	At exchange.Time // when this shop learned of it
}

// Search finds products in all live copies. It fails with CodeInvalid for a cursor that is
// not of such a query, and for a sort that there is not.
func (r *Replicas) Search(q Query) (Page, error) {
	s, views, err := r.search(q)
	if err != nil || s == nil {
		return Page{}, err
	}
	switch s.q.Sort {
	case SortBest:
		return s.best(views, q.Cursor)
	case SortAvailable:
		return s.availableFirst(views, q.Cursor)
	}
	after, err := s.parseSorted(q.Cursor)
	if err != nil {
		return Page{}, err
	}
	return s.sorted(views, after)
}

// search begins a search; nil where nothing can be found.
func (r *Replicas) search(q Query) (*search, []*view, error) {
	if !slices.Contains(Sorts, q.Sort) {
		return nil, nil, exchange.Errorf(exchange.CodeInvalid, "there is no order %.20q", string(q.Sort))
	}
	if q.UpdatedSince != 0 && q.Sort == SortBest {
		q.Sort = SortUpdated
	}
	if q.Limit <= 0 {
		q.Limit = DefaultHits
	}
	q.Limit = min(q.Limit, MaxHits)
	late := r.late.all() // before the views: a product that is not late is in their index
	views := r.views(q.Shop)
	s := &search{r: r, q: q, late: late, now: r.clock.Now(), category: catalog.Fold(q.Category), words: catalog.QueryWords(q.Text)}
	if q.Text != "" && len(s.words) == 0 {
		return nil, nil, nil // nothing but punctuation
	}
	return s, views, nil
}

// byIndex reports whether the index names candidates.
func (s *search) byIndex() bool { return len(s.words) > 0 || s.q.Group != "" }

// best makes a page in the order SortBest.
func (s *search) best(views []*view, cursor string) (Page, error) {
	cur, err := parseCursor(cursor, s.byIndex())
	if err != nil {
		return Page{}, err
	}
	if s.byIndex() {
		return s.ranked(views, cur)
	}
	return s.listed(views, cur)
}

// Cursors of SortAvailable are one of SortBest behind the pass that it belongs to.
const (
	passAvailable = "a"
	passOthers    = "o"
)

// availableFirst goes over the products twice: first for what can be had, then for the others.
func (s *search) availableFirst(views []*view, cursor string) (Page, error) {
	pass := passAvailable
	if cursor != "" {
		pass, cursor = cursor[:1], cursor[1:]
	}
	switch pass {
	case passAvailable:
		s.only = passAvailable
		page, err := s.best(views, cursor)
		if err != nil {
			return Page{}, err
		}
		if page.Next != "" {
			page.Next = passAvailable + page.Next
			return page, nil
		}
		if s.q.InStock {
			return page, nil
		}
		s.page = page
		if s.done() {
			s.page.Next = passOthers
			return s.page, nil
		}
		cursor = ""
	case passOthers:
	default:
		return Page{}, errCursor
	}
	s.only = passOthers
	page, err := s.best(views, cursor)
	if page.Next != "" {
		page.Next = passOthers + page.Next
	}
	return page, err
}

// Product is a product of a live copy, or an own product. It fails with CodeNotFound if the
// product is not there or not fit to be shown.
func (r *Replicas) Product(id exchange.ProductID) (Hit, error) {
	views := r.views(id.Shop)
	if id.Shop.IsZero() || len(views) == 0 {
		return Hit{}, notSeen(id)
	}
	p, sequence, err := r.product(views[0], id.SKU)
	if err != nil {
		return Hit{}, err
	}
	h := r.hit(candidate{view: views[0], sku: id.SKU}, p, sequence)
	h.Updated, _, err = r.learned(views[0], id.SKU)
	return h, err
}

// product is a product as it is shown: an own product as the shop offers it now, a partner's
// as the copy has it. It fails as Product does.
func (r *Replicas) product(v *view, sku exchange.SKU) (p exchange.Product, sequence uint64, err error) {
	id := exchange.ProductID{Shop: v.shop, SKU: sku}
	if r.isOwn(v.shop) {
		p, ok, err := r.cfg.Own.Product(sku)
		if err == nil && !ok {
			err = notSeen(id)
		}
		return p, 0, err
	}
	row, ok, err := r.store.Get(itemKey(v.generation, sku))
	if err != nil {
		return p, 0, err
	}
	if !ok || len(row) < 8 {
		return p, 0, notSeen(id)
	}
	if p, err = r.showable(sku, row[8:]); err != nil {
		return p, 0, exchange.Errorf(exchange.CodeNotFound, "%v is not fit to be shown: %w", id, err)
	}
	return p, binary.BigEndian.Uint64(row), nil
}

func notSeen(id exchange.ProductID) error {
	return exchange.Errorf(exchange.CodeNotFound, "%v is in no catalog that this shop sees", id)
}

// views are the live copies of one shop, or of all shops in the order of their ShopIDs. They
// include the own catalog even before its first copy, as generation 0, which has no rows.
func (r *Replicas) views(shop exchange.ShopID) []*view {
	r.mu.Lock()
	defer r.mu.Unlock()
	var views []*view
	own := r.cfg.Own != nil && (shop.IsZero() || shop == r.cfg.Own.Shop) // wanted and not in views yet
	for id, p := range r.shops {
		if v := p.view.Load(); v != nil && (shop.IsZero() || shop == id) {
			views = append(views, v)
			own = own && id != r.cfg.Own.Shop
		}
	}
	if own {
		views = append(views, &view{shop: r.cfg.Own.Shop})
	}
	slices.SortFunc(views, func(a, b *view) int { return a.shop.Compare(b.shop) })
	return views
}

// search is one call of Search.
type search struct {
	r        *Replicas
	q        Query
	words    []string
	category string
	examined int
	page     Page
	late     map[exchange.SKU]uint64 // own products to read whatever the index says
	now      exchange.Time
	only     string // the pass of availableFirst; "" = all

	// shop and key are of the last row that list took: Page.Next is made of them.
	shop exchange.ShopID
	key  []byte
}

// candidate is a product that the index names.
type candidate struct {
	view  *view
	sku   exchange.SKU
	score uint32
	title string // of a list: what the index listed the product by; a product with another title is not shown
}

func (c candidate) place() place { return place{c.score, c.view.shop, string(c.sku)} }

func (s *search) done() bool {
	return len(s.page.Hits)+len(s.page.Removed) >= s.q.Limit || s.examined >= maxExamined
}

// examine reads a product and adds it to the page where every condition holds.
func (s *search) examine(c candidate) error {
	h, ok, err := s.fits(c)
	if ok {
		s.page.Hits = append(s.page.Hits, h)
	}
	return err
}

// fits reads a product; ok is false where a condition does not hold.
func (s *search) fits(c candidate) (h Hit, ok bool, err error) {
	s.examined++
	p, sequence, err := s.r.product(c.view, c.sku)
	switch {
	case exchange.CodeOf(err) == exchange.CodeNotFound:
		return h, false, nil // removed meanwhile, or unfit to be shown
	case err != nil:
		return h, false, err
	case !s.accepts(p):
		return h, false, nil
	}
	if c.title != "" && c.title != titlePlace(&p) {
		return h, false, nil
	}
	if len(s.words) > 0 {
		score, ok := catalog.Score(s.words, catalog.Tokens(p))
		if !ok {
			return h, false, nil
		}
		if c.score == 0 {
			c.score = score
		}
	}
	at, _, err := s.updatedOf(c)
	if err != nil || at < s.q.UpdatedSince {
		return h, false, err
	}
	h = s.r.hit(c, p, sequence)
	h.Updated = at
	return h, true, nil
}

func (r *Replicas) hit(c candidate, p exchange.Product, sequence uint64) Hit {
	h := Hit{
		ID: exchange.ProductID{Shop: c.view.shop, SKU: c.sku}, Product: p,
		Sequence: sequence, Score: c.score, Sellable: true,
	}
	if r.cfg.Reachable == nil {
		return h
	}
	if now, since := r.cfg.Reachable(c.view.shop); !now {
		h.UnreachableSince = since
		h.Sellable = r.clock.Now().Sub(since) <= r.cfg.UnreachableAfter
	}
	return h
}

func (s *search) accepts(p exchange.Product) bool {
	q := s.q
	if s.only != "" && (s.only == passAvailable) != p.Available.Any() {
		return false
	}
	if (q.MinCents != 0 || q.MaxCents != 0) && p.USD.Rate == "" {
		return false
	}
	return (q.Group == "" || p.Group == q.Group) &&
		(s.category == "" || strings.HasPrefix(catalog.Fold(p.Category), s.category)) &&
		(q.MinCents == 0 || p.USD.Known() && p.USD.Cents >= q.MinCents) &&
		(q.MaxCents == 0 || p.USD.Known() && p.USD.Cents <= q.MaxCents) &&
		(!q.InStock || p.Available.Any())
}
