package hubsim

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/roster"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/members"
	"github.com/souk-market/souk/protocol/p2p"
	"github.com/souk-market/souk/store"
)

// Shop is a member without trade. Its protocol "echo" answers what it is asked.
type Shop struct {
	World *World
	Key   ed25519.PrivateKey
	ID    exchange.ShopID
	Name  string
	Place int
	Store *store.Mem
	Clock *Clock
	List  *roster.Roster  // as of the last Open
	Sync  *members.Syncer // nil while stopped
	Net   *p2p.Node       // nil while stopped
	// Prepare may replace handlers before the network starts, for shops that misbehave.
	Prepare func(*p2p.Node)
	// Asks makes the shop ask the hub's open host for its status while it meets no hub.
	Asks bool

	mu       sync.Mutex
	departed map[exchange.ShopID]string // guarded by mu: what Departed returns
	stop     func()
}

// NewShop makes a shop at a place of its own that has not joined.
func (w *World) NewShop() *Shop {
	k := NewKey(w.T)
	s := &Shop{
		World: w, Key: k, ID: IDOf(k), Name: fmt.Sprintf("Shop %d", w.places), Place: w.places,
		Store: store.Memory(), Clock: &Clock{}, departed: map[exchange.ShopID]string{},
	}
	w.places++
	w.shops = append(w.shops, s)
	s.Open()
	return s
}

// Open reads the shop's list from its store, as a start does.
func (s *Shop) Open() {
	s.World.T.Helper()
	list, err := roster.Open(roster.Config{Store: s.Store, Federation: s.World.Federation, Clock: s.Clock, Log: Log(s.Name)})
	if err != nil {
		s.World.T.Fatal(err)
	}
	s.List = list
}

// Ask puts a request to the hub's open host, over the network.
func (s *Shop) Ask(ctx context.Context, req []byte) ([]byte, error) {
	return s.ask(ctx, p2p.AskConfig{HostOptions: s.World.Net.HostOptions(s.Place)}, req)
}

// asking is the distance from a shop's place to the place from which AskStatus asks: a place holds
// one host.
const asking = 10_000

// AskStatus is Ask under the shop's own key. The shop may run meanwhile.
func (s *Shop) AskStatus(ctx context.Context, req []byte) ([]byte, error) {
	return s.ask(ctx, p2p.AskConfig{Key: s.Key, HostOptions: s.World.Net.HostOptions(s.Place + asking)}, req)
}

func (s *Shop) ask(ctx context.Context, cfg p2p.AskConfig, req []byte) ([]byte, error) {
	open := s.World.Address().Open
	for _, a := range open.Addrs {
		cfg.Addrs = append(cfg.Addrs, a+"/p2p/"+open.Peer.String())
	}
	cfg.Federation = s.World.Federation.Label()
	return p2p.Ask(ctx, cfg, protocol.Join, req)
}

// Join joins by an invite and keeps the list. The shop must not run meanwhile: its place holds one
// host.
func (s *Shop) Join(inv membership.Invite) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	b, err := members.Join(ctx, members.JoinRequest{Invite: inv, Key: s.Key, Name: s.Name, Recovery: sha256.Sum256([]byte(s.Name))}, s.Ask)
	if err != nil {
		return err
	}
	return s.List.Apply(b)
}

// Start runs the shop's network.
func (s *Shop) Start() {
	t := s.World.T
	t.Helper()
	hubHost := s.World.Address().Closed
	var err error
	cfg := members.Config{Roster: s.List, Self: s.ID, Hub: []exchange.ShopID{hubHost.Peer}, Logger: Log(s.Name), Departed: s.noteDeparted}
	if s.Asks {
		cfg.Status = s.AskStatus
	}
	s.Sync, err = members.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.Net, err = p2p.New(p2p.Config{
		Key: s.Key, Federation: s.World.Federation.Label(), Hubs: []string{hubHost.Addrs[0] + "/p2p/" + hubHost.Peer.String()},
		Members: s.Sync, Hellos: hellos{s}, Logger: Log(s.Name),
		Listen: s.World.Net.Listen(s.Place), HostOptions: s.World.Net.HostOptions(s.Place),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Net.Handle("echo", func(_ context.Context, _ exchange.ShopID, req []byte) ([]byte, error) { return req, nil })
	if err := s.Sync.Bind(s.Net); err != nil {
		t.Fatal(err)
	}
	if s.Prepare != nil {
		s.Prepare(s.Net)
	}
	if err := s.Net.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	stop, _ := run(t, s.Name, s.Sync.Run)
	s.stop = func() { stop(); s.Net.Close() }
}

// Stop stops the shop's network, if it runs.
func (s *Shop) Stop() {
	if s.stop != nil {
		s.stop()
		s.stop, s.Net, s.Sync = nil, nil, nil
	}
}

func (s *Shop) noteDeparted(shop exchange.ShopID, why string) {
	s.mu.Lock()
	s.departed[shop] = why
	s.mu.Unlock()
	s.Net.Disconnect(shop, why)
}

// Departed is why another shop left the federation, as the Syncer told this shop; "" before that.
func (s *Shop) Departed(shop exchange.ShopID) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.departed[shop]
}

// Connected reports a completed hello with a peer.
func (s *Shop) Connected(to exchange.ShopID) bool {
	return s.Net != nil && slices.ContainsFunc(s.Net.Peers(), func(p p2p.PeerInfo) bool { return p.Shop == to })
}

// Echo asks another shop, dialing it if need be.
func (s *Shop) Echo(to exchange.ShopID) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	reply, err := s.Net.Request(ctx, to, "echo", []byte("hello"))
	if err == nil && string(reply) != "hello" {
		return errors.New("another answer came")
	}
	return err
}

// Profile signs a profile of the shop.
func (s *Shop) Profile(sequence uint64, sells string) []byte {
	s.World.T.Helper()
	raw, err := membership.SignProfile(membership.Profile{
		Origin: s.World.Federation.Origin, Shop: s.ID, Sequence: sequence, At: s.Clock.Now(),
		Name: s.Name, Sells: sells, Currency: "EUR",
	}, s.Key)
	if err != nil {
		s.World.T.Fatal(err)
	}
	return raw
}

// hellos are a shop's hellos without trade.
type hellos struct{ s *Shop }

func (h hellos) Hello(exchange.ShopID) []byte {
	list, profile := h.s.Sync.HelloPart()
	raw, err := protocol.Codec{}.Encode(&message.Hello{Agent: "souk/test", Members: list, Profile: profile})
	if err != nil {
		panic(err) // values of this package
	}
	return raw
}

func (h hellos) Greet(from exchange.ShopID, raw []byte) error {
	v, err := protocol.Codec{}.Decode(message.KindHello, raw)
	if err != nil {
		return err
	}
	hello := v.(*message.Hello)
	h.s.Sync.Greeted(from, hello.Members, hello.Profile)
	return nil
}
