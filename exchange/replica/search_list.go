package replica

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

// listed walks the copies in the order of shop and title.
func (s *search) listed(views []*view, after *place) (Page, error) {
	for _, v := range views {
		r := kv.Prefix(tokenPrefix(v.generation, tokenTitle))
		if after != nil {
			switch c := v.shop.Compare(after.shop); {
			case c < 0:
				continue
			case c == 0:
				r.From = append(tokenPrefix(v.generation, after.rest), 0)
			}
		}
		more, err := s.list(v, r)
		if err != nil {
			return s.page, err
		}
		if more {
			s.page.Next = place{shop: s.shop, rest: string(s.key)}.cursor()
			return s.page, nil
		}
	}
	return s.page, nil
}

// list examines the products that index rows in r name, merged with the late products, until
// the page is full. stopped reports that the page is full and products are left.
func (s *search) list(v *view, r kv.Range) (stopped bool, err error) {
	skip := len(generationKey(prefixToken, v.generation))
	isLate := s.lateIn(v)
	late, err := s.lateRows(v, isLate, r.From[skip:])
	if err != nil {
		return false, err
	}
	// take examines the product at key, unless the page is full.
	take := func(c candidate, key string) error {
		if stopped = s.done(); stopped {
			return nil
		}
		s.shop, s.key = v.shop, append(s.key[:0], key...)
		return s.examine(c)
	}
	// takeLate takes the late products with keys below before; "" = all.
	takeLate := func(before string) (err error) {
		for err == nil && !stopped && len(late) > 0 && (before == "" || late[0].key < before) {
			if err = take(late[0].candidate, late[0].key); !stopped {
				late = late[1:]
			}
		}
		return err
	}
	for row, err := range kv.Rows(s.r.store, r) {
		if err != nil {
			return false, err
		}
		key := string(row.Key[skip:])
		if err := takeLate(key); err != nil || stopped {
			return stopped, err
		}
		token, sku, ok := splitToken(row.Key[skip:])
		if _, is := isLate[exchange.SKU(sku)]; is || !ok {
			continue
		}
		if err := take(candidate{view: v, sku: exchange.SKU(sku), title: string(token)}, key); err != nil || stopped {
			return stopped, err
		}
	}
	err = takeLate("")
	return stopped, err
}
