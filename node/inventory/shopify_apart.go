package inventory

import (
	"io"
)

// scattered finds the handles whose rows do not stand together, as in an export that was
// sorted by SKU, and reads the rows of one from where they are. It takes some 80 bytes of
// memory for each handle, whatever its rows hold.
type scattered struct {
	src     *source
	reader  *rowReader            // of the first pass, then of single runs
	first   map[skuHash]run       // the first run of each handle; nil after the first pass
	handles map[skuHash]*apartRun // that have several

	handle string // of the run at hand
	at     run
}

// run is where rows of one handle stand together.
type run struct {
	start, end int64 // in bytes of the file
	line       int   // of the first row
}

type apartRun struct {
	runs  []run
	taken bool // in the pass under way
}

func newScattered(src *source, rows *rowReader) *scattered {
	return &scattered{src: src, reader: rows, first: make(map[skuHash]run), handles: make(map[skuHash]*apartRun)}
}

// note takes a row in the first pass.
func (s *scattered) note(handle string, row *csvRow) {
	if handle == s.handle {
		return
	}
	s.end(row.offset)
	s.handle, s.at = handle, run{start: row.offset, line: row.line}
}

// end ends the run at hand before an offset.
func (s *scattered) end(offset int64) {
	if s.handle == "" {
		return
	}
	s.at.end = offset
	key := hashSKU(s.handle)
	first, again := s.first[key]
	switch {
	case !again:
		s.first[key] = s.at
	case s.handles[key] == nil:
		s.handles[key] = &apartRun{runs: []run{first, s.at}}
	default:
		s.handles[key].runs = append(s.handles[key].runs, s.at)
	}
	s.handle = ""
}

// begin begins a pass over the products.
func (s *scattered) begin() {
	s.first = nil
	for _, h := range s.handles {
		h.taken = false
	}
}

// rows reads all rows of a handle in the order of the file. Those that cannot be read are
// passed over: the pass under way meets them in their place.
func (s *scattered) rows(handle string, take func(*csvRow) error) error {
	h := s.handles[hashSKU(handle)]
	h.taken = true
	for _, r := range h.runs {
		s.reader.restart(s.src.between(r.start, r.end))
		s.reader.line, s.reader.offset = r.line, r.start
		for {
			row, err := s.reader.next()
			if err == io.EOF {
				break
			}
			if _, bad := err.(*RowError); bad {
				continue
			}
			if err == nil {
				err = take(row)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
