package inventory

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"unicode"

	"github.com/souk-market/souk/exchange"
)

// maxHead is how much of a file is looked at to tell its format: a header of
// some 2,000 columns.
const maxHead = 64 << 10

// source is the file being read: one stream, or two passes over it where the
// format needs them. It belongs to one Read.
type source struct {
	at   io.ReaderAt // nil: cannot be read twice
	base int64       // where in at the file starts, byte order mark not counted
	r    *bufio.Reader

	temp *os.File // copy of a source that cannot seek

	passes int   // how often the file is read
	passed int64 // bytes of the passes that are done
	read   int64 // bytes of the pass under way
	onRead func(bytesRead int64)
}

// open looks at the start of r, which it reads from where r stands.
func open(r io.Reader) (*source, error) {
	s := &source{passes: 1, onRead: func(int64) {}}
	if f, ok := r.(interface {
		io.ReaderAt
		io.Seeker
	}); ok {
		if pos, err := f.Seek(0, io.SeekCurrent); err == nil { // fails on a pipe
			s.at, s.base = f, pos
			r = io.NewSectionReader(f, pos, MaxFileBytes+1)
		}
	}
	s.r = bufio.NewReaderSize(r, maxHead)
	head, err := s.r.Peek(maxHead)
	if err != nil && err != io.EOF && len(head) == 0 {
		return nil, readError(err)
	}
	if bytes.HasPrefix(head, []byte(byteOrderMark)) {
		s.base += int64(len(byteOrderMark))
		_, _ = s.r.Discard(len(byteOrderMark)) // it was peeked: cannot fail
	}
	return s, nil
}

const byteOrderMark = "\ufeff"

func (s *source) close() {
	if s.temp != nil {
		_ = s.temp.Close()
		_ = os.Remove(s.temp.Name())
	}
}

// detect refuses what no format is written in and tells the format if asked to.
func (s *source) detect(wanted Format) (Format, error) {
	head, _ := s.r.Peek(maxHead)
	if err := checkHead(head); err != nil {
		return wanted, err
	}
	if wanted != FormatAuto && wanted != "" {
		return wanted, nil
	}
	switch head[bytes.IndexFunc(head, notSpace)] {
	case '{':
		return FormatJSONLines, nil
	case '[':
		return FormatAuto, exchange.Errorf(exchange.CodeInvalid, "the file is a JSON array; write one product object per line instead")
	}
	row, err := newRowReader(bytes.NewReader(head)).next()
	if err != nil {
		return FormatAuto, exchange.Errorf(exchange.CodeInvalid, "the header cannot be read: %w", err)
	}
	header := newHeader(row)
	switch {
	case isShopify(header):
		return FormatShopify, nil
	case isWooCommerce(header):
		return FormatWooCommerce, nil
	}
	return FormatAuto, header.unknown()
}

func notSpace(r rune) bool { return !unicode.IsSpace(r) }

// checkHead names the kinds of file that people hand in by mistake.
func checkHead(head []byte) error {
	refuse := func(what string) error { return exchange.Errorf(exchange.CodeInvalid, "%s", what) }
	text := bytes.TrimLeftFunc(head, unicode.IsSpace)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return refuse("the file is compressed with gzip; unpack it first")
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0")):
		return refuse("the file is a zip archive or an Excel workbook; unpack it, or save it as \"CSV UTF-8\"")
	case isUTF16(head):
		return refuse("the file is UTF-16; save it as UTF-8 (in Excel: \"CSV UTF-8\")")
	case len(text) == 0:
		return refuse("the file is empty")
	case isBinary(head):
		return refuse("the file is no text but a picture, a document, a program or the like, or it is damaged; give the product export of your shop")
	case text[0] == '<':
		return refuse("the file is a web page or XML, perhaps a page that was saved in place of the export; give the product export of your shop")
	}
	line, _, more := bytes.Cut(head, []byte("\n"))
	if i := bytes.IndexByte(line, '\r'); i >= 0 && i < len(line)-1 && (more || len(head) < maxHead) {
		return refuse("lines of the file end in a carriage return alone; save it as \"CSV UTF-8\"")
	}
	return nil
}

// isUTF16 knows the byte order mark, and without one two characters of ASCII.
func isUTF16(head []byte) bool {
	if bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff}) {
		return true
	}
	if len(head) < 4 {
		return false
	}
	high, low := head[0] == 0 && head[2] == 0, head[1] == 0 && head[3] == 0
	return high != low
}

// controlShare is how few of a text's bytes are control characters: one in 100.
// Of compressed or random bytes it is every ninth.
const controlShare = 100

// isBinary tells what is no text: a NUL in its first line, which every header of a
// picture, an archive or a program has soon, or control characters all over.
func isBinary(head []byte) bool {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	if bytes.IndexByte(line, 0) >= 0 || bytes.HasPrefix(head, []byte("%PDF-")) {
		return true
	}
	controls := 0
	for _, c := range head {
		if c < ' ' && (c < '\t' || c > '\r') || c == 0x7f {
			controls++
		}
	}
	return controls > 1 && controls*controlShare > len(head)
}

// stream is the file from its start, to be read once.
func (s *source) stream() io.Reader { return &meter{s: s, r: s.r} }

// twice makes the source readable by two passes of section.
func (s *source) twice(tempDir string) error {
	s.passes = 2
	if s.at != nil {
		return nil
	}
	temp, err := os.CreateTemp(tempDir, "souk-import-*")
	if err != nil {
		return readError(err)
	}
	s.temp = temp
	// Where a file may go before it is closed, it does: a killed process leaves nothing.
	_ = os.Remove(temp.Name())
	n, err := io.Copy(temp, io.LimitReader(s.r, MaxFileBytes+1))
	if err != nil {
		return readError(err)
	}
	if n > MaxFileBytes {
		return errFileTooLong
	}
	s.at, s.base = temp, 0
	return nil
}

// section is the file from its start, as often as wanted. The first call
// begins the first pass, a further one the next.
func (s *source) section() io.Reader {
	s.passed += s.read
	s.read = 0
	return &meter{s: s, r: io.NewSectionReader(s.at, s.base, MaxFileBytes+1)}
}

// from is the file from an offset, aside from the pass under way.
func (s *source) from(offset int64) io.Reader {
	return io.NewSectionReader(s.at, s.base+offset, 2*MaxRowBytes)
}

// meter counts what a pass reads and holds it to MaxFileBytes.
type meter struct {
	s *source
	r io.Reader
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.s.read += int64(n)
	if m.s.read > MaxFileBytes {
		return 0, errFileTooLong
	}
	if n > 0 {
		m.s.onRead((m.s.passed + m.s.read) / int64(m.s.passes))
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
