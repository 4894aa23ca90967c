package p2p

import (
	"encoding/binary"
	"errors"
	"log/slog"
	"regexp"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"golang.org/x/time/rate"
)

// openGossip starts gossipsub on protocol IDs of the federation's own.
func (n *Node) openGossip() (err error) {
	n.filter = newGossipFilter(topicPrefix(n.cfg.Federation))
	id := protocol.ID("/souk/" + n.cfg.Federation + "/meshsub/1.2.0")
	params := pubsub.DefaultGossipSubParams()
	params.IDontWantMessageThreshold = gossipDontWant
	n.gossip, err = pubsub.NewGossipSub(n.ctx, guardedHost{n.host, n},
		pubsub.WithGossipSubParams(params),
		pubsub.WithGossipSubProtocols([]protocol.ID{id}, func(f pubsub.GossipSubFeature, _ protocol.ID) bool {
			return f == pubsub.GossipSubFeatureMesh || f == pubsub.GossipSubFeatureIdontwant
		}),
		pubsub.WithMessageSignaturePolicy(pubsub.StrictSign),
		pubsub.WithPeerExchange(false),
		pubsub.WithFloodPublish(false),
		pubsub.WithPeerOutboundQueueSize(gossipQueue),
		pubsub.WithValidateQueueSize(gossipQueue),
		pubsub.WithMaxMessageSize(maxGossipRPC),
		pubsub.WithPeerFilter(func(p peer.ID, _ string) bool { return n.gate.admits(p) }),
		pubsub.WithSubscriptionFilter(n.filter),
		pubsub.WithAppSpecificRpcInspector(n.filter.inspect),
		pubsub.WithRawTracer(&gossipTracer{m: n.metrics, filter: n.filter, meshed: &n.meshed}),
		pubsub.WithLogger(n.log),
		pubsub.WithRPCLogger(slog.New(slog.DiscardHandler)), // it would write every message out
	)
	return err
}

// gossipFilter bounds what members can make us do and keep: topics a neighbour
// subscribes to, messages of a neighbour, messages of an author, replays.
// Entries of neighbours go when they disconnect; those of authors are bounded by
// the member list, as only members' signed messages get that far.
type gossipFilter struct {
	names *regexp.Regexp

	mu      sync.Mutex
	topics  map[peer.ID]map[string]bool // guarded by mu: subscriptions of neighbours
	senders map[peer.ID]*rate.Limiter   // guarded by mu
	authors map[peer.ID]*authorState    // guarded by mu
}

type authorState struct {
	limit  *rate.Limiter
	replay replay
}

func newGossipFilter(prefix string) *gossipFilter {
	return &gossipFilter{
		names:  regexp.MustCompile("^" + regexp.QuoteMeta(prefix) + `[A-Za-z0-9._/-]{1,128}$`),
		topics: map[peer.ID]map[string]bool{}, senders: map[peer.ID]*rate.Limiter{}, authors: map[peer.ID]*authorState{},
	}
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
	has := f.topics[from]
	if has == nil {
		has = map[string]bool{}
		f.topics[from] = has
	}
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

var errTooFast = errors.New("p2p: more gossip than a neighbour may send")

// inspect drops an RPC of a neighbour that sends too much, before any signature
// in it is checked.
func (f *gossipFilter) inspect(from peer.ID, rpc *pubsub.RPC) error {
	count := len(rpc.GetPublish())
	if count == 0 {
		return nil
	}
	f.mu.Lock()
	l := f.senders[from]
	if l == nil {
		l = rate.NewLimiter(senderRate, senderBurst)
		f.senders[from] = l
	}
	f.mu.Unlock()
	if !l.AllowN(time.Now(), count) {
		return errTooFast
	}
	return nil
}

// gone forgets a neighbour.
func (f *gossipFilter) gone(p peer.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.topics, p)
	delete(f.senders, p)
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

// fresh reports whether an author's sequence number was not seen before.
func (f *gossipFilter) fresh(p peer.ID, seqno []byte) bool {
	if len(seqno) != 8 {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.author(p).replay.accept(binary.BigEndian.Uint64(seqno))
}

// replay remembers which of an author's last replayWindow sequence numbers were
// seen, as RFC 4303 (3.4.3) does for packets. pubsub's own BasicSeqnoValidator
// keeps only the highest, and so loses every message that another overtook on
// the way. Authors count up from the time they started, in nanoseconds.
type replay struct {
	highest uint64
	seen    [replayWindow / 64]uint64 // ring of bits, by sequence number
}

func (r *replay) accept(seq uint64) bool {
	switch {
	case seq > r.highest:
		if seq-r.highest >= replayWindow {
			r.seen = [replayWindow / 64]uint64{}
		} else {
			for s := r.highest + 1; s < seq; s++ {
				r.set(s, false)
			}
		}
		r.highest = seq
	case r.highest-seq >= replayWindow || r.has(seq):
		return false
	}
	r.set(seq, true)
	return true
}

func (r *replay) has(seq uint64) bool {
	bit := seq % replayWindow
	return r.seen[bit/64]&(1<<(bit%64)) != 0
}

func (r *replay) set(seq uint64, on bool) {
	bit := seq % replayWindow
	if on {
		r.seen[bit/64] |= 1 << (bit % 64)
	} else {
		r.seen[bit/64] &^= 1 << (bit % 64)
	}
}

// gossipTracer counts what becomes of messages: pubsub drops without a word.
type gossipTracer struct {
	m      *metrics
	filter *gossipFilter
	meshed *sync.Map // Node.meshed
}

func (t *gossipTracer) count(event string) { t.m.gossip.WithLabelValues(event).Inc() }

func (t *gossipTracer) DeliverMessage(*pubsub.Message)       { t.count("delivered") }
func (t *gossipTracer) DuplicateMessage(*pubsub.Message)     { t.count("duplicate") }
func (t *gossipTracer) UndeliverableMessage(*pubsub.Message) { t.count("dropped: subscriber too slow") }
func (t *gossipTracer) ThrottlePeer(peer.ID)                 { t.count("dropped: validation throttled") }
func (t *gossipTracer) DropRPC(*pubsub.RPC, peer.ID)         { t.count("dropped: outbound queue full") }
func (t *gossipTracer) RejectMessage(_ *pubsub.Message, reason string) {
	t.count("rejected: " + reason) // reasons are constants of pubsub
}
func (t *gossipTracer) OnClosedOutboundStream(p peer.ID) { t.filter.gone(p) }

// Graft comes from gossip's own loop, whichever of the two sides began.
func (t *gossipTracer) Graft(_ peer.ID, topic string) {
	if f, ok := t.meshed.Load(topic); ok {
		f.(func())()
	}
}

func (t *gossipTracer) OnNewOutboundStream(peer.ID, protocol.ID)             {}
func (t *gossipTracer) Join(string)                                          {}
func (t *gossipTracer) Leave(string)                                         {}
func (t *gossipTracer) Prune(peer.ID, string)                                {}
func (t *gossipTracer) ValidateMessage(*pubsub.Message)                      {}
func (t *gossipTracer) RecvRPC(*pubsub.RPC)                                  {}
func (t *gossipTracer) SendRPC(*pubsub.RPC, peer.ID)                         {}
func (t *gossipTracer) SendRPCCompleted(*pubsub.RPC, peer.ID, time.Duration) {}
