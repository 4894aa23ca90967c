package inventory

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/souk-market/souk/exchange"
)

// How a file writes numbers. "12.99", "12,99", "1,299.00", "1.299,00", "1 299,00" and
// "1'299.00" can each be read in one way only, and are. "1.299" and "1,299" can be
// read in two ways, a thousand apart: the file's other numbers decide, by what they
// use for decimals and for groups, and where they do not, the value is refused.

// mark is the sign before a number's decimals.
type mark byte

const (
	noMark    mark = 0
	pointMark mark = '.'
	commaMark mark = ','
)

func (m mark) other() mark { return pointMark + commaMark - m }

// numbers is what is known of a file's numbers. It belongs to one Read.
type numbers struct {
	survey  func() (*numberCount, error) // reads the whole file; nil: there is none
	counted *numberCount
}

// numberCount is where the file's unambiguous numbers stand: the first line for each
// decimal mark, 0 = none.
type numberCount struct {
	line map[mark]int
}

// decimalMark is the mark of the file's numbers; noMark if they do not tell.
func (n *numbers) decimalMark() mark {
	if n == nil || n.survey == nil {
		return noMark
	}
	if n.counted == nil {
		if n.counted, _ = n.survey(); n.counted == nil { // the reading itself meets what is wrong with the file
			n.counted = &numberCount{}
		}
	}
	point, comma := n.counted.line[pointMark] > 0, n.counted.line[commaMark] > 0
	switch {
	case point == comma:
		return noMark
	case point:
		return pointMark
	}
	return commaMark
}

// mixed names two lines that disagree, if the file has such.
func (n *numbers) mixed() string {
	if n == nil || n.counted == nil || n.counted.line[pointMark] == 0 || n.counted.line[commaMark] == 0 {
		return ""
	}
	return fmt.Sprintf(" (line %d has a decimal point, line %d a decimal comma)", n.counted.line[pointMark], n.counted.line[commaMark])
}

