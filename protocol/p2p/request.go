package p2p

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/souk-market/souk/exchange"
)

// requests asks members, and serves their requests.
type requests struct {
	*base
	streams  *streams
	sessions *sessions
	dialer   *dialer
	pulse    *pulse
	handlers map[string]HandlerFunc // fixed by Start

	// results has channels for replies, to be reused. Invariant: a channel in results has capacity
	// 1, is empty, and nobody else has it.
	results sync.Pool
}

// Request asks a member over protocol name and returns the member's reply, which is the caller's
// own. A member that is not connected is dialed first. Without a deadline in ctx, RequestTimeout
// applies.
//
// An error for which IsAnswer holds was sent by the member. One for which IsUnsent holds is about a
// request of which nothing was sent; where that is for want of a connection, it is CodeUnavailable,
// and comes within quickDial from a wanted member that is Away. Every other error is CodeUnavailable and
// leaves the outcome unknown: ask again with the same id.
func (n *Node) Request(ctx context.Context, to exchange.ShopID, name string, req []byte) ([]byte, error) {
	return n.requests.ask(ctx, to, name, req)
}

func (q *requests) ask(ctx context.Context, to exchange.ShopID, name string, req []byte) ([]byte, error) {
	if len(req) > MaxMessage {
		return nil, unsent{exchange.Errorf(exchange.CodeLimit, "a request has at most %d bytes, not %d", MaxMessage, len(req))}
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
	case IsUnsent(err):
		q.metrics.asked.WithLabelValues(name, "unsent").Inc()
	default:
		q.metrics.asked.WithLabelValues(name, "unknown").Inc()
	}
	return reply, err
}

func (q *requests) request(ctx context.Context, to exchange.ShopID, name string, req []byte) ([]byte, error) {
	for {
		ses, err := q.dialer.reachSoon(ctx, to)
		if err != nil {
			return nil, unsent{err}
		}
		p, err := q.pipe(ctx, ses, name)
		if err != nil {
			return nil, unsent{err}
		}
		reply, err := p.ask(ctx, req)
		if IsUnsent(err) && errors.Is(err, errRetired) {
			continue // another stream has taken p's place since
		}
		return reply, err
	}
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
	if p := slot.pipe.Load(); p != nil && p.serves() {
		return p, nil
	}
	select {
	case slot.opening <- struct{}{}:
		defer func() { <-slot.opening }()
	case <-ctx.Done():
		return nil, exchange.Errorf(exchange.CodeUnavailable, "no %s stream to %s in time: %w", name, ses.shop, ctx.Err())
	}
	if p := slot.pipe.Load(); p != nil && p.serves() {
		return p, nil
	}
	s, state, err := q.streams.open(ctx, ses, name)
	if err != nil {
		return nil, err
	}
	p := &pipe{ses: ses, s: s, conn: state, suspect: q.pulse.suspect, results: &q.results, out: newFrameWriter(s, s.SetWriteDeadline), calls: map[uint64]chan result{}}
	p.stop = context.AfterFunc(ses.ctx, func() { _ = s.Reset() })
	go func() { p.fail(p.out.run()) }() // both end with the stream
	go func() { p.fail(p.read()) }()
	if old := slot.pipe.Swap(p); old != nil {
		old.retire()
	}
	return p, nil
}

// pipe is one stream with many requests under way.
type pipe struct {
	ses     *session
	s       network.Stream
	conn    *connState // of the stream's connection
	out     *frameWriter
	results *sync.Pool // requests.results
	stop    func() bool
	suspect func(*session) // pulse.suspect

	mu      sync.Mutex
	last    uint64                 // guarded by mu: id of the newest request
	calls   map[uint64]chan result // guarded by mu; nil once failed
	err     error                  // guarded by mu: why it failed
	retired atomic.Bool            // set under mu: no call is added any more, and it fails when calls is empty
	dead    atomic.Bool
}

type result struct {
	reply []byte
	err   error
}

// serves reports whether new requests go over p: it has not failed or retired, and no better connection
// stands beside its own.
func (p *pipe) serves() bool { return !p.dead.Load() && !p.retired.Load() && !p.conn.passed.Load() }

// retire ends p when the requests under way are answered: new ones go over another.
func (p *pipe) retire() {
	p.mu.Lock()
	p.retired.Store(true)
	idle := len(p.calls) == 0
	p.mu.Unlock()
	if idle {
		p.fail(errRetired)
	}
}

var errRetired = errors.New("a better connection has taken over")

func (p *pipe) ask(ctx context.Context, req []byte) ([]byte, error) {
	done := p.results.Get().(chan result)
	p.mu.Lock()
	if p.calls == nil || p.retired.Load() {
		defer p.mu.Unlock()
		return nil, unsent{unknown(p.ses.shop, cmp.Or(p.err, errRetired))}
	}
	p.last++
	id := p.last
	p.calls[id] = done
	p.mu.Unlock()
	if err := p.out.send(ctx, id, kindRequest, req); err != nil {
		p.forget(id)
		return nil, unsent{unknown(p.ses.shop, err)} // send has not queued it
	}
	late := time.NewTimer(suspectAfter)
	defer late.Stop()
	for {
		select {
		case r := <-done:
			p.results.Put(done)
			return r.reply, r.err
		case <-late.C:
			p.suspect(p.ses)
			late.Reset(suspectAfter + suspectTimeout) // it may die while a slow answer is made
		case <-ctx.Done():
			p.forget(id) // done does not return to results: read may be about to fill it
			return nil, unknown(p.ses.shop, ctx.Err())
		}
	}
}

func (p *pipe) forget(id uint64) {
	p.mu.Lock()
	delete(p.calls, id)
	over := p.retired.Load() && len(p.calls) == 0
	p.mu.Unlock()
	if over {
		p.fail(errRetired)
	}
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
		if p.over() {
			return errRetired
		}
	}
}

// over reports whether p has answered all and takes no more.
func (p *pipe) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.retired.Load() && len(p.calls) == 0
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
