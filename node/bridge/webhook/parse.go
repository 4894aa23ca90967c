package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
)

// parseHold, parseCommit and parseRelease read the body of a request.
func parseHold(body []byte) ([]bridge.Ask, error) {
	var q holdRequest
	if err := decode(body, &q); err != nil {
		return nil, err
	}
	asks, err := each("asks", q.Asks, func(a ask) (bridge.Ask, error) {
		id, err := exchange.ParseHoldID(a.ID)
		if err != nil {
			return bridge.Ask{}, err
		}
		partner, err := exchange.ParseShopID(a.Partner)
		if err != nil {
			return bridge.Ask{}, err
		}
		lines, err := parseLines(a.Lines)
		if err == nil && len(lines) == 0 {
			err = errors.New("an ask has no lines")
		}
		at, ok := timeOf(a.Expires)
		if err == nil && !ok {
			err = errors.New("expires_at is out of range")
		}
		return bridge.Ask{ID: id, Partner: partner, Lines: lines, Expires: at}, err
	})
	if err != nil {
		return nil, err
	}
	return asks, differ(askIDs(asks))
}

func parseCommit(body []byte) ([]bridge.Ref, error) {
	var q commitRequest
	if err := decode(body, &q); err != nil {
		return nil, err
	}
	refs, err := each("refs", q.Refs, func(r ref) (bridge.Ref, error) {
		id, err := exchange.ParseHoldID(r.ID)
		if err == nil && len(r.Reference) > bridge.MaxText {
			err = errors.New("a reference is too long")
		}
		return bridge.Ref{ID: id, Reference: r.Reference}, err
	})
	if err != nil {
		return nil, err
	}
	return refs, differ(refIDs(refs))
}

func parseRelease(body []byte) ([]bridge.Part, error) {
	var q releaseRequest
	if err := decode(body, &q); err != nil {
		return nil, err
	}
	parts, err := each("parts", q.Parts, func(p part) (bridge.Part, error) {
		id, err := exchange.ParseHoldID(p.ID)
		if err != nil {
			return bridge.Part{}, err
		}
		lines, err := parseLines(p.Lines)
		if err == nil && len(p.Reason) > bridge.MaxText {
			err = errors.New("a reason is too long")
		}
		return bridge.Part{ID: id, Seq: p.Seq, Lines: lines, Reason: p.Reason}, err
	})
	if err != nil {
		return nil, err
	}
	return parts, differ(partIDs(parts))
}

// parseQuery reads the one parameter of a GET: its name is part of what is signed, so it is there
// also where it is empty, and nothing else is.
func parseQuery(raw, name string) (string, error) {
	values, err := url.ParseQuery(raw)
	if err != nil || len(values) != 1 || len(values[name]) != 1 {
		return "", fmt.Errorf("the query is %s=, and nothing else", name)
	}
	return values[name][0], nil
}

func parseSince(raw string) (string, error) {
	since, err := parseQuery(raw, paramChanges)
	if err == nil && !isCursor(since) {
		err = errors.New("since is no cursor")
	}
	return since, err
}

func parseAfter(raw string) (exchange.HoldID, error) {
	after, err := parseQuery(raw, paramOpen)
	if err != nil || after == "" {
		return exchange.HoldID{}, err
	}
	return exchange.ParseHoldID(after)
}

// parseAnswers reads the answers to a call: exactly one for each of ids.
func parseAnswers(body []byte, ids []exchange.HoldID) ([]bridge.Answer, error) {
	var q answerBody
	if err := decode(body, &q); err != nil {
		return nil, err
	}
	answers, err := each("answers", q.Answers, func(a answer) (bridge.Answer, error) {
		id, err := exchange.ParseHoldID(a.ID)
		out := bridge.Answer{ID: id, OK: a.OK, Problem: bridge.Problem(a.Problem)}
		if len(a.Short) > exchange.MaxLines {
			return out, fmt.Errorf("%d lines are short", len(a.Short))
		}
		for _, s := range a.Short {
			out.Short = append(out.Short, exchange.Short{SKU: exchange.SKU(s.SKU), Asked: s.Asked, Available: s.Available})
		}
		return out, err
	})
	if err != nil {
		return nil, err
	}
	return answers, bridge.CheckAnswers(ids, answers)
}

