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
// subscribes to, messages and bytes of a neighbour and of an author, replays. A
// neighbour that does what no honest one does is muted for a while. How much others
// write is nothing it can help: what is too much of that is dropped without blame.
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
	handed quota           // of all it hands us
	own    quota           // of those that it is the author of, as of every author
	flood  quota           // of those too, beyond what an honest author could write
	faults *rate.Limiter
	muted  time.Time // until then
}

// authorState is of messages whose signature was checked, whoever handed them on.
type authorState struct {
	quota  quota
	replay replay
}

// quota bounds messages and their data.
type quota struct{ count, bytes *rate.Limiter }

// allow reports whether one more message of size bytes passes.
func (q quota) allow(now time.Time, size int) bool {
	return q.count.AllowN(now, 1) && q.bytes.AllowN(now, size)
}

func senderQuota() quota {
	return quota{rate.NewLimiter(senderRate, senderBurst), rate.NewLimiter(senderByteRate, senderByteBurst)}
}

func authorQuota() quota {
	return quota{rate.NewLimiter(authorRate, authorBurst), rate.NewLimiter(authorByteRate, authorByteBurst)}
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
			handed: senderQuota(),
			own:    authorQuota(),
			flood:  senderQuota(),
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
		size, own := len(m.GetData()), peer.ID(m.GetFrom()) == from
		switch {
		case size > MaxTopicMessage:
			f.fault(from, "messages that are too large", now)
		case own && !nb.flood.allow(now, size):
			f.fault(from, "a flood of messages of its own", now)
		case own && !nb.own.allow(now, size):
			f.tell(from, "dropped: author too fast", "")
		case !nb.handed.allow(now, size):
			f.tell(from, "dropped: neighbour too fast", "")
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
		a = &authorState{quota: authorQuota()}
		f.authors[p] = a
	}
	return a
}

// allowAuthor reports whether one more message of an author's passes, of size bytes.
func (f *gossipFilter) allowAuthor(p peer.ID, size int, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.author(p).quota.allow(now, size)
}
