package p2p

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/souk-market/souk/exchange"
)

// Verdict is what a topic's Validate says of a message.
type Verdict int

const (
	Accept Verdict = iota // deliver the message and pass it on
	Ignore                // do neither, without blame: the message is old, or cannot be judged
	Reject                // do neither: the author broke a rule
)

// TopicOptions are the rules of one topic.
type TopicOptions struct {
	MaxMessage int              // bytes; 0 = MaxTopicMessage, which is also the most
	Author     *exchange.ShopID // the only member that may publish; nil = every member
	// Validate judges a message by its data, after membership, author, size, rate and replay were
	// checked; nil = Accept. It runs concurrently and must be quick: the message travels on only
	// after it.
	Validate func(from exchange.ShopID, data []byte) Verdict
	// Meshed, if any, is called when a neighbour begins to hand us this topic's messages as they
	// come, some seconds after the neighbour connected. Messages published before may never arrive.
	// Meshed must return at once.
	Meshed func()
	// Joined, if any, is called when a neighbour begins to hear this node's messages on the topic, and when
	// gossip between the two took another way: messages of the last moments may be lost. Joined must
	// return at once.
	Joined func()
}

// Message is a message that was received on a topic.
type Message struct {
	From exchange.ShopID // the author, whose signature was checked
	Data []byte
}

// Topic is a gossip topic that this node joined. Delivery is a hint: messages are lost when queues
// overflow, and a topic works only while members that subscribe are connected.
type Topic struct {
	in    *topics
	name  string
	opt   TopicOptions
	topic *pubsub.Topic
	sub   *pubsub.Subscription
}

// topics has the gossip topics that this node joined, and the gossip itself.
type topics struct {
	*base
	streams *streams
	gossip  *pubsub.PubSub     // set by Start
	filter  *gossipFilter      // set by Start
	look    event.Emitter      // set by Start: has gossip look at a peer again
	wanted  func(peer.ID) bool // whether the reconnector keeps a peer connected; fixed by New

	// options has TopicOptions by full topic name. Gossip's loop reads it, and does not wait for mu:
	// whoever holds mu waits for that loop.
	options sync.Map // string → TopicOptions

	open sync.Map // peer.ID → *gossipStream: gossip's latest stream to each peer

	mu     sync.Mutex
	joined map[string]*Topic // guarded by mu
}

// Topic joins and subscribes to a topic, on a started node. A topic is joined once until it is
// closed.
func (n *Node) Topic(name string, opt TopicOptions) (*Topic, error) { return n.topics.join(name, opt) }

