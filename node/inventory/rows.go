package inventory

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/souk-market/souk/exchange"
)

// maxBrokenRows ends the reading of a file that is no CSV. It also bounds the
// work a hostile one can cause: each broken row is scanned for at most
// MaxRowBytes and then read again from its second line.
const maxBrokenRows = 100

// firstWindow is the buffer a reader starts with; it grows with the longest row.
const firstWindow = 64 << 10

// rowReader reads CSV by RFC 4180, as encoding/csv does (a test holds the two
// against each other), but a row takes at most MaxRowBytes of memory, a broken
// one costs no other, and it tells where in the file a row starts.
//
// A row ends at the first line end with an even number of quotes before it.
// When quotes are broken, the row is reported and the next one is looked for on
// the line after its first: an unclosed quote loses one line and not the file.
type rowReader struct {
	r          io.Reader
	buf        []byte
	start, end int // unread bytes of buf
	readErr    error

	dialect dialect
	offset  int64 // of buf[start] in the file
	line    int   // of buf[start], 1-based
	width   int   // columns of the header; 0 while it is unread
	least   int   // columns that every row must have: at most width
	widest  int   // of the rows so far
	broken  int
	head    *header  // nil while it is unread
	numbers *numbers // how the file writes numbers; nil says nothing
	row     csvRow   // reused
}

// newRowReader reads from the start of a text: of a source in the source's dialect,
// else with commas.
func newRowReader(r io.Reader) *rowReader {
	rows := &rowReader{r: r, buf: make([]byte, firstWindow), line: 1, dialect: commas}
	if p, ok := r.(*pass); ok {
		rows.r, rows.dialect, rows.numbers = p.Reader, p.s.dialect, &p.s.numbers
		rows.line += p.s.dialect.lines
	}
	return rows
}

// restart reads on from r, whose rows are under the same header. Lines and
// offsets count from there.
func (r *rowReader) restart(from io.Reader) {
	*r = rowReader{r: from, buf: r.buf, line: 1, dialect: r.dialect, width: r.width, least: r.least, head: r.head, numbers: r.numbers, row: r.row}
}

// csvRow is one row. It is valid until the next call of next.
type csvRow struct {
	line    int
	offset  int64
	fields  [][]byte
	head    *header
	numbers *numbers
}

// get is a field without white space around it, "" where the file has no such column.
func (r *csvRow) get(c column) string {
	if c == noColumn {
		return ""
	}
	value := bytes.TrimSpace(r.fields[c])
	if isFormulaText(value) {
		value = value[2 : len(value)-1]
	}
	return string(value)
}

// isFormulaText knows ="0123", the formula by which some exports keep spreadsheets from
// taking a code for a number.
func isFormulaText(b []byte) bool {
	return len(b) > 3 && b[0] == '=' && b[1] == '"' && b[len(b)-1] == '"' && bytes.IndexByte(b[2:len(b)-1], '"') < 0
}

// cell is get for a row that may be cut off.
func (r *csvRow) cell(c column) string {
	if int(c) >= len(r.fields) {
		return ""
	}
	return r.get(c)
}

func (r *csvRow) blank() bool {
	for _, f := range r.fields {
		if len(bytes.TrimSpace(f)) > 0 {
			return false
		}
	}
	return true
}

// bad is an error of the row; c may be noColumn. It names the product as far as
// the row does, and shows the value as the file has it.
func (r *csvRow) bad(c column, err error) *RowError {
	e := &RowError{Line: r.line, Message: err.Error()}
	e.Column, e.ColumnName = r.place(c)
	e.Value = cut(r.cell(c), maxValueShown)
	if r.head != nil {
		e.SKU = cut(r.cell(r.head.sku), maxValueShown)
		e.Title = cut(r.cell(r.head.title), maxValueShown)
	}
	return e
}

// maxValueShown is how much of a value an error shows, in characters.
const maxValueShown = 40

// cut is the start of a text of the file as one line of at most n characters.
func cut(s string, n int) string {
	s, _ = plainLine(s, len(s))
	for i := range s {
		if n--; n < 0 {
			return s[:i] + "…"
		}
	}
	return s
}

// place is a column's 1-based number and its name, as errors show it.
func (r *csvRow) place(c column) (number int, name string) {
	if c == noColumn {
		return 0, ""
	}
	if r.head != nil && int(c) < len(r.head.names) {
		name, _ = plainLine(r.head.names[c], maxNameShown)
	}
	return int(c) + 1, name
}

