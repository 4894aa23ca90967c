package p2p

import (
	"encoding/binary"
	"log/slog"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// start starts gossipsub on a protocol ID of the federation's own.
func (t *topics) start() (err error) {
	t.filter = newGossipFilter(topicPrefix(t.cfg.Federation), t.noteFault, t.joins)
	if t.look, err = t.host.EventBus().Emitter(new(event.EvtPeerProtocolsUpdated)); err != nil {
		return err
	}
	params := pubsub.DefaultGossipSubParams()
	params.IDontWantMessageThreshold = gossipDontWant
	params.UnsubscribeBackoff = gossipLeave
	t.gossip, err = pubsub.NewGossipSub(t.ctx, gossipHost{guardedHost{t.host, t.streams}, t},
		pubsub.WithGossipSubParams(params),
		pubsub.WithGossipSubProtocols([]protocol.ID{t.protocol()}, func(f pubsub.GossipSubFeature, _ protocol.ID) bool {
			return f == pubsub.GossipSubFeatureMesh || f == pubsub.GossipSubFeatureIdontwant
		}),
		pubsub.WithMessageSignaturePolicy(pubsub.StrictSign),
		pubsub.WithPeerExchange(false),
		// An author hands its messages to all its neighbours. In the mesh it has twelve at most, and
		// readers who reach only the author, as those behind NAT do, would wait for heartbeats: of 20
		// retailers some saw a change of a stock after seconds. A change has under 1 KiB; for 500
		// retailers the author sends half a MiB.
		pubsub.WithFloodPublish(true),
		pubsub.WithPeerOutboundQueueSize(gossipQueue),
		pubsub.WithValidateQueueSize(gossipQueue),
		pubsub.WithMaxMessageSize(maxGossipRPC),
		pubsub.WithPeerFilter(func(p peer.ID, _ string) bool { return t.gate.admits(p) }),
		pubsub.WithSubscriptionFilter(t.filter),
		pubsub.WithAppSpecificRpcInspector(t.filter.inspect),
		pubsub.WithRawTracer(&gossipTracer{m: t.metrics, filter: t.filter, meshed: t.meshes}),
		pubsub.WithLogger(t.log),
		pubsub.WithRPCLogger(slog.New(slog.DiscardHandler)), // else each message would be formatted for the log
	)
	return err
}

// protocol is gossip's, of the federation's own.
func (t *topics) protocol() protocol.ID {
	return protocol.ID("/souk/" + t.cfg.Federation + "/meshsub/1.2.0")
}

// noteFault counts a message that the filter dropped. With a reason, the filter muted the member p,
// which is logged.
func (t *topics) noteFault(p peer.ID, event, why string) {
	t.metrics.gossip.WithLabelValues(event).Inc()
	if why != "" {
		shop, _ := shopOf(p)
		t.log.Warn("a member's gossip is not heard for a while", "shop", shop, "for", muteTime, "why", why)
	}
}

// fresh reports whether an author's sequence number is new, and remembers the number.
func (f *gossipFilter) fresh(p peer.ID, seqno []byte) bool {
	if len(seqno) != 8 {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.author(p).replay.accept(binary.BigEndian.Uint64(seqno))
}

// replay remembers which of an author's last replayWindow sequence numbers were seen, as RFC 4303
// (3.4.3) does for packets. pubsub's own BasicSeqnoValidator keeps only the highest number, and so
// loses each message that another message overtook. An author counts up from the time of its
// start, in nanoseconds.
type replay struct {
	highest uint64
	seen    [replayWindow / 64]uint64 // ring of bits; the bit of seq is seq % replayWindow
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

// gossipTracer counts what becomes of messages: pubsub itself drops messages silently.
type gossipTracer struct {
	m      *metrics
	filter *gossipFilter
	meshed func(topic string) // topics.meshes
}

func (t *gossipTracer) count(event string) { t.m.gossip.WithLabelValues(event).Inc() }

func (t *gossipTracer) DeliverMessage(*pubsub.Message)       { t.count("delivered") }
func (t *gossipTracer) DuplicateMessage(*pubsub.Message)     { t.count("duplicate") }
func (t *gossipTracer) UndeliverableMessage(*pubsub.Message) { t.count("dropped: subscriber too slow") }
func (t *gossipTracer) ThrottlePeer(peer.ID)                 { t.count("dropped: validation throttled") }
func (t *gossipTracer) DropRPC(*pubsub.RPC, peer.ID)         { t.count("dropped: outbound queue full") }
func (t *gossipTracer) RejectMessage(m *pubsub.Message, reason string) {
	t.count("rejected: " + reason) // reasons are constants of pubsub
	switch reason {
	case pubsub.RejectInvalidSignature, pubsub.RejectMissingSignature: // whoever passes messages on checks them first
		t.filter.fault(m.ReceivedFrom, "messages with bad signatures", time.Now())
	}
}
func (t *gossipTracer) OnClosedOutboundStream(p peer.ID) { t.filter.disconnected(p) }

// Graft is called by gossip's own loop when a neighbour joins our mesh, whichever side began.
func (t *gossipTracer) Graft(_ peer.ID, topic string) { t.meshed(topic) }

func (t *gossipTracer) OnNewOutboundStream(peer.ID, protocol.ID)             {}
func (t *gossipTracer) Join(string)                                          {}
func (t *gossipTracer) Leave(string)                                         {}
func (t *gossipTracer) Prune(peer.ID, string)                                {}
func (t *gossipTracer) ValidateMessage(*pubsub.Message)                      {}
func (t *gossipTracer) RecvRPC(*pubsub.RPC)                                  {}
func (t *gossipTracer) SendRPC(*pubsub.RPC, peer.ID)                         {}
func (t *gossipTracer) SendRPCCompleted(*pubsub.RPC, peer.ID, time.Duration) {}
