package p2p

import (
	"bufio"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/souk-market/souk/exchange"
)

// Stream moves bulk data: frames of up to MaxMessage both ways, in order, over a libp2p stream with
// its own flow control. Sending and receiving may go on at the same time, each from one goroutine.
// A frame that has begun must move within FrameTimeout. The wait for a frame to begin ends only
// with the context that the stream was opened with.
type Stream struct {
	shop exchange.ShopID
	s    network.Stream
	r    frameReader
	w    *bufio.Writer
	buf  []byte
	stop func() // unregisters from the contexts that would reset the stream
}

// StreamHandlerFunc serves one bulk stream. When it returns nil the stream is closed cleanly; else
// the partner's Receive returns the error, as for a HandlerFunc. ctx ends with the partner's
// session.
type StreamHandlerFunc func(ctx context.Context, from exchange.ShopID, s *Stream) error

// bulkStreams opens bulk streams, and serves the bulk streams that members open.
type bulkStreams struct {
	*base
	streams  *streams
	dialer   *dialer
	handlers map[string]StreamHandlerFunc // fixed by Start
}

// HandleStream serves bulk streams of protocol name, at most MaxBulkStreams of one partner at once.
// It is called before Start, once for a name.
func (n *Node) HandleStream(name string, h StreamHandlerFunc) { n.bulk.handlers[name] = h }

// OpenStream opens a bulk stream to a member, and dials the member if need be. The stream is reset
// when ctx ends. The caller must Close or Reset it.
func (n *Node) OpenStream(ctx context.Context, to exchange.ShopID, name string) (*Stream, error) {
	return n.bulk.open(ctx, to, name)
}

func (b *bulkStreams) open(ctx context.Context, to exchange.ShopID, name string) (*Stream, error) {
	ses, err := b.dialer.reach(ctx, to)
	if err != nil {
		return nil, err
	}
	s, _, err := b.streams.open(ctx, ses, name)
	if err != nil {
		return nil, err
	}
	stopSession := context.AfterFunc(ses.ctx, func() { _ = s.Reset() })
	stopCaller := context.AfterFunc(ctx, func() { _ = s.Reset() })
	return newStream(ses.shop, s, func() { stopSession(); stopCaller() }), nil
}

func newStream(shop exchange.ShopID, s network.Stream, stop func()) *Stream {
	return &Stream{
		shop: shop, s: s, stop: stop,
		r: frameReader{r: bufio.NewReaderSize(s, streamBuffer), slow: s, limit: MaxMessage},
		w: bufio.NewWriterSize(s, streamBuffer),
	}
}

// Send queues one frame and writes when enough has gathered; Flush or CloseWrite writes the rest.
// Send waits while the partner does not read.
func (st *Stream) Send(frame []byte) error { return st.send(kindData, frame) }

func (st *Stream) send(k kind, payload []byte) error {
	if len(payload) > MaxMessage {
		return exchange.Errorf(exchange.CodeLimit, "a frame has at most %d bytes, not %d", MaxMessage, len(payload))
	}
	_ = st.s.SetWriteDeadline(time.Now().Add(FrameTimeout))
	st.buf = appendFrame(st.buf[:0], 0, k, payload)
	if _, err := st.w.Write(st.buf); err != nil {
		return st.broken(err)
	}
	return nil
}

// Flush writes what Send queued.
func (st *Stream) Flush() error {
	_ = st.s.SetWriteDeadline(time.Now().Add(FrameTimeout))
	if err := st.w.Flush(); err != nil {
		return st.broken(err)
	}
	return nil
}

// CloseWrite flushes and tells the partner that nothing more will come.
func (st *Stream) CloseWrite() error {
	if err := st.Flush(); err != nil {
		return err
	}
	if err := st.s.CloseWrite(); err != nil {
		return st.broken(err)
	}
	return nil
}

// Receive returns the next frame, which is the caller's own. It returns io.EOF after the partner's
// CloseWrite, and the partner's error (IsAnswer) where the partner ended the stream with an error.
func (st *Stream) Receive() ([]byte, error) {
	h, payload, err := st.r.next()
	switch {
	case err == io.EOF:
		return nil, io.EOF
	case err != nil:
		return nil, st.broken(err)
	case h.kind == kindError:
		err = parseError(payload)
	case h.kind == kindData:
		return payload, nil
	}
	if !IsAnswer(err) {
		st.Reset()
		return nil, st.broken(errFrame)
	}
	return nil, err
}

// Close flushes what was sent and ends both directions.
func (st *Stream) Close() error {
	defer st.stop()
	if err := st.CloseWrite(); err != nil {
		st.Reset()
		return err
	}
	return st.s.Close()
}

// Reset drops the stream and everything under way. The partner sees a broken stream, never a clean
// end.
func (st *Stream) Reset() {
	st.stop()
	_ = st.s.Reset()
}

func (st *Stream) broken(err error) error {
	return exchange.Errorf(exchange.CodeUnavailable, "the stream with %s broke off: %w", st.shop, err)
}

// bulkCount counts the inbound bulk streams of a session, by protocol.
type bulkCount struct {
	mu   sync.Mutex
	open map[string]int // guarded by mu
}

// add changes a count unless it would pass MaxBulkStreams.
func (b *bulkCount) add(name string, by int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open == nil {
		b.open = map[string]int{}
	}
	if b.open[name]+by > MaxBulkStreams {
		return false
	}
	b.open[name] += by
	return true
}

// handler returns what serves an inbound bulk stream of protocol name.
func (b *bulkStreams) handler(name string, h StreamHandlerFunc) network.StreamHandler {
	return func(s network.Stream) {
		ses, err := b.streams.receive(s)
		if err != nil {
			b.streams.refuse(s, err)
			return
		}
		stop := context.AfterFunc(ses.ctx, func() { _ = s.Reset() })
		st := newStream(ses.shop, s, func() { stop() })
		if ses.bulk.add(name, 1) {
			err = h(ses.ctx, ses.shop, st)
			ses.bulk.add(name, -1)
		} else {
			err = exchange.Errorf(exchange.CodeLimit, "%d streams of this kind are open already; finish one first", MaxBulkStreams)
		}
		b.metrics.served.WithLabelValues(name, exchange.CodeOf(err).String()).Inc()
		if err == nil {
			_ = st.Close()
			return
		}
		if exchange.CodeOf(err) == exchange.CodeInternal && !errors.Is(err, context.Canceled) {
			b.log.Error("bulk stream failed", "protocol", name, "shop", ses.shop, "err", err)
		}
		if errors.Is(err, context.Canceled) || st.send(kindError, appendError(nil, err)) != nil || st.Close() != nil {
			st.Reset()
		}
	}
}
