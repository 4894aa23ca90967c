package p2p

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/record"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/wake"
)

// addresses keeps the node's own addresses, as told to others, and the addresses of members. A
// member's addresses are in the host's peerstore and, over a restart, in the AddressBook.
type addresses struct {
	*base
	changed []func() // called when the own addresses changed; fixed by Start

	mu      sync.Mutex             // held to replace a member's addresses in the peerstore
	entries map[peer.ID]bookEntry  // guarded by mu: what the address book has, or will have (saver)
	saved   map[peer.ID]savedEntry // guarded by mu
	unsaved wake.Signal            // set: an entry waits for saver

	emitter event.Emitter // tells libp2p that told has changed; set by Start

	own       sync.Mutex
	found     []ma.Multiaddr           // guarded by own: what libp2p found on the machine, its latest
	machine   map[netip.Addr]bool      // guarded by own: the machine's addresses; nil = not looked at (mover)
	lost      map[netip.Addr]bool      // guarded by own: addresses that it had before
	relayed   []ma.Multiaddr           // guarded by own: ways through relays at which this node has a reservation
	seen      map[peer.ID]ma.Multiaddr // guarded by own: where a member sees this node come from
	proofs    map[string]AddressProof  // guarded by own: what the latest dial from outside found, by address
	faults    map[string]AnnounceCheck // guarded by own: of the announced addresses, as last judged; never changed
	provenDue bool                     // guarded by own: proofs are to be written
	provenAt  time.Time                // guarded by own: when they were
	sealed    []byte                   // guarded by own: the signed record of sealOf
	sealOf    []ma.Multiaddr           // guarded by own
}

func newAddresses(b *base) *addresses {
	return &addresses{base: b, entries: map[peer.ID]bookEntry{}, saved: map[peer.ID]savedEntry{}, unsaved: wake.New(), seen: map[peer.ID]ma.Multiaddr{}, proofs: map[string]AddressProof{}, lost: map[netip.Addr]bool{}}
}

// told are the addresses that every member is told now, best first; libp2p sorts its list otherwise.
func (a *addresses) told() []ma.Multiaddr {
	a.own.Lock()
	defer a.own.Unlock()
	return a.ways().told()
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
	if shop == a.cfg.self {
		return nil // another member tells where this node was, of which it knows more
	}
	if !from.IsZero() && shop != from {
		return exchange.Errorf(exchange.CodeSignature, "the address record is of %s, not of %s who sent it", shop, from)
	}
	if !a.gate.admits(rec.PeerID) {
		return exchange.Errorf(exchange.CodeNotMember, "the address record is of %s, who is not a member", shop)
	}
	if err := a.store(env, rec); err != nil {
		return err
	}
	a.save(rec, envelope)
	return nil
}

// store replaces a member's addresses in the peerstore where rec is newer.
func (a *addresses) store(env *record.Envelope, rec *peer.PeerRecord) error {
	book, ok := peerstore.GetCertifiedAddrBook(a.host.Peerstore())
	if !ok {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if old := book.GetPeerRecord(rec.PeerID); old != nil {
		var known peer.PeerRecord
		if err := old.TypedRecord(&known); err == nil && known.Seq >= rec.Seq {
			// Identify may have brought a newer one, which it keeps for minutes only.
			a.host.Peerstore().AddAddrs(rec.PeerID, known.Addrs, AddressTTL)
			return nil
		}
		a.host.Peerstore().ClearAddrs(rec.PeerID)
	}
	if _, err := book.ConsumePeerRecord(env, AddressTTL); err != nil {
		return err
	}
	a.gate.absent.told(rec.PeerID)
	a.host.Peerstore().AddAddrs(rec.PeerID, a.entries[rec.PeerID].near, AddressTTL)
	for _, hub := range a.cfg.hubs {
		if hub.ID == rec.PeerID {
			a.host.Peerstore().AddAddrs(hub.ID, hub.Addrs, peerstore.PermanentAddrTTL)
		}
	}
	return nil
}

// toldBy are the addresses that a member itself has told: by its record, and by its hellos of its own
// networks. The peerstore also has what others guess, for minutes.
func (a *addresses) toldBy(p peer.ID) []ma.Multiaddr {
	a.mu.Lock()
	defer a.mu.Unlock()
	near := a.entries[p].near
	book, ok := peerstore.GetCertifiedAddrBook(a.host.Peerstore())
	if !ok {
		return near
	}
	env := book.GetPeerRecord(p)
	if env == nil {
		return near
	}
	var rec peer.PeerRecord
	if err := env.TypedRecord(&rec); err != nil {
		return near
	}
	return unique(slices.Concat(rec.Addrs, near))
}

// learnNear takes what a member's hello says of its addresses in private networks.
func (a *addresses) learnNear(p peer.ID, near []ma.Multiaddr) {
	near = slices.DeleteFunc(near, func(addr ma.Multiaddr) bool {
		return !manet.IsPrivateAddr(addr) || manet.IsIPLoopback(addr) || isCircuit(addr)
	})
	if len(near) == 0 {
		return
	}
	a.host.Peerstore().AddAddrs(p, near, AddressTTL)
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.entries[p]
	if slices.EqualFunc(e.near, near, ma.Multiaddr.Equal) {
		return
	}
	e.near = near
	a.keep(p, e)
}

// save keeps a member's record over a restart.
func (a *addresses) save(rec *peer.PeerRecord, envelope []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.entries[rec.PeerID]
	if e.seq >= rec.Seq {
		return
	}
	e.seq, e.record = rec.Seq, envelope
	a.keep(rec.PeerID, e)
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
	if own, ok := records[a.cfg.self]; ok {
		a.recall(own)
		delete(records, a.cfg.self)
	}
	for shop, b := range records {
		e, err := parseBookEntry(b)
		if err == nil {
			err = a.restore(shop, e)
		}
		if err != nil {
			a.log.Warn("saved address record not used", "shop", shop, "err", err)
			continue
		}
		saved = append(saved, peerOf(shop))
	}
	return saved
}

func (a *addresses) restore(shop exchange.ShopID, e bookEntry) error {
	env, rec, signer, err := openRecord(e.record)
	if err != nil {
		return err
	}
	if signer != shop || !a.gate.admits(rec.PeerID) {
		return exchange.Errorf(exchange.CodeNotMember, "it is of %s, which is no member or not the one it was saved for", signer)
	}
	e.seq = rec.Seq
	a.mu.Lock()
	a.entries[rec.PeerID] = e
	a.saved[rec.PeerID] = savedEntry{bookEntry: e}
	a.mu.Unlock()
	return a.store(env, rec)
}

// forget removes all addresses of a shop.
func (a *addresses) forget(shop exchange.ShopID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.host.Peerstore().ClearAddrs(peerOf(shop))
	delete(a.entries, peerOf(shop))
	delete(a.saved, peerOf(shop))
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

// follow calls the functions of OnAddresses, and tell, until the node closes.
func (a *addresses) follow(tell func()) {
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
			tell()
		}
	}
}
