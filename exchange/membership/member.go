package membership

import (
	"crypto/ed25519"
	"crypto/sha256"

	"github.com/souk-market/souk/exchange"
)

// Status says whether a shop is in the list now, and if not, why.
type Status uint8

const (
	Active  Status = 1
	Left    Status = 2
	Revoked Status = 3
)

func (s Status) String() string {
	switch s {
	case Active:
		return "active"
	case Left:
		return "left"
	case Revoked:
		return "revoked"
	}
	return "unknown"
}

// Period is one stay of a shop in the federation.
type Period struct {
	Index    uint64 // of the join entry
	Invite   InviteID
	From, To exchange.Time // To is zero while it lasts
}

// Member is a shop that is or was in the list. A Member is a copy, but Periods is shared with
// the list and must not be changed.
type Member struct {
	Shop     exchange.ShopID
	Key      ed25519.PublicKey // that it signs with now
	Name     string
	Status   Status
	JoinedAt exchange.Time     // first
	Since    exchange.Time     // since when it has its Status
	Index    uint64            // of its newest join entry
	Recovery [sha256.Size]byte // SHA-256 of its recovery public key
	Why      string            // of a revocation
	Periods  []Period          // oldest first
}

// WasActive reports whether the shop was a member at t.
func (m Member) WasActive(t exchange.Time) bool {
	for _, p := range m.Periods {
		if t >= p.From && (p.To == 0 || t < p.To) {
			return true
		}
	}
	return false
}

// joinedBy returns the stay that an invite began.
func (m Member) joinedBy(id InviteID) (Period, bool) {
	for _, p := range m.Periods {
		if p.Invite == id {
			return p, true
		}
	}
	return Period{}, false
}

// begin returns m after a join entry. Periods is copied: the list before the entry keeps its own.
func (m Member) begin(index uint64, at exchange.Time, j Join) Member {
	if m.JoinedAt == 0 {
		m.JoinedAt = at
	}
	m.Shop, m.Key, m.Name, m.Recovery = j.Shop, j.Shop.Key(), j.Name, j.Recovery
	m.Status, m.Since, m.Index = Active, at, index
	periods := make([]Period, len(m.Periods), len(m.Periods)+1)
	copy(periods, m.Periods)
	m.Periods = append(periods, Period{Index: index, Invite: j.Token.ID, From: at})
	return m
}

// end returns m after a leave or revoke entry. Periods is copied, as in begin.
func (m Member) end(status Status, at exchange.Time, why string) Member {
	m.Periods = append([]Period(nil), m.Periods...)
	if last := &m.Periods[len(m.Periods)-1]; last.To == 0 {
		last.To = at
	}
	m.Status, m.Since, m.Why = status, at, why
	return m
}

// ChangeKind says what an entry did to a member.
type ChangeKind uint8

const (
	Joined     ChangeKind = 1
	HasLeft    ChangeKind = 2
	WasRevoked ChangeKind = 3
)

func (k ChangeKind) String() string {
	switch k {
	case Joined:
		return "joined"
	case HasLeft:
		return "left"
	case WasRevoked:
		return "revoked"
	}
	return "unknown"
}

// Change is a member that an entry changed, as it is after that entry.
type Change struct {
	Kind   ChangeKind
	Index  uint64 // of the entry
	Member Member
}
