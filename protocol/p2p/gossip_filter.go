package p2p

import (
	"errors"
	"regexp"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
)

// gossipFilter bounds what members can make us do and keep: topics a neighbour
// subscribes to, messages and bytes of a neighbour, messages of an author, replays. A
// neighbour that does what no honest one does is muted for a while.
//
// Neighbours keep their quotas when they disconnect, or coming back would refill them.
// Neighbours and authors are bounded by the member list: nobody else gets that far.
type gossipFilter struct {
	names *regexp.Regexp
	tell  func(p peer.ID, event, why string) // of what was dropped, or that p was muted

	mu         sync.Mutex
	neighbours map[peer.ID]*neighbour   // guarded by mu
	authors    map[peer.ID]*authorState // guarded by mu
}

// neighbour is somebody who hands us messages, its own and others'.
type neighbour struct {
	topics map[string]bool // it subscribes to, while connected
	count  *rate.Limiter   // of messages
	bytes  *rate.Limiter   // of their data
	own    *rate.Limiter   // of those that it is the author of
	faults *rate.Limiter
	muted  time.Time // until then
}

type authorState struct {
	limit  *rate.Limiter
	replay replay
}

func newGossipFilter(prefix string, tell func(p peer.ID, event, why string)) *gossipFilter {
	return &gossipFilter{
		names: regexp.MustCompile("^" + regexp.QuoteMeta(prefix) + `[A-Za-z0-9._/-]{1,128}$`), tell: tell,
		neighbours: map[peer.ID]*neighbour{}, authors: map[peer.ID]*authorState{},
	}
}

// neighbour is called with mu held.
func (f *gossipFilter) neighbour(p peer.ID) *neighbour {
	nb := f.neighbours[p]
	if nb == nil {
		nb = &neighbour{
			topics: map[string]bool{},
			count:  rate.NewLimiter(senderRate, senderBurst),
			bytes:  rate.NewLimiter(senderByteRate, senderByteBurst),
			own:    rate.NewLimiter(authorRate, authorBurst),
			faults: rate.NewLimiter(faultRate, faultBurst),
		}
		f.neighbours[p] = nb
	}
	return nb
}

var errTooManyTopics = errors.New("p2p: more topic subscriptions than a member may have")

// CanSubscribe implements pubsub.SubscriptionFilter.
func (f *gossipFilter) CanSubscribe(topic string) bool { return f.names.MatchString(topic) }

// FilterIncomingSubscriptions implements pubsub.SubscriptionFilter: topics that
// are not ours are left out, and a neighbour has at most maxPeerTopics.
func (f *gossipFilter) FilterIncomingSubscriptions(from peer.ID, subs []*pb.RPC_SubOpts) ([]*pb.RPC_SubOpts, error) {
	if len(subs) > maxPeerTopics {
		return nil, errTooManyTopics
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	has := f.neighbour(from).topics
	kept := subs[:0:0]
	for _, s := range subs {
		name := s.GetTopicid()
		switch {
		case !f.CanSubscribe(name):
			continue
		case !s.GetSubscribe():
			delete(has, name)
		case !has[name] && len(has) >= maxPeerTopics:
			return nil, errTooManyTopics
		default:
			has[name] = true
		}
		kept = append(kept, s)
	}
	return kept, nil
}

// inspect takes from a neighbour's RPC what it may not send, before any signature in it
// is checked. Its subscriptions always stay: they have a bound of their own, and a neighbour
// that was muted would else be lost for its topics when it is heard again.
func (f *gossipFilter) inspect(from peer.ID, rpc *pubsub.RPC) error {
	f.inspectAt(from, rpc, time.Now())
	return nil
}

func (f *gossipFilter) inspectAt(from peer.ID, rpc *pubsub.RPC, now time.Time) {
	for _, prune := range rpc.GetControl().GetPrune() {
		if prune.GetBackoff() > maxPruneBackoff { // pubsub multiplies it unchecked, and keeps it
			backoff := uint64(maxPruneBackoff)
			prune.Backoff = &backoff
		}
	}
	f.mu.Lock()
	nb := f.neighbour(from)
	muted := now.Before(nb.muted)
	f.mu.Unlock()
	if muted {
		if len(rpc.GetPublish()) > 0 {
			f.tell(from, "dropped: neighbour muted", "")
		}
		rpc.Publish, rpc.Control = nil, nil
		return
	}
	kept := rpc.GetPublish()[:0:0]
	for _, m := range rpc.GetPublish() {
		size := len(m.GetData())
		switch {
		case size > MaxTopicMessage:
			f.fault(from, "messages that are too large", now)
		case !nb.count.AllowN(now, 1) || !nb.bytes.AllowN(now, size):
			f.fault(from, "more messages than a neighbour may send", now)
		case peer.ID(m.GetFrom()) == from && !nb.own.AllowN(now, 1):
			f.tell(from, "dropped: author too fast", "")
		default:
			kept = append(kept, m)
		}
	}
	rpc.Publish = kept
}

// fault counts what no honest neighbour does; one that goes on is muted.
func (f *gossipFilter) fault(p peer.ID, why string, now time.Time) {
	f.mu.Lock()
	nb := f.neighbour(p)
	mute := !nb.faults.AllowN(now, 1) && !now.Before(nb.muted)
	if mute {
		nb.muted = now.Add(muteTime)
	}
	f.mu.Unlock()
	f.tell(p, "dropped: neighbour at fault", "")
	if mute {
		f.tell(p, "neighbour muted", why)
	}
}

// gone forgets what holds only while a neighbour is connected.
func (f *gossipFilter) gone(p peer.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if nb := f.neighbours[p]; nb != nil {
		nb.topics = map[string]bool{}
	}
}

// author is called with mu held.
func (f *gossipFilter) author(p peer.ID) *authorState {
	a := f.authors[p]
	if a == nil {
		a = &authorState{limit: rate.NewLimiter(authorRate, authorBurst)}
		f.authors[p] = a
	}
	return a
}

func (f *gossipFilter) allowAuthor(p peer.ID, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.author(p).limit.AllowN(now, 1)
}

// noteGossipFault counts what the filter dropped, and says whom it muted.
func (n *Node) noteGossipFault(p peer.ID, event, why string) {
	n.metrics.gossip.WithLabelValues(event).Inc()
	if why != "" {
		shop, _ := shopOf(p)
		n.log.Warn("a member's gossip is not heard for a while", "shop", shop, "for", muteTime, "why", why)
	}
}
