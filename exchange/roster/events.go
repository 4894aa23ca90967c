package roster

import (
	"slices"
	"sync"

	"github.com/souk-market/souk/exchange/membership"
)

// Kind says what an Event is about.
type Kind uint8

const (
	Joined  Kind = 1 // Member came in
	Left    Kind = 2 // Member left: cut its connections
	Revoked Kind = 3 // Member was revoked: cut its connections
	Renewed Kind = 4 // there is a newer checkpoint; follows the events of the same bundle
	Frozen  Kind = 5 // the hub signed lists that contradict each other: alarm
	Illegal Kind = 6 // the hub signed a list that breaks the rules, which was refused: alarm
)

// Event is a change of the list.
type Event struct {
	Kind   Kind
	Member membership.Member // of Joined, Left and Revoked
	Err    error             // of Frozen and Illegal
}

// subscribers has a lock of its own, so that a callback may cancel itself.
type subscribers struct {
	mu   sync.Mutex
	next int
	list []subscriber // in order of subscription
}

type subscriber struct {
	id int
	fn func(Event)
}

// Subscribe calls fn for every later event, in order, until cancel is called. fn runs when the
// change is stored and visible. Apply returns only after fn does, so fn must be quick, and must
// not call Apply, Append, ApplyEvidence or PutProfile. A last call may still run when cancel
// returns.
func (r *Roster) Subscribe(fn func(Event)) (cancel func()) {
	s := &r.subscribers
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.next
	s.next++
	s.list = append(s.list, subscriber{id, fn})
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.list = slices.DeleteFunc(slices.Clone(s.list), func(x subscriber) bool { return x.id == id })
	}
}

func (s *subscribers) tell(e Event) {
	s.mu.Lock()
	list := s.list
	s.mu.Unlock()
	for _, x := range list {
		x.fn(e)
	}
}

// changed tells the subscribers of an accepted bundle. A shop that joined and left again within
// the bundle makes two events.
func (s *subscribers) changed(next *membership.State, changes []membership.Change) {
	kinds := map[membership.ChangeKind]Kind{
		membership.Joined:     Joined,
		membership.HasLeft:    Left,
		membership.WasRevoked: Revoked,
	}
	for _, c := range changes {
		s.tell(Event{Kind: kinds[c.Kind], Member: c.Member})
	}
	s.tell(Event{Kind: Renewed})
}
