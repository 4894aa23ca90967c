package testnet_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/members"
	"github.com/souk-market/souk/protocol/p2p"
)

// revoke has the hub throw a shop out.
func (w *town) revoke(s *shop) {
	w.t.Helper()
	st, err := membership.NewRevoke(w.fed.Origin, w.admission, s.id, "test")
	if err != nil {
		w.t.Fatal(err)
	}
	ask := p2p.AskConfig{
		Addrs: []string{w.world.Listen(openPlace)[0] + "/p2p/" + idOf(w.open).String()}, Federation: w.fed.Label(),
		HostOptions: w.world.HostOptions(strangerPlace),
	}
	if err := members.Submit(w.ctx(), st, func(ctx context.Context, req []byte) ([]byte, error) {
		return p2p.Ask(ctx, ask, protocol.Join, req)
	}); err != nil {
		w.t.Fatal(err)
	}
}

// strangerPlace is where those are who are no shop of the town.
const strangerPlace = 900

// everybody admits whoever comes: the directory of one who keeps no rules.
type everybody struct{}

func (everybody) Admit(exchange.ShopID) bool { return true }
func (everybody) Unknown(exchange.ShopID)    {}

// TestFault20Revoked: a shop is revoked that holds stock and has ordered. Within five
// seconds it is cut and its holds are released; what it then tries with its key, and
// what a stranger tries with one of its own, has no effect. Its order is finished
// by its supplier alone.
func TestFault20Revoked(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		shops := w.settle(3)
		a, b, c := shops[0], shops[1], shops[2]
		a.stock(3, 10)
		b.stock(3, 10)
		w.partner(a, b)
		w.partner(b, a)
		w.partner(a, c)
		w.wait(5*time.Second, "the catalogs are seen", func() bool { return a.equal(b) && b.equal(a) && c.equal(a) })
		id := b.order(a, sku(0), 2)
		w.bought(5*time.Second, b, id, "accepted")
		must(b.reserve(a, sku(1), 7))
		lost := must(a.reserve(b, sku(1), 1)).Request.ID
		key, _ := c.Replicas().Key(a.id)
		events, stopEvents := a.Desk().Events.Watch()
		defer stopEvents()

		w.revoke(b)
		took := w.wait(5*time.Second, "the revoked shop is cut everywhere and holds nothing", func() bool {
			return !a.Net().Connected(b.id) && !c.Net().Connected(b.id) && must(a.Desk().Shelf.Stock(sku(1))).Held == 0
		})
		t.Logf("cut and released after %v", took)
		w.wait(5*time.Second, "its catalog is gone", func() bool { _, ok := a.seen(b, sku(0)); return !ok })
		tellsGone(t, events, b.id, lost)
		b.stop()

		for name, k := range map[string]ed25519.PrivateKey{"the revoked shop": b.key, "a stranger": newKey(t)} {
			w.intrude(name, k, a, c, key)
		}
		a.stop()
		a.start()
		w.wait(time.Minute, "the others meet again", func() bool { return a.Net().Connected(c.id) })
		w.intrude("the revoked shop, after a restart", b.key, a, c, key)

		for _, act := range []func() (*record.Order, error){
			func() (*record.Order, error) { return a.Desk().Supplier.ShipOrder(w.ctx(), id, nil, "Post", "1Z") },
			func() (*record.Order, error) { return a.Desk().Supplier.DeliverOrder(w.ctx(), id, nil) },
		} {
			if _, err := act(); err != nil {
				t.Errorf("the supplier cannot finish the order: %v", err)
			}
		}
		if got := a.status(exchange.Supplier, id); got != "delivered" {
			t.Errorf("the order is %s", got)
		}
		w.bought(10*time.Second, c, c.order(a, sku(1), 10), "accepted") // all of what was released
		w.quiet(10*time.Second, a, c)
		w.audit(a, c)
	})
}

// tellsGone waits until watchers hear that both directions of trade with a shop are over,
// and that a hold there is lost.
func tellsGone(t *testing.T, events <-chan event.Event, shop exchange.ShopID, lost exchange.HoldID) {
	t.Helper()
	want := map[string]bool{"partnership supplier revoked": true, "partnership retailer revoked": true, "hold retailer released": true}
	late := time.After(5 * time.Second)
	for len(want) > 0 {
		select {
		case e := <-events:
			switch e := e.(type) {
			case event.Partnership:
				if e.Partner == shop {
					delete(want, "partnership "+e.Side.String()+" "+e.Status)
				}
			case event.Holds:
				if e.Partner == shop && e.ID == lost {
					delete(want, "hold "+e.Side.String()+" "+e.Status)
				}
			}
		case <-late:
			t.Errorf("watchers are not told of %v", want)
			return
		}
	}
}

