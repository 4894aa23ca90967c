package p2p

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"pgregory.net/rapid"
)

func readerOf(b []byte, limit int) frameReader {
	return frameReader{r: bufio.NewReader(bytes.NewReader(b)), limit: limit}
}

func TestFramesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type frame struct {
			id      uint64
			k       byte
			payload []byte
		}
		frames := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) frame {
			return frame{rapid.Uint64().Draw(t, "id"), rapid.Byte().Draw(t, "kind"), rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "payload")}
		}), 0, 10).Draw(t, "frames")
		var b []byte
		for _, f := range frames {
			b = appendFrame(b, f.id, kind(f.k), f.payload)
		}
		fr := readerOf(b, 300)
		for i, f := range frames {
			h, payload, err := fr.next()
			if err != nil || h.id != f.id || h.kind != kind(f.k) || !bytes.Equal(payload, f.payload) {
				t.Fatalf("frame %d: %+v %x %v", i, h, payload, err)
			}
		}
		if _, _, err := fr.next(); err != io.EOF {
			t.Fatalf("after the last: %v", err)
		}
		if len(b) > 0 {
			fr = readerOf(b[:rapid.IntRange(1, len(b)-1).Draw(t, "cut")], 300)
			for {
				if _, _, err := fr.next(); err != nil {
					return // io.EOF at a frame's end, anything else inside one; never a panic
				}
			}
		}
	})
}

func TestAbsurdLengths(t *testing.T) {
	for name, b := range map[string][]byte{
		"4 GiB":            binary.AppendUvarint(nil, 4<<30),
		"2^64-1":           binary.AppendUvarint(nil, 1<<64-1),
		"overlong uvarint": bytes.Repeat([]byte{0xff}, 20),
		"one above":        append(binary.AppendUvarint(nil, 2+101), append([]byte{1, 1}, make([]byte, 101)...)...),
		"no room for kind": {1, 1},
		"empty":            {0},
		"id eats kind":     {2, 0x80, 0x80, 0x01, 1},
	} {
		t.Run(name, func(t *testing.T) {
			fr := readerOf(b, 100)
			if _, _, err := fr.next(); err == nil || err == io.EOF {
				t.Error(err)
			}
		})
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(appendFrame(appendFrame(nil, 1, kindRequest, []byte("req")), 300, kindReply, nil))
	f.Add(binary.AppendUvarint(nil, 4<<30))
	f.Fuzz(func(t *testing.T, b []byte) {
		fr := readerOf(b, 1<<10)
		for used := 0; ; {
			h, payload, err := fr.next()
			if err != nil {
				return
			}
			again := appendFrame(nil, h.id, h.kind, payload)
			if used += len(again); used > len(b) || len(payload) > 1<<10 {
				t.Fatalf("%d bytes made frames of %d", len(b), used)
			}
		}
	})
}

func FuzzHello(f *testing.F) {
	f.Add(hello{versions: []uint64{1, 2}, incarnation: 7, record: []byte("record"), app: []byte("app")}.append(nil))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseHello(b)
		if err != nil {
			return
		}
		again, err := parseHello(h.append(nil))
		if err != nil || again.incarnation != h.incarnation || !bytes.Equal(again.record, h.record) || !bytes.Equal(again.app, h.app) {
			t.Fatalf("%+v came back as %+v, %v", h, again, err)
		}
	})
}