func parsePage(body []byte) (bridge.Page, error) {
	var q changesBody
	if err := decode(body, &q); err != nil {
		return bridge.Page{}, err
	}
	page := bridge.Page{Next: q.Next, More: q.More, Gap: q.Gap}
	switch {
	case q.Gap:
		return bridge.Page{Gap: true}, nil
	case len(q.Changes) > bridge.MaxBatch:
		return bridge.Page{}, fmt.Errorf("%d changes; a page has at most %d", len(q.Changes), bridge.MaxBatch)
	case !isCursor(q.Next) || q.Next == "":
		return bridge.Page{}, fmt.Errorf("next is no cursor: %.80q", q.Next)
	}
	for _, c := range q.Changes {
		sku, err := exchange.ParseSKU(c.SKU)
		if err != nil {
			return bridge.Page{}, err
		}
		at, ok := timeOf(c.At)
		if !ok || c.Free < 0 {
			return bridge.Page{}, fmt.Errorf("the change of %s: free %d, at %v", sku, c.Free, c.At)
		}
		page.Changes = append(page.Changes, bridge.Change{SKU: sku, Free: c.Free, At: at})
	}
	return page, nil
}

// parseOpen reads open asks: by ID, all after one.
func parseOpen(body []byte, after exchange.HoldID) ([]bridge.Standing, error) {
	var q openBody
	if err := decode(body, &q); err != nil {
		return nil, err
	}
	var all []bridge.Standing
	for _, s := range q.Open {
		id, err := exchange.ParseHoldID(s.ID)
		if err != nil {
			return nil, err
		}
		lines, err := parseLines(s.Lines)
		state := bridge.State(s.State)
		switch {
		case err != nil:
			return nil, err
		case len(lines) == 0:
			return nil, fmt.Errorf("%s has no lines, so it is not open", id)
		case state != bridge.Held && state != bridge.Committed:
			return nil, fmt.Errorf("%s is %.40q, so it is not open", id, s.State)
		case bytes.Compare(id[:], after[:]) <= 0:
			return nil, fmt.Errorf("%s comes after %s: not in the order of IDs", id, after)
		}
		all = append(all, bridge.Standing{ID: id, State: state, Lines: lines})
		after = id
	}
	return all, nil
}

func decode(body []byte, into any) error {
	if len(body) > MaxBody {
		return fmt.Errorf("a body is longer than %d bytes", MaxBody)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("a body is not as it should be: %w", err)
	}
	return nil
}

// each reads a list of 1 to bridge.MaxBatch elements.
func each[W, B any](name string, list []W, read func(W) (B, error)) ([]B, error) {
	if len(list) == 0 || len(list) > bridge.MaxBatch {
		return nil, fmt.Errorf("%d %s; there are 1 to %d", len(list), name, bridge.MaxBatch)
	}
	out := make([]B, 0, len(list))
	for _, w := range list {
		b, err := read(w)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// parseLines checks lines as a hold's are checked; none are none.
func parseLines(list []line) ([]bridge.Line, error) {
	if len(list) == 0 {
		return nil, nil
	}
	var words []exchange.Line
	var lines []bridge.Line
	if len(list) <= exchange.MaxLines {
		for _, l := range list {
			words = append(words, exchange.Line{SKU: exchange.SKU(l.SKU), Quantity: exchange.Quantity(l.Units)})
			lines = append(lines, bridge.Line{SKU: exchange.SKU(l.SKU), Units: l.Units})
		}
	}
	_, err := exchange.NewLines(words)
	return lines, err
}

// isCursor reports visible ASCII of a cursor's length, or none.
func isCursor(s string) bool {
	return len(s) <= bridge.MaxCursor && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func askIDs(asks []bridge.Ask) []exchange.HoldID {
	return ids(asks, func(a bridge.Ask) exchange.HoldID { return a.ID })
}

func refIDs(refs []bridge.Ref) []exchange.HoldID {
	return ids(refs, func(r bridge.Ref) exchange.HoldID { return r.ID })
}

func partIDs(parts []bridge.Part) []exchange.HoldID {
	return ids(parts, func(p bridge.Part) exchange.HoldID { return p.ID })
}

func ids[E any](list []E, id func(E) exchange.HoldID) []exchange.HoldID {
	out := make([]exchange.HoldID, 0, len(list))
	for _, e := range list {
		out = append(out, id(e))
	}
	return out
}

// differ reports an ID that stands twice.
func differ(ids []exchange.HoldID) error {
	seen := make(map[exchange.HoldID]bool, len(ids))
	for _, id := range ids {
		if seen[id] {
			return fmt.Errorf("%s stands there twice", id)
		}
		seen[id] = true
	}
	return nil
}
