package inventory

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// readAll reads rows as strings; bad ones are "line N".
func readAll(t testing.TB, text string) (rows [][]string, bad []int) {
	r := newRowReader(strings.NewReader(text))
	for {
		row, err := r.next()
		if err == io.EOF {
			return rows, bad
		}
		var rowErr *RowError
		if err != nil && !errors.As(err, &rowErr) {
			t.Fatal(err)
		}
		if err != nil {
			bad = append(bad, rowErr.Line)
			continue
		}
		var fields []string
		for _, f := range row.fields {
			fields = append(fields, string(f))
		}
		rows = append(rows, fields)
	}
}

// TestRowsAgainstTheStandardLibrary: what encoding/csv reads without an error,
// rowReader reads alike.
func TestRowsAgainstTheStandardLibrary(t *testing.T) {
	field := rapid.StringOfN(rapid.SampledFrom([]rune("ab ,\"\n\r\té")), 0, 8, -1)
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.OneOf(
			rapid.StringOfN(rapid.SampledFrom([]rune("a,\"\n\r é")), 0, 40, -1),
			rapid.Custom(func(rt *rapid.T) string {
				var b strings.Builder
				w := csv.NewWriter(&b)
				w.UseCRLF = rapid.Bool().Draw(rt, "crlf")
				for range rapid.IntRange(1, 5).Draw(rt, "rows") {
					_ = w.Write(rapid.SliceOfN(field, 1, 4).Draw(rt, "row"))
				}
				w.Flush()
				return b.String()
			}),
		).Draw(rt, "text")
		sameAsStandard(rt, text)
	})
}

func sameAsStandard(t interface{ Fatalf(string, ...any) }, text string) {
	std := csv.NewReader(strings.NewReader(text))
	std.FieldsPerRecord = -1
	want, err := std.ReadAll()
	if err != nil {
		return
	}
	r := newRowReader(strings.NewReader(text))
	for _, record := range want {
		row, err := r.next()
		if err != nil {
			t.Fatalf("%q: %v where encoding/csv reads %q", text, err, record)
		}
		var got []string
		for _, f := range row.fields {
			got = append(got, strings.ReplaceAll(string(f), "\r\n", "\n"))
		}
		if !slices.Equal(got, record) {
			t.Fatalf("%q: read %q, encoding/csv %q", text, got, record)
		}
	}
	if row, err := r.next(); err != io.EOF {
		t.Fatalf("%q: a further row %v, %v", text, row, err)
	}
}

// TestBrokenQuotesLoseOneLine: after broken quotes the reading goes on with the
// line after the one on which the row starts.
func TestBrokenQuotesLoseOneLine(t *testing.T) {
	for _, broken := range []string{`a,"open`, `a,"x"y`, `a,5" pipe`, `"`} {
		t.Run(strconv.Quote(broken), func(t *testing.T) {
			text := "h,i\n" + broken + "\nb,c\n\"d\n\",\"\"\"e\"\"\"\n"
			rows, bad := readAll(t, text)
			if len(bad) == 0 || bad[0] != 2 || !slices.Equal(rows[len(rows)-1], []string{"d\n", `"e"`}) || !slices.Equal(rows[len(rows)-2], []string{"b", "c"}) {
				t.Errorf("rows %q, bad lines %d", rows, bad)
			}
		})
	}
}

func TestHopelessQuotesEndTheReading(t *testing.T) {
	text := "Handle,Title,Variant Price\n" + strings.Repeat("a\"b,c,d\n", maxBrokenRows+1)
	_, report, err := read(t, inEuro(), text)
	if err == nil || !strings.Contains(err.Error(), "hardly a CSV") || report.ErrorCount != maxBrokenRows {
		t.Errorf("%v, %d errors", err, report.ErrorCount)
	}
}

// endless is n bytes of "x": one line, or lines of 1 MiB.
type endless struct {
	n     int64
	lines bool
}

var (
	endlessLine = bytes.Repeat([]byte{'x'}, 1<<20)
	manyLines   = append(bytes.Repeat([]byte{'x'}, 1<<20-1), '\n')
)

func (e *endless) Read(p []byte) (int, error) {
	if e.n <= 0 {
		return 0, io.EOF
	}
	block := endlessLine
	if e.lines {
		block = manyLines
	}
	n := copy(p, block[(1<<20-e.n&(1<<20-1))&(1<<20-1):])
	e.n -= int64(n)
	return n, nil
}

// TestEndlessRow is fault 25's line of 1 GiB, plain and within quotes: the row is
// named, its neighbours are read, and the buffer stays near MaxRowBytes.
func TestEndlessRow(t *testing.T) {
	for _, c := range []struct {
		name, before, after string
		size                int64
		lines               bool
	}{
		{"a field", "A,", "\n", 1 << 30, false},
		{"a quoted field", "A,\"", "\",1\n", 1 << 30, false},
		{"a quoted field of many lines", "A,\"", "\",1\n", 1 << 26, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := io.MultiReader(strings.NewReader("B,b,1\n"+c.before), &endless{n: c.size, lines: c.lines}, strings.NewReader(c.after+"C,c,1\n"))
			r := newRowReader(src)
			r.width = 3
			var good, bad []int
			for {
				row, err := r.next()
				if err == io.EOF {
					break
				}
				switch e := err.(type) {
				case nil:
					good = append(good, row.line)
				case *RowError:
					bad = append(bad, e.Line)
				default:
					t.Fatal(err)
				}
			}
			if len(r.buf) > 2*MaxRowBytes+firstWindow {
				t.Errorf("the buffer grew to %d bytes", len(r.buf))
			}
			if len(bad) == 0 || bad[0] != 2 || len(good) != 2 || good[0] != 1 {
				t.Errorf("good rows %v, bad %d rows %v", good, len(bad), bad[:min(len(bad), 5)])
			}
		})
	}
}
