package inventory

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
)

// Columns says which columns of a CSV file are which fields of a product, under the
// names of the fields of JSON lines: "price" → "Preis brutto". Further fields are
//
//	option:NAME   the value of an option, such as option:Size
//	weight_kg, weight_lb, weight_oz   a weight in that unit, beside grams
//	weight        a weight whose cells name their unit: "0.8 kg"
//	availability  where nothing is counted: "out of stock" is a count of 0
//
// and "name" is another word for title. A pair that stands the other way round, column
// before field, is understood where the file tells which is which.
type Columns map[string]string

// maxColumns bounds the pairs of a Columns.
const maxColumns = 64

// columnFields are the fields that a column can be, but for the options.
var columnFields = []string{
	"sku", "title", "price", "currency", "stock", "group", "description", "vendor", "category", "barcode", "image",
	"grams", "weight_kg", "weight_lb", "weight_oz", "weight", "published", "availability",
}

const optionPrefix = "option:"

// fieldName is the field that a word of --columns means; "" if none.
func fieldName(s string) string {
	s = strings.TrimSpace(s)
	if name, ok := strings.CutPrefix(s, optionPrefix); ok {
		if strings.TrimSpace(name) == "" {
			return ""
		}
		return optionPrefix + strings.TrimSpace(name)
	}
	s = strings.ToLower(s)
	switch s {
	case "name":
		return "title"
	case "quantity", "qty":
		return "stock"
	case "brand":
		return "vendor"
	case "ean", "gtin", "upc":
		return "barcode"
	case "weight_g":
		return "grams"
	}
	if slices.Contains(columnFields, s) {
		return s
	}
	return ""
}

// ParseColumns reads the text of a --columns flag: pairs FIELD=COLUMN with commas
// between them. A name with a comma, an equals sign or a quote in it stands in double
// quotes, with those inside doubled: sku=Ref,barcode="EAN, UPC". "" is nil.
func ParseColumns(s string) (Columns, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	c := make(Columns)
	for rest := s; ; {
		var left, right string
		var err error
		if left, rest, err = cutName(rest, "="); err == nil {
			if !strings.HasPrefix(rest, "=") {
				err = exchange.Errorf(exchange.CodeInvalid, "%.80q is no pair FIELD=COLUMN", left)
			} else {
				right, rest, err = cutName(rest[1:], ",")
			}
		}
		if err != nil {
			return nil, err
		}
		if field := fieldName(left); field != "" {
			left = field
		} else if fieldName(right) == "" {
			return nil, exchange.Errorf(exchange.CodeInvalid, "in %.80q neither side is a field of a product; the fields are %s and option:NAME",
				left+"="+right, strings.Join(columnFields, ", "))
		}
		if right == "" {
			return nil, exchange.Errorf(exchange.CodeInvalid, "%.80q names no column; write %.80s=COLUMN", left+"=", left)
		}
		if _, dup := c[left]; dup {
			return nil, exchange.Errorf(exchange.CodeInvalid, "%.80q stands twice in the columns", left)
		}
		if c[left] = right; len(c) > maxColumns {
			return nil, exchange.Errorf(exchange.CodeInvalid, "more than %d columns are named", maxColumns)
		}
		if rest == "" {
			return c, nil
		}
		rest = rest[1:]
	}
}

// cutName takes a name, which may be in quotes, from the start of s up to the mark.
func cutName(s, mark string) (name, rest string, err error) {
	s = strings.TrimLeft(s, " \t\n")
	if !strings.HasPrefix(s, `"`) {
		i := strings.Index(s, mark)
		if i < 0 {
			i = len(s)
		}
		return strings.TrimSpace(s[:i]), s[i:], nil
	}
	var b strings.Builder
	for s = s[1:]; ; {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			return "", "", exchange.Errorf(exchange.CodeInvalid, "a quote in the columns is not closed, after %.40q", b.String())
		}
		b.WriteString(s[:i])
		if s = s[i+1:]; !strings.HasPrefix(s, `"`) {
			break
		}
		b.WriteByte('"')
		s = s[1:]
	}
	s = strings.TrimLeft(s, " \t\n")
	if s != "" && !strings.HasPrefix(s, mark) {
		return "", "", exchange.Errorf(exchange.CodeInvalid, "after the name %.80q the columns have %.20q instead of %q", b.String(), s, mark)
	}
	return strings.TrimSpace(b.String()), s, nil
}

// String is what ParseColumns reads, with the fields in their order.
func (c Columns) String() string {
	var pairs []string
	place := func(field string) int {
		if i := slices.Index(columnFields, field); i >= 0 {
			return i
		}
		return len(columnFields)
	}
	for _, field := range slices.SortedFunc(maps.Keys(c), func(a, b string) int { return cmp.Or(place(a)-place(b), strings.Compare(a, b)) }) {
		pairs = append(pairs, quotedName(field)+"="+quotedName(c[field]))
	}
	return strings.Join(pairs, ",")
}

// MarshalText implements encoding.TextMarshaler, so that a source's settings hold it.
func (c Columns) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Columns) UnmarshalText(text []byte) error {
	parsed, err := ParseColumns(string(text))
	if err == nil {
		*c = parsed
	}
	return err
}

func quotedName(s string) string {
	if s == strings.TrimSpace(s) && s != "" && !strings.ContainsAny(s, "\",=\t\n") {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// resolve finds the columns in a header: field → column.
func (c Columns) resolve(h *header) (map[string]column, error) {
	found := make(map[string]column, len(c))
	for _, left := range slices.Sorted(maps.Keys(c)) {
		right := c[left]
		field, at := fieldName(left), h.col(right)
		if reversed := fieldName(right); (field == "" || at == noColumn) && reversed != "" && h.has(left) {
			field, at = reversed, h.col(left)
		}
		switch {
		case field == "":
			return nil, exchange.Errorf(exchange.CodeInvalid, "%.80q is no field of a product; the fields are %s and option:NAME", left, strings.Join(columnFields, ", "))
		case at == noColumn:
			return nil, exchange.Errorf(exchange.CodeInvalid, "the file has no column %.80q for %s; its columns are %s", right, field, h.shownNames())
		}
		if _, dup := found[field]; dup {
			return nil, exchange.Errorf(exchange.CodeInvalid, "two columns are named for %s", field)
		}
		found[field] = at
	}
	return found, nil
}
