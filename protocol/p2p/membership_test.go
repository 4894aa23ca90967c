package p2p_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// bareHost is a libp2p host with a key but none of this package's manners.
func bareHost(t *testing.T, w *town, place int, raw []byte) host.Host {
	t.Helper()
	key, err := crypto.UnmarshalEd25519PrivateKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	opts := append([]libp2p.Option{libp2p.Identity(key), libp2p.ListenAddrStrings(w.world.Listen(place)...), libp2p.DisableMetrics(),
		libp2p.ResourceManager(&network.NullResourceManager{})},
		w.world.HostOptions(place)...)
	h, err := libp2p.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func infoOf(t *testing.T, n *p2p.Node) peer.AddrInfo {
	t.Helper()
	info, err := peer.AddrInfoFromString(n.Addresses()[0])
	if err != nil {
		t.Fatal(err)
	}
	return *info
}

func TestStrangersAreKeptOut(t *testing.T) {
	inTown(t, 2, func(t *testing.T, w *town) {
		heard := make(chan p2p.Message, 1)
		w.start(0, nil, nil)
		shop := w.start(1, nil, nil)
		topic, err := shop.Topic("news", p2p.TopicOptions{})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if m, err := topic.Next(context.Background()); err == nil {
				heard <- m
			}
		}()
		time.Sleep(2 * time.Second)

		key, id := newKey(t)
		h := bareHost(t, w, 5, key)
		defer h.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		gossip, err := pubsub.NewGossipSub(ctx, h, pubsub.WithGossipSubProtocols(
			[]protocol.ID{"/souk/" + federation + "/meshsub/1.2.0"}, pubsub.GossipSubDefaultFeatures))
		if err != nil {
			t.Fatal(err)
		}
		news, err := gossip.Join("/souk/" + federation + "/news")
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range w.nodes {
			_ = h.Connect(ctx, infoOf(t, target)) // may seem to succeed
			time.Sleep(time.Second)
			if len(h.Network().ConnsToPeer(infoOf(t, target).ID)) > 0 {
				t.Fatal("a stranger stays connected")
			}
			for _, name := range []string{"hello", "echo"} {
				if s, err := h.NewStream(ctx, infoOf(t, target).ID, protocol.ID("/souk/"+federation+"/"+name+"/1")); err == nil {
					_, _ = s.Write([]byte{1})
					if _, err := s.Read(make([]byte, 1)); err == nil {
						t.Fatalf("a stranger was served on %s", name)
					}
				}
			}
		}
		_ = news.Publish(ctx, []byte("from a stranger"))
		time.Sleep(5 * time.Second)
		select {
		case m := <-heard:
			t.Fatalf("a stranger was heard: %v", m)
		default:
		}
		if w.members.knocks(id) == 0 {
			t.Fatal("the directory was not told of the unknown key")
		}
		if len(shop.Peers()) != 1 {
			t.Fatalf("peers: %v", shop.Peers())
		}
		topic.Close()
	})
}

// TestHelloBeforeStreams lets a member that never says hello try everything else.
func TestHelloBeforeStreams(t *testing.T) {
	inTown(t, 2, func(t *testing.T, w *town) {
		hub := w.start(0, nil, nil)
		h := bareHost(t, w, 1, w.keys[1])
		defer h.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := h.Connect(ctx, infoOf(t, hub)); err != nil {
			t.Fatal(err)
		}
		s, err := h.NewStream(ctx, infoOf(t, hub).ID, protocol.ID("/souk/"+federation+"/echo/1"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write([]byte{3, 1, 1, 'x'}); err != nil {
			t.Fatal(err)
		}
		if b, err := s.Read(make([]byte, 10)); err == nil {
			t.Fatalf("served %d bytes before a hello", b)
		}
		w.wait(2*p2p.HelloTimeout, "closed without a hello", func() bool {
			return len(h.Network().ConnsToPeer(infoOf(t, hub).ID)) == 0
		})
		if len(hub.Peers()) != 0 {
			t.Fatal("counted as connected without a hello")
		}
	})
}

func TestLateMemberIsLetIn(t *testing.T) {
	inTown(t, 2, func(t *testing.T, w *town) {
		theirs := newList() // the hub's list does not have the shop yet
		w.start(0, func(c *p2p.Config) { c.Members = theirs }, nil)
		w.start(1, nil, nil)
		time.Sleep(10 * time.Second)
		if w.connected(1, 0) || w.connected(0, 1) {
			t.Fatal("connected to a hub that does not know the shop")
		}
		if theirs.knocks(w.ids[1]) == 0 {
			t.Fatal("the hub's directory heard of no unknown key")
		}
		theirs.set(w.ids[1], true)
		w.wait(2*time.Minute, "let in", func() bool { return w.connected(1, 0) && w.connected(0, 1) })
	})
}

func TestRevokedIsCut(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		started := make(chan struct{})
		gone := make(chan exchange.ShopID, 10)
		w.start(0, nil, nil)
		w.start(1, nil, func(n *p2p.Node) {
			n.Handle("hang", func(ctx context.Context, _ exchange.ShopID, _ []byte) ([]byte, error) {
				close(started)
				<-ctx.Done()
				return nil, ctx.Err()
			})
			n.OnDisconnect(func(s exchange.ShopID) { gone <- s })
		})
		w.start(2, nil, nil)
		time.Sleep(3 * time.Second)
		w.mustEcho(2, 1)
		failed := make(chan error, 1)
		go func() {
			_, err := w.nodes[2].Request(context.Background(), w.ids[1], "hang", nil)
			failed <- err
		}()
		<-started
		w.members.set(w.ids[2], false)
		w.nodes[1].Recheck()
		w.nodes[0].Disconnect(w.ids[2], "revoked")
		if err := <-failed; err == nil || p2p.IsAnswer(err) {
			t.Fatalf("the revoked shop's request: %v", err)
		}
		if s := <-gone; s != w.ids[2] {
			t.Fatalf("%v is gone, not %v", s, w.ids[2])
		}
		if err := w.echo(2, 1); err == nil {
			t.Fatal("a revoked shop was served")
		}
		if err := w.echo(1, 2); exchange.CodeOf(err) != exchange.CodeNotMember {
			t.Fatalf("asking a revoked shop: %v", err)
		}
		time.Sleep(time.Minute)
		if w.connected(1, 2) || w.connected(0, 2) {
			t.Fatal("a revoked shop came back")
		}
	})
}

