package p2p

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"testing"
)

// TestWriterCoalesces finds every frame of many goroutines whole and in each one's order.
func TestWriterCoalesces(t *testing.T) {
	pr, pw := io.Pipe()
	w := newFrameWriter(pw, nil)
	ended := make(chan error, 1)
	go func() { ended <- w.run() }()
	const senders, each = 8, 200
	for s := range senders {
		go func() {
			for i := range each {
				_ = w.send(context.Background(), uint64(s), kindData, binary.AppendUvarint(nil, uint64(i)))
			}
		}()
	}
	next := make([]uint64, senders)
	fr := frameReader{r: bufio.NewReader(pr), limit: 100}
	for range senders * each {
		h, payload, err := fr.next()
		if err != nil {
			t.Fatal(err)
		}
		if i, _ := binary.Uvarint(payload); i != next[h.id] {
			t.Fatalf("sender %d: %d after %d", h.id, i, next[h.id])
		}
		next[h.id]++
	}
	if err := w.flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.fail(io.ErrClosedPipe)
	if err := <-ended; err != io.ErrClosedPipe {
		t.Fatal(err)
	}
	if err := w.send(context.Background(), 1, kindData, nil); err != io.ErrClosedPipe {
		t.Fatal(err)
	}
}
