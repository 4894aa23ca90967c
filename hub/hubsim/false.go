package hubsim

import (
	"context"
	"encoding/binary"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/roster"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/p2p"
	"github.com/souk-market/souk/store"
)

// Fork continues a copy of the hub's list by statements, under the hub's own log key.
func (w *World) Fork(statements ...membership.Statement) *roster.Roster {
	w.T.Helper()
	r, err := roster.Open(roster.Config{Store: w.Store.(*store.Mem).Clone(), Federation: w.Federation, Clock: w.Clock, Log: Log("fork")})
	if err == nil {
		_, err = r.Append(w.LogKey, statements...)
	}
	if err != nil {
		w.T.Fatal(err)
	}
	return r
}

// StartFalseHub runs a hub at the place, and with the key, of the hub's closed host. It shows each
// member the list that show returns, and learns nothing. StopHub stops it.
func (w *World) StartFalseHub(show func(to exchange.ShopID) *roster.Roster) {
	w.T.Helper()
	n, err := p2p.New(p2p.Config{
		Key: w.closed, Federation: w.Federation.Label(), Hub: true, Members: everybody{}, Hellos: falseHellos{show},
		Logger: Log("false hub"), Listen: w.Net.Listen(closedPlace), HostOptions: w.Net.HostOptions(closedPlace),
	})
	if err != nil {
		w.T.Fatal(err)
	}
	n.Handle(protocol.Log, func(_ context.Context, from exchange.ShopID, req []byte) ([]byte, error) {
		b, err := show(from).Bundle(binary.BigEndian.Uint64(req), p2p.MaxMessage)
		if err != nil {
			return nil, err
		}
		return b.Encode()
	})
	if err := n.Start(context.Background()); err != nil {
		w.T.Fatal(err)
	}
	w.stopHub = n.Close
}

type everybody struct{}

func (everybody) Admit(exchange.ShopID) bool { return true }
func (everybody) Unknown(exchange.ShopID)    {}

type falseHellos struct {
	show func(exchange.ShopID) *roster.Roster
}

func (f falseHellos) Hello(to exchange.ShopID) []byte {
	raw, err := protocol.Codec{}.Encode(&message.Hello{Members: f.show(to).Checkpoint()})
	if err != nil {
		panic(err) // values of this package
	}
	return raw
}

func (falseHellos) Greet(exchange.ShopID, []byte) error { return nil }
