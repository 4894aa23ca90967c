package p2p

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/souk-market/souk/exchange"
)

// Verdict is what a topic's Validate says of a message.
type Verdict int

const (
	Accept Verdict = iota // deliver it and pass it on
	Ignore                // neither, without blame: old, or not decidable
	Reject                // neither; its author broke a rule
)

// TopicOptions are the rules of one topic.
type TopicOptions struct {
	MaxMessage int              // bytes; 0 = MaxTopicMessage, which is also the most
	Author     *exchange.ShopID // the only one who may publish; nil = every member
	// Validate judges a message by its author's data after membership, author,
	// size, rate and replay were checked; nil = Accept. It runs concurrently and
	// must be quick: everybody behind us waits for it.
	Validate func(from exchange.ShopID, data []byte) Verdict
	// Meshed, if any, is called when a neighbour begins to hand us this topic's
	// messages as they come, some seconds after it connected. What was published
	// before may never arrive. It must return at once.
	Meshed func()
}

// Message is one that was heard on a topic.
type Message struct {
	From exchange.ShopID // its author, whose signature was checked
	Data []byte
}

// Topic is one gossip topic. Delivery is a hint: messages are lost when queues
// overflow, and a topic works only while members who subscribe are connected.
type Topic struct {
	in    *topics
	name  string
	opt   TopicOptions
	topic *pubsub.Topic
	sub   *pubsub.Subscription
}

// topics are the gossip topics this node joined, and the gossip they run on.
type topics struct {
	*base
	streams *streams
	gossip  *pubsub.PubSub // set by Start
	filter  *gossipFilter  // set by Start

	// meshed are TopicOptions.Meshed by full topic name. The loop of gossip reads them,
	// for which those who hold mu wait: no mutex of ours may guard them.
	meshed sync.Map // string → func()

	mu     sync.Mutex
	joined map[string]*Topic // guarded by mu
}

// Topic joins and subscribes to a topic, once a name, on a started node.
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

func (t *Topic) join() (err error) {
	full := topicPrefix(t.in.cfg.Federation) + t.name
	if err = t.in.gossip.RegisterTopicValidator(full, t.validate); err != nil {
		return err
	}
	if t.opt.Meshed != nil {
		t.in.meshed.Store(full, t.opt.Meshed)
	}
	if t.topic, err = t.in.gossip.Join(full); err == nil {
		if t.sub, err = t.topic.Subscribe(pubsub.WithBufferSize(topicBuffer)); err == nil {
			return nil
		}
		_ = t.topic.Close()
	}
	t.in.meshed.Delete(full)
	_ = t.in.gossip.UnregisterTopicValidator(full)
	return err
}

// Publish sends data, signed by this node, to everybody who subscribes. A
// message over the topic's limit, by another than the topic's author, or against
// its Validate is an error; nil does not promise that anybody heard it.
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

// Next returns the next message, own ones left out. It ends with ctx, Close and
// the node (CodeUnavailable).
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

// Neighbours is how many subscribers are directly connected.
func (t *Topic) Neighbours() int { return len(t.topic.ListPeers()) }

// Close leaves the topic; it may be joined again.
func (t *Topic) Close() {
	t.in.mu.Lock()
	defer t.in.mu.Unlock()
	if t.in.joined[t.name] != t {
		return
	}
	delete(t.in.joined, t.name)
	t.sub.Cancel()
	_ = t.topic.Close()
	t.in.meshed.Delete(t.topic.String())
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

// validate is pubsub's validator. Signature and author were checked by pubsub
// (StrictSign). Nothing is held against the neighbour who passed a message on:
// it may know another state of the member list.
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
