package p2p

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/souk-market/souk/exchange"
)

// session is all that is shared with one connected peer. A session begins with the peer's first
// connection. It ends with the last connection, when the peer is cut off, or when the peer's
// process has restarted. An ended session is never used again.
type session struct {
	id    uint64 // counts up; tells sessions of one shop apart
	peer  peer.ID
	shop  exchange.ShopID
	begun time.Time

	ctx    context.Context // ends with the session
	cancel context.CancelFunc

	greeted chan struct{} // closed at the first hello that both sides accepted

	suspected atomic.Bool // a request was not answered in time, and the peer is being pinged

	// Guarded by sessions.mu.
	conns       map[network.Conn]*connState
	incarnation uint64 // the peer's; 0 before its hello
	hello       bool   // greeted is closed
	relays      bool   // the peer relays for members
	earlier     bool   // the peer is of the version before the reach protocol
	whyEnded    error

	pipes    pipes               // request streams that we opened
	requests *rate.Limiter       // of the peer's requests, as they are read
	inflight chan struct{}       // capacity MaxInFlight: the peer's requests in hand
	bytes    *semaphore.Weighted // capacity MaxRequestBytes: of the peer's larger requests in hand
	bulk     bulkCount
	serving  sync.Map // *server → struct{}: the peer's request streams
}

// connState is what is known of one connection. All but passed is guarded by sessions.mu.
type connState struct {
	incarnation uint64 // that its hello named; 0 = none yet
	welcomed    bool   // welcome has begun
	doubted     bool   // a hello came on another connection, and this one has not answered a ping since

	passed atomic.Bool // nothing new goes over it: it is doubted, or relayed beside a direct one
}

// awaitHello waits, at most HelloTimeout, until the peer's hello was accepted.
func (s *session) awaitHello(ctx context.Context) error {
	select {
	case <-s.greeted:
		return nil
	default:
	}
	t := time.NewTimer(HelloTimeout)
	defer t.Stop()
	select {
	case <-s.greeted:
		return nil
	case <-s.ctx.Done():
		return exchange.Errorf(exchange.CodeUnavailable, "%s closed the connection before its hello", s.shop)
	case <-ctx.Done():
		return exchange.Errorf(exchange.CodeUnavailable, "no hello from %s yet: %w", s.shop, ctx.Err())
	case <-t.C:
		return exchange.Errorf(exchange.CodeUnavailable, "%s sent no hello within %v", s.shop, HelloTimeout)
	}
}

// finish waits until none of the peer's requests is in hand, and lets no other request begin. It
// reports false where ctx ended first.
func (s *session) finish(ctx context.Context) bool {
	for range MaxInFlight {
		select {
		case s.inflight <- struct{}{}:
		case <-s.ctx.Done():
			return true
		case <-ctx.Done():
			return false
		}
	}
	return true
}
