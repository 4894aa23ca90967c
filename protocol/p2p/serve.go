package p2p

import (
	"bufio"
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/souk-market/souk/exchange"
)

// handler returns what serves an inbound request stream of protocol name.
func (q *requests) handler(name string, h HandlerFunc) network.StreamHandler {
	return func(s network.Stream) {
		ses, err := q.streams.receive(s)
		if err != nil {
			q.streams.refuse(s, err)
			return
		}
		sv := &server{
			in: q, ses: ses, name: name, handle: h, s: s,
			out: newFrameWriter(s, s.SetWriteDeadline), jobs: make(chan job), ended: make(chan struct{}),
		}
		sv.run()
	}
}

// server is one inbound request stream.
type server struct {
	in     *requests
	ses    *session
	name   string
	handle HandlerFunc
	s      network.Stream
	out    *frameWriter
	ended  chan struct{} // closed when run returns
	jobs   chan job      // unbuffered, to idle workers; closed by run
	idle   atomic.Int32
	works  sync.WaitGroup
}

type job struct {
	id    uint64
	req   []byte
	bytes int64 // that the job has of session.bytes
}

// run reads requests until the stream ends. On a half-closed stream it still sends the replies that
// are under way.
func (sv *server) run() {
	stop := context.AfterFunc(sv.ses.ctx, func() { _ = sv.s.Reset() })
	defer stop()
	written := make(chan struct{})
	go func() {
		defer close(written)
		if err := sv.out.run(); !errors.Is(err, io.EOF) {
			_ = sv.s.Reset()
		}
	}()
	defer close(sv.ended)
	sv.ses.serving.Store(sv, struct{}{})
	defer sv.ses.serving.Delete(sv)
	err := sv.read()
	close(sv.jobs)
	if err == io.EOF {
		sv.works.Wait()
		_ = sv.out.flush(sv.ses.ctx)
	} else {
		_ = sv.s.Reset()
		sv.in.log.Debug("request stream ended", "shop", sv.ses.shop, "protocol", sv.name, "err", err)
	}
	sv.out.fail(err)
	<-written
	_ = sv.s.Close()
}

// goodbye writes the queued replies and half-closes the stream. The partner resets the stream when it
// has read them, which ends run. To close the connection at once would lose replies.
func (sv *server) goodbye(ctx context.Context) {
	if sv.out.flush(ctx) != nil || sv.s.CloseWrite() != nil {
		return
	}
	select {
	case <-sv.ended:
	case <-ctx.Done():
	}
}

// read dispatches requests. It waits for the limits of the session before it reads on: so the stream
// of a partner with too much in hand is not read, and the partner must wait.
func (sv *server) read() error {
	fr := frameReader{r: bufio.NewReaderSize(sv.s, streamBuffer), slow: sv.s, limit: MaxMessage}
	for {
		h, err := fr.header()
		if err != nil {
			return err
		}
		if h.kind != kindRequest || h.id == 0 {
			return errFrame
		}
		if err := sv.ses.requests.Wait(sv.ses.ctx); err != nil {
			return err
		}
		select {
		case sv.ses.inflight <- struct{}{}:
		case <-sv.ses.ctx.Done():
			return sv.ses.ctx.Err()
		}
		j := job{id: h.id}
		if h.size > smallRequest {
			j.bytes = int64(h.size)
			if err := sv.ses.bytes.Acquire(sv.ses.ctx, j.bytes); err != nil {
				<-sv.ses.inflight
				return err
			}
		}
		if j.req, err = fr.payload(h); err != nil {
			sv.release(j)
			return err
		}
		select {
		case sv.jobs <- j:
		default:
			sv.works.Go(func() { sv.work(j) })
		}
	}
}

func (sv *server) release(j job) {
	if j.bytes > 0 {
		sv.ses.bytes.Release(j.bytes)
	}
	<-sv.ses.inflight
}

// work handles a request, and then further requests. It returns when maxIdleWorkers others are idle.
func (sv *server) work(j job) {
	for {
		sv.answer(j)
		if sv.idle.Add(1) > maxIdleWorkers {
			sv.idle.Add(-1)
			return
		}
		next, ok := <-sv.jobs
		sv.idle.Add(-1)
		if !ok {
			return
		}
		j = next
	}
}

func (sv *server) answer(j job) {
	defer sv.release(j)
	if !sv.in.gate.admits(sv.ses.peer) {
		sv.in.sessions.cut(sv.ses.peer, "not a member")
		return
	}
	reply, err := sv.handle(sv.ses.ctx, sv.ses.shop, j.req)
	if err == nil && len(reply) > MaxMessage {
		err = exchange.Errorf(exchange.CodeLimit, "the answer has %d bytes, more than %d; ask for less", len(reply), MaxMessage)
	}
	sv.in.metrics.served.WithLabelValues(sv.name, exchange.CodeOf(err).String()).Inc()
	if err == nil {
		_ = sv.out.send(sv.ses.ctx, j.id, kindReply, reply)
		return
	}
	if exchange.CodeOf(err) == exchange.CodeInternal {
		sv.in.log.Error("request failed", "protocol", sv.name, "shop", sv.ses.shop, "err", err)
	}
	_ = sv.out.send(sv.ses.ctx, j.id, kindError, appendError(nil, err))
}
