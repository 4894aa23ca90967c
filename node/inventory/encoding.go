package inventory

import (
	"bytes"
	"context"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	textunicode "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/souk-market/souk/exchange"
)

// Encodings as the report names them.
const (
	utf8Name    = "UTF-8"
	utf16Name   = "UTF-16"
	windowsName = "Windows-1252"
)

const byteOrderMark = "\ufeff"

// toText makes the source UTF-8 without a byte order mark, with lines that end in LF
// or CRLF, or says why it is no text.
func (s *source) toText(ctx context.Context) error {
	head, err := s.head()
	if err != nil {
		return err
	}
	refuse := func(why string) error { return exchange.Errorf(exchange.CodeInvalid, "%s", why) }
	if order, is := utf16Order(head); is {
		s.encoding = utf16Name
		err = s.rewrite(ctx, func(r io.Reader) io.Reader {
			return transform.NewReader(r, textunicode.UTF16(order, textunicode.UseBOM).NewDecoder())
		})
		if err == nil {
			head, err = s.head()
		}
		if err != nil {
			return err
		}
	}
	if bytes.HasPrefix(head, []byte(byteOrderMark)) {
		s.base += int64(len(byteOrderMark))
		s.size -= int64(len(byteOrderMark))
		head = head[len(byteOrderMark):]
	}
	if why := refused(head, s.given > 0); why != "" {
		return refuse(why)
	}
	if err := s.fromWindows(ctx); err != nil {
		return err
	}
	if endsInReturns(head) {
		return s.rewrite(ctx, func(r io.Reader) io.Reader { return transform.NewReader(r, returns{}) })
	}
	return nil
}

// utf16Order knows the byte order mark, and without one two characters of ASCII.
func utf16Order(head []byte) (textunicode.Endianness, bool) {
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		return textunicode.LittleEndian, true
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return textunicode.BigEndian, true
	case len(head) < 4:
		return textunicode.BigEndian, false
	case head[0] == 0 && head[2] == 0 && head[1] != 0 && head[3] != 0:
		return textunicode.BigEndian, true
	case head[1] == 0 && head[3] == 0 && head[0] != 0 && head[2] != 0:
		return textunicode.LittleEndian, true
	}
	return textunicode.BigEndian, false
}

// endsInReturns reports a first line that ends in a carriage return alone, as
// spreadsheets of old Macs wrote it, where no line ends otherwise.
func endsInReturns(head []byte) bool {
	quoted, lone := false, false
	for i, c := range head {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\n':
			return false
		case c == '\r' && i+1 < len(head) && head[i+1] != '\n', c == '\r' && i+1 == len(head) && len(head) < maxHead:
			lone = true
		}
	}
	return lone
}

// returns turns each carriage return into a line feed, but for one before a line feed.
type returns struct{ transform.NopResetter }

func (returns) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		if nDst == len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		c := src[nSrc]
		if c == '\r' {
			if nSrc+1 == len(src) && !atEOF {
				return nDst, nSrc, transform.ErrShortSrc
			}
			if nSrc+1 == len(src) || src[nSrc+1] != '\n' {
				c = '\n'
			}
		}
		dst[nDst] = c
		nDst++
		nSrc++
	}
	return nDst, nSrc, nil
}

// fromWindows turns a file of Windows-1252 into UTF-8. A file that is UTF-8 here and
// something else there was put together from two: it is refused whole, because half
// of its texts would be garbled, whichever way it is read.
func (s *source) fromWindows(ctx context.Context) error {
	valid, err := isUTF8(&cancelled{ctx, s.whole()})
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return readError(err)
	}
	if valid {
		return nil
	}
	c := census{line: 1}
	if _, err := io.Copy(&c, &cancelled{ctx, s.whole()}); err != nil {
		return err
	}
	c.end()
	if err := c.check(); err != nil {
		return err
	}
	s.encoding = windowsName
	return s.rewrite(ctx, func(r io.Reader) io.Reader {
		return transform.NewReader(r, charmap.Windows1252.NewDecoder())
	})
}

