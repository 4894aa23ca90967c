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
	// statusFirst is when a shop that started and has met no hub asks for its status: after this time,
	// or up to twice this time. A hub that runs and admits the shop has greeted it before.
	statusFirst = 3 * time.Second
	// statusLost is how long after a shop lost its hub it asks. It is two of the pauses in which p2p
	// calls such a hub: shops that come back to a restarted hub need not ask. The shop asks up to
	// statusSpread later, because all shops lose the hub in the same second. Of 500 shops 8 ask in one
	// second; a hub answers 10.
	statusLost   = 16 * time.Second
	statusSpread = time.Minute
	// statusMost is the longest pause between questions. Pauses double, and reach it when the hub has
	// been away for a quarter of an hour. An attempt at a hub that is away sends some 8 KB. At a mean
	// pause of 9 minutes these are 160 attempts and 1.3 MB a day. With p2p's own calls (see its
	// retryHub) they stay within the 15 MB a day that an idle shop may send.
	statusMost = 10 * time.Minute
	// statusLook is how often the shop looks whether a hub is connected.
	statusLook = time.Second
)

// statusPauses are the pauses before a shop's questions. Each is random in part: shops that lost
// their hub together must not ask together.
type statusPauses struct{ doubling backoff.Doubling }

// start begins again and returns the first pause, between first and first + spread.
func (p *statusPauses) start(first, spread time.Duration) time.Duration {
	p.doubling = backoff.Doubling{First: first, Longest: statusMost}
	return p.doubling.Next() + rand.N(spread)
}

// next doubles the last pause, up to statusMost, and returns it less up to a quarter.
func (p *statusPauses) next() time.Duration {
	pause := p.doubling.Next()
	return pause - rand.N(pause/4)
}

// askStatus pulls the list from the hub's open host, again and again while no hub is connected. A
// shop that was revoked finds its revocation there.
func (s *Syncer) askStatus(ctx context.Context) {
	if s.cfg.Status == nil {
		return
	}
	look := time.NewTicker(statusLook)
	defer look.Stop()
	var pauses statusPauses
	due := time.Now().Add(pauses.start(statusFirst, statusFirst))
	for {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
		if s.atHub() {
			due = time.Now().Add(pauses.start(statusLost, statusSpread))
			continue
		}
		if time.Now().Before(due) {
			continue
		}
		if err := s.pullBy(ctx, ofHub(s.cfg.Status)); err != nil {
			s.log.Debug("asking the hub for this shop's status", "err", err)
			s.check(err)
		}
		due = time.Now().Add(pauses.next())
	}
}

// atHub reports whether a hub is connected.
func (s *Syncer) atHub() bool {
	for _, h := range s.cfg.Hub {
		if s.net.Connected(h) {
			return true
		}
	}
	return false
}

// Status asks the hub's open host for a shop's status and returns what the newest list says of the
// shop. The newest list is verified against list, and not stored. ask must use the shop's own key.
// CodeUnavailable means that the hub does not tell.
func Status(ctx context.Context, shop exchange.ShopID, list *membership.State, now exchange.Time, ask Ask) (membership.Member, error) {
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

// IsQuestion tells the question for a shop's status from the other requests of protocol join.
func IsQuestion(request []byte) bool { return len(request) == statusBytes }

// statusBytes is the length of the question: the u64 index of the first entry wanted.
const statusBytes = 8

// ofHub makes the hub's errors CodeUnavailable: the hub's CodeInternal must not end this process (see
// check).
func ofHub(ask Ask) Ask {
	return func(ctx context.Context, request []byte) ([]byte, error) {
		reply, err := ask(ctx, request)
		if err != nil {
			return nil, exchange.Errorf(exchange.CodeUnavailable, "the hub does not tell this shop's status: %w", err)
		}
		return reply, nil
	}
}
