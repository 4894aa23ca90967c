package membership

import (
	"crypto/ed25519"
	"crypto/sha256"

	"github.com/souk-market/souk/exchange"
)

// admitAll takes entries into s, which no other goroutine sees yet; the index of entries[0] is
// first. covered is the time of the checkpoint over the entries. With verify, their signatures
// are checked.
func (s *State) admitAll(first uint64, entries [][]byte, covered exchange.Time, verify bool) ([]Change, error) {
	var changes []Change
	for i, b := range entries {
		index := first + uint64(i)
		en, err := DecodeEntry(b)
		if err == nil {
			err = s.checkTimes(en.At, covered)
		}
		var change Change
		if err == nil {
			change, err = s.admit(index, en, verify)
		}
		if exchange.CodeOf(err) == exchange.CodeVersion {
			return nil, err
		}
		if err != nil {
			return nil, exchange.Errorf(exchange.CodeFork, "the hub signed entry %d, which breaks the rules: %w; ask its operator", index, err)
		}
		if change.Kind != 0 {
			changes = append(changes, change)
		}
	}
	return changes, nil
}

// checkTimes refuses an entry's time that is before the previous entry's or before s.checkpoint's.
// It also refuses a time after covered, the time of the checkpoint over the entry.
func (s *State) checkTimes(at, covered exchange.Time) error {
	if at < s.lastAt || at < s.checkpoint.Time {
		return exchange.Errorf(exchange.CodeInvalid, "it is dated %s, before what was signed earlier", at)
	}
	if wholeSeconds(at) > covered {
		return exchange.Errorf(exchange.CodeInvalid, "it is dated %s, after its checkpoint of %s", at, covered)
	}
	return nil
}

// wholeSeconds truncates a time to seconds, as in a checkpoint.
func wholeSeconds(t exchange.Time) exchange.Time { return t - t%1000 }

// admit takes one entry into s. The Change is zero where no member changed.
func (s *State) admit(index uint64, en Entry, verify bool) (Change, error) {
	var change Change
	var err error
	switch st := en.Statement.(type) {
	case Join:
		change, err = s.admitJoin(index, en.At, st, verify)
	case Leave:
		change, err = s.admitLeave(index, en.At, st, verify)
	case Void:
		err = s.admitVoid(st, verify)
	case Revoke:
		change, err = s.admitRevoke(index, en.At, st, verify)
	}
	if err == nil {
		s.lastAt = en.At
	}
	return change, err
}

func (s *State) admitJoin(index uint64, at exchange.Time, j Join, verify bool) (Change, error) {
	digest := sha256.Sum256(j.Token.encode())
	use := s.invites[j.Token.ID]
	if verify {
		if use.token != digest { // the token of an invite for many shops is verified once
			if err := j.Token.Verify(s.fed); err != nil {
				return Change{}, err
			}
		}
		if err := j.verifySigners(); err != nil {
			return Change{}, err
		}
	}
	if err := s.mayJoin(j, digest, at); err != nil {
		return Change{}, err
	}
	use.token, use.Uses = digest, j.Token.Uses
	use.Used++
	s.invites[j.Token.ID] = use
	m, known := s.members[j.Shop]
	if !known {
		s.order = append(s.order, j.Shop)
	}
	m = m.begin(index, at, j)
	s.members[j.Shop] = m
	return Change{Joined, index, m}, nil
}

// mayJoin checks a join, whose signatures are good, against the list. Each refusal says what the
// shop's owner can do.
func (s *State) mayJoin(j Join, digest [sha256.Size]byte, at exchange.Time) error {
	m := s.members[j.Shop]
	switch m.Status {
	case Active:
		return exchange.Errorf(exchange.CodeState, "the shop %s is a member already; nothing needs to be done", j.Shop)
	case Revoked:
		return exchange.Errorf(exchange.CodeNotMember, "the shop %s was revoked at %s and cannot join again", j.Shop, m.Since)
	}
	if _, again := m.joinedBy(j.Token.ID); again {
		return exchange.Errorf(exchange.CodeInvite, "the shop %s joined by this invite and left; ask the hub's operator for another", j.Shop)
	}
	use := s.invites[j.Token.ID]
	switch {
	case use.Voided:
		return exchange.Errorf(exchange.CodeInvite, "the invite was voided by the hub's operator; ask for another")
	case use.Uses > 0 && use.token != digest:
		return exchange.Errorf(exchange.CodeInvite, "another invite has the same id %s; ask the hub's operator for another", j.Token.ID)
	case use.Used >= j.Token.Uses:
		return exchange.Errorf(exchange.CodeInvite, "the invite was used already, by %d of %d shops; ask the hub's operator for another", use.Used, j.Token.Uses)
	case at > j.Token.Expires:
		return errExpired(j.Token)
	}
	return nil
}

