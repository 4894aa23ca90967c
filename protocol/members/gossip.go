package members

import (
	"context"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/p2p"
)

const (
	// maxGossip bounds a gossiped message, in bytes; a larger bundle is pulled.
	maxGossip = protocol.MaxGossip
	// gossiped is how many of the newest entries go with a gossiped checkpoint. They fit into
	// maxGossip several times. A shop that lacks more entries pulls.
	gossiped = 8
)

// passOn gossips the newest entries. The hub always does; a shop does when it learned the entries
// by a pull.
func (s *Syncer) passOn(ctx context.Context, list *p2p.Topic) {
	size := s.cfg.Roster.State().Size()
	s.mu.Lock()
	mine := s.isHub() || s.pulled == size && size > 0
	s.pulled = 0
	s.mu.Unlock()
	if !mine {
		return
	}
	b, err := s.cfg.Roster.Bundle(size-min(size, gossiped), maxGossip-1)
	var raw []byte
	if err == nil {
		raw, err = b.Encode()
	}
	if err == nil {
		err = list.Publish(ctx, append([]byte{'B'}, raw...))
	}
	if err != nil {
		s.log.Debug("gossiping the member list", "err", err)
		s.check(err)
	}
}

// meshes notes that a neighbour began to gossip with us.
func (s *Syncer) meshes() { s.meshed.Set() }

// afterMeshed pulls what was published while nobody gossiped with us yet. The hub pulls nothing:
// it makes the entries.
func (s *Syncer) afterMeshed(ctx context.Context) {
	for {
		select {
		case <-s.meshed.C():
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(meshPause):
		case <-ctx.Done():
			return
		}
		if !s.isHub() {
			s.queuePull(job{})
		}
	}
}

// receive hands each message of a topic to take, until ctx ends.
func (s *Syncer) receive(ctx context.Context, topic *p2p.Topic, take func(p2p.Message)) {
	for {
		m, err := topic.Next(ctx)
		if err != nil {
			return
		}
		take(m)
	}
}

// validateList accepts, and so passes on, what is new to this shop and proven. It ignores a bundle
// that cannot be judged without a pull, and starts the pull; then passOn gossips the entries.
func (s *Syncer) validateList(from exchange.ShopID, data []byte) p2p.Verdict {
	if len(data) == 0 {
		return p2p.Reject
	}
	if from == s.cfg.Self {
		return p2p.Accept
	}
	switch data[0] {
	case 'B':
		b, err := membership.DecodeBundle(data[1:])
		if err != nil {
			return p2p.Reject
		}
		return s.judge(from, b)
	case 'E':
		if s.cfg.Roster.Evidence() != nil {
			return p2p.Ignore // this shop has passed evidence on already
		}
		if _, err := membership.VerifyEvidence(s.cfg.Roster.State().Federation(), data[1:]); err != nil {
			return p2p.Reject
		}
		return p2p.Accept
	}
	return p2p.Ignore // a message of a later version
}

// judge applies a bundle to the list without keeping the result. It does not ask the clock;
// Roster.Apply does.
func (s *Syncer) judge(from exchange.ShopID, b membership.Bundle) p2p.Verdict {
	state := s.cfg.Roster.State()
	c, err := membership.OpenCheckpoint(state.Federation(), b.Checkpoint)
	if err != nil {
		return p2p.Reject
	}
	next, _, err := state.Apply(b, endOfTime)
	switch exchange.CodeOf(err) {
	case exchange.CodeOK:
		if next != state {
			return p2p.Accept
		}
	case exchange.CodeBehind, exchange.CodeSignature:
		s.queuePull(job{from: from, size: c.Size})
	case exchange.CodeFork:
		return p2p.Accept // the hub signed it: every shop shall raise the alarm
	case exchange.CodeInvalid:
		return p2p.Reject
	}
	return p2p.Ignore
}

// takeList applies an accepted message of the list's topic.
func (s *Syncer) takeList(m p2p.Message) {
	switch m.Data[0] {
	case 'B':
		b, err := membership.DecodeBundle(m.Data[1:])
		if err != nil {
			return
		}
		s.applied(m.From, b.End(), s.cfg.Roster.Apply(b))
	case 'E':
		if err := s.cfg.Roster.ApplyEvidence(m.Data[1:]); err != nil {
			s.log.Warn("evidence against the hub was not taken", "from", m.From, "err", err)
			s.check(err)
		}
	}
}
