package members

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/backoff"
	"github.com/souk-market/souk/exchange/membership"
)

const (
	// standingFirst is when a shop that started and has met no hub asks how it stands, or up to as much
	// later. A hub that is there and knows the shop has greeted it by then.
	standingFirst = 3 * time.Second
	// standingLost is how long after a shop lost its hub it asks: two of the pauses in which p2p calls such
	// a hub, for shops that come back to a restarted hub need not ask. Up to standingSpread is added, for
	// all have lost it in the same second: 500 shops are 8 questions a second, of the 10 that a hub answers.
	standingLost   = 16 * time.Second
	standingSpread = time.Minute
	// standingMost is the longest pause; they double, and it is reached when the hub has been away for a
	// quarter of an hour. An attempt at a hub that is away sends some 8 KB: with pauses of 9 minutes, the
	// mean, 160 a day are 1.3 MB. That and p2p's own calls (see its retryHub) stay within the 15 MB a day
	// that an idle shop may send.
	standingMost = 10 * time.Minute
	// standingLook is how often it looks whether a hub is connected.
	standingLook = time.Second
)

// standingPauses are the pauses before a shop's questions, each in part by chance: shops that lost their
// hub together must not ask together.
type standingPauses struct{ doubling backoff.Doubling }

// start begins again, and returns the first pause: after first, and up to spread later.
func (p *standingPauses) start(first, spread time.Duration) time.Duration {
	p.doubling = backoff.Doubling{First: first, Longest: standingMost}
	return p.doubling.Next() + rand.N(spread)
}

// next doubles the pause up to standingMost and takes up to a quarter off.
func (p *standingPauses) next() time.Duration {
	pause := p.doubling.Next()
	return pause - rand.N(pause/4)
}

// standings asks the hub's open host for the list while no hub is connected.
func (s *Syncer) standings(ctx context.Context) {
	if s.cfg.Standing == nil {
		return
	}
	look := time.NewTicker(standingLook)
	defer look.Stop()
	var pauses standingPauses
	due := time.Now().Add(pauses.start(standingFirst, standingFirst))
	for {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
		if s.atHub() {
			due = time.Now().Add(pauses.start(standingLost, standingSpread))
			continue
		}
		if time.Now().Before(due) {
			continue
		}
		if err := s.pullBy(ctx, ofHub(s.cfg.Standing)); err != nil {
			s.log.Debug("asking the hub how this shop stands", "err", err)
			s.check(err)
		}
		due = time.Now().Add(pauses.next())
	}
}

func (s *Syncer) atHub() bool {
	for _, h := range s.cfg.Hub {
		if s.net.Connected(h) {
			return true
		}
	}
	return false
}

// Standing asks the hub's open host how a shop stands and returns its entry in the newest list, verified
// against the list held and not stored. ask must go under the shop's own key. It fails with
// CodeUnavailable where the hub does not tell.
func Standing(ctx context.Context, shop exchange.ShopID, list *membership.State, now exchange.Time, ask Ask) (membership.Member, error) {
	b, err := collect(ctx, ofHub(ask), list.Federation(), list.Size())
	if err == nil {
		list, _, err = list.Apply(b, now)
	}
	if err != nil && exchange.CodeOf(err) != exchange.CodeStale {
		return membership.Member{}, err
	}
	m, _ := list.Member(shop)
	return m, nil
}

// IsQuestion tells the question how a shop stands from the other requests of protocol join.
func IsQuestion(request []byte) bool { return len(request) == standingBytes }

// standingBytes is the length of the question: the u64 index of the first entry wanted.
const standingBytes = 8

// ofHub keeps the hub's own fault from being taken for one of this process.
func ofHub(ask Ask) Ask {
	return func(ctx context.Context, request []byte) ([]byte, error) {
		reply, err := ask(ctx, request)
		if err != nil {
			return nil, exchange.Errorf(exchange.CodeUnavailable, "the hub does not tell how this shop stands: %w", err)
		}
		return reply, nil
	}
}
