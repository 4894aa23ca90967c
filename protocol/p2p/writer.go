package p2p

import (
	"context"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange/wake"
)

// frameWriter gathers the frames of many goroutines and writes them from one. While a write is under
// way the next frames gather. So under load a write carries many frames, and without load a frame
// leaves at once.
type frameWriter struct {
	w    io.Writer
	slow func(time.Time) error // sets the write deadline; nil = none

	mu     sync.Mutex
	buf    []byte        // guarded by mu: frames not yet taken by run
	busy   bool          // guarded by mu: run is writing
	err    error         // guarded by mu: set once, then nothing more is accepted
	room   chan struct{} // guarded by mu: closed when run takes buf; nil while nobody waits
	filled wake.Signal   // buf is not empty
	ended  chan struct{} // closed when err is set

	until time.Time // owned by run: the current write deadline
}

func newFrameWriter(w io.Writer, slow func(time.Time) error) *frameWriter {
	return &frameWriter{w: w, slow: slow, filled: wake.New(), ended: make(chan struct{})}
}

// send queues a frame, and waits while maxQueued bytes are queued. The payload is copied. A nil
// error promises nothing about delivery.
func (f *frameWriter) send(ctx context.Context, id uint64, k kind, payload []byte) error {
	for {
		f.mu.Lock()
		if f.err != nil {
			defer f.mu.Unlock()
			return f.err
		}
		if len(f.buf) < maxQueued {
			first := len(f.buf) == 0
			f.buf = appendFrame(f.buf, id, k, payload)
			f.mu.Unlock()
			if first {
				f.filled.Set()
			}
			return nil
		}
		room := f.waitRoom()
		f.mu.Unlock()
		select {
		case <-room:
		case <-f.ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// waitRoom returns a channel that is closed when buf has room again. It is called with mu held.
func (f *frameWriter) waitRoom() <-chan struct{} {
	if f.room == nil {
		f.room = make(chan struct{})
	}
	return f.room
}

// run writes until a write fails or fail is called, and returns the reason.
func (f *frameWriter) run() error {
	var spare []byte
	for {
		select {
		case <-f.filled.C():
		case <-f.ended:
			return f.reason()
		}
		runtime.Gosched() // a goroutine that is about to send joins this write instead of the next
		for {
			f.mu.Lock()
			out := f.buf
			f.buf, f.busy = spare[:0], len(out) > 0
			if f.room != nil {
				close(f.room)
				f.room = nil
			}
			f.mu.Unlock()
			if len(out) == 0 {
				spare = out
				break
			}
			if err := f.write(out); err != nil {
				f.fail(err)
				return err
			}
			if spare = out; cap(spare) > keepBuffer {
				spare = nil
			}
		}
	}
}

// write gives every writeChunk a deadline of its own, so that a long batch to a slow partner may
// take long.
func (f *frameWriter) write(b []byte) error {
	for len(b) > 0 {
		chunk := b[:min(len(b), writeChunk)]
		b = b[len(chunk):]
		if now := time.Now(); f.slow != nil && f.until.Sub(now) < FrameTimeout*3/4 { // a timer costs as much as a small frame
			f.until = now.Add(FrameTimeout)
			_ = f.slow(f.until)
		}
		if _, err := f.w.Write(chunk); err != nil {
			return err
		}
	}
	return nil
}

// flush waits until everything queued so far was handed to the stream.
func (f *frameWriter) flush(ctx context.Context) error {
	for {
		f.mu.Lock()
		done, err, room := len(f.buf) == 0 && !f.busy, f.err, f.waitRoom()
		f.mu.Unlock()
		if done || err != nil {
			return err
		}
		select {
		case <-room:
		case <-f.ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// fail makes every later send return err. After the first call it does nothing.
func (f *frameWriter) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err, f.buf = err, nil
		close(f.ended)
	}
}

func (f *frameWriter) reason() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