// isUTF8 reads all of r.
func isUTF8(r io.Reader) (bool, error) {
	buf := make([]byte, 256<<10)
	n := 0
	for {
		m, err := r.Read(buf[n:])
		n += m
		whole := n
		if err == nil {
			whole -= unfinished(buf[:n])
		}
		if !utf8.Valid(buf[:whole]) {
			return false, nil
		}
		n = copy(buf, buf[whole:n])
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// unfinished is how many bytes at the end of b begin a character that is cut off.
func unfinished(b []byte) int {
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		if c := b[len(b)-i]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-i:]) {
				return i
			}
			return 0
		}
	}
	return 0
}

// census counts what the bytes beyond ASCII of a file are. It is an io.Writer.
type census struct {
	line int
	rest []byte // a character whose end is not written yet
	last byte   // the byte before

	unicodeLine int // first line with a character of UTF-8; 0 = none
	otherLine   int // first line with a byte that is none
	other       byte
	high        int // bytes that are no UTF-8
	highPairs   int // of these, letters right after another such letter
	undefined   int // bytes that Windows-1252 does not define
	odd         int // signs such as ³ and ¿ between two letters
	before      byte
}

func (c *census) Write(p []byte) (int, error) {
	b := p
	if len(c.rest) > 0 {
		b = append(c.rest, p...)
	}
	keep := unfinished(b)
	c.count(b[:len(b)-keep])
	c.rest = append([]byte(nil), b[len(b)-keep:]...)
	return len(p), nil
}

func (c *census) end() {
	c.count(c.rest)
	c.rest = nil
}

func (c *census) count(b []byte) {
	for i := 0; i < len(b); {
		x := b[i]
		if x < utf8.RuneSelf {
			if x == '\n' {
				c.line++
			}
			if oddSign(c.last) && isLetter(c.before) && isLetter(x) {
				c.odd++
			}
			c.before, c.last = c.last, x
			i++
			continue
		}
		if r, n := utf8.DecodeRune(b[i:]); r != utf8.RuneError || n > 1 {
			if c.unicodeLine == 0 {
				c.unicodeLine = c.line
			}
			c.before, c.last = 0, 0
			i += n
			continue
		}
		if c.otherLine == 0 {
			c.otherLine, c.other = c.line, x
		}
		c.high++
		if x >= 0xc0 && c.last >= 0xc0 {
			c.highPairs++
		}
		switch x {
		case 0x81, 0x8d, 0x8f, 0x90, 0x9d:
			c.undefined++
		}
		if oddSign(c.last) && isLetter(c.before) && isLetter(x) {
			c.odd++
		}
		c.before, c.last = c.last, x
		i++
	}
}

// oddSign is a sign of Windows-1252 that stands in no word, where other code pages
// have a letter: ¥ £ ¹ ³ ¼ ¾ ¿.
func oddSign(x byte) bool {
	return bytes.IndexByte([]byte{0xa3, 0xa5, 0xb9, 0xb3, 0xbc, 0xbe, 0xbf}, x) >= 0
}

// isLetter knows the letters of ASCII, and all of Windows-1252 beyond 0xC0.
func isLetter(x byte) bool { return x|0x20 >= 'a' && x|0x20 <= 'z' || x >= 0xc0 }

// check says whether the whole file is Windows-1252: no UTF-8 in it, no byte that
// the code page lacks, and its letters stand as those of western languages do,
// one or two beyond ASCII in a word. Whole words of them are Cyrillic, Greek,
// Japanese or the like, and signs within words are Polish or Czech.
func (c *census) check() error {
	const advice = "save it as UTF-8 (in Excel: \"CSV UTF-8\"; in LibreOffice: character set UTF-8)"
	switch {
	case c.unicodeLine > 0:
		return exchange.Errorf(exchange.CodeInvalid,
			"the file mixes two encodings: line %d has a character of UTF-8, but byte 0x%02X on line %d is none (probably Windows-1252); nothing was read, because half of its texts would be garbled: export it again, or %s",
			c.unicodeLine, c.other, c.otherLine, advice)
	case c.undefined > 0 || c.highPairs*2 > c.high || c.odd > 0:
		return exchange.Errorf(exchange.CodeInvalid,
			"byte 0x%02X on line %d is neither UTF-8 nor, by the letters beside it, Windows-1252; the file is in another code page, which it does not name: %s", c.other, c.otherLine, advice)
	}
	return nil
}
