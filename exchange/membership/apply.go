package membership

import (
	"math"

	"github.com/souk-market/souk/exchange"
)

// errOlder says that c is older than held, the checkpoint of this list. Gossip brings old
// lists all the time; a shop whose hub answers with an old list should find out why.
func errOlder(c, held Checkpoint) error {
	return exchange.Errorf(exchange.CodeStale, "the member list of %d entries at %s is older than the one held, of %d entries at %s",
		c.Size, c.Time, held.Size, held.Time)
}

// Apply verifies a bundle and returns the list that results and what changed in it. On any
// error the returned state is s:
//
//   - CodeBehind: the entries start after s.Size, or end before the checkpoint's size. Fetch
//     the missing entries.
//   - CodeStale: the checkpoint is older than s.Checkpoint.
//   - CodeSignature: the hub did not sign these bytes. The sender may have made them up; where
//     b.From is not 0, the hub may also have signed another list. Fetch all entries from 0 to tell.
//   - CodeFork: the hub signed the bundle, and the bundle breaks the rules of the list.
//   - CodeVersion: an entry is of a kind that this version does not know.
//   - CodeFrozen: s is frozen.
//   - CodeInvalid: a bad form, or a date in the future.
//
// For a checkpoint that contradicts s.Checkpoint, Apply returns s frozen, no changes and no
// error.
func (s *State) Apply(b Bundle, now exchange.Time) (*State, []Change, error) {
	if s.evidence != nil {
		return s, nil, errFrozen
	}
	if b.Origin != s.fed.Origin {
		return s, nil, exchange.Errorf(exchange.CodeInvalid, "the member list is of %.60q, not of %q", b.Origin, s.fed.Origin)
	}
	if err := b.check(); err != nil {
		return s, nil, err
	}
	c, err := OpenCheckpoint(s.fed, b.Checkpoint)
	if err != nil {
		return s, nil, err
	}
	if c.Size > s.Size() {
		return s.grow(c, b, now)
	}
	if s.tree.root(c.Size) != c.Root {
		return s.fork(c, s.tree, c.Size), nil, nil
	}
	if c.Size < s.Size() || c.Time < s.checkpoint.Time {
		return s, nil, errOlder(c, s.checkpoint)
	}
	if c.Time == s.checkpoint.Time {
		return s, nil, nil
	}
	if err := checkAhead(c, now); err != nil {
		return s, nil, err
	}
	next := *s
	next.checkpoint = c
	return &next, nil, nil
}

// grow applies a bundle whose checkpoint c is larger than s.
func (s *State) grow(c Checkpoint, b Bundle, now exchange.Time) (*State, []Change, error) {
	size := s.Size()
	if b.From > size {
		return s, nil, exchange.Errorf(exchange.CodeBehind, "the entries start at %d, but only %d are here; fetch from there", b.From, size)
	}
	if b.End() < c.Size {
		return s, nil, exchange.Errorf(exchange.CodeBehind, "the entries end at %d, the checkpoint at %d; fetch the rest", b.End(), c.Size)
	}
	if b.End() > c.Size {
		return s, nil, exchange.Errorf(exchange.CodeInvalid, "the entries end at %d, after the checkpoint's %d", b.End(), c.Size)
	}
	grown := s.tree.with(b.From, b.Entries)
	if grown.root(c.Size) != c.Root {
		return s, nil, exchange.Errorf(exchange.CodeSignature, "the entries from %d do not lead to the checkpoint that the hub signed; fetch all from 0", b.From)
	}
	if grown.root(size) != s.tree.root(size) {
		return s.fork(c, grown, grown.common(s.tree)), nil, nil
	}
	if err := checkAhead(c, now); err != nil {
		return s, nil, err
	}
	if c.Time < s.checkpoint.Time {
		return s, nil, errOlder(c, s.checkpoint)
	}
	next := s.clone()
	changes, err := next.admitAll(size, b.Entries[size-b.From:], c.Time, true)
	if err != nil {
		return s, nil, err
	}
	next.tree, next.checkpoint = grown, c
	return next, changes, nil
}

// fork returns s frozen on c, which contradicts s.checkpoint. larger is the tree of the larger
// of the two checkpoints.
func (s *State) fork(c Checkpoint, larger tree, common uint64) *State {
	e := newEvidence(s.checkpoint, c, larger)
	return s.frozen(e, min(common, min(c.Size, s.Size())-1))
}

func (s *State) frozen(e Evidence, common uint64) *State {
	next := *s
	next.evidence, next.common = &e, common
	return &next
}

// CommonUnknown is what a caller passes to Freeze that does not know State.Common.
const CommonUnknown = math.MaxUint64

// Freeze returns s frozen on evidence that was found elsewhere; a frozen s stays as it is.
// common is what State.Common said when the evidence was found, else CommonUnknown.
func (s *State) Freeze(e Evidence, common uint64) (*State, error) {
	if s.evidence != nil {
		return s, nil
	}
	smaller, _, err := e.open(s.fed)
	if err != nil {
		return s, err
	}
	return s.frozen(e, min(common, smaller.Size-1, s.Size())), nil
}

func checkAhead(c Checkpoint, now exchange.Time) error {
	if c.Time > now.Add(MaxAhead) {
		return exchange.Errorf(exchange.CodeInvalid, "the member list is dated %s, but it is %s here; check this computer's clock, then the hub's", c.Time, now)
	}
	return nil
}

// Restore rebuilds a list from all its entries and its checkpoint, stored after Apply accepted
// them. It recomputes the root, which finds any damage, and applies the rules again. It does
// not verify the entries' signatures: Apply did, and the root proves that the bytes are the same.
func Restore(f Federation, entries [][]byte, checkpoint []byte) (*State, error) {
	s, err := New(f)
	if err != nil {
		return nil, err
	}
	c, err := OpenCheckpoint(f, checkpoint)
	if err != nil {
		return nil, err
	}
	s.tree = s.tree.with(0, entries)
	if s.tree.size != c.Size || s.tree.root(c.Size) != c.Root {
		return nil, exchange.Errorf(exchange.CodeSignature, "the stored member list is damaged: its %d entries do not belong to its checkpoint of %d", len(entries), c.Size)
	}
	if _, err := s.admitAll(0, entries, c.Time, false); err != nil {
		return nil, err
	}
	s.checkpoint = c
	return s, nil
}
