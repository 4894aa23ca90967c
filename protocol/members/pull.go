package members

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/roster"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/p2p"
)

const (
	// pullTimeout bounds one pull of the whole list from one peer.
	pullTimeout = time.Minute
	// maxJobs is how many pulls wait. Further pulls are dropped: the next hello or checkpoint makes
	// another.
	maxJobs = 64
	// maxAsked is how many members a pull turns to before it gives up.
	maxAsked = 8
	// maxServing is how many answers are made at once, for all members together: 8 × 1 MiB.
	maxServing = 8
	// maxAnswer bounds an answer, in bytes, so that a frame holds it; a longer list takes several
	// answers.
	maxAnswer = min(membership.MaxBundleBytes, p2p.MaxMessage)
	// crossChecked is how many members a shop compares its list with after each change. It does so
	// after a random time below crossWithin. So a hub that shows two connected shops different lists
	// is found out within half a minute (the design asks for a minute). With an hourly signature
	// these are 72 requests of some 600 bytes a day.
	crossChecked = 3
	crossWithin  = 30 * time.Second
	// endOfTime is a clock by which no checkpoint is dated in the future.
	endOfTime = exchange.Time(math.MaxInt64)
)

// job is a pull to be made.
type job struct {
	from exchange.ShopID // who showed the list; zero = ask any member
	size uint64          // of the list shown: no pull where the own list is larger; 0 = pull in any case
}

// queuePull queues a pull, or drops it where maxJobs wait.
func (s *Syncer) queuePull(j job) {
	select {
	case s.jobs <- j:
	default:
	}
}

// pulls serves the queue of pulls, one at a time.
func (s *Syncer) pulls(ctx context.Context) {
	for {
		select {
		case j := <-s.jobs:
			// Two lists of one size may contradict each other, so only a smaller list is not pulled.
			if j.size == 0 || j.size >= s.cfg.Roster.State().Size() {
				s.pullAny(ctx, j.from)
			}
		case <-ctx.Done():
			return
		}
	}
}

// pullAny pulls from the member that showed a list, dialing it if need be. Where from is zero, or
// the pull fails, it pulls from the first connected member that answers, the hub before others.
func (s *Syncer) pullAny(ctx context.Context, from exchange.ShopID) {
	candidates := s.connected()
	if !from.IsZero() {
		candidates = slices.Insert(candidates, 0, from)
	}
	for _, c := range candidates {
		if ctx.Err() != nil {
			return
		}
		err := s.pull(ctx, c)
		if err == nil {
			return
		}
		s.log.Debug("pulling the member list", "from", c, "err", err)
		switch exchange.CodeOf(err) {
		case exchange.CodeFrozen:
			return
		case exchange.CodeFork, exchange.CodeVersion:
			s.log.Warn("a member's list was not taken", "from", c, "err", err)
		}
		s.check(err)
	}
}

// connected returns connected members to ask, maxAsked at most: the hub first, then others in random
// order.
func (s *Syncer) connected() []exchange.ShopID {
	var out []exchange.ShopID
	for _, h := range s.cfg.Hub {
		if s.net.Connected(h) {
			out = append(out, h)
		}
	}
	return append(out, s.others(maxAsked-min(len(out), maxAsked))...)
}

// others returns at most n connected members other than the hub, in random order.
func (s *Syncer) others(n int) []exchange.ShopID {
	var out []exchange.ShopID
	for _, p := range s.net.Peers() {
		if !p.Hub {
			out = append(out, p.Shop)
		}
	}
	rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out[:min(len(out), n)]
}

// crossChecks compares the list with other members' lists after each change. Gossip may be lost, and
// there is one hello a connection: neither is sure to show a contradiction.
func (s *Syncer) crossChecks(ctx context.Context) {
	for {
		select {
		case <-s.changed.C():
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(rand.N(crossWithin)):
		case <-ctx.Done():
			return
		}
		for _, c := range s.others(crossChecked) {
			if err := s.pull(ctx, c); err != nil {
				s.log.Debug("comparing the member list", "with", c, "err", err)
				s.check(err)
			}
		}
	}
}

// pull fetches the missing entries from one member and applies them. A list that does not continue
// the own list is fetched whole, because only the whole list proves a contradiction.
func (s *Syncer) pull(ctx context.Context, from exchange.ShopID) error {
	return s.pullBy(ctx, func(ctx context.Context, index []byte) ([]byte, error) {
		reply, err := s.net.Request(ctx, from, protocol.Log, index)
		if err != nil {
			return nil, answerOf(from, err)
		}
		return reply, nil
	})
}

// pullBy is pull where ask carries the requests. A request is the u64 index of the first entry
// wanted, its reply a bundle.
func (s *Syncer) pullBy(ctx context.Context, ask Ask) error {
	ctx, cancel := context.WithTimeout(ctx, pullTimeout)
	defer cancel()
	size := s.cfg.Roster.State().Size()
	err := s.pullFrom(ctx, ask, size)
	if exchange.CodeOf(err) == exchange.CodeSignature && size > 0 {
		err = s.pullFrom(ctx, ask, 0)
	}
	return err
}

// pullFrom pulls the entries from index on and applies them.
func (s *Syncer) pullFrom(ctx context.Context, ask Ask, index uint64) error {
	b, err := collect(ctx, ask, s.cfg.Roster.State().Federation(), index)
	if err != nil {
		return err
	}
	if b.End() > s.cfg.Roster.State().Size() {
		s.mu.Lock()
		s.pulled = b.End()
		s.mu.Unlock()
	}
	return s.cfg.Roster.Apply(b)
}

// collect asks for the entries from index on, until it has all that the newest checkpoint covers.
func collect(ctx context.Context, ask Ask, fed membership.Federation, index uint64) (membership.Bundle, error) {
	collector := roster.NewCollector(fed, index)
	for {
		reply, err := ask(ctx, binary.BigEndian.AppendUint64(nil, collector.Next()))
		if err != nil {
			return membership.Bundle{}, err
		}
		b, err := membership.DecodeBundle(reply)
		if err != nil {
			return membership.Bundle{}, err
		}
		if done, err := collector.Add(b); err != nil || done {
			return collector.Bundle(), err
		}
	}
}

// answerOf is a member's error as an error of this process. Only its text stays: a member's
// CodeInternal must not end this process (see check).
func answerOf(from exchange.ShopID, err error) error {
	return exchange.Errorf(exchange.CodeUnavailable, "%s did not send its member list: %w", from, err)
}

// serveLog answers requests of protocol log, from any member.
func (s *Syncer) serveLog(ctx context.Context, _ exchange.ShopID, req []byte) ([]byte, error) {
	if len(req) != 8 {
		return nil, exchange.Errorf(exchange.CodeInvalid, "a log request has 8 bytes, not %d", len(req))
	}
	done, err := s.serve(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	b, err := s.cfg.Roster.Bundle(binary.BigEndian.Uint64(req), maxAnswer)
	if err != nil {
		return nil, err
	}
	return b.Encode()
}

// serve waits until fewer than maxServing answers are being made. done is called when the answer is
// made.
func (s *Syncer) serve(ctx context.Context) (done func(), err error) {
	select {
	case s.serving <- struct{}{}:
		return func() { <-s.serving }, nil
	case <-ctx.Done():
		return nil, exchange.Errorf(exchange.CodeUnavailable, "too many members ask at once; ask again: %w", ctx.Err())
	}
}
