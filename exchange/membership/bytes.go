package membership

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/souk-market/souk/exchange"
)

// maxTime is 9999-12-31T23:59:59.999Z: later dates have no RFC 3339 form, and
// the bound keeps seconds × 1000 inside 64 bits.
const maxTime exchange.Time = 253402300799_999

// encoder appends the pieces of the package's formats. It checks no lengths: each value's own
// check has run before.
type encoder struct{ b []byte }

func (e *encoder) u8(v uint8)           { e.b = append(e.b, v) }
func (e *encoder) u16(v uint16)         { e.b = binary.BigEndian.AppendUint16(e.b, v) }
func (e *encoder) u32(v uint32)         { e.b = binary.BigEndian.AppendUint32(e.b, v) }
func (e *encoder) u64(v uint64)         { e.b = binary.BigEndian.AppendUint64(e.b, v) }
func (e *encoder) time(t exchange.Time) { e.u64(uint64(t)) }
func (e *encoder) raw(b []byte)         { e.b = append(e.b, b...) }

func (e *encoder) str(s string) {
	e.u16(uint16(len(s)))
	e.b = append(e.b, s...)
}

func (e *encoder) bytes(b []byte) {
	e.u16(uint16(len(b)))
	e.raw(b)
}

// decoder reads the pieces that encoder wrote. The first fault sticks in err and every later
// read returns zero, so that callers check once, in done.
type decoder struct {
	what string // for messages: "a token"
	b    []byte
	err  error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		cause := exchange.Errorf(exchange.CodeInvalid, format, args...)
		d.err = exchange.Errorf(exchange.CodeInvalid, "%s cannot be read: %w", d.what, cause)
	}
}

// take returns the next n bytes, a slice of the input.
func (d *decoder) take(n int) []byte {
	if d.err == nil && n > len(d.b) {
		d.fail("it ends %d bytes early", n-len(d.b))
	}
	if d.err != nil {
		return nil
	}
	out := d.b[:n:n]
	d.b = d.b[n:]
	return out
}

func (d *decoder) fill(dst []byte) { copy(dst, d.take(len(dst))) }

func (d *decoder) u8() uint8 {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) u16() uint16 {
	if b := d.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (d *decoder) u32() uint32 {
	if b := d.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) u64() uint64 {
	if b := d.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) time() exchange.Time {
	t := d.u64()
	if d.err == nil && (t == 0 || t > uint64(maxTime)) {
		d.fail("%d is no time", t)
	}
	return exchange.Time(t)
}

// bytes reads a length and as many bytes, at most limit. The result is a slice of the input.
func (d *decoder) bytes(limit int) []byte {
	n := int(d.u16())
	if n > limit {
		d.fail("a field has %d bytes; %d are allowed", n, limit)
	}
	return d.take(n)
}

func (d *decoder) str(limit int) string {
	b := d.bytes(limit)
	if !utf8.Valid(b) {
		d.fail("a text is not UTF-8")
	}
	return string(b)
}

// tag reads the domain tag that every format starts with.
func (d *decoder) tag(want string) {
	if got := d.str(maxTag); d.err == nil && got != want {
		d.fail("it is tagged %q, not %q", got, want)
	}
}

// done reports the first fault, or bytes left over.
func (d *decoder) done() error {
	if d.err == nil && len(d.b) > 0 {
		d.fail("%d bytes are left over", len(d.b))
	}
	return d.err
}

// Domain tags. A new version of a format takes a new tag.
const (
	tagToken    = "souk/invite/1"
	tagMember   = "souk/member/1"
	tagEntry    = "souk/entry/1"
	tagBundle   = "souk/bundle/1"
	tagEvidence = "souk/evidence/1"
	tagProfile  = "souk/profile/1"
	maxTag      = 16 // len(tagEvidence) = 15
)

// checkTime reports a time that the formats cannot hold.
func checkTime(t exchange.Time) error {
	if t < 1 || t > maxTime {
		return exchange.Errorf(exchange.CodeInvalid, "%d is no time between 1970 and 9999", int64(t))
	}
	return nil
}
