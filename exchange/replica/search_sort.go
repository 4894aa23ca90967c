package replica

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
)

// Sort is the order of a search's hits.
type Sort string

const (
	// SortBest is by score, then shop and SKU, of a query with text or group; else by shop, then
	// title.
	SortBest Sort = ""
	// SortAvailable is SortBest, with what can be had first.
	SortAvailable Sort = "availability"
	// SortTitle is by title, whatever the shop.
	SortTitle Sort = "title"
	// SortPrice and SortPriceDown are by the price in US dollars; products without one come last,
	// by currency and price.
	SortPrice     Sort = "price"
	SortPriceDown Sort = "-price"
	// SortUpdated has first what this shop learned of last.
	SortUpdated Sort = "updated"
)

// Sorts are all orders.
var Sorts = []Sort{SortBest, SortAvailable, SortTitle, SortPrice, SortPriceDown, SortUpdated}

// spot is a product's position in a sorted search. Spots of one search compare the same whether
// they come of an index row or of the product, so that a page may be made in either way.
type spot struct {
	phase byte   // before key, and always ascending
	key   string // place in the order
	shop  exchange.ShopID
	tail  string // sets apart what has one key at one shop
}

// compare is negative where s comes before o.
func (s spot) compare(o spot, down bool) int {
	rest := cmp.Or(strings.Compare(s.key, o.key), s.shop.Compare(o.shop), strings.Compare(s.tail, o.tail))
	if down {
		rest = -rest
	}
	return cmp.Or(cmp.Compare(s.phase, o.phase), rest)
}

// Tails of SortUpdated: rows of changes come before the products that count as changed at the
// copy's base time, which are in the order of their titles.
const (
	tailChanged  = "\x00"
	tailOriginal = "\x01"
)

func timeKey(at exchange.Time) string {
	return string(binary.BigEndian.AppendUint64(nil, ^uint64(at)))
}

func (s *search) down() bool { return s.q.Sort == SortPriceDown }

func pricePhase(sort Sort, place string) byte {
	if sort == SortPriceDown && place[1] != ':' {
		return 1
	}
	return 0
}

// spotOf is where a product stands; it must be asked for what the index has, not what may have
// changed since, so for own products it is near enough.
func (s *search) spotOf(c candidate, p *exchange.Product) (spot, error) {
	at := spot{shop: c.view.shop, tail: string(c.sku)}
	switch s.q.Sort {
	case SortTitle:
		at.key = titlePlace(p)
	case SortPrice, SortPriceDown:
		at.key = pricePlace(p)
		at.phase = pricePhase(s.q.Sort, at.key)
	case SortUpdated:
		changed, original, err := s.updatedOf(c)
		if err != nil {
			return at, err
		}
		at.key, at.tail = timeKey(changed), tailChanged+string(c.sku)
		if original {
			at.tail = tailOriginal + titlePlace(p) + "\x00" + string(c.sku)
		}
	}
	return at, nil
}

// updatedOf is when this shop learned of a product as it is; original where that was with the copy.
// A late product is of this moment.
func (s *search) updatedOf(c candidate) (at exchange.Time, original bool, err error) {
	if _, late := s.lateIn(c.view)[c.sku]; late {
		return s.now, false, nil
	}
	return s.r.learned(c.view, c.sku)
}

// learned is updatedOf for a product that is not late.
func (r *Replicas) learned(v *view, sku exchange.SKU) (at exchange.Time, original bool, err error) {
	_, at, ok, err := r.changeOf(v.generation, sku)
	if err != nil || ok {
		return at, false, err
	}
	return v.log.base, true, nil
}

// Cursors of sorted searches are version (1) ‖ sort (1) ‖ phase (1) ‖ len(key) (1) ‖ key ‖ shop (32) ‖
// tail, in base64url.
const cursorSorted = 3

func (s *search) sortedCursor(at spot) string {
	b := []byte{cursorSorted, byte(slices.Index(Sorts, s.q.Sort)), at.phase, byte(len(at.key))}
	b = append(append(b, at.key...), at.shop[:]...)
	return base64.RawURLEncoding.EncodeToString(append(b, at.tail...))
}

func (s *search) parseSorted(text string) (*spot, error) {
	if text == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) < 4 || len(b) > maxCursor+catalog.MaxToken || b[0] != cursorSorted || b[1] != byte(slices.Index(Sorts, s.q.Sort)) ||
		b[2] > 1 || b[3] == 0 || len(b) <= 4+int(b[3])+len(exchange.ShopID{}) {
		return nil, errCursor
	}
	at := &spot{phase: b[2], key: string(b[4 : 4+b[3]])}
	b = b[4+b[3]:]
	copy(at.shop[:], b)
	if at.tail = string(b[len(at.shop):]); s.q.Sort == SortUpdated && (len(at.key) != 8 || at.tail[0] > tailOriginal[0]) {
		return nil, errCursor
	}
	return at, nil
}

