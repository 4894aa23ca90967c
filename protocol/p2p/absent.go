package p2p

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// effort is how much a dial sends for a member that may not be there.
type effort int

const (
	allWays  effort = iota // every path, for as long as it takes
	briefly                // every path, and a QUIC handshake for absentSpan only
	lowPrice               // TCP, and the relays that are connected
)

// absences are the members that are kept connected and are not reached. Most of what a dial of them costs
// are the first packets of QUIC, of 1.3 KB each and sent again and again to each address: over 100 MB a day
// where each dial sends them. So a member that has been absent for absentPatience gets them once in
// absentEvery, and in between TCP's first packet, and a question at the relays that are connected.
type absences struct {
	mu   sync.Mutex
	list map[peer.ID]*absence // guarded by mu
}

type absence struct {
	since time.Time       // of its first dial that failed, or from when on it may be back
	next  time.Time       // when a dial goes all ways again
	why   *UnreachedError // of the latest dial that went all ways
}

// begin notes that p was not reached, by a dial that went all ways where why is not nil.
func (a *absences) begin(p peer.ID, why *UnreachedError) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.list[p] == nil {
		a.list[p] = &absence{since: time.Now()}
	}
	if why != nil {
		a.list[p].why = why
	}
}

// end notes that p is there, or is kept connected no longer.
func (a *absences) end(p peer.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.list, p)
}

// anew lets all be dialed as if they had just been lost: whatever kept them away may be over.
func (a *absences) anew() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, m := range a.list {
		m.since, m.next = time.Now(), time.Time{}
	}
}

// has reports whether p is absent.
func (a *absences) has(p peer.ID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.list[p] != nil
}

func (m *absence) long() bool {
	return m != nil && m.why != nil && time.Since(m.since) >= absentPatience
}

// turn is the effort of a dial of p that begins now, at most the given one where p has been absent for
// long, and then why the latest dial that went all ways failed. A request has no time for a slow link: it
// dials at lowPrice, and leaves the turns to the reconnector.
func (a *absences) turn(p peer.ID, most effort) (effort, *UnreachedError) {
	a.mu.Lock()
	defer a.mu.Unlock()
	m := a.list[p]
	now := time.Now()
	switch {
	case most == allWays || !m.long():
		return allWays, nil
	case most == lowPrice || now.Before(m.next):
		return lowPrice, m.why
	}
	m.next = now.Add(absentEvery)
	return briefly, m.why
}

// told gives p a turn: it has told new addresses.
func (a *absences) told(p peer.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if m := a.list[p]; m != nil {
		m.next = time.Time{}
	}
}
