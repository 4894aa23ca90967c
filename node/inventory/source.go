package inventory

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"unicode"

	"github.com/souk-market/souk/exchange"
)

// maxHead is how much of a file is looked at to tell its format: a header of
// some 2,000 columns.
const maxHead = 64 << 10

// source is the text of the file being read: UTF-8 without a byte order mark,
// lines that end in LF or CRLF, and readable as often as wanted. What comes in
// another form, or cannot seek, is first written to a temporary file, which is
// gone when the source is closed. A source belongs to one Read.
type source struct {
	at   io.ReaderAt
	base int64 // where in at the text starts
	size int64 // bytes of the text

	given    int64 // bytes of the file as it was given, where that is not the text; else 0
	encoding string
	temps    []*os.File
	tempDir  string

	dialect dialect // of a CSV file; found by detect
	numbers numbers // likewise
	found   detected

	bound func(io.Reader) io.Reader // makes a reader that ends with the context of the Read

	passes int   // how often the text is read, passes aside not counted
	passed int64 // bytes of the passes that are done
	read   int64 // bytes of the pass under way
	onRead func(bytesRead int64)
}

// open makes a source of r, which it reads from where r stands.
func open(ctx context.Context, r io.Reader, tempDir string) (*source, error) {
	s := &source{passes: 2, tempDir: tempDir, dialect: commas, encoding: utf8Name, onRead: func(int64) {}}
	s.bound = func(r io.Reader) io.Reader { return &cancelled{ctx, r} }
	err := s.place(ctx, r)
	if err == nil {
		err = s.unpack(ctx)
	}
	if err == nil {
		err = s.toText(ctx)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *source) close() {
	for _, f := range s.temps {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}
}

// place takes r as it is if it can seek, else a copy of it.
func (s *source) place(ctx context.Context, r io.Reader) error {
	if f, ok := r.(interface {
		io.ReaderAt
		io.Seeker
	}); ok {
		if pos, err := f.Seek(0, io.SeekCurrent); err == nil { // fails on a pipe
			end, err := f.Seek(0, io.SeekEnd)
			if err == nil {
				_, err = f.Seek(pos, io.SeekStart)
			}
			if err != nil {
				return readError(err)
			}
			s.at, s.base, s.size = f, pos, max(end-pos, 0)
			if s.size > MaxFileBytes {
				return errFileTooLong
			}
			return nil
		}
	}
	return s.spool(ctx, r)
}

// spool copies r to a temporary file, which becomes what the source reads.
func (s *source) spool(ctx context.Context, r io.Reader) error {
	temp, err := os.CreateTemp(s.tempDir, "souk-import-*")
	if err != nil {
		return readError(err)
	}
	s.temps = append(s.temps, temp)
	// Where a file may go before it is closed, it does: a killed process leaves nothing.
	_ = os.Remove(temp.Name())
	w := bufio.NewWriterSize(temp, 256<<10)
	n, err := io.Copy(w, io.LimitReader(&cancelled{ctx, r}, MaxFileBytes+1))
	if err == nil {
		err = w.Flush()
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case exchange.CodeOf(err) == exchange.CodeInvalid:
		return err
	case err != nil:
		return readError(err)
	case n > MaxFileBytes:
		return errFileTooLong
	}
	s.at, s.base, s.size = temp, 0, n
	return nil
}

// rewrite replaces the text by what change makes of it.
func (s *source) rewrite(ctx context.Context, change func(io.Reader) io.Reader) error {
	if s.given == 0 {
		s.given = s.size
	}
	return s.spool(ctx, change(s.whole()))
}

// cancelled is a reader that ends with its context.
type cancelled struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// head is the start of the text.
func (s *source) head() ([]byte, error) {
	head := make([]byte, min(maxHead, s.size))
	n, err := s.at.ReadAt(head, s.base)
	if err != nil && err != io.EOF {
		return nil, readError(err)
	}
	return head[:n], nil
}

// detect tells the format if asked to, and for CSV how its columns are separated.
func (s *source) detect(o Options) (Format, error) {
	wanted := o.Format
	head, err := s.head()
	if err != nil {
		return wanted, err
	}
	if wanted == FormatJSONLines {
		return wanted, nil
	}
	auto := (wanted == FormatAuto || wanted == "") && len(o.Columns) == 0
	switch head[bytes.IndexFunc(head, notSpace)] {
	case '{':
		if auto {
			return FormatJSONLines, nil
		}
	case '[':
		if auto {
			return FormatAuto, exchange.Errorf(exchange.CodeInvalid, "the file is a JSON array; write one product object per line instead")
		}
	}
	s.dialect = sniff(head, func(h *header) bool {
		if len(o.Columns) > 0 {
			_, err := o.Columns.resolve(h)
			return err == nil
		}
		return h.found.format != ""
	})
	s.base += int64(s.dialect.skip)
	s.size -= int64(s.dialect.skip)
	s.numbers.survey = func() (*numberCount, error) {
		return countNumbers(newRowReader(&pass{s.bound(s.whole()), s}), o.Columns)
	}
	if len(o.Columns) > 0 {
		return FormatGeneric, nil
	}
	h, err := newRowReader(s.aside()).readHeader()
	if err != nil {
		return wanted, err
	}
	s.found = h.found
	switch {
	case !auto:
		return wanted, nil
	case h.found.format == "":
		return FormatAuto, h.unknown()
	}
	return h.found.format, nil
}

func notSpace(r rune) bool { return !unicode.IsSpace(r) }

// pass reads the text, or a part of it, for a rowReader, which takes from it how the
// text is to be read.
type pass struct {
	io.Reader
	s *source
}

// section is the text from its start, as often as wanted. The first call begins the
// first pass, a further one the next.
func (s *source) section() io.Reader {
	s.passed += s.read
	s.read = 0
	return &pass{&meter{s: s, r: s.whole()}, s}
}

// aside is the text from its start, aside from the passes: nobody counts it.
func (s *source) aside() io.Reader { return &pass{s.whole(), s} }

func (s *source) whole() io.Reader { return io.NewSectionReader(s.at, s.base, s.size) }

// from is the text from an offset, aside from the pass under way.
func (s *source) from(offset int64) io.Reader {
	return &pass{io.NewSectionReader(s.at, s.base+offset, min(2*MaxRowBytes, max(s.size-offset, 0))), s}
}

// between is a part of the text, aside from the pass under way.
func (s *source) between(start, end int64) io.Reader {
	return &pass{io.NewSectionReader(s.at, s.base+start, end-start), s}
}

// told is n bytes of the text as the share of the file that was given.
func (s *source) told(n int64) int64 {
	if s.given == 0 || s.size == 0 {
		return n
	}
	return int64(float64(n) / float64(s.size) * float64(s.given))
}

// meter counts what a pass reads.
type meter struct {
	s *source
	r io.Reader
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.s.read += int64(n)
	if n > 0 {
		m.s.onRead(m.s.told((m.s.passed + m.s.read) / int64(m.s.passes)))
	}
	if err != nil && err != io.EOF {
		err = readError(err)
	}
	return n, err
}

var errFileTooLong = exchange.Errorf(exchange.CodeInvalid, "the file is longer than %d GiB; split it", MaxFileBytes>>30)

func readError(err error) error {
	return exchange.Errorf(exchange.CodeInternal, "the file cannot be read: %w", err)
}
