package replica

import (
	"container/heap"
	"slices"

	"github.com/souk-market/souk/exchange"
)

// ranked collects the candidates of all views and examines them in the order of their scores
// until the page is full.
func (s *search) ranked(views []*view, after *place) (Page, error) {
	var found candidates
	for _, v := range views {
		matches, complete, err := s.match(v)
		if err != nil {
			return Page{}, err
		}
		s.page.Partial = s.page.Partial || !complete
		late := s.lateIn(v)
		found = slices.Grow(found, len(matches))
		for _, m := range matches {
			c := candidate{view: v, sku: exchange.SKU(m.sku), score: m.score}
			if _, is := late[c.sku]; !is && (after == nil || c.place().compare(*after) > 0) {
				found = append(found, c)
			}
		}
		others, err := s.findLate(v, late)
		if err != nil {
			return Page{}, err
		}
		for _, c := range others {
			if after == nil || c.place().compare(*after) > 0 {
				found = append(found, c)
			}
		}
	}
	heap.Init(&found) // a page needs the best few of many
	for len(found) > 0 {
		c := heap.Pop(&found).(candidate)
		if err := s.examine(c); err != nil {
			return Page{}, err
		}
		if s.done() && len(found) > 0 {
			s.page.Next = c.place().cursor()
			break
		}
	}
	return s.page, nil
}

// candidates is a heap, the best first.
type candidates []candidate

func (c candidates) Len() int { return len(c) }

func (c candidates) Less(i, j int) bool { return c[i].place().compare(c[j].place()) < 0 }

func (c candidates) Swap(i, j int) { c[i], c[j] = c[j], c[i] }

func (c *candidates) Push(x any) { *c = append(*c, x.(candidate)) }

func (c *candidates) Pop() any {
	old := *c
	last := old[len(old)-1]
	*c = old[:len(old)-1]
	return last
}
