package members

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
)

const (
	// standingFirst is when a shop that started and has met no hub asks how it stands. A hub that is
	// there and knows the shop has greeted it by then.
	standingFirst = 3 * time.Second
	// standingLost is when a shop that has lost its hub asks: two of p2p's longest pauses between calls
	// (8 s) later, so that 500 shops which come back to a restarted hub are not in the way of joins.
	standingLost = 16 * time.Second
	// standingMost is the longest pause; from standingFirst on they double. An attempt at a hub that is
	// away costs some 8 KB: 720 a day are 6 MB, of the 15 that an idle shop may send.
	standingMost = 2 * time.Minute
	// standingLook is how often it looks whether a hub is connected.
	standingLook = time.Second
)

// standings asks the hub's open host for the list while no hub is connected.
func (s *Syncer) standings(ctx context.Context) {
	if s.cfg.Standing == nil {
		return
	}
	look := time.NewTicker(standingLook)
	defer look.Stop()
	pause := standingFirst
	due := time.Now().Add(pause)
	for {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
		if s.atHub() {
			pause = standingLost
			due = time.Now().Add(pause)
			continue
		}
		if time.Now().Before(due) {
			continue
		}
		if err := s.pullBy(ctx, ofHub(s.cfg.Standing)); err != nil {
			s.log.Debug("asking the hub how this shop stands", "err", err)
			s.check(err)
		}
		pause = min(2*pause, standingMost)
		due = time.Now().Add(pause - rand.N(pause/4)) // shops that lost their hub together spread out
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
