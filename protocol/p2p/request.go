package p2p

import (
	"bufio"
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/souk-market/souk/exchange"
)

// requests asks members, and serves their requests.
type requests struct {
	*base
	streams  *streams
	sessions *sessions
	dialer   *dialer
	handlers map[string]HandlerFunc // fixed by Start

	// results has channels for replies, to be reused. Invariant: a channel in results has capacity
	// 1, is empty, and nobody else has it.
	results sync.Pool
}

// Request asks a member over protocol name and returns the member's reply, which is the caller's
// own. A member that is not connected is dialed first. Without a deadline in ctx, RequestTimeout
// applies.
//
// An error for which IsAnswer holds was sent by the member. CodeLimit and CodeInvalid are about a
// request that was not sent. Every other error is CodeUnavailable and leaves the outcome unknown:
// ask again with the same id.
func (n *Node) Request(ctx context.Context, to exchange.ShopID, name string, req []byte) ([]byte, error) {
	return n.requests.ask(ctx, to, name, req)
}

func (q *requests) ask(ctx context.Context, to exchange.ShopID, name string, req []byte) ([]byte, error) {
	if len(req) > MaxMessage {
		return nil, exchange.Errorf(exchange.CodeLimit, "a request has at most %d bytes, not %d", MaxMessage, len(req))
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, RequestTimeout)
		defer cancel()
	}
	reply, err := q.request(ctx, to, name, req)
	switch {
	case err == nil:
		q.metrics.asked.WithLabelValues(name, "reply").Inc()
	case IsAnswer(err):
		q.metrics.asked.WithLabelValues(name, "error").Inc()
	default:
		q.metrics.asked.WithLabelValues(name, "unknown").Inc()
	}
	return reply, err
}

func (q *requests) request(ctx context.Context, to exchange.ShopID, name string, req []byte) ([]byte, error) {
	ses, err := q.dialer.reach(ctx, to)
	if err != nil {
		return nil, err
	}
	p, err := q.pipe(ctx, ses, name)
	if err != nil {
		return nil, err
	}
	return p.ask(ctx, req)
}

// pipes are the request streams that we opened in a session, by protocol.
type pipes struct {
	mu   sync.RWMutex
	sets map[string]*pipeSet // guarded by mu; a set is never removed
}

type pipeSet struct {
	next  atomic.Uint32
	slots [RequestStreams]struct {
		opening chan struct{} // capacity 1: held while a stream is opened
		pipe    atomic.Pointer[pipe]
	}
}

func (ps *pipes) set(name string) *pipeSet {
	ps.mu.RLock()
	set := ps.sets[name]
	ps.mu.RUnlock()
	if set != nil {
		return set
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if set = ps.sets[name]; set != nil {
		return set
	}
	set = new(pipeSet)
	for i := range set.slots {
		set.slots[i].opening = make(chan struct{}, 1)
	}
	if ps.sets == nil {
		ps.sets = map[string]*pipeSet{}
	}
	ps.sets[name] = set
	return set
}

// pipe returns a working stream for a request, and opens a stream if need be.
func (q *requests) pipe(ctx context.Context, ses *session, name string) (*pipe, error) {
	set := ses.pipes.set(name)
	slot := &set.slots[set.next.Add(1)%RequestStreams]
	if p := slot.pipe.Load(); p != nil && p.alive() {
		return p, nil
	}
	select {
	case slot.opening <- struct{}{}:
		defer func() { <-slot.opening }()
	case <-ctx.Done():
		return nil, unknown(ses.shop, ctx.Err())
	}
	if p := slot.pipe.Load(); p != nil && p.alive() {
		return p, nil
	}
	s, err := q.streams.open(ctx, ses, name)
	if err != nil {
		return nil, err
	}
	p := &pipe{ses: ses, s: s, results: &q.results, out: newFrameWriter(s, s.SetWriteDeadline), calls: map[uint64]chan result{}}
	p.stop = context.AfterFunc(ses.ctx, func() { _ = s.Reset() })
	go func() { p.fail(p.out.run()) }() // both end with the stream
	go func() { p.fail(p.read()) }()
	slot.pipe.Store(p)
	return p, nil
}

// pipe is one stream with many requests under way.
type pipe struct {
	ses     *session
	s       network.Stream
	out     *frameWriter
	results *sync.Pool // requests.results
	stop    func() bool

	mu    sync.Mutex
	last  uint64                 // guarded by mu: id of the newest request
	calls map[uint64]chan result // guarded by mu; nil once failed
	err   error                  // guarded by mu: why it failed
	dead  atomic.Bool
}

type result struct {
	reply []byte
	err   error
}

func (p *pipe) alive() bool { return !p.dead.Load() }

func (p *pipe) ask(ctx context.Context, req []byte) ([]byte, error) {
	done := p.results.Get().(chan result)
	p.mu.Lock()
	if p.calls == nil {
		defer p.mu.Unlock()
		return nil, unknown(p.ses.shop, p.err)
	}
	p.last++
	id := p.last
	p.calls[id] = done
	p.mu.Unlock()
	if err := p.out.send(ctx, id, kindRequest, req); err != nil {
		p.forget(id)
		return nil, unknown(p.ses.shop, err)
	}
	select {
	case r := <-done:
		p.results.Put(done)
		return r.reply, r.err
	case <-ctx.Done():
		p.forget(id) // done does not return to results: read may be about to fill it
		return nil, unknown(p.ses.shop, ctx.Err())
	}
}

func (p *pipe) forget(id uint64) {
	p.mu.Lock()
	delete(p.calls, id)
	p.mu.Unlock()
}

// take returns the call that a frame answers, nil where the caller gave up.
func (p *pipe) take(id uint64) (chan result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id == 0 || id > p.last {
		return nil, errFrame
	}
	done := p.calls[id]
	delete(p.calls, id)
	return done, nil
}

// read hands replies to their callers until the stream ends, and returns why.
func (p *pipe) read() error {
	fr := frameReader{r: bufio.NewReaderSize(p.s, streamBuffer), slow: p.s, limit: MaxMessage}
	for {
		h, payload, err := fr.next()
		if err != nil {
			return err
		}
		var r result
		switch h.kind {
		case kindReply:
			r.reply = payload
		case kindError:
			if r.err = parseError(payload); !IsAnswer(r.err) {
				return errFrame
			}
		default:
			return errFrame
		}
		done, err := p.take(h.id)
		if err != nil {
			return err
		}
		if done != nil {
			done <- r
		}
	}
}

// fail ends the stream; the outcome of every call under way becomes unknown.
func (p *pipe) fail(why error) {
	if !p.dead.CompareAndSwap(false, true) {
		return
	}
	p.stop()
	_ = p.s.Reset()
	p.out.fail(why)
	p.mu.Lock()
	calls := p.calls
	p.calls, p.err = nil, why
	p.mu.Unlock()
	for _, done := range calls {
		done <- result{err: unknown(p.ses.shop, why)}
	}
}

// unknown is the error of a request that may or may not have been served.
func unknown(shop exchange.ShopID, why error) error {
	if errors.Is(why, context.DeadlineExceeded) {
		return exchange.Errorf(exchange.CodeUnavailable, "%s did not answer in time; the outcome is unknown, ask again: %w", shop, why)
	}
	return exchange.Errorf(exchange.CodeUnavailable, "the connection to %s failed before its answer; the outcome is unknown, ask again: %w", shop, why)
}