// intrude tries everything that a host with the federation's protocols can try
// with a key that is no member's, and checks that nothing comes of it.
func (w *town) intrude(name string, k ed25519.PrivateKey, victim, other *shop, feed message.FeedKey) {
	w.t.Helper()
	n, err := p2p.New(p2p.Config{
		Key: k, Federation: w.fed.Label(), Members: everybody{}, Listen: w.world.Listen(strangerPlace),
		HostOptions: w.world.HostOptions(strangerPlace), Logger: testLog(name),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := n.Start(ctx); err != nil {
		w.t.Fatal(err)
	}
	defer n.Close()
	for _, s := range []*shop{victim, other} {
		if err := n.LearnAddresses(s.Net().SignedAddresses()); err != nil {
			w.t.Fatal(err)
		}
	}
	topic, err := n.Topic(protocol.FeedTopic(victim.id, exchange.MainFeed), p2p.TopicOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	before := must(victim.Desk().Shelf.Stock(sku(2)))
	n.SetWanted([]exchange.ShopID{victim.id, other.id})
	codec := protocol.Codec{}
	hold := must(codec.Encode(&message.Hold{
		ID: exchange.NewHoldID(exchange.Window(w.clock.Now()/86_400_000), [12]byte{9}), Lines: exchangetest.Lines(exchange.Line{SKU: sku(2), Quantity: 1}), Country: "SE",
	}))
	for range 3 {
		attempt, end := context.WithTimeout(ctx, 4*time.Second)
		if _, err := n.Request(attempt, victim.id, protocol.Trade, append([]byte{byte(message.KindHold)}, hold...)); err == nil {
			w.t.Errorf("%s got an answer to a hold", name)
		}
		if _, err := n.Request(attempt, other.id, protocol.Log, make([]byte, 8)); err == nil {
			w.t.Errorf("%s got the member list", name)
		}
		if st, err := n.OpenStream(attempt, victim.id, protocol.Catalog); err == nil {
			err = errors.Join(st.Send(must(codec.Encode(&message.FeedPull{Feed: exchange.MainFeed}))), st.CloseWrite())
			if _, rerr := st.Receive(); err == nil && rerr == nil {
				w.t.Errorf("%s pulled the catalog", name)
			}
			st.Reset()
		}
		lie := must(protocol.SealFeed(feed, w.fed.Origin, victim.id, exchange.MainFeed, []byte("lies"), zeros{}))
		_ = topic.Publish(attempt, lie)
		end()
		if topic.Neighbours() > 0 {
			w.t.Errorf("%s has neighbours on a feed's topic", name)
		}
	}
	time.Sleep(5 * time.Second)
	for _, s := range []*shop{victim, other} {
		if slices.ContainsFunc(s.Net().Peers(), func(p p2p.PeerInfo) bool { return p.Shop == idOf(k) }) {
			w.t.Errorf("%s is connected with %s", name, s.name)
		}
	}
	if after := must(victim.Desk().Shelf.Stock(sku(2))); after != before {
		w.t.Errorf("%s moved stock from %+v to %+v", name, before, after)
	}
	if !other.equal(victim) {
		w.t.Errorf("%s disturbed a copy of the catalog", name)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A former partner is blind from the next update on, pulls nothing and holds
// nothing; a partner that stays reads on with the new key. The ended one may
// become a partner again.
func TestVirtualFormerPartner(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		shops := w.settle(3)
		a, former, stays := shops[0], shops[1], shops[2]
		a.stock(3, 10)
		w.partner(a, former)
		w.partner(a, stays)
		w.wait(5*time.Second, "both see the catalog", func() bool { return former.equal(a) && stays.equal(a) })
		old, _ := former.Replicas().Key(a.id)
		must(former.reserve(a, sku(0), 4))
		time.Sleep(10 * time.Second) // what is gossiped until now is not told again

		if err := a.Desk().Partnerships.EndTrade(w.ctx(), former.id, exchange.Supplier, "too slow"); err != nil {
			t.Fatal(err)
		}
		w.quiet(10*time.Second, a, former)
		w.wait(5*time.Second, "its hold is released and its copy gone", func() bool {
			_, ok := former.seen(a, sku(0))
			return !ok && must(a.Desk().Shelf.Stock(sku(0))).Held == 0
		})
		w.wait(5*time.Second, "the one that stays has the new key", func() bool {
			k, _ := stays.Replicas().Key(a.id)
			return k.ID != old.ID
		})

		topic, err := former.Net().Topic(protocol.FeedTopic(a.id, exchange.MainFeed), p2p.TopicOptions{Author: &a.id})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second) // its mesh forms
		a.setStock(sku(1), 4)
		t.Logf("the change is read by the one that stays after %v", w.sees(stays, a, sku(1), 4))
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		heard, err := topic.Next(ctx)
		if err != nil {
			t.Fatalf("the former partner heard nothing, so this shows nothing: %v", err)
		}
		if _, err := protocol.OpenFeed(old, w.fed.Origin, a.id, exchange.MainFeed, heard.Data); err == nil {
			t.Error("a former partner reads what is gossiped")
		}
		now, _ := stays.Replicas().Key(a.id)
		if _, err := protocol.OpenFeed(now, w.fed.Origin, a.id, exchange.MainFeed, heard.Data); err != nil {
			t.Errorf("what was heard is not the update: %v", err)
		}
		topic.Close()
		if err := former.pull(a); exchange.CodeOf(err) != exchange.CodeNoPartnership {
			t.Errorf("a former partner's pull is answered with %v", err)
		}
		if _, err := former.reserve(a, sku(1), 1); exchange.CodeOf(err) != exchange.CodeNoPartnership {
			t.Errorf("a former partner's hold is answered with %v", err)
		}

		w.partner(a, former)
		w.wait(10*time.Second, "a partner again, it sees the catalog again", func() bool { return former.equal(a) })
		a.setStock(sku(2), 3)
		w.sees(former, a, sku(2), 3)
		w.quiet(10*time.Second, a, former)
		w.audit(shops...)
	})
}

// pull asks a supplier for its whole catalog.
func (s *shop) pull(supplier *shop) error {
	st, err := s.Net().OpenStream(s.town.ctx(), supplier.id, protocol.Catalog)
	if err != nil {
		return err
	}
	defer st.Reset()
	if err := errors.Join(st.Send(must(protocol.Codec{}.Encode(&message.FeedPull{Feed: exchange.MainFeed}))), st.CloseWrite()); err != nil {
		return err
	}
	_, err = st.Receive()
	return err
}
