package node

import (
	"context"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/members"
	"github.com/souk-market/souk/protocol/p2p"
)

// partnerNetwork carries the requests of package trade on the trade protocol.
type partnerNetwork struct{ net *p2p.Node }

func (n partnerNetwork) Request(ctx context.Context, to exchange.ShopID, request []byte) ([]byte, error) {
	reply, err := n.net.Request(ctx, to, protocol.Trade, request)
	if p2p.IsUnsent(err) {
		err = exchange.Errorf(exchange.CodeOf(err), "%w: %w", message.ErrNotAsked, err)
	}
	return reply, err
}

func (n partnerNetwork) Away(partner exchange.ShopID) bool { return n.net.Away(partner) }

// openNetwork makes the network's node with the handlers of this shop. s.desk is not set yet: nothing
// is handled before Start.
func (s *Shop) openNetwork() error {
	var hubs []string
	for _, a := range s.parts.Hub.Closed.Addrs {
		hubs = append(hubs, a+"/p2p/"+s.parts.Hub.Closed.Peer.String())
	}
	cfg := p2p.Config{
		Key: s.parts.Key, Federation: s.parts.Federation.Label(), Listen: s.parts.Config.Listen, Announce: s.parts.Config.Announce,
		Hubs: hubs, Relay: s.parts.Config.Relays(), RelayBytes: int64(s.parts.Config.RelayMB) << 20, Members: s.list, Hellos: hellos{s}, Book: members.AddressBook{Store: s.parts.Store},
		Version: s.parts.Version, Registerer: s.parts.Registry, Logger: s.log,
	}
	if s.parts.Network != nil {
		s.parts.Network(&cfg)
	}
	var err error
	if s.net, err = p2p.New(cfg); err != nil {
		return err
	}
	s.net.Handle(protocol.Trade, func(ctx context.Context, from exchange.ShopID, req []byte) ([]byte, error) {
		return s.desk.Serve(ctx, from, req)
	})
	s.net.OnConnect(s.reach.noteSeen)
	s.net.OnConnect(func(exchange.ShopID) { s.greeter.lookNow() })
	s.net.OnDisconnect(s.reach.noteSeen)
	s.net.OnDisconnect(func(shop exchange.ShopID) { s.greeter.lost(shop) })
	return s.list.Bind(s.net)
}

// hellos are the first messages of this shop, and to it, on each connection.
type hellos struct{ s *Shop }

// greetTimeout bounds what a greeting may wait for the writer.
const greetTimeout = 10 * time.Second

// Hello tells a member about the list and the profile, and a partner about trade.
func (h hellos) Hello(to exchange.ShopID) []byte {
	list, profile := h.s.list.HelloPart()
	greeting, err := h.s.desk.Ledgers.Greeting(to)
	if err != nil {
		h.s.log.Error("making a greeting", "to", to, "err", err)
		greeting = &message.Greeting{}
	}
	h.s.greeter.note(to, greeting)
	raw, err := h.s.codec.Encode(&message.Hello{Agent: "souk/" + h.s.parts.Version, Members: list, Profile: profile, Greeting: *greeting})
	if err != nil {
		h.s.log.Error("making a hello", "to", to, "err", err)
	}
	return raw
}

// Greet takes a member's hello. A hub has no greeting.
func (h hellos) Greet(from exchange.ShopID, raw []byte) error {
	hello, err := message.Decode[message.Hello](h.s.codec, raw)
	if err != nil {
		return err
	}
	h.s.list.Greeted(from, hello.Members, hello.Profile)
	ctx, cancel := context.WithTimeout(context.Background(), greetTimeout)
	defer cancel()
	if err := h.s.desk.Ledgers.Greeted(ctx, from, &hello.Greeting); err != nil {
		return err
	}
	h.s.feeds.greeted(from, &hello.Greeting)
	return nil
}
