package inventory

import (
	"bytes"
	"strings"
)

// dialect is how a CSV file separates its columns.
type dialect struct {
	comma byte
	skip  int // bytes before the header: Excel's line "sep=;"
	lines int // lines before the header
}

var commas = dialect{comma: ','}

// delimiters in the order in which they win a draw.
var delimiters = []byte{',', ';', '\t', '|'}

// maxPreamble is how many rows may stand above the header.
const maxPreamble = 5

// sniff tells the dialect by the first line, which may say so in Excel's way, or by
// the header: of the delimiters outside its quotes, the one that gives a header
// that is known, else the most columns. If the first row is no header that is known and
// one of the next is, what stands above is a title or a note.
func sniff(head []byte, known func(*header) bool) dialect {
	candidates := delimiters
	start := commas
	if line, rest, _ := bytes.Cut(head, []byte{'\n'}); isSep(line) {
		candidates = []byte{strings.Trim(string(bytes.TrimRight(line, "\r")), `"`)[len("sep=")]}
		start.skip, start.lines = len(head)-len(rest), 1
	}
	var first *dialect
	for range 1 + maxPreamble {
		d, is, next := sniffHeader(head, start, candidates, known)
		if is {
			return d
		}
		if first == nil {
			first = &d
		}
		if next.skip == start.skip {
			break
		}
		start = next
	}
	return *first
}

// sniffHeader takes the row at start for the header. It reports whether it is known, and
// where the row after it starts.
func sniffHeader(head []byte, start dialect, candidates []byte, known func(*header) bool) (d dialect, is bool, next dialect) {
	d, next = start, start
	d.comma = candidates[0]
	best := -1
	for _, c := range candidates {
		r := newRowReader(bytes.NewReader(head[start.skip:]))
		r.dialect.comma = c
		h, err := r.readHeader()
		if err != nil {
			continue
		}
		next.skip, next.lines = start.skip+int(r.offset), start.lines+r.line-1
		score := len(h.names)
		if score > 1 && known(h) {
			score, is = score+maxHead, true // more than a row has columns
		}
		if score > best {
			best, d.comma = score, c
		}
	}
	return d, is, next
}

// isSep knows the line by which Excel is told the delimiter.
func isSep(line []byte) bool {
	s := strings.Trim(string(bytes.TrimRight(line, "\r")), `"`)
	return len(s) == len("sep=,") && strings.EqualFold(s[:4], "sep=") && s[4] != '"'
}