// next reads the next row that is not an empty line. Its error is io.EOF at the
// end, a *RowError for a row that cannot be read (the one after it can), and
// anything else where the reading ends.
func (r *rowReader) next() (*csvRow, error) {
	for {
		n, err := r.measure(true)
		if _, bad := err.(*RowError); bad {
			return nil, r.breakOff(err)
		} else if err != nil {
			return nil, err
		}
		record := trimLineEnd(r.buf[r.start : r.start+n])
		if len(record) == 0 {
			r.consume(n)
			continue
		}
		row := &r.row
		*row = csvRow{line: r.line, offset: r.offset, fields: row.fields[:0], head: r.head, numbers: r.numbers}
		if !utf8.Valid(record) {
			r.consume(n)
			return nil, row.bad(noColumn, notUTF8(record))
		}
		row.fields, err = split(record, r.dialect.comma, row.fields)
		if err != nil {
			return nil, r.breakOff(row.bad(column(len(row.fields)), err))
		}
		r.consume(n)
		return row, r.checkWidth(row)
	}
}

// readHeader reads the first row as the header that later ones are held against.
func (r *rowReader) readHeader() (*header, error) {
	row, err := r.next()
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInvalid, "the header cannot be read: %w", err)
	}
	h := newHeader(row)
	r.head, r.width, r.least = h, len(h.names), h.least()
	return h, nil
}

// checkWidth makes the row as wide as the header. Some exports add columns as they
// come upon the first product that needs them, so that earlier rows are shorter
// than the header and none is shorter than one before it. Such a row is filled up
// with empty cells, if it has at least those that decide what is sold and how. A row
// that is shorter than one before is cut off, or a line break or quote in it is wrong.
func (r *rowReader) checkWidth(row *csvRow) error {
	if r.width == 0 {
		return nil
	}
	for len(row.fields) > r.width && len(bytes.TrimSpace(row.fields[len(row.fields)-1])) == 0 {
		row.fields = row.fields[:len(row.fields)-1] // spreadsheets like to add empty columns
	}
	n := len(row.fields)
	switch {
	case n > r.width:
		return row.bad(noColumn, fmt.Errorf("the row has %d columns, but the header has %d; a delimiter or a quote in one of its texts is not quoted", n, r.width))
	case n < r.least:
		return row.bad(noColumn, fmt.Errorf("the row has %d columns, but the header has %d; it is cut off or its quotes are wrong", n, r.width))
	case n < r.widest:
		return row.bad(noColumn, fmt.Errorf("the row has %d columns, but one before it has %d and the header %d; it is cut off or its quotes are wrong", n, r.widest, r.width))
	}
	r.widest = n
	for len(row.fields) < r.width {
		row.fields = append(row.fields, nil)
	}
	return nil
}

// breakOff gives up the row at hand but not the lines after its first.
func (r *rowReader) breakOff(rowErr error) error {
	if r.broken++; r.broken > maxBrokenRows {
		return exchange.Errorf(exchange.CodeInvalid, "more than %d rows are broken, so this is hardly a CSV file; the last: %w", maxBrokenRows, rowErr)
	}
	if err := r.dropLine(); err != nil {
		return err
	}
	return rowErr
}

// measure finds where the record at hand ends and buffers it whole; quotes says
// whether line ends within quotes belong to it. The length includes the line end.
func (r *rowReader) measure(quotes bool) (int, error) {
	n, odd := 0, false
	for {
		rest := r.buf[r.start+n : r.end]
		i := bytes.IndexByte(rest, '\n')
		if i >= 0 {
			rest = rest[:i+1]
		}
		if quotes && bytes.Count(rest, []byte{'"'})%2 == 1 {
			odd = !odd
		}
		n += len(rest)
		switch {
		case n > MaxRowBytes:
			return 0, &RowError{Line: r.line, Message: tooLong(odd)}
		case i >= 0 && !odd:
			return n, nil
		case i >= 0:
			continue
		}
		if err := r.fill(); err == io.EOF {
			switch {
			case n == 0:
				return 0, io.EOF
			case odd:
				return 0, &RowError{Line: r.line, Message: "a quote that starts in this row is never closed; double the quotes inside a text"}
			}
			return n, nil
		} else if err != nil {
			return 0, err
		}
	}
}

