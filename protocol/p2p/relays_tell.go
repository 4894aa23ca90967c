package p2p

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"

	"github.com/souk-market/souk/exchange"
)

// greetedBy makes the loop look that a session just greeted is for, and tells members that lack relays of
// one more.
func (r *relays) greetedBy(ses *session) {
	if r.gate.hubs[ses.peer] {
		r.changed() // a hub also tells who relays
		return
	}
	if !r.sessions.relays(ses) {
		r.lookMembers.Set() // where it was a relay of this node's
		return
	}
	r.found(ses.peer)
	r.mu.Lock()
	lack := r.lack
	r.lack = map[peer.ID]uint64{}
	r.mu.Unlock()
	if records := r.records([]peer.ID{ses.peer}); len(lack) > 0 && len(records) > 0 {
		r.tasks.Go(func() { r.tellLacking(lack, appendRelays([]byte{tellRelays}, records)) })
	}
}

// found lets a member be asked to relay at once.
func (r *relays) found(p peer.ID) {
	r.mu.Lock()
	r.knewAt = time.Time{}
	delete(r.rest, p)
	r.mu.Unlock()
	r.lookMembers.Set()
}

// tellLacking tells members of a relay. One that still lacks relays then asks again.
func (r *relays) tellLacking(lack map[peer.ID]uint64, request []byte) {
	var work sync.WaitGroup
	slots := make(chan struct{}, rehelloAtOnce)
	for p, session := range lack {
		ses := r.sessions.of(p)
		if ses == nil || ses.id != session {
			continue
		}
		slots <- struct{}{}
		work.Go(func() {
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(ses.ctx, reserveTimeout)
			defer cancel()
			if _, err := r.requests.ask(ctx, ses.shop, reachName, request); err != nil {
				r.log.Debug("a member was not told of a relay", "shop", ses.shop, "err", err)
			}
		})
	}
	work.Wait()
}

// learn takes the address records of members that relay, from another member.
func (r *relays) learn(from exchange.ShopID, b []byte) error {
	records, err := parseRelays(b)
	if err != nil {
		return exchange.Errorf(exchange.CodeInvalid, "the list of relays is malformed")
	}
	for _, record := range records {
		if err := r.addresses.learn(exchange.ShopID{}, record); err != nil {
			r.log.Debug("a relay's addresses are not used", "from", from, "err", err)
		}
	}
	if len(records) > 0 {
		r.mu.Lock()
		r.knewAt = time.Time{}
		r.mu.Unlock()
		r.lookMembers.Set()
	}
	return nil
}

// list are the reservations, the hubs' first.
func (r *relays) list() []RelayWay {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []RelayWay
	for p, held := range r.held {
		shop, _ := shopOf(p)
		list = append(list, RelayWay{Shop: shop, Hub: r.gate.hubs[p], Since: held.since, Until: held.until})
	}
	slices.SortFunc(list, func(a, b RelayWay) int {
		return cmp.Or(cmp.Compare(boolInt(b.Hub), boolInt(a.Hub)), a.Since.Compare(b.Since), a.Shop.Compare(b.Shop))
	})
	return list
}

// askForRelays asks each hub and relaying member who relays: their address records are
// kept, so that a restart finds them with the hub gone.
func (r *relays) askForRelays() {
	for _, ses := range r.sessions.greeted() {
		if !r.gate.hubs[ses.peer] && !r.sessions.relays(ses) {
			continue
		}
		r.mu.Lock()
		early := time.Since(r.asked[ses.peer]) < askRelaysEvery
		if !early {
			r.asked[ses.peer], r.awaits[ses.peer] = time.Now(), true
		}
		r.mu.Unlock()
		if early {
			continue
		}
		ctx, cancel := context.WithTimeout(ses.ctx, reserveTimeout)
		b, err := r.requests.ask(ctx, ses.shop, reachName, []byte{askRelays})
		cancel()
		if err != nil {
			r.log.Debug("a member does not tell who relays", "shop", ses.shop, "err", err)
			continue
		}
		if err := r.learn(ses.shop, b); err != nil {
			r.log.Debug("an answer about relays", "shop", ses.shop, "err", err)
		}
	}
}

// told are the records of connected members that relay, for another that asks and lacks them: at most
// maxToldRelays. It is told of the next one, too.
func (r *relays) told(to peer.ID) [][]byte {
	var list []peer.ID
	for _, ses := range r.sessions.greeted() {
		if r.sessions.relays(ses) && ses.peer != to && !r.gate.hubs[ses.peer] {
			list = append(list, ses.peer)
		}
	}
	if ses := r.sessions.of(to); ses != nil {
		r.mu.Lock()
		r.lack[to] = ses.id
		r.mu.Unlock()
	}
	return r.records(ranked(to, list))
}

// records are the signed address records of members, at most maxToldRelays.
func (r *relays) records(list []peer.ID) [][]byte {
	book, ok := peerstore.GetCertifiedAddrBook(r.host.Peerstore())
	if !ok {
		return nil
	}
	var records [][]byte
	for _, p := range list {
		env := book.GetPeerRecord(p)
		if env == nil {
			continue
		}
		if b, err := env.Marshal(); err == nil && len(b) <= MaxRecord && len(records) < maxToldRelays {
			records = append(records, b)
		}
	}
	return records
}