// countNumbers reads all rows for the numbers in some columns.
func countNumbers(rows *rowReader, named Columns) (*numberCount, error) {
	h, err := rows.readHeader()
	if err != nil {
		return nil, err
	}
	c := &numberCount{line: make(map[mark]int)}
	columns := h.numberColumns(named)
	for {
		row, err := rows.next()
		if err == io.EOF {
			return c, nil
		}
		if _, bad := err.(*RowError); bad {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, column := range columns {
			text, _ := bareNumber(row.get(column))
			if d, ok := parseNumber(text); ok && d.mark != noMark && !d.ambiguous && c.line[d.mark] == 0 {
				c.line[d.mark] = row.line
			}
		}
	}
}

// number is a decimal number taken apart.
type number struct {
	sign, whole, frac string
	mark              mark // before the decimals; where it has none but groups, what its groups leave for them; noMark = neither
	ambiguous         bool // its one mark may as well group thousands
}

// plain is the number with a decimal point and no groups.
func (d number) plain() string {
	if d.frac == "" {
		return d.sign + d.whole
	}
	return d.sign + d.whole + "." + d.frac
}

// grouped is the other reading of an ambiguous number.
func (d number) grouped() string { return d.sign + d.whole + d.frac }

// parseNumber takes s apart; ok is false if it is no number.
func parseNumber(s string) (d number, ok bool) {
	if s == "" || len(s) > 2*maxNumber {
		return d, false
	}
	if s[0] == '-' || s[0] == '+' {
		d.sign, s = strings.TrimPrefix(s[:1], "+"), s[1:]
	}
	s = strings.Map(func(r rune) rune {
		if isGroupSpace(r) {
			return ' '
		}
		return r
	}, s)
	points, commas := strings.Count(s, "."), strings.Count(s, ",")
	switch {
	case points > 0 && commas > 0:
		d.mark = pointMark
		if strings.LastIndexByte(s, ',') > strings.LastIndexByte(s, '.') {
			d.mark = commaMark
		}
		if strings.Count(s, string(rune(d.mark))) > 1 {
			return d, false
		}
	case points == 1:
		d.mark = pointMark
	case commas == 1:
		d.mark = commaMark
	case points > 1:
		return d.groups(s, pointMark)
	case commas > 1:
		return d.groups(s, commaMark)
	default:
		return d.groups(s, noMark)
	}
	whole, frac, _ := strings.Cut(s, string(rune(d.mark)))
	if !allDigits(frac) {
		return d, false
	}
	if whole == "" { // ".8"
		whole = "0"
	}
	if points+commas == 1 && allDigits(whole) {
		d.whole, d.frac = whole, frac
		d.ambiguous = len(frac) == 3 && len(whole) <= 3 && whole[0] != '0'
		return d, true
	}
	by := d.mark.other()
	if points+commas == 1 {
		by = noMark // spaces
	}
	mark := d.mark
	d, ok = d.groups(whole, by)
	d.mark, d.frac = mark, frac
	return d, ok
}

// groups takes a whole number that is in groups of three, separated by one sign: by,
// or a space if that is noMark. (India groups by two before the last three.)
func (d number) groups(s string, by mark) (number, bool) {
	d.mark = noMark
	sep := " "
	if by != noMark {
		sep = string(rune(by))
	}
	parts := strings.Split(s, sep)
	for i, p := range parts {
		last := i == len(parts)-1
		size := len(p) == 3 || !last && by == commaMark && len(p) == 2
		if !allDigits(p) || len(parts) > 1 && (i == 0 && len(p) > 3 || i > 0 && !size) {
			return d, false
		}
	}
	d.whole = strings.Join(parts, "")
	if len(parts) > 1 && by != noMark {
		d.mark = by.other()
	}
	return d, true
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// isGroupSpace knows what stands between thousands beside point and comma: spaces,
// the no-break ones among them, and the Swiss apostrophe.
func isGroupSpace(r rune) bool {
	return r == '\'' || r == '’' || unicode.IsSpace(r)
}

// decimals reads a number of the file into digits with at most one point. exact is how
// many decimals the value has at most, −1 if it is not known: a number of none
// (a count of yen) can only group its thousands.
func (n *numbers) decimals(s string, exact int) (string, error) {
	if unmistakable(s) {
		return s, nil
	}
	if what := damaged(s); what != "" {
		return "", fmt.Errorf("%s is %s", shown([]byte(s)), what)
	}
	d, ok := parseNumber(s)
	switch {
	case !ok:
		return "", fmt.Errorf("%s is not a number such as 12.99", shown([]byte(s)))
	case !d.ambiguous:
		return d.plain(), nil
	case exact == 0:
		return d.grouped(), nil
	}
	switch m := n.decimalMark(); {
	case m == d.mark:
		return d.plain(), nil
	case m != noMark:
		return d.grouped(), nil
	case d.mark == pointMark && exact >= len(d.frac):
		return d.plain(), nil
	}
	return "", fmt.Errorf("%s can be read as %s or as %s, and the file's other numbers do not tell which%s; export it with a decimal point and without thousands separators",
		shown([]byte(s)), d.grouped(), d.plain(), n.mixed())
}

// unmistakable reports digits with at most one point that cannot group thousands: most
// numbers of most files, so it is worth a look.
func unmistakable(s string) bool {
	point := -1
	for i := range len(s) {
		switch {
		case s[i] == '.' && point < 0:
			point = i
		case s[i] < '0' || s[i] > '9':
			return false
		}
	}
	switch n := len(s) - point - 1; {
	case s == "" || len(s) > maxNumber || point == 0 || n == 0:
		return false
	default:
		return point < 0 || n != 3 || point > 3 || s[0] == '0'
	}
}

// price is the amount in a column, which may name the shop's currency beside it.
func (r *csvRow) price(c column, shop exchange.Currency) (exchange.Money, error) {
	s := r.get(c)
	if s == "" {
		return price(shop, "")
	}
	text, named := bareNumber(s)
	if named != "" && !names(named, shop) {
		return exchange.Money{}, fmt.Errorf("%s is priced in %s, but the shop sells in %s; export the prices in %s", shown([]byte(s)), shown([]byte(named)), shop, shop)
	}
	digits, err := shop.Decimals()
	if err != nil {
		return exchange.Money{}, err
	}
	plain, err := r.numbers.decimals(text, digits)
	if err != nil {
		return exchange.Money{}, err
	}
	return price(shop, plain)
}

// units is a whole number of units in a column.
func (r *csvRow) units(c column) (string, error) {
	s := r.get(c)
	if allDigits(s) {
		return s, nil
	}
	if d, ok := parseNumber(s); ok && d.ambiguous && strings.Trim(d.frac, "0") != "" {
		return d.grouped(), nil // no part of a unit is sold
	}
	if _, ok := parseNumber(s); !ok && damaged(s) == "" {
		return s, nil // count says what is wrong with it
	}
	return r.numbers.decimals(s, -1)
}

// grams is the weight in a column: of the unit in the cell if it has one ("0.8 kg"),
// else of the unit given.
func (r *csvRow) grams(c column, unit weightUnit) (int64, error) {
	s := r.get(c)
	if s == "" {
		return 0, nil
	}
	text, named := bareNumber(s)
	if named != "" {
		var ok bool
		if unit, ok = weightUnits[strings.ToLower(strings.TrimRight(named, "."))]; !ok {
			return 0, fmt.Errorf("%s is not a weight such as 0.35 or 350 g", shown([]byte(s)))
		}
	}
	plain, err := r.numbers.decimals(text, len("000")) // kilograms have three decimals as a rule
	if err != nil {
		return 0, err
	}
	return grams(plain, unit)
}

// bareNumber parts a number from the word or sign before or after it: a currency, a
// unit. What is in neither place is left to fail.
func bareNumber(s string) (digits, named string) {
	if plainDecimal(s) {
		return s, ""
	}
	isDigit := func(r rune) bool { return r >= '0' && r <= '9' }
	i := strings.IndexFunc(s, isDigit)
	if i < 0 {
		return s, ""
	}
	if i > 0 && (s[i-1] == '.' || s[i-1] == ',') && (i == 1 || !isLetterOrDigit(s[:i-1])) { // ".8", "$.50", but not "kr.5"
		i--
	}
	j := strings.LastIndexFunc(s, isDigit) + 1
	before, after := s[:i], s[j:]
	sign := ""
	if k := strings.IndexAny(before, "-+"); k >= 0 && strings.Count(before, "-")+strings.Count(before, "+") == 1 {
		sign, before = before[k:k+1], before[:k]+before[k+1:]
	}
	for _, round := range []string{",-", ",–", ",—", ".-", ".–", ".—"} { // "12,-" is 12 and nothing
		after = strings.TrimPrefix(after, round)
	}
	before, after = strings.TrimFunc(before, unicode.IsSpace), strings.TrimFunc(after, unicode.IsSpace)
	switch {
	case before != "" && after != "", strings.ContainsFunc(s[i:j], unicode.IsLetter) && damaged(s[i:j]) == "":
		return s, ""
	case before == "" && after == "":
		return sign + s[i:j], ""
	}
	named = before + after
	if utf8.RuneCountInString(named) > maxUnitName || slices.Contains([]string{".", ",", "%"}, named) || strings.ContainsAny(named, "()[]") {
		return s, ""
	}
	return sign + s[i:j], named
}

// isLetterOrDigit reports whether the last character of s is one.
func isLetterOrDigit(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

// maxUnitName is the longest word beside a number that may be a unit or a currency.
const maxUnitName = 12
