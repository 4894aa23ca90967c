package replica

import (
	"iter"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

// stream is the products of one copy in the order of a search, one after the other.
type stream struct {
	next func() (streamed, error, bool)
	stop func()
	streamed
	removed bool // they are removals
	begun   bool
	over    bool
}

// streamed is a product and where it stands.
type streamed struct {
	candidate candidate
	at        spot
}

func newStream(rows iter.Seq2[streamed, error]) *stream {
	next, stop := iter.Pull2(rows)
	return &stream{next: next, stop: stop}
}

// begin reads the first product, once.
func (st *stream) begin() error {
	if st.begun {
		return nil
	}
	st.begun = true
	return st.advance()
}

// advance reads the next product.
func (st *stream) advance() (err error) {
	var ok bool
	if st.streamed, err, ok = st.next(); !ok {
		st.over = true
	}
	return err
}

// streams are those of one copy, of what stands after a spot. Late products make a stream of
// their own, and are left out of the others.
func (s *search) streams(v *view, after *spot) ([]*stream, error) {
	var list []*stream
	late, err := s.lateStream(v, after)
	if err != nil {
		return nil, err
	}
	if late != nil {
		list = append(list, late)
	}
	if v.generation == 0 {
		return list, nil
	}
	switch s.q.Sort {
	case SortTitle:
		list = append(list, s.placeStream(v, kv.Prefix(tokenPrefix(v.generation, tokenTitle)), 0, after))
	case SortPrice:
		list = append(list, s.placeStream(v, kv.Prefix(tokenPrefix(v.generation, tokenPrice)), 0, after))
	case SortPriceDown:
		dollars := kv.Prefix(tokenPrefix(v.generation, tokenPrice+":"))
		others := kv.Range{From: dollars.To, To: kv.Prefix(tokenPrefix(v.generation, tokenPrice)).To}
		list = append(list, s.placeStream(v, dollars, 0, after), s.placeStream(v, others, 1, after))
	case SortUpdated:
		list = append(list, s.changeStream(v, changePut, after))
		if v.log.base >= s.q.UpdatedSince {
			list = append(list, s.originalStream(v, after))
		}
		if s.q.UpdatedSince != 0 {
			removed := s.changeStream(v, changeRemoved, after)
			removed.removed = true
			list = append(list, removed)
		}
	}
	return list, nil
}

// placeStream reads the rows of an order by title or price in r, which are all of one phase.
func (s *search) placeStream(v *view, r kv.Range, phase byte, after *spot) *stream {
	down := s.down()
	skip := len(generationKey(prefixToken, v.generation))
	r.Reverse = down
	if after != nil && after.phase >= phase {
		if after.phase > phase {
			return newStream(nothing)
		}
		from := tokenPrefix(v.generation, after.key)
		ahead := v.shop.Compare(after.shop) // of this shop's rows with that key
		if down {
			ahead = -ahead
		}
		switch {
		case ahead == 0 && down:
			from = append(append(from, 0), after.tail...)
		case ahead == 0:
			from = append(append(append(from, 0), after.tail...), 0)
		case (ahead < 0) != down: // they came before, or the range is read from its end
			from = append(from, 1)
		}
		if down {
			r.To = least(r.To, from)
		} else {
			r.From = greatest(r.From, from)
		}
	}
	late := s.lateIn(v)
	return newStream(func(yield func(streamed, error) bool) {
		for row, err := range kv.Rows(s.r.store, r) {
			if err != nil {
				yield(streamed{}, err)
				return
			}
			place, sku, ok := splitToken(row.Key[skip:])
			if _, is := late[exchange.SKU(sku)]; is || !ok {
				continue
			}
			c := candidate{view: v, sku: exchange.SKU(sku)}
			if s.q.Sort == SortTitle {
				c.title = string(place)
			}
			if !yield(streamed{c, spot{phase, string(place), v.shop, string(sku)}}, nil) {
				return
			}
		}
	})
}

// changeStream reads the rows of changes or removals, the latest first.
func (s *search) changeStream(v *view, kind byte, after *spot) *stream {
	r := kv.Prefix(changedPrefix(v.generation, kind))
	if s.q.UpdatedSince != 0 {
		r.To = changedKey(v.generation, kind, s.q.UpdatedSince-1, "")
	}
	if after != nil {
		from := append(changedPrefix(v.generation, kind), after.key...)
		switch ahead := v.shop.Compare(after.shop); {
		case ahead == 0 && after.tail[:1] == tailChanged:
			from = append(append(from, after.tail[1:]...), 0)
		case ahead <= 0:
			from = changedKey(v.generation, kind, keyTime(after.key)-1, "")
		}
		r.From = greatest(r.From, from)
	}
	late := s.lateIn(v)
	return newStream(func(yield func(streamed, error) bool) {
		for row, err := range kv.Rows(s.r.store, r) {
			if err != nil {
				yield(streamed{}, err)
				return
			}
			at, sku, ok := parseChanged(row.Key)
			if _, is := late[sku]; is || !ok {
				continue
			}
			if !yield(streamed{candidate{view: v, sku: sku}, spot{0, timeKey(at), v.shop, tailChanged + string(sku)}}, nil) {
				return
			}
		}
	})
}

// originalStream reads the products that have not changed since the copy came, by title.
func (s *search) originalStream(v *view, after *spot) *stream {
	key := timeKey(v.log.base)
	prefix := tokenPrefix(v.generation, tokenTitle)
	skip := len(prefix) - len(tokenTitle)
	r := kv.Prefix(prefix)
	if after != nil {
		switch at := (spot{key: key, shop: v.shop}).compare(spot{key: after.key, shop: after.shop}, false); {
		case at < 0:
			return newStream(nothing)
		case at == 0 && after.tail[:1] == tailOriginal:
			r.From = greatest(r.From, append(append(prefix[:skip:skip], after.tail[1:]...), 0))
		}
	}
	late := s.lateIn(v)
	return newStream(func(yield func(streamed, error) bool) {
		for row, err := range kv.Rows(s.r.store, r) {
			place, sku, ok := splitToken(row.Key[skip:])
			if _, is := late[exchange.SKU(sku)]; err == nil && (is || !ok) {
				continue
			}
			changed := false
			if err == nil {
				_, _, changed, err = s.r.changeOf(v.generation, exchange.SKU(sku))
			}
			if err != nil {
				yield(streamed{}, err)
				return
			}
			if changed {
				continue
			}
			at := spot{0, key, v.shop, tailOriginal + string(place) + "\x00" + string(sku)}
			if !yield(streamed{candidate{view: v, sku: exchange.SKU(sku), title: string(place)}, at}, nil) {
				return
			}
		}
	})
}

// lateStream is the late products of the own catalog; nil where there are none.
func (s *search) lateStream(v *view, after *spot) (*stream, error) {
	found, err := s.findLate(v, s.lateIn(v))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	var rows []streamed
	for _, c := range found {
		c.title = ""
		p, _, err := s.r.product(v, c.sku)
		if exchange.CodeOf(err) == exchange.CodeNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		at, err := s.spotOf(c, &p)
		if err != nil {
			return nil, err
		}
		if after == nil || at.compare(*after, s.down()) > 0 {
			rows = append(rows, streamed{c, at})
		}
	}
	slices.SortFunc(rows, func(a, b streamed) int { return a.at.compare(b.at, s.down()) })
	return newStream(func(yield func(streamed, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}), nil
}

func nothing(func(streamed, error) bool) {}

func greatest(a, b []byte) []byte {
	if string(a) > string(b) {
		return a
	}
	return b
}

func least(a, b []byte) []byte {
	if string(a) < string(b) {
		return a
	}
	return b
}
