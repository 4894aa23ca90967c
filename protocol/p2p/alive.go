package p2p

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
)

// pulse finds connections that have died without a word: of a process that was killed, a path that
// broke, a machine that slept or moved. libp2p notices in half a minute, and prefers such a connection
// until then, because it is older and direct.
type pulse struct {
	*base
	sessions *sessions
	streams  *streams
	away     func(peer.ID)                         // called when a session was dropped; fixed by New
	hello    func(context.Context, *session) error // says hello again; fixed by New

	checked atomic.Int64 // when checkOthers was done last, Unix nanoseconds
}

// suspect pings the connections of a session in which a request was not answered in time, and closes
// those on which nothing comes in for suspectTimeout. Where that is all of them, the session ends at
// once, and the member is away until it is met again.
func (pu *pulse) suspect(ses *session) {
	if !ses.suspected.CompareAndSwap(false, true) {
		return
	}
	conns := pu.sessions.connsOf(ses)
	go func() { // ends with the session
		defer ses.suspected.Store(false)
		pu.check(ses, conns, func() {
			pu.checkOthers()
			pu.greet(ses)
		})
	}()
	for _, c := range conns {
		if relay := pu.sessions.of(peerOf(relayOf(c.RemoteMultiaddr()))); relay != nil {
			pu.suspect(relay) // all that goes through it may have died with it
		}
	}
}

// doubt pings the connections of a session beside the one on which a hello came, and closes those on
// which nothing comes in. Until they have answered, nothing new goes over them.
func (pu *pulse) doubt(ses *session, others []network.Conn) {
	go func() { // ends with the session
		dead := false
		pu.check(ses, others, func() { dead = true })
		pu.sessions.trust(ses, others)
		if dead {
			pu.greet(ses)
		}
	}()
}

// check returns when each of the connections of a session has answered a ping or was closed. It closes
// those on which nothing has come in for suspectTimeout, calling found each time that there are any. What
// killed one may have killed others, of other members, too; but where the member has come
// by another way already (doubt), it is the member that has moved: a hub has a member that moves every few
// seconds, and would ping all others as often.
func (pu *pulse) check(ses *session, conns []network.Conn, found func()) {
	ctx, cancel := context.WithCancel(ses.ctx)
	defer cancel()
	type hearing struct {
		count uint64
		at    time.Time // when count was seen to grow
	}
	waits := map[network.Conn]hearing{}
	answered := make(chan network.Conn, len(conns))
	for _, c := range conns {
		waits[c] = hearing{heardOn(c), time.Now()}
		go func() { // ends with ctx
			if pu.answers(ctx, c) {
				answered <- c
			}
		}()
	}
	look := time.NewTicker(listenEvery)
	defer look.Stop()
	for len(waits) > 0 {
		select {
		case c := <-answered:
			delete(waits, c)
			continue
		case <-ctx.Done():
			return
		case <-look.C:
		}
		var dead []network.Conn
		now := time.Now()
		for c, h := range waits {
			count := heardOn(c)
			switch {
			case c.IsClosed():
				delete(waits, c)
			case count != h.count:
				waits[c] = hearing{count, now}
			case now.Sub(h.at) >= suspectTimeout:
				delete(waits, c)
				dead = append(dead, c)
			}
		}
		if len(dead) > 0 {
			pu.bury(ses, dead)
			found()
		}
	}
}

// bury closes dead connections of a session, all at once. Where no other is left, the session ends.
func (pu *pulse) bury(ses *session, dead []network.Conn) {
	for _, c := range dead {
		pu.log.Info("a connection answers nothing and is closed", "shop", ses.shop, "addr", c.RemoteMultiaddr())
	}
	if !slices.ContainsFunc(pu.sessions.connsOf(ses), func(c network.Conn) bool { return !slices.Contains(dead, c) }) {
		pu.sessions.drop(ses)
		pu.away(ses.peer) // at once: the ping was the dial that failed
		return
	}
	for _, c := range dead {
		_ = c.Close()
	}
}

// answers reports whether a connection answers a ping, at the latest when ctx ends. The other side's word
// that it has too many is an answer.
func (pu *pulse) answers(ctx context.Context, c network.Conn) bool {
	_, err := pu.ping(ctx, c, 1)
	return err == nil || ctx.Err() == nil && errors.Is(err, network.ErrReset)
}

// greet tells a member, by a hello, which connection is in use after another one has died.
func (pu *pulse) greet(ses *session) {
	if ses.ctx.Err() != nil {
		return
	}
	if err := pu.hello(ses.ctx, ses); err != nil {
		pu.log.Debug("hello after a connection died", "shop", ses.shop, "err", err)
	}
}

// checkOthers checks every connection after one has died, unless that was done a moment ago. The session
// whose connection it was is being checked, and suspect passes over it.
func (pu *pulse) checkOthers() {
	now := time.Now().UnixNano()
	last := pu.checked.Load()
	if time.Duration(now-last) >= checkSpacing && pu.checked.CompareAndSwap(last, now) {
		pu.checkAll()
	}
}

// checkAll checks every connection, as after a change of this machine's addresses.
func (pu *pulse) checkAll() {
	for _, ses := range pu.sessions.all() {
		pu.suspect(ses)
	}
}

var errPing = errors.New("the ping came back changed")

// ping measures round trips on one connection, on one stream: the other side allows a member few ping
// streams, and counts a stream that was reset until the reset arrives.
func (pu *pulse) ping(ctx context.Context, c network.Conn, times int) (rtts []time.Duration, err error) {
	s, err := pu.streams.openOn(ctx, c, ping.ID)
	if err != nil {
		return nil, err
	}
	defer s.Reset()
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	if err := s.Scope().SetService(ping.ServiceName); err != nil {
		return nil, err
	}
	var sent, got [ping.PingSize]byte
	for range times {
		_, _ = rand.Read(sent[:]) // never fails (crypto/rand)
		begun := time.Now()
		if _, err := s.Write(sent[:]); err != nil {
			return rtts, err
		}
		if _, err := io.ReadFull(s, got[:]); err != nil {
			return rtts, err
		}
		if got != sent {
			return rtts, errPing
		}
		rtt := time.Since(begun)
		pu.host.Peerstore().RecordLatency(c.RemotePeer(), rtt)
		rtts = append(rtts, rtt)
	}
	return rtts, nil
}