func (s *State) admitLeave(index uint64, at exchange.Time, l Leave, verify bool) (Change, error) {
	if verify {
		if err := l.Verify(s.fed); err != nil {
			return Change{}, err
		}
	}
	m := s.members[l.Shop]
	if m.Status != Active || m.Index != l.Joined {
		return Change{}, exchange.Errorf(exchange.CodeState, "the shop %s did not join at entry %d, or is no member any more", l.Shop, l.Joined)
	}
	m = m.end(Left, at, "")
	s.members[l.Shop] = m
	return Change{HasLeft, index, m}, nil
}

func (s *State) admitVoid(v Void, verify bool) error {
	if verify {
		if err := v.Verify(s.fed); err != nil {
			return err
		}
	}
	use := s.invites[v.Invite]
	if use.Voided {
		return exchange.Errorf(exchange.CodeState, "the invite %s is void already", v.Invite)
	}
	use.Voided = true
	s.invites[v.Invite] = use
	return nil
}

func (s *State) admitRevoke(index uint64, at exchange.Time, r Revoke, verify bool) (Change, error) {
	if verify {
		if err := r.Verify(s.fed); err != nil {
			return Change{}, err
		}
	}
	m, ok := s.members[r.Shop]
	if !ok {
		return Change{}, exchange.Errorf(exchange.CodeNotFound, "the shop %s is not in the list", r.Shop)
	}
	if m.Status == Revoked {
		return Change{}, exchange.Errorf(exchange.CodeState, "the shop %s is revoked already", r.Shop)
	}
	m = m.end(Revoked, at, r.Why)
	s.members[r.Shop] = m
	return Change{WasRevoked, index, m}, nil
}

// CheckJoin tells the hub what to do with a join. existing means that the shop is a member by this
// invite already, through the entry at index. The hub then answers again, even if the invite has
// expired or is void. With an error the hub refuses the join. Otherwise it appends the join.
func (s *State) CheckJoin(j Join, now exchange.Time) (index uint64, existing bool, err error) {
	if err := j.check(); err != nil {
		return 0, false, err
	}
	if err := j.Verify(s.fed); err != nil {
		return 0, false, err
	}
	m := s.members[j.Shop]
	if p, ok := m.joinedBy(j.Token.ID); ok && m.Status == Active && p.To == 0 {
		return p.Index, true, nil
	}
	if s.evidence != nil {
		return 0, false, errFrozen
	}
	return 0, false, s.mayJoin(j, sha256.Sum256(j.Token.encode()), s.notBefore(now))
}

// notBefore returns t, or the newest time that was signed already where t is before that.
func (s *State) notBefore(t exchange.Time) exchange.Time {
	return max(t, s.lastAt, s.checkpoint.Time)
}

// Sign makes the hub's next bundle: the statements as entries from index s.Size on, and a
// checkpoint over the whole list. Without statements it renews the checkpoint. The time is now,
// or the last signed time where the clock stepped back. Every statement is verified first, so
// that nothing illegal is ever signed; if one is refused, none is signed. The hub then applies
// the bundle to its own list, as every shop does, and sends it only when it is durable.
func (s *State) Sign(logKey ed25519.PrivateKey, statements []Statement, now exchange.Time) (Bundle, error) {
	if s.evidence != nil {
		return Bundle{}, errFrozen
	}
	at := s.notBefore(now)
	b := Bundle{Origin: s.fed.Origin, From: s.Size()}
	if b.From+uint64(len(statements)) > MaxEntries {
		return Bundle{}, exchange.Errorf(exchange.CodeLimit, "the member list is full: %d entries", MaxEntries)
	}
	next := s
	if len(statements) > 0 {
		next = s.clone()
	}
	for i, st := range statements {
		en := Entry{At: at, Statement: st}
		raw, err := en.Encode()
		if err != nil {
			return Bundle{}, err
		}
		if _, err := next.admit(b.From+uint64(i), en, true); err != nil {
			return Bundle{}, err
		}
		b.Entries = append(b.Entries, raw)
	}
	grown := s.tree
	if len(statements) > 0 {
		grown = s.tree.with(s.Size(), b.Entries)
	}
	c, err := SignCheckpoint(s.fed, logKey, grown.size, grown.root(grown.size), at)
	if err != nil {
		return Bundle{}, err
	}
	b.Checkpoint = c.Note
	return b, nil
}