// sorted makes a page of a query with an order that the index keeps. Where the query names few
// products, it reads and sorts them; else it walks the order.
func (s *search) sorted(views []*view, after *spot) (Page, error) {
	var wanted map[*view]map[exchange.SKU]uint32 // what the index names; nil = all products may fit
	if s.byIndex() {
		var few []candidate
		whole, n := true, 0
		wanted = make(map[*view]map[exchange.SKU]uint32)
		for _, v := range views {
			matches, complete, err := s.match(v)
			if err != nil {
				return Page{}, err
			}
			if !complete {
				whole = false
				continue // every product of the copy may fit
			}
			n += len(matches)
			wanted[v] = make(map[exchange.SKU]uint32, len(matches))
			late := s.lateIn(v)
			for _, m := range matches {
				sku := exchange.SKU(m.sku)
				wanted[v][sku] = m.score
				if _, is := late[sku]; !is && n <= s.r.sortFew {
					few = append(few, candidate{view: v, sku: sku, score: m.score})
				}
			}
		}
		s.page.Partial = false // the walk leaves nothing out
		if whole && n <= s.r.sortFew {
			return s.sortFew(views, few, after)
		}
	}
	return s.walk(views, wanted, after)
}

// sortFew reads products and sorts them.
func (s *search) sortFew(views []*view, few []candidate, after *spot) (Page, error) {
	type ranked struct {
		at  spot
		hit Hit
	}
	for _, v := range views {
		late, err := s.findLate(v, s.lateIn(v))
		if err != nil {
			return Page{}, err
		}
		few = append(few, late...)
	}
	var found []ranked
	for _, c := range few {
		c.title = ""
		h, ok, err := s.fits(c)
		if err != nil {
			return Page{}, err
		}
		if !ok {
			continue
		}
		at, err := s.spotOf(c, &h.Product)
		if err != nil {
			return Page{}, err
		}
		if after == nil || at.compare(*after, s.down()) > 0 {
			found = append(found, ranked{at, h})
		}
	}
	slices.SortFunc(found, func(a, b ranked) int { return a.at.compare(b.at, s.down()) })
	for i, f := range found {
		s.page.Hits = append(s.page.Hits, f.hit)
		if len(s.page.Hits) == s.q.Limit && i < len(found)-1 {
			s.page.Next = s.sortedCursor(f.at)
			break
		}
	}
	return s.page, nil
}

// walk takes the products of all copies in the order, until the page is full.
func (s *search) walk(views []*view, wanted map[*view]map[exchange.SKU]uint32, after *spot) (Page, error) {
	var streams []*stream
	defer func() {
		for _, st := range streams {
			st.stop()
		}
	}()
	for _, v := range views {
		of, err := s.streams(v, after)
		streams = append(streams, of...)
		if err != nil {
			return Page{}, err
		}
	}
	var last spot
	for walked := 0; ; walked++ {
		st, err := s.first(streams)
		if err != nil || st == nil {
			return s.page, err
		}
		if s.done() || walked >= maxWalked {
			s.page.Next = s.sortedCursor(last)
			return s.page, nil
		}
		last = st.at
		c := st.candidate
		if err := st.advance(); err != nil {
			return s.page, err
		}
		if st.removed {
			s.page.Removed = append(s.page.Removed, Removal{ID: exchange.ProductID{Shop: c.view.shop, SKU: c.sku}, At: keyTime(last.key)})
			continue
		}
		if named, ok := wanted[c.view]; ok {
			score, is := named[c.sku]
			_, late := s.lateIn(c.view)[c.sku]
			if !is && !late {
				continue
			}
			c.score = max(c.score, score)
		}
		if err := s.examine(c); err != nil {
			return s.page, err
		}
	}
}

// first is the stream whose product comes first; nil where all are at their end.
func (s *search) first(streams []*stream) (first *stream, err error) {
	for _, st := range streams {
		if err := st.begin(); err != nil {
			return nil, err
		}
		if !st.over && (first == nil || st.at.compare(first.at, s.down()) < 0) {
			first = st
		}
	}
	return first, nil
}

func keyTime(key string) exchange.Time { return exchange.Time(^binary.BigEndian.Uint64([]byte(key))) }