func (t *topics) join(name string, opt TopicOptions) (*Topic, error) {
	if err := checkName("topic", name, maxTopicName, true); err != nil {
		return nil, err
	}
	if opt.MaxMessage == 0 {
		opt.MaxMessage = MaxTopicMessage
	}
	if opt.MaxMessage < 0 || opt.MaxMessage > MaxTopicMessage {
		return nil, exchange.Errorf(exchange.CodeInvalid, "a topic's messages have at most %d bytes, not %d", MaxTopicMessage, opt.MaxMessage)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.gossip == nil || t.ctx.Err() != nil {
		return nil, exchange.Errorf(exchange.CodeUnavailable, "topic %s: the network is not open", name)
	}
	if t.joined[name] != nil {
		return nil, exchange.Errorf(exchange.CodeState, "topic %s is joined already", name)
	}
	joined := &Topic{in: t, name: name, opt: opt}
	if err := joined.join(); err != nil {
		return nil, exchange.Errorf(exchange.CodeUnavailable, "topic %s: %w", name, err)
	}
	t.joined[name] = joined
	return joined, nil
}

// meshes is called by gossip's loop when a neighbour joins our mesh.
func (t *topics) meshes(topic string) {
	if o, ok := t.options.Load(topic); ok && o.(TopicOptions).Meshed != nil {
		o.(TopicOptions).Meshed()
	}
}

// joins is called by gossip's loop when a neighbour says that it subscribes.
func (t *topics) joins(topic string) {
	if o, ok := t.options.Load(topic); ok && o.(TopicOptions).Joined != nil {
		o.(TopicOptions).Joined()
	}
}

func (t *Topic) join() (err error) {
	full := topicPrefix(t.in.cfg.Federation) + t.name
	if err = t.in.gossip.RegisterTopicValidator(full, t.validate); err != nil {
		return err
	}
	t.in.options.Store(full, t.opt)
	if t.topic, err = t.in.gossip.Join(full); err == nil {
		if t.sub, err = t.topic.Subscribe(pubsub.WithBufferSize(topicBuffer)); err == nil {
			return nil
		}
		_ = t.topic.Close()
	}
	t.in.options.Delete(full)
	_ = t.in.gossip.UnregisterTopicValidator(full)
	return err
}

// Publish sends data, signed by this node, to all subscribers. It is an error where the message is
// over the topic's limit, where this node is not the topic's author, and where Validate does not
// accept the message. nil does not promise that anybody receives the message.
func (t *Topic) Publish(ctx context.Context, data []byte) error {
	if len(data) > t.opt.MaxMessage {
		return exchange.Errorf(exchange.CodeLimit, "a message on topic %s has at most %d bytes, not %d", t.name, t.opt.MaxMessage, len(data))
	}
	if t.opt.Author != nil && *t.opt.Author != t.in.cfg.self {
		return exchange.Errorf(exchange.CodeInvalid, "only %s publishes on topic %s", t.opt.Author, t.name)
	}
	if err := t.topic.Publish(ctx, data); err != nil {
		return exchange.Errorf(exchange.CodeUnavailable, "publishing on topic %s: %w", t.name, err)
	}
	return nil
}

// Next returns the next message of another member. It fails with CodeUnavailable when ctx ends, and
// when the topic or the node is closed.
func (t *Topic) Next(ctx context.Context) (Message, error) {
	for {
		m, err := t.sub.Next(ctx)
		if err != nil {
			return Message{}, exchange.Errorf(exchange.CodeUnavailable, "topic %s: %w", t.name, err)
		}
		if from, ok := shopOf(m.GetFrom()); ok && from != t.in.cfg.self {
			return Message{From: from, Data: m.GetData()}, nil
		}
	}
}

// Neighbours is how many connected members subscribe to the topic.
func (t *Topic) Neighbours() int { return len(t.topic.ListPeers()) }

// Subscribers are the connected members that subscribe to the topic, in no order. A member of the
// version before tells nothing of its topics through a relay, and is not among them there.
func (t *Topic) Subscribers() []exchange.ShopID {
	var list []exchange.ShopID
	for _, p := range t.topic.ListPeers() {
		if shop, ok := shopOf(p); ok {
			list = append(list, shop)
		}
	}
	return list
}

// Close leaves the topic, which may then be joined again.
func (t *Topic) Close() {
	t.in.mu.Lock()
	defer t.in.mu.Unlock()
	if t.in.joined[t.name] != t {
		return
	}
	delete(t.in.joined, t.name)
	t.sub.Cancel()
	_ = t.topic.Close()
	t.in.options.Delete(t.topic.String())
	_ = t.in.gossip.UnregisterTopicValidator(t.topic.String())
}

// close ends Next of every topic.
func (t *topics) close() {
	t.mu.Lock()
	open := slices.Collect(maps.Values(t.joined))
	t.mu.Unlock()
	for _, one := range open {
		one.Close()
	}
}

// validate is pubsub's validator. pubsub has checked the signature (StrictSign). The neighbour that
// passed the message on is never blamed: it may have another state of the member list.
func (t *Topic) validate(_ context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	author := m.GetFrom()
	shop, ok := shopOf(author)
	switch {
	case !ok, len(m.GetData()) > t.opt.MaxMessage, t.opt.Author != nil && *t.opt.Author != shop:
		return pubsub.ValidationReject
	case !t.in.gate.admits(author):
		return pubsub.ValidationIgnore
	case author == t.in.host.ID():
		if from != author {
			return pubsub.ValidationIgnore
		}
	case !t.in.filter.fresh(author, m.GetSeqno()), !t.in.filter.allowAuthor(author, len(m.GetData()), time.Now()):
		return pubsub.ValidationIgnore
	}
	if t.opt.Validate == nil {
		return pubsub.ValidationAccept
	}
	switch t.opt.Validate(shop, m.GetData()) {
	case Accept:
		return pubsub.ValidationAccept
	case Ignore:
		return pubsub.ValidationIgnore
	default:
		return pubsub.ValidationReject
	}
}
