package bridgetest

import (
	"bytes"
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
)

// cursorMark begins a cursor: after it, the number of the next change.
const cursorMark = "c"

// Changes implements bridge.Bridge.
func (s *System) Changes(ctx context.Context, since string) (bridge.Page, error) {
	if err := s.reachable(ctx); err != nil {
		return bridge.Page{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if since == "" || s.broken == alwaysAnew && strings.HasPrefix(since, cursorMark) {
		return s.everything(s.end(), ""), nil
	}
	if end, last, ok := s.within(since); ok {
		return s.everything(end, last), nil
	}
	n, ok := s.number(since)
	if !ok {
		if s.broken == noGap {
			return bridge.Page{Next: s.end()}, nil
		}
		return bridge.Page{Gap: true}, nil
	}
	to := min(n+pageSize, s.gone+len(s.log))
	page := bridge.Page{Next: cursorMark + strconv.Itoa(to), More: to < s.gone+len(s.log)}
	for _, sku := range s.log[n-s.gone : to-s.gone] {
		page.Changes = append(page.Changes, s.change(sku))
	}
	return page, nil
}

// number is that of the next change, by a cursor that the system gave and still knows.
func (s *System) number(cursor string) (int, bool) {
	text, ok := strings.CutPrefix(cursor, cursorMark)
	n, err := strconv.Atoi(text)
	return n, ok && err == nil && n >= s.gone && n <= s.gone+len(s.log)
}

// allMark begins a cursor within a reading of everything: the cursor with which the reading ends,
// and after a slash the last SKU.
const allMark = "a"

// within reads a cursor within a reading of everything.
func (s *System) within(cursor string) (end, last string, ok bool) {
	text, ok := strings.CutPrefix(cursor, allMark)
	end, coded, _ := strings.Cut(text, "/")
	sku, err := base64.RawURLEncoding.DecodeString(coded)
	_, known := s.number(end)
	return end, string(sku), ok && err == nil && known
}

// everything is a page of all products, in the order of SKUs, after one.
func (s *System) everything(end, last string) bridge.Page {
	var page bridge.Page
	var skus []string
	for sku := range s.shelves {
		if string(sku) > last {
			skus = append(skus, string(sku))
		}
	}
	slices.Sort(skus)
	if page.Next = end; len(skus) > pageSize {
		skus = skus[:pageSize]
		page.Next, page.More = allMark+end+"/"+base64.RawURLEncoding.EncodeToString([]byte(skus[pageSize-1])), true
	}
	for _, sku := range skus {
		page.Changes = append(page.Changes, s.change(exchange.SKU(sku)))
	}
	return page
}

func (s *System) end() string { return cursorMark + strconv.Itoa(s.gone+len(s.log)) }

func (s *System) change(sku exchange.SKU) bridge.Change {
	sh := s.shelves[sku]
	free := sh.free
	if s.broken == tellsShelf { // what stands there, with what is set aside
		for _, a := range s.asks {
			free += a.rest[sku]
		}
	}
	return bridge.Change{SKU: sku, Free: max(0, free), At: sh.at}
}

// Open implements bridge.Bridge.
func (s *System) Open(ctx context.Context, after exchange.HoldID) ([]bridge.Standing, error) {
	if err := s.reachable(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []bridge.Standing
	for id, a := range s.asks {
		open := a.state == bridge.Held || a.state == bridge.Committed && s.broken != heldAlone
		if s.broken == openTooLong && a.state == bridge.Released && len(a.lines) > 0 {
			open = true
		}
		if !open || bytes.Compare(id[:], after[:]) <= 0 && s.broken != fromStart {
			continue
		}
		st := bridge.Standing{ID: id, State: a.state}
		for _, l := range a.lines {
			if s.broken == linesAsAsked {
				st.Lines = append(st.Lines, l)
			} else if n := a.rest[l.SKU]; n > 0 {
				st.Lines = append(st.Lines, bridge.Line{SKU: l.SKU, Units: n})
			}
		}
		all = append(all, st)
	}
	slices.SortFunc(all, func(x, y bridge.Standing) int { return bytes.Compare(x.ID[:], y.ID[:]) })
	return all[:min(len(all), pageSize)], nil
}
