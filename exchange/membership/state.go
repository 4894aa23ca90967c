package membership

import (
	"crypto/sha256"
	"maps"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/souk-market/souk/exchange"
)

// Freshness limits (design: Membership and the hub).
const (
	WarnAfter  = 24 * time.Hour     // the hub signs hourly; after a day its operator should look why not
	StaleAfter = 7 * 24 * time.Hour // from then on no new partnerships or members
	// MaxAhead is how far a checkpoint may be dated after the reader's clock. The clocks of hub and
	// reader may each be wrong by an hour.
	MaxAhead = 2 * time.Hour
)

// Freshness says how current a list is.
type Freshness uint8

const (
	Fresh  Freshness = 1
	Ageing Freshness = 2 // older than WarnAfter
	Stale  Freshness = 3 // older than StaleAfter, or there is none
)

func (f Freshness) String() string {
	switch f {
	case Fresh:
		return "fresh"
	case Ageing:
		return "ageing"
	case Stale:
		return "stale"
	}
	return "unknown"
}

// State is a verified member list. It is immutable: Apply and Freeze return another State, so
// that any goroutine may read a State.
type State struct {
	fed        Federation
	tree       tree
	checkpoint Checkpoint    // the newest; zero before the first
	lastAt     exchange.Time // of the last entry
	members    map[exchange.ShopID]Member
	order      []exchange.ShopID // by first join
	invites    map[InviteID]InviteUse
	evidence   *Evidence
	common     uint64 // with evidence: see Common
}

// InviteUse is what the list knows of an invite.
type InviteUse struct {
	Used   uint32 // joins so far
	Uses   uint32 // allowed; 0 while nobody joined by it
	Voided bool
	token  [sha256.Size]byte // SHA-256 of the only token with this id; zero while Uses is 0
}

// New returns the list of a federation of which nothing is known yet.
func New(f Federation) (*State, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	return &State{
		fed:     f,
		members: map[exchange.ShopID]Member{},
		invites: map[InviteID]InviteUse{},
	}, nil
}

// clone returns a copy whose maps and slices may be changed.
func (s *State) clone() *State {
	c := *s
	c.members, c.invites, c.order = maps.Clone(s.members), maps.Clone(s.invites), slices.Clone(s.order)
	return &c
}

// Federation is the federation whose list s is.
func (s *State) Federation() Federation { return s.fed }

// Size is the number of entries.
func (s *State) Size() uint64 { return s.tree.size }

// Root is the root of the first n entries, or of all where n is above Size.
func (s *State) Root(n uint64) tlog.Hash { return s.tree.root(min(n, s.tree.size)) }

// Checkpoint is the newest checkpoint; its Note is nil before the first.
func (s *State) Checkpoint() Checkpoint { return s.checkpoint }

// Member returns a shop that is or was in the list.
func (s *State) Member(shop exchange.ShopID) (Member, bool) {
	m, ok := s.members[shop]
	return m, ok
}

// IsMember reports whether a shop is in the list and has not departed.
func (s *State) IsMember(shop exchange.ShopID) bool { return s.members[shop].Status == Active }

// Members are all shops that are or were in the list, in the order in which they first joined.
func (s *State) Members() []Member {
	out := make([]Member, len(s.order))
	for i, shop := range s.order {
		out[i] = s.members[shop]
	}
	return out
}

// Invite is what the list knows of an invite; zero where it knows nothing.
func (s *State) Invite(id InviteID) InviteUse { return s.invites[id] }

// Evidence is the proof on which the list was frozen; nil while it is not.
func (s *State) Evidence() *Evidence { return s.evidence }

// Common is how many entries, from the start, the two signed lists of a frozen State have in
// common. It is an upper bound, and exact where both lists were at hand.
func (s *State) Common() uint64 { return s.common }

// Age is how long ago the hub last signed the list; 0 where the signature is dated after now.
func (s *State) Age(now exchange.Time) time.Duration {
	return max(0, now.Sub(s.checkpoint.Time))
}

// Freshness grades the list's age.
func (s *State) Freshness(now exchange.Time) Freshness {
	switch age := s.Age(now); {
	case s.checkpoint.Note == nil || age > StaleAfter:
		return Stale
	case age > WarnAfter:
		return Ageing
	}
	return Fresh
}

// MayTakeOn reports nil where new partnerships may be made: CodeFrozen in a
// frozen list, CodeFreshness in a stale one.
func (s *State) MayTakeOn(now exchange.Time) error {
	if s.evidence != nil {
		return errFrozen
	}
	if s.checkpoint.Note == nil {
		return exchange.Errorf(exchange.CodeFreshness, "there is no member list yet; connect to the hub or to any member")
	}
	if s.Freshness(now) == Stale {
		return exchange.Errorf(exchange.CodeFreshness,
			"the member list is of %s, over %d days old: no new partnerships until the hub or any member has a newer one; partners may trade on, unless the owner's halt_after_days says otherwise",
			s.checkpoint.Time, int(StaleAfter.Hours()/24))
	}
	return nil
}

var errFrozen = exchange.Errorf(exchange.CodeFrozen,
	"the hub signed two different member lists; the list is frozen as evidence; partners may trade on; ask the hub's operator")
