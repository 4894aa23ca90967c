package inventory

import (
	"strings"

	"github.com/souk-market/souk/exchange"
)

// header is the first row of a CSV file.
type header struct {
	names []string
	index map[string]column // by lower-case name; of equal names the first
}

// column is the 0-based number of a column; noColumn is one the file lacks.
type column int

const noColumn column = -1

func newHeader(r *csvRow) *header {
	h := &header{index: make(map[string]column, len(r.fields))}
	for i := range r.fields {
		name := r.get(column(i))
		h.names = append(h.names, name)
		if _, dup := h.index[strings.ToLower(name)]; !dup {
			h.index[strings.ToLower(name)] = column(i)
		}
	}
	return h
}

// col is the column with the first of these names that the file has.
func (h *header) col(names ...string) column {
	for _, name := range names {
		if c, ok := h.index[strings.ToLower(name)]; ok {
			return c
		}
	}
	return noColumn
}

func (h *header) has(names ...string) bool { return h.col(names...) != noColumn }

// unknown says why h is no header that we know.
func (h *header) unknown() error {
	first := h.names[0]
	if len(h.names) == 1 && strings.ContainsAny(first, ";\t") {
		return exchange.Errorf(exchange.CodeInvalid, "the columns are separated by semicolons or tabs; export the file with commas")
	}
	return exchange.Errorf(exchange.CodeInvalid,
		"the first line is neither a Shopify header (Handle, Title, Variant Price …) nor a WooCommerce one in English (ID, Type, SKU, Name, Regular price …); it starts with %.60q", first)
}
