package p2p

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// savedEntry is what the address book has of a member.
type savedEntry struct {
	bookEntry
	at time.Time // when it was written
}

func (s savedEntry) is(e bookEntry) bool {
	return bytes.Equal(s.record, e.record) && slices.EqualFunc(s.near, e.near, ma.Multiaddr.Equal)
}

// keep takes what is new of a member, and writes it unless the member's entry was written less than
// saveEvery ago: then saver does. A member says how often its addresses change; it may not have us write
// as often. keep is called with mu held.
func (a *addresses) keep(p peer.ID, e bookEntry) {
	a.entries[p] = e
	if a.cfg.Book == nil || len(e.record) == 0 {
		return
	}
	if saved := a.saved[p]; !saved.at.IsZero() && time.Since(saved.at) < saveEvery {
		a.unsaved.Set()
		return
	}
	a.write(p, e)
}

// write is called with mu held.
func (a *addresses) write(p peer.ID, e bookEntry) {
	shop, ok := shopOf(p)
	if !ok || a.saved[p].is(e) {
		return
	}
	now := time.Now()
	if err := a.cfg.Book.SaveAddresses(shop, e.encode()); err != nil {
		a.log.Warn("addresses not saved", "shop", shop, "err", err)
		a.saved[p] = savedEntry{a.saved[p].bookEntry, now}
		return
	}
	a.saved[p] = savedEntry{e, now}
}

// saver writes what keep has left, saveEvery later, and at last when the node closes.
func (a *addresses) saver() {
	for {
		select {
		case <-a.unsaved.C():
		case <-a.ctx.Done():
			a.saveAll()
			return
		}
		elapse(a.ctx, saveEvery)
		a.saveAll()
	}
}

func (a *addresses) saveAll() {
	if a.cfg.Book == nil {
		return
	}
	a.mu.Lock()
	list := maps.Clone(a.entries)
	a.mu.Unlock()
	for p := range list {
		a.mu.Lock() // for each: a write may take long
		if e, there := a.entries[p]; there && len(e.record) > 0 {
			a.write(p, e)
		}
		a.mu.Unlock()
	}
	a.own.Lock()
	due := a.provenDue
	a.own.Unlock()
	if due {
		a.saveProven()
	}
}

// keepProven keeps, over a restart, the addresses at which this node was reached: with its hub gone, a
// member that relays is all that shops behind routers have, and nobody could prove it anew. Who dials says
// what it found, and may not have us write as often as it likes.
func (a *addresses) keepProven() {
	a.own.Lock()
	a.provenDue = true
	early := !a.provenAt.IsZero() && time.Since(a.provenAt) < saveEvery
	a.own.Unlock()
	if early {
		a.unsaved.Set()
		return
	}
	a.saveProven()
}

func (a *addresses) saveProven() {
	a.own.Lock()
	a.provenDue, a.provenAt = false, time.Now()
	kept := ownEntry{}
	for _, p := range a.proofs {
		if at, err := ma.NewMultiaddr(p.Address); err == nil && p.Reached && len(kept.proven) < maxProbeAddrs {
			kept.proven, kept.by, kept.at = append(kept.proven, at), p.By, p.At
		}
	}
	a.own.Unlock()
	slices.SortFunc(kept.proven, ma.Multiaddr.Compare)
	if a.cfg.Book == nil {
		return
	}
	if err := a.cfg.Book.SaveAddresses(a.cfg.self, kept.encode()); err != nil {
		a.log.Warn("own proven addresses not saved", "err", err)
	}
}