// notes are Hellos that remember.
type notes struct {
	mu    sync.Mutex
	say   string
	heard []string
	judge func(string) error
}

func (h *notes) Hello(exchange.ShopID) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return []byte(h.say)
}

func (h *notes) Greet(_ exchange.ShopID, b []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard = append(h.heard, string(b))
	if h.judge != nil {
		return h.judge(string(b))
	}
	return nil
}

func (h *notes) all() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return fmt.Sprint(h.heard)
}

func TestHelloIsExchangedAndRepeated(t *testing.T) {
	inTown(t, 2, func(t *testing.T, w *town) {
		hub, shop := &notes{say: "hub 1"}, &notes{say: "shop 1"}
		w.start(0, func(c *p2p.Config) { c.Hellos = hub }, nil)
		var order []string
		var mu sync.Mutex
		w.start(1, func(c *p2p.Config) { c.Hellos = shop }, func(n *p2p.Node) {
			n.OnConnect(func(exchange.ShopID) { mu.Lock(); defer mu.Unlock(); order = append(order, "connect") })
		})
		w.wait(5*time.Second, "hello", func() bool { return w.connected(0, 1) && w.connected(1, 0) })
		if hub.all() != "[shop 1]" || shop.all() != "[hub 1]" {
			t.Fatalf("hub heard %s, shop heard %s", hub.all(), shop.all())
		}
		shop.mu.Lock()
		shop.say = "shop 2"
		shop.mu.Unlock()
		if err := w.nodes[1].Rehello(context.Background(), w.ids[0]); err != nil {
			t.Fatal(err)
		}
		w.nodes[0].HelloAll(context.Background())
		if hub.all() != "[shop 1 shop 2 shop 2]" || shop.all() != "[hub 1 hub 1 hub 1]" {
			t.Fatalf("hub heard %s, shop heard %s", hub.all(), shop.all())
		}
		time.Sleep(time.Second)
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(order, []string{"connect"}) {
			t.Fatalf("events: %v", order)
		}
	})
}

func TestRefusedHelloSaysWhy(t *testing.T) {
	inTown(t, 2, func(t *testing.T, w *town) {
		hub := &notes{judge: func(string) error { return exchange.Errorf(exchange.CodeFrozen, "your member list forks from ours") }}
		w.start(0, func(c *p2p.Config) { c.Hellos = hub }, nil)
		w.start(1, func(c *p2p.Config) { c.Hubs = nil }, nil) // no reconnector: one attempt
		if err := w.nodes[1].LearnAddresses(w.nodes[0].SignedAddresses()); err != nil {
			t.Fatal(err)
		}
		_, err := w.nodes[1].Dial(context.Background(), w.ids[0])
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte("your member list forks from ours")) {
			t.Fatalf("the refused side learned: %v", err)
		}
		time.Sleep(5 * time.Second)
		if w.connected(0, 1) || w.connected(1, 0) {
			t.Fatal("connected in spite of a refused hello")
		}
	})
}

func TestAnotherFederationHasNothingInCommon(t *testing.T) {
	inTown(t, 2, func(t *testing.T, w *town) {
		w.start(0, nil, nil)
		w.start(1, func(c *p2p.Config) { c.Federation = "other" }, nil)
		time.Sleep(30 * time.Second)
		if w.connected(0, 1) || w.connected(1, 0) {
			t.Fatal("two federations shook hands")
		}
	})
}
