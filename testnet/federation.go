package testnet

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/roster"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/node"
	"github.com/souk-market/souk/protocol/p2p"
	"github.com/souk-market/souk/store"
)

// Federation is a member list without a hub that runs: shops in one process are
// let in by it directly, as if they had joined while the hub was still there. It
// is what trade looks like when the hub is gone.
type Federation struct {
	fed       membership.Federation
	hub       membership.Hub
	logKey    ed25519.PrivateKey
	admission ed25519.PrivateKey
	list      *roster.Roster
	clock     exchange.Clock
	joined    []ed25519.PrivateKey
}

// Clock is the machine's time, or a synctest bubble's.
type Clock struct{}

// Now is the time in milliseconds.
func (Clock) Now() exchange.Time { return exchange.TimeOf(time.Now()) }

// NewFederation makes keys and an empty member list.
func NewFederation(name string) (*Federation, error) {
	f := &Federation{clock: Clock{}}
	var keys [4]ed25519.PrivateKey
	for i := range keys {
		var err error
		if _, keys[i], err = ed25519.GenerateKey(rand.Reader); err != nil {
			return nil, err
		}
	}
	f.logKey, f.admission = keys[0], keys[1]
	var err error
	if f.fed, err = membership.NewFederation(name, public(keys[0]), public(keys[1])); err != nil {
		return nil, err
	}
	// Nobody listens there.
	nowhere := []string{"/ip4/127.0.0.1/tcp/9"}
	f.hub = membership.Hub{
		Open:   membership.HubHost{Peer: shopOf(keys[2]), Addrs: nowhere},
		Closed: membership.HubHost{Peer: shopOf(keys[3]), Addrs: nowhere},
	}
	f.list, err = roster.Open(roster.Config{Store: store.Memory(), Federation: f.fed, Clock: f.clock, Log: slog.New(slog.DiscardHandler)})
	return f, err
}

func public(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

func shopOf(key ed25519.PrivateKey) exchange.ShopID { return exchange.ShopID(public(key)) }

// Join lets a new shop in and returns its key.
func (f *Federation) Join(name string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	invite, err := membership.NewInvite(f.fed, f.hub, f.admission, membership.InviteOptions{Uses: 1, Expires: f.clock.Now().Add(time.Hour)}, rand.Reader)
	if err != nil {
		return nil, err
	}
	join, err := membership.NewJoin(invite, key, name, [32]byte{1})
	if err != nil {
		return nil, err
	}
	if _, err := f.list.Append(f.logKey, join); err != nil {
		return nil, err
	}
	f.joined = append(f.joined, key)
	return key, nil
}

// Tell brings a store's member list up to date.
func (f *Federation) Tell(st kv.Store) error {
	r, err := roster.Open(roster.Config{Store: st, Federation: f.fed, Clock: f.clock, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	b, err := f.list.Bundle(r.State().Size(), membership.MaxBundleBytes)
	if err != nil {
		return err
	}
	return r.Apply(b)
}

// Disks are where a shop in this process keeps its state.
type Disks struct {
	Store, Replicas       kv.Store
	Limits, ReplicaLimits kv.Limits
}

// MemoryDisks keep nothing when the process ends; a shop may be stopped and
// started on them.
func MemoryDisks() Disks {
	m := store.Memory()
	l := kv.Limits{BatchBytes: int(m.Limits().BatchBytes), BatchWrites: m.Limits().BatchWrites}
	return Disks{Store: m, Replicas: store.Memory(), Limits: l, ReplicaLimits: l}
}

// Shop composes a shop that has joined, on disks, in a network. Its member list is
// the federation's as it is now.
func (f *Federation) Shop(key ed25519.PrivateKey, cfg node.Config, disks Disks, network func(*p2p.Config)) (*node.Shop, error) {
	if err := f.Tell(disks.Store); err != nil {
		return nil, err
	}
	return node.New(node.Parts{
		Key: key, Config: cfg, Federation: f.fed, Hub: f.hub, Store: disks.Store, Limits: disks.Limits,
		Replicas: disks.Replicas, ReplicaLimits: disks.ReplicaLimits, Clock: f.clock, Random: rand.Reader,
		Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(), Version: "test",
		Rate: exchange.Rate{From: cfg.Currency, Num: 11, Den: 10, Text: "1.1", Source: "test", Date: "2026-01-15"}, Network: network,
	})
}

// Introduce tells each of the shops where the others are.
func Introduce(shops ...*node.Shop) error {
	for _, a := range shops {
		for _, b := range shops {
			if a == b {
				continue
			}
			if err := a.Net().LearnAddresses(b.Net().SignedAddresses()); err != nil {
				return err
			}
		}
	}
	return nil
}

// Partner makes retailer a partner of supplier under terms, and waits until both
// know.
func Partner(ctx context.Context, supplier, retailer *node.Shop, terms exchange.Terms) error {
	s, r := supplier.Desk(), retailer.Desk()
	if err := s.Partnerships.Propose(ctx, r.Shop(), exchange.Supplier, terms); err != nil {
		return err
	}
	t, err := Await(ctx, r, func() (trade.Partnership, bool) {
		t, err := r.Partnerships.Get(s.Shop(), exchange.Retailer)
		return t, err == nil && t.State.Open.By == exchange.Supplier
	})
	if err != nil {
		return err
	}
	if err := r.Partnerships.AcceptTerms(ctx, s.Shop(), exchange.Retailer, t.State.Open.Hash); err != nil {
		return err
	}
	_, err = Await(ctx, r, func() (trade.Partnership, bool) {
		t, err := r.Partnerships.Get(s.Shop(), exchange.Retailer)
		return t, err == nil && t.State.Active
	})
	return err
}

// awaitPause is how often Await looks when no event says so.
const awaitPause = 100 * time.Millisecond

// Await returns what see returns once it is true: looked at whenever the desk
// tells of an event, and now and then.
func Await[T any](ctx context.Context, d *desk.Desk, see func() (T, bool)) (T, error) {
	events, stop := d.Events.Watch()
	defer stop()
	for {
		if v, ok := see(); ok {
			return v, nil
		}
		select {
		case <-events:
		case <-time.After(awaitPause):
		case <-ctx.Done():
			var zero T
			return zero, ctx.Err()
		}
	}
}