func tooLong(quoted bool) string {
	if quoted {
		return fmt.Sprintf("the row is longer than %d MiB, within quotes that are not closed before; double the quotes inside a text", MaxRowBytes>>20)
	}
	return fmt.Sprintf("the row is longer than %d MiB", MaxRowBytes>>20)
}

// fill reads more into the buffer, which keeps buf[start:end].
func (r *rowReader) fill() error {
	if r.readErr != nil {
		return r.readErr
	}
	if r.end == len(r.buf) {
		if r.start > 0 {
			r.end = copy(r.buf, r.buf[r.start:r.end])
			r.start = 0
		} else {
			r.buf = append(r.buf, make([]byte, len(r.buf))...)
		}
	}
	n, err := r.r.Read(r.buf[r.end:])
	r.end += n
	r.readErr = err
	if n > 0 {
		return nil
	}
	return err
}

// consume moves past n buffered bytes, without touching them.
func (r *rowReader) consume(n int) {
	r.line += bytes.Count(r.buf[r.start:r.start+n], []byte{'\n'})
	r.start += n
	r.offset += int64(n)
}

// dropLine moves past the line at hand, however long it is.
func (r *rowReader) dropLine() error {
	for {
		if i := bytes.IndexByte(r.buf[r.start:r.end], '\n'); i >= 0 {
			r.consume(i + 1)
			return nil
		}
		r.consume(r.end - r.start)
		if err := r.fill(); err == io.EOF {
			return nil // next finds the end again
		} else if err != nil {
			return err
		}
	}
}

func trimLineEnd(b []byte) []byte {
	b = bytes.TrimSuffix(b, []byte{'\n'})
	return bytes.TrimSuffix(b, []byte{'\r'})
}

// split appends the fields of a record, which they share memory with unless
// they hold quotes. On an error the fields before the bad one are returned.
func split(record []byte, comma byte, fields [][]byte) ([][]byte, error) {
	for {
		value, rest := record, []byte(nil)
		if len(record) > 0 && record[0] == '"' {
			n, err := quotedLen(record, comma)
			if err != nil {
				return fields, err
			}
			value, rest = record[1:n-1], record[n:]
			if bytes.IndexByte(value, '"') >= 0 {
				value = bytes.ReplaceAll(value, []byte(`""`), []byte(`"`))
			}
		} else {
			if i := bytes.IndexByte(record, comma); i >= 0 {
				value, rest = record[:i], record[i:]
			}
			if bytes.IndexByte(value, '"') >= 0 && !isFormulaText(value) {
				return fields, fmt.Errorf("a quote stands in the middle of a text that is not quoted: %s; quote the whole text and double the quotes in it", shown(value))
			}
		}
		fields = append(fields, value)
		if len(rest) == 0 {
			return fields, nil
		}
		record = rest[1:]
	}
}

// quotedLen is the length of the quoted field that record starts with.
func quotedLen(record []byte, comma byte) (int, error) {
	for i := 1; i < len(record); i += 2 {
		j := bytes.IndexByte(record[i:], '"')
		if j < 0 {
			break
		}
		i += j
		switch {
		case i+1 == len(record) || record[i+1] == comma:
			return i + 1, nil
		case record[i+1] != '"':
			return 0, fmt.Errorf("text follows a closing quote: %s; double the quotes inside a text", shown(record[max(0, i-20):]))
		}
	}
	return 0, fmt.Errorf("the quote that starts with %s is not closed", shown(record))
}

// notUTF8 names the first byte of b that is not.
func notUTF8(b []byte) error {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return fmt.Errorf("byte 0x%02X after %s is not UTF-8; the file is probably Windows-1252: save it as UTF-8 (in Excel: \"CSV UTF-8\")",
				b[i], shown(b[max(0, i-20):i]))
		}
		i += n
	}
	return fmt.Errorf("the row is not UTF-8")
}

// shown quotes the start of bytes from a file for a message: what can be seen of
// the first line.
func shown(b []byte) string {
	const most = 40
	line, _, more := bytes.Cut(b, []byte{'\n'})
	text, cut := plainLine(strings.ToValidUTF8(string(line), ""), most)
	quote := `"`
	if strings.Contains(text, quote) {
		quote = "'"
	}
	if cut || more {
		return quote + text + quote + "…"
	}
	return quote + text + quote
}
