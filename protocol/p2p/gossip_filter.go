package p2p

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
)

// gossipFilter bounds the work and the memory that members can cause by gossip: a neighbour's
// topics, a neighbour's and an author's messages and bytes, and replays. A neighbour that does what
// no honest neighbour does is muted for a while. It cannot help how much other authors write:
// messages beyond its quota are dropped without blame.
//
// Neighbours keep their quotas when they disconnect; else a reconnection would refill the quotas.
// The member list bounds the number of neighbours and authors: gossip takes nothing from others.
type gossipFilter struct {
	names *regexp.Regexp
	tell  func(p peer.ID, event, why string) // called for each message dropped, and when p is muted (why is set)
	joins func(topic string)                 // called when a neighbour says that it subscribes

	mu         sync.Mutex
	neighbours map[peer.ID]*neighbour   // guarded by mu
	authors    map[peer.ID]*authorState // guarded by mu
}

// neighbour is a peer that hands us messages, its own and other authors'.
type neighbour struct {
	topics map[string]bool // that it subscribes to, while connected
	handed quota           // of all messages that it hands us
	own    quota           // of its own messages, as for every author; beyond, messages are dropped
	flood  quota           // of its own messages; beyond, messages are faults
	faults *rate.Limiter   // of faults; beyond, the neighbour is muted
	muted  time.Time       // until when it is muted
}

// authorState bounds an author's messages whose signature was checked, whichever neighbours handed
// them to us.
type authorState struct {
	quota  quota
	replay replay
}

// quota bounds a number of messages, and the bytes of their data.
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

func newGossipFilter(prefix string, tell func(p peer.ID, event, why string), joins func(topic string)) *gossipFilter {
	return &gossipFilter{
		names: regexp.MustCompile(fmt.Sprintf("^%s[A-Za-z0-9._/-]{1,%d}$", regexp.QuoteMeta(prefix), maxTopicName)), tell: tell, joins: joins,
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

// FilterIncomingSubscriptions implements pubsub.SubscriptionFilter. It leaves out topics that
// are not this federation's, and lets a neighbour subscribe to at most maxPeerTopics.
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
			f.joins(name)
		}
		kept = append(kept, s)
	}
	return kept, nil
}

// inspect removes from a neighbour's RPC the messages that it may not send, before any signature is
// checked. Subscriptions stay, also of a muted neighbour: they have a bound of their own, and the
// neighbour does not send them again when it is no longer muted.
func (f *gossipFilter) inspect(from peer.ID, rpc *pubsub.RPC) error {
	f.inspectAt(from, rpc, time.Now())
	return nil
}

func (f *gossipFilter) inspectAt(from peer.ID, rpc *pubsub.RPC, now time.Time) {
	for _, prune := range rpc.GetControl().GetPrune() {
		if prune.GetBackoff() > maxPruneBackoff { // pubsub multiplies the number unchecked, and stores it
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

// fault counts a fault of neighbour p, and mutes p where its faults pass their bound.
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

// topicsOf are the topics to which a connected neighbour subscribes.
func (f *gossipFilter) topicsOf(p peer.ID) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if nb := f.neighbours[p]; nb != nil {
		return slices.Collect(maps.Keys(nb.topics))
	}
	return nil
}

// disconnected forgets the topics of a neighbour that disconnected.
func (f *gossipFilter) disconnected(p peer.ID) {
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

// allowAuthor reports whether one more message of p's, of size bytes, passes.
func (f *gossipFilter) allowAuthor(p peer.ID, size int, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.author(p).quota.allow(now, size)
}
