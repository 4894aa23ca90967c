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
	// maxJobs is how many pulls wait; further ones are dropped, the next hello or
	// checkpoint asks again.
	maxJobs = 64
	// maxAsked is how many members a pull turns to before it gives up.
	maxAsked = 8
	// maxServing is how many answers are made at once, over all members: 8 × 1 MiB.
	maxServing = 8
	// maxAnswer keeps an answer within a frame of the network; longer lists travel in several.
	maxAnswer = min(membership.MaxBundleBytes, p2p.MaxMessage)
	// crossChecked is how many members a shop compares its list with after each change, crossWithin when,
	// at random: a hub that shows two shops different lists is found out within half a minute
	// (design's aim: one) where the two are connected, and soon in any federation that is.
	// With a signature an hour that is 72 requests of some 600 bytes a day.
	crossChecked = 3
	crossWithin  = 30 * time.Second
	// endOfTime makes no checkpoint a future one.
	endOfTime = exchange.Time(math.MaxInt64)
)

// job is a pull to be made.
type job struct {
	from exchange.ShopID // who showed the list; zero = ask anybody
	size uint64          // needless once the list has so many entries; 0 = pull in any case
}

func (s *Syncer) pullSoon(j job) {
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
			// A contradiction shows at equal sizes too, so only what is below is needless.
			if j.size == 0 || j.size >= s.cfg.Roster.State().Size() {
				s.pullAny(ctx, j.from)
			}
		case <-ctx.Done():
			return
		}
	}
}

// pullAny pulls from the member that showed a list, dialing it if need be; from where that
// is none, or fails, from the first connected member that answers, the hub before others.
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

// connected are members to ask, the hub first, the others in random order.
func (s *Syncer) connected() []exchange.ShopID {
	var out []exchange.ShopID
	for _, h := range s.cfg.Hub {
		if s.net.Connected(h) {
			out = append(out, h)
		}
	}
	return append(out, s.others(maxAsked-min(len(out), maxAsked))...)
}

// others are at most n connected members but the hub, in random order.
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

// crossChecks compares the list with other members' after each change: gossip may be lost, and hello
// comes once a connection.
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

// pull fetches what is missing from one member and applies it. A list that does
// not continue ours is fetched whole: it proves a contradiction.
func (s *Syncer) pull(ctx context.Context, from exchange.ShopID) error {
	return s.pullBy(ctx, func(ctx context.Context, index []byte) ([]byte, error) {
		reply, err := s.net.Request(ctx, from, protocol.Log, index)
		if err != nil {
			return nil, answerOf(from, err)
		}
		return reply, nil
	})
}

// pullBy is pull with a way of its own to ask: the request is the u64 index of the first entry
// wanted, the reply a bundle.
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

// collect asks for the entries from index on until their checkpoint is reached.
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

// answerOf keeps a member's own fault from being taken for one of this process.
func answerOf(from exchange.ShopID, err error) error {
	return exchange.Errorf(exchange.CodeUnavailable, "%s did not send its member list: %w", from, err)
}

// serveLog answers any member.
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

// serve waits for a turn to make an answer; done ends it.
func (s *Syncer) serve(ctx context.Context) (done func(), err error) {
	select {
	case s.serving <- struct{}{}:
		return func() { <-s.serving }, nil
	case <-ctx.Done():
		return nil, exchange.Errorf(exchange.CodeUnavailable, "too many members ask at once; ask again: %w", ctx.Err())
	}
}
