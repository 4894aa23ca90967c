package p2p

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/record"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/souk-market/souk/exchange"
)

// addresses keeps the node's own addresses, as told to others, and the addresses of members. A
// member's addresses are in the host's peerstore and, over a restart, in the AddressBook.
type addresses struct {
	*base
	changed []func() // called when the own addresses changed; fixed by Start

	mu sync.Mutex // held to replace a member's addresses in the peerstore
}

// Addresses are the multiaddrs that others may dial, each ending in /p2p/<own peer ID>; none before
// Start.
func (n *Node) Addresses() []string {
	if n.host == nil {
		return nil
	}
	addrs, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: n.host.ID(), Addrs: n.host.Addrs()})
	if err != nil {
		return nil
	}
	return addrStrings(addrs)
}

func addrStrings(addrs []ma.Multiaddr) []string {
	list := make([]string, len(addrs))
	for i, a := range addrs {
		list[i] = a.String()
	}
	return list
}

// SignedAddresses is the node's current signed peer record (libp2p RFC 0003), which other members
// pass to LearnAddresses; empty while there is none.
func (n *Node) SignedAddresses() []byte { return n.addresses.signed() }

func (a *addresses) signed() []byte {
	book, ok := peerstore.GetCertifiedAddrBook(a.host.Peerstore())
	if !ok {
		return nil
	}
	env := book.GetPeerRecord(a.host.ID())
	if env == nil {
		return nil
	}
	b, err := env.Marshal()
	if err != nil {
		a.log.Error("own address record", "err", err)
		return nil
	}
	return b
}

// LearnAddresses takes a member's signed peer record, whoever sent it: the record's signature says
// whose it is. A record that is too large, does not verify or is no member's is refused. A record
// older than the known record changes nothing.
func (n *Node) LearnAddresses(envelope []byte) error {
	return n.addresses.learn(exchange.ShopID{}, envelope)
}

// learn is LearnAddresses. Unless from is zero, the record must be of shop from.
func (a *addresses) learn(from exchange.ShopID, envelope []byte) error {
	env, rec, shop, err := openRecord(envelope)
	if err != nil {
		return err
	}
	if !from.IsZero() && shop != from {
		return exchange.Errorf(exchange.CodeSignature, "the address record is of %s, not of %s who sent it", shop, from)
	}
	if !a.gate.admits(rec.PeerID) {
		return exchange.Errorf(exchange.CodeNotMember, "the address record is of %s, who is not a member", shop)
	}
	fresh, err := a.store(env, rec)
	if err != nil || !fresh || a.cfg.Book == nil || a.gate.hubs[rec.PeerID] {
		return err
	}
	if err := a.cfg.Book.SaveAddresses(shop, envelope); err != nil {
		a.log.Warn("addresses not saved", "shop", shop, "err", err)
	}
	return nil
}

// store replaces a member's addresses in the peerstore where rec is newer; fresh reports that.
func (a *addresses) store(env *record.Envelope, rec *peer.PeerRecord) (fresh bool, err error) {
	book, ok := peerstore.GetCertifiedAddrBook(a.host.Peerstore())
	if !ok {
		return false, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if old := book.GetPeerRecord(rec.PeerID); old != nil {
		var known peer.PeerRecord
		if err := old.TypedRecord(&known); err == nil && known.Seq >= rec.Seq {
			if known.Seq == rec.Seq { // the same record again: keep the addresses longer
				a.host.Peerstore().AddAddrs(rec.PeerID, known.Addrs, AddressTTL)
			}
			return false, nil
		}
		a.host.Peerstore().ClearAddrs(rec.PeerID)
	}
	return book.ConsumePeerRecord(env, AddressTTL)
}

// openRecord verifies a signed peer record and returns the shop that it is of.
func openRecord(envelope []byte) (*record.Envelope, *peer.PeerRecord, exchange.ShopID, error) {
	if len(envelope) > MaxRecord {
		return nil, nil, exchange.ShopID{}, exchange.Errorf(exchange.CodeLimit, "an address record has at most %d bytes, not %d", MaxRecord, len(envelope))
	}
	rec := new(peer.PeerRecord)
	env, err := record.ConsumeTypedEnvelope(envelope, rec)
	if err != nil {
		return nil, nil, exchange.ShopID{}, exchange.Errorf(exchange.CodeSignature, "the address record does not verify: %w", err)
	}
	shop, ok := shopOf(rec.PeerID)
	if !ok || !rec.PeerID.MatchesPublicKey(env.PublicKey) {
		return nil, nil, exchange.ShopID{}, exchange.Errorf(exchange.CodeSignature, "the address record was not signed by the peer it names")
	}
	if len(rec.Addrs) > MaxAddresses {
		return nil, nil, exchange.ShopID{}, exchange.Errorf(exchange.CodeLimit, "an address record names at most %d addresses, not %d", MaxAddresses, len(rec.Addrs))
	}
	return env, rec, shop, nil
}

// load fills the peerstore from the address book and returns the members in the book, in random
// order.
func (a *addresses) load() (saved []peer.ID) {
	if a.cfg.Book == nil {
		return nil
	}
	records, err := a.cfg.Book.LoadAddresses()
	if err != nil {
		a.log.Warn("saved addresses not read; partners are found through the hub", "err", err)
		return nil
	}
	for shop, envelope := range records {
		env, rec, signer, err := openRecord(envelope)
		if err == nil && signer == shop && a.gate.admits(rec.PeerID) {
			_, err = a.store(env, rec)
		}
		if err != nil {
			a.log.Warn("saved address record not used", "shop", shop, "err", err)
			continue
		}
		saved = append(saved, peerOf(shop))
	}
	return saved
}

// forget removes all addresses of a shop.
func (a *addresses) forget(shop exchange.ShopID) {
	a.mu.Lock()
	a.host.Peerstore().ClearAddrs(peerOf(shop))
	a.mu.Unlock()
	if a.cfg.Book == nil {
		return
	}
	if err := a.cfg.Book.SaveAddresses(shop, nil); err != nil {
		a.log.Warn("saved addresses not removed", "shop", shop, "err", err)
	}
}

// OnAddresses calls f when the node's own addresses changed, so that SignedAddresses can be spread.
// It is called before Start; f must not block for long.
func (n *Node) OnAddresses(f func()) { n.addresses.changed = append(n.addresses.changed, f) }

// follow calls the functions of OnAddresses until the node closes.
func (a *addresses) follow() {
	sub, err := a.host.EventBus().Subscribe(new(event.EvtLocalAddressesUpdated), eventbus.Name("souk"))
	if err != nil {
		a.log.Error("own address changes will not be told", "err", err)
		return
	}
	defer sub.Close()
	for {
		select {
		case <-a.ctx.Done():
			return
		case _, ok := <-sub.Out():
			if !ok {
				return
			}
			for _, f := range a.changed {
				f()
			}
		}
	}
}
