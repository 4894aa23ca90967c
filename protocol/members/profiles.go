package members

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/protocol/p2p"
)

const (
	protocolProfiles = "profiles"
	// profileRate and profileBurst bound the profiles that one member gossips, in one second: each
	// is a commit at every shop. An owner who edits by hand stays below. A profile that is dropped
	// comes with the next hello.
	profileRate  = rate.Limit(0.1)
	profileBurst = 5
	// maxProfiles bounds an answer, in bytes: 63 profiles of the greatest size, some 800 usual ones.
	maxProfiles = 256 << 10
)

// PublishProfile stores this shop's signed profile, and gossips it as soon as there is a neighbour.
func (s *Syncer) PublishProfile(signed []byte) error {
	if _, _, err := s.cfg.Roster.PutProfile(signed); err != nil {
		s.check(err)
		return err
	}
	s.mu.Lock()
	s.profile, s.unspread = signed, true
	s.mu.Unlock()
	s.hasNews.Set()
	return nil
}

// spreadProfile gossips the own profile if it has not been gossiped and there is a neighbour.
func (s *Syncer) spreadProfile(ctx context.Context, profiles *p2p.Topic) {
	s.mu.Lock()
	profile, due := s.profile, s.unspread
	s.mu.Unlock()
	if !due || profiles.Neighbours() == 0 {
		return
	}
	if err := profiles.Publish(ctx, profile); err != nil {
		s.log.Debug("gossiping the profile", "err", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unspread = !bytes.Equal(profile, s.profile) // published anew meanwhile
}

// validateProfile accepts a profile that its own shop gossips and that is newer than the stored one.
func (s *Syncer) validateProfile(from exchange.ShopID, data []byte) p2p.Verdict {
	if from == s.cfg.Self {
		return p2p.Accept
	}
	p, err := membership.OpenProfile(s.cfg.Roster.State().Federation(), data, s.cfg.Roster.Key)
	switch {
	case exchange.CodeOf(err) == exchange.CodeNotMember:
		return p2p.Ignore // a member not yet, or no longer
	case err != nil || p.Shop != from:
		return p2p.Reject
	}
	if held, _, ok := s.cfg.Roster.Profile(from); ok && held.Sequence >= p.Sequence {
		return p2p.Ignore
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gossipers[from] == nil {
		s.gossipers[from] = rate.NewLimiter(profileRate, profileBurst)
	}
	if !s.gossipers[from].Allow() {
		return p2p.Ignore
	}
	return p2p.Accept
}

// takeProfile stores a profile that a member sent, its own or another member's.
func (s *Syncer) takeProfile(from exchange.ShopID, signed []byte) {
	if _, _, err := s.cfg.Roster.PutProfile(signed); err != nil {
		s.log.Debug("a profile was not taken", "from", from, "err", err)
		s.check(err)
	}
}

// pullProfiles asks for all profiles at start, as soon as somebody is connected, and daily.
func (s *Syncer) pullProfiles(ctx context.Context) {
	wait := time.NewTimer(retry)
	defer wait.Stop()
	for {
		select {
		case <-wait.C:
		case <-ctx.Done():
			return
		}
		next := retry
		for _, from := range s.connected() {
			err := s.pullProfilesFrom(ctx, from)
			if err == nil {
				next = refreshProfiles
				break
			}
			s.log.Debug("pulling profiles", "from", from, "err", err)
			s.check(err)
		}
		wait.Reset(next)
	}
}

func (s *Syncer) pullProfilesFrom(ctx context.Context, from exchange.ShopID) error {
	ctx, cancel := context.WithTimeout(ctx, pullTimeout)
	defer cancel()
	var after exchange.ShopID
	for {
		reply, err := s.net.Request(ctx, from, protocolProfiles, after[:])
		if err != nil {
			return answerOf(from, err)
		}
		if len(reply) == 0 {
			return nil
		}
		last := after
		for len(reply) > 0 {
			var signed []byte
			if signed, reply, err = nextProfile(reply); err != nil {
				return err
			}
			p, _, err := s.cfg.Roster.PutProfile(signed)
			if exchange.CodeOf(err) == exchange.CodeNotMember {
				continue // the lists of the two members differ by an entry that is under way
			}
			if err != nil {
				return err
			}
			after = p.Shop
		}
		// Members are finite, so an answer in ascending order comes to an end.
		if after.Compare(last) <= 0 {
			return exchange.Errorf(exchange.CodeInvalid, "%s sends profiles of nobody further", from)
		}
	}
}

func nextProfile(b []byte) (signed, rest []byte, err error) {
	if len(b) < 2 {
		return nil, nil, exchange.Errorf(exchange.CodeInvalid, "an answer of profiles is cut off")
	}
	n := int(binary.BigEndian.Uint16(b))
	if b = b[2:]; n == 0 || n > len(b) {
		return nil, nil, exchange.Errorf(exchange.CodeInvalid, "an answer of profiles is cut off")
	}
	return b[:n], b[n:], nil
}

// serveProfiles answers requests of protocol profiles, from any member.
func (s *Syncer) serveProfiles(ctx context.Context, _ exchange.ShopID, req []byte) ([]byte, error) {
	after, err := exchange.ShopIDFromBytes(req)
	if err != nil {
		return nil, err
	}
	done, err := s.serve(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	var shops []exchange.ShopID
	for _, m := range s.cfg.Roster.Members() {
		if m.Status == membership.Active && m.Shop.Compare(after) > 0 {
			shops = append(shops, m.Shop)
		}
	}
	slices.SortFunc(shops, exchange.ShopID.Compare)
	reply := []byte{}
	for _, shop := range shops {
		_, signed, ok := s.cfg.Roster.Profile(shop)
		if !ok {
			continue
		}
		if len(reply)+2+len(signed) > maxProfiles {
			break
		}
		reply = append(binary.BigEndian.AppendUint16(reply, uint16(len(signed))), signed...)
	}
	return reply, nil
}
