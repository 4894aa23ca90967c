package p2p

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"time"
)

type kind byte

const (
	kindRequest kind = 1
	kindReply   kind = 2
	kindError   kind = 3
	kindData    kind = 4
	kindHello   kind = 5
)

// errFrame ends a stream whose other side does not keep to the layout in doc.go.
var errFrame = errors.New("p2p: malformed frame")

// appendFrame appends a whole frame to dst.
func appendFrame(dst []byte, id uint64, k kind, payload []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(uvarintLen(id)+1+len(payload)))
	dst = binary.AppendUvarint(dst, id)
	dst = append(dst, byte(k))
	return append(dst, payload...)
}

func uvarintLen(v uint64) int {
	n := 1
	for v >= 0x80 {
		v >>= 7
		n++
	}
	return n
}

// deadliner is the part of a stream that bounds a slow sender.
type deadliner interface{ SetReadDeadline(time.Time) error }

// frameReader reads frames. Header and payload are read apart, so that its user can wait for room
// before the payload takes memory. One goroutine uses a frameReader.
type frameReader struct {
	r     *bufio.Reader
	slow  deadliner // nil = no deadline
	limit int       // largest payload
}

type frameHeader struct {
	id   uint64
	kind kind
	size int // of the payload, bytes; at most limit
}

// header waits, without a deadline, for the next frame to begin. At the clean end of the stream it
// returns io.EOF.
func (fr *frameReader) header() (frameHeader, error) {
	if _, err := fr.r.Peek(1); err != nil {
		return frameHeader{}, err
	}
	if fr.r.Buffered() < 2*binary.MaxVarintLen64+1 {
		defer fr.hurry()()
	}
	length, err := binary.ReadUvarint(fr.r)
	if err != nil {
		return frameHeader{}, badFrame(err)
	}
	if length < 2 || length > uint64(fr.limit)+frameOverhead {
		return frameHeader{}, errFrame
	}
	id, err := binary.ReadUvarint(fr.r)
	if err != nil {
		return frameHeader{}, badFrame(err)
	}
	k, err := fr.r.ReadByte()
	if err != nil {
		return frameHeader{}, badFrame(err)
	}
	size := int(length) - uvarintLen(id) - 1
	if size < 0 || size > fr.limit {
		return frameHeader{}, errFrame
	}
	return frameHeader{id: id, kind: kind(k), size: size}, nil
}

// payload reads the payload of the frame with header h, into memory of the caller's own.
func (fr *frameReader) payload(h frameHeader) ([]byte, error) {
	if fr.r.Buffered() < h.size {
		defer fr.hurry()()
	}
	b := make([]byte, h.size)
	if _, err := io.ReadFull(fr.r, b); err != nil {
		return nil, badFrame(err)
	}
	return b, nil
}

// next reads a whole frame.
func (fr *frameReader) next() (frameHeader, []byte, error) {
	h, err := fr.header()
	if err != nil {
		return h, nil, err
	}
	b, err := fr.payload(h)
	return h, b, err
}

// hurry sets a deadline of FrameTimeout for what the caller is about to read. The returned function
// removes the deadline.
func (fr *frameReader) hurry() func() {
	if fr.slow == nil {
		return func() {}
	}
	_ = fr.slow.SetReadDeadline(time.Now().Add(FrameTimeout))
	return func() { _ = fr.slow.SetReadDeadline(time.Time{}) }
}

// badFrame makes io.EOF inside a frame io.ErrUnexpectedEOF: a frame that was cut off is no clean end.
func badFrame(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
