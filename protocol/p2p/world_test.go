package p2p_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
	"github.com/souk-market/souk/protocol/p2p/p2psim"
)

// list is a Directory kept in memory.
type list struct {
	mu      sync.Mutex
	members map[exchange.ShopID]bool
	unknown map[exchange.ShopID]int
}

func newList(members ...exchange.ShopID) *list {
	l := &list{members: map[exchange.ShopID]bool{}, unknown: map[exchange.ShopID]int{}}
	for _, m := range members {
		l.members[m] = true
	}
	return l
}

func (l *list) Admit(s exchange.ShopID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.members[s]
}

func (l *list) Unknown(s exchange.ShopID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unknown[s]++
}

func (l *list) set(s exchange.ShopID, member bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.members[s] = member
}

func (l *list) knocks(s exchange.ShopID) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unknown[s]
}

func newKey(t testing.TB) (ed25519.PrivateKey, exchange.ShopID) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := exchange.ShopIDFromKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return key, id
}

const federation = "test"

// town is a hub at place 0 and shops at the places after it, in virtual time.
type town struct {
	t       *testing.T
	world   *p2psim.World
	members *list
	keys    []ed25519.PrivateKey
	ids     []exchange.ShopID
	hubs    []string
	nodes   []*p2p.Node
	ends    []context.CancelFunc
}

// inTown runs test in a bubble with count members, the hub included, none started.
func inTown(t *testing.T, count int, test func(t *testing.T, w *town)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &town{t: t, world: p2psim.New(10 * time.Millisecond), members: newList()}
		defer w.world.Close()
		for range count {
			key, id := newKey(t)
			w.keys, w.ids = append(w.keys, key), append(w.ids, id)
			w.members.set(id, true)
		}
		w.nodes, w.ends = make([]*p2p.Node, count), make([]context.CancelFunc, count)
		w.hubs = []string{w.world.Listen(0)[0] + "/p2p/" + w.ids[0].String()}
		defer func() {
			for i := range w.nodes {
				w.stop(i)
			}
		}()
		test(t, w)
	})
}

func (w *town) config(i int) p2p.Config {
	return p2p.Config{
		Key: w.keys[i], Federation: federation, Hub: i == 0, Hubs: w.hubs, Members: w.members,
		Listen: w.world.Listen(i), HostOptions: w.world.HostOptions(i), Logger: testLog(),
	}
}

// start opens the node at place i; adjust may change its configuration, prepare the node before it starts.
func (w *town) start(i int, adjust func(*p2p.Config), prepare func(*p2p.Node)) *p2p.Node {
	w.t.Helper()
	cfg := w.config(i)
	if adjust != nil {
		adjust(&cfg)
	}
	n, err := p2p.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	n.Handle("echo", func(_ context.Context, _ exchange.ShopID, req []byte) ([]byte, error) { return req, nil })
	if prepare != nil {
		prepare(n)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := n.Start(ctx); err != nil {
		w.t.Fatal(err)
	}
	w.nodes[i], w.ends[i] = n, cancel
	return n
}

// all starts every node and waits until they have settled.
func (w *town) all() {
	for i := range w.nodes {
		w.start(i, nil, nil)
	}
	time.Sleep(5 * time.Second)
}

func (w *town) stop(i int) {
	if w.nodes[i] != nil {
		w.ends[i]()
		w.nodes[i].Close()
		w.nodes[i] = nil
	}
}

// wait passes virtual time until ok, at most limit.
func (w *town) wait(limit time.Duration, what string, ok func() bool) {
	w.t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

func (w *town) echo(from, to int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	reply, err := w.nodes[from].Request(ctx, w.ids[to], "echo", []byte("hello"))
	if err == nil && string(reply) != "hello" {
		w.t.Fatalf("echo returned %q", reply)
	}
	return err
}

func (w *town) mustEcho(from, to int) {
	w.t.Helper()
	if err := w.echo(from, to); err != nil {
		w.t.Fatalf("%d → %d: %v", from, to, err)
	}
}

func (w *town) connected(a, b int) bool {
	return slices.ContainsFunc(w.nodes[a].Peers(), func(p p2p.PeerInfo) bool { return p.Shop == w.ids[b] })
}

// testLog is silent unless SOUK_TEST_LOG is set.
func testLog() *slog.Logger {
	if os.Getenv("SOUK_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
