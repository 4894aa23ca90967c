package exchange

import (
	"encoding/json"
	"iter"
	"slices"
)

// MaxLines is how many lines a hold or order may have.
const MaxLines = 64

// Line asks for a quantity of one of the supplier's products.
type Line struct {
	SKU      SKU
	Quantity Quantity
}

// Lines are the lines of a hold or order: 1 to MaxLines, each with a valid SKU that no
// other has and a quantity within bounds. [NewLines] alone makes them and nothing changes
// them: who is given Lines checks none of it again. The zero Lines are none: those of a
// hold that was never placed, or whose request is lost.
type Lines struct{ list []Line }

// NewLines checks and copies a list of lines. It fails with CodeInvalid for an empty or
// too long list, a bad quantity, and a SKU that is bad or stands twice.
func NewLines(list []Line) (Lines, error) {
	if len(list) == 0 || len(list) > MaxLines {
		return Lines{}, Errorf(CodeInvalid, "a hold has 1 to %d lines, not %d", MaxLines, len(list))
	}
	for i, l := range list {
		if _, err := ParseSKU(string(l.SKU)); err != nil {
			return Lines{}, err
		}
		if err := l.Quantity.Check(); err != nil {
			return Lines{}, err
		}
		for _, other := range list[:i] {
			if other.SKU == l.SKU {
				return Lines{}, Errorf(CodeInvalid, "%s stands in two lines; put its whole quantity in one", l.SKU)
			}
		}
	}
	// Unlike slices.Clone, this lets the caller's list stay on its stack.
	own := make([]Line, len(list))
	copy(own, list)
	return Lines{own}, nil
}

// IsZero reports whether there are no lines.
func (l Lines) IsZero() bool { return len(l.list) == 0 }

// Len is how many lines there are.
func (l Lines) Len() int { return len(l.list) }

// All ranges over the lines, in the order they were given.
func (l Lines) All() iter.Seq2[int, Line] {
	return func(yield func(int, Line) bool) {
		for i, line := range l.list {
			if !yield(i, line) {
				return
			}
		}
	}
}

// Slice is a copy of the lines, nil where there are none.
func (l Lines) Slice() []Line { return slices.Clone(l.list) }

// Units is the sum of the lines' quantities.
func (l Lines) Units() int64 {
	var n int64
	for _, line := range l.list {
		n += int64(line.Quantity)
	}
	return n
}

// Equal reports whether l and other are the same lines in the same order.
func (l Lines) Equal(other Lines) bool { return slices.Equal(l.list, other.list) }

// MarshalJSON writes the plain list.
func (l Lines) MarshalJSON() ([]byte, error) { return json.Marshal(l.list) }
