package members

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
)

const (
	// statusFirst is when a shop that started and has met no hub asks for its status, or up to as much
	// later. A hub that is there and knows the shop has greeted it by then.
	statusFirst = 3 * time.Second
	// statusLost is when a shop that has lost its hub asks: two of p2p's longest pauses between calls
	// (8 s) later, for shops that come back to a restarted hub need not ask; or up to statusSpread later,
	// for all have lost it in the same second: 500 shops are 8 questions a second, of the 10 that a hub answers.
	statusLost   = 16 * time.Second
	statusSpread = time.Minute
	// statusMost is the longest pause; they double, and it is reached when the hub has been away for a
	// quarter of an hour. An attempt at a hub that is away sends some 8 KB: with pauses of 9 minutes, the
	// mean, 165 a day are 1.3 MB. p2p's own calls (one a minute) send 11 MB: together 13, of the 15 MB a day
	// that an idle shop may send.
	statusMost = 10 * time.Minute
	// statusLook is how often it looks whether a hub is connected.
	statusLook = time.Second
)

// statusPauses are the pauses before a shop's questions, each in part by chance: shops that lost their
// hub together must not ask together.
type statusPauses struct{ last time.Duration }

// start begins again, and returns the first pause: after first, and up to spread later.
func (p *statusPauses) start(first, spread time.Duration) time.Duration {
	p.last = first
	return first + rand.N(spread)
}

// next doubles the pause up to statusMost and takes up to a quarter off.
func (p *statusPauses) next() time.Duration {
	p.last = min(2*p.last, statusMost)
	return p.last - rand.N(p.last/4)
}

// askStatus asks the hub's open host for the list while no hub is connected.
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

func (s *Syncer) atHub() bool {
	for _, h := range s.cfg.Hub {
		if s.net.Connected(h) {
			return true
		}
	}
	return false
}

// Status asks the hub's open host for a shop's status and returns its entry in the newest list, verified
// against the list held and not stored. ask must go under the shop's own key. It fails with
// CodeUnavailable where the hub does not tell.
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

// ofHub keeps the hub's own fault from being taken for one of this process.
func ofHub(ask Ask) Ask {
	return func(ctx context.Context, request []byte) ([]byte, error) {
		reply, err := ask(ctx, request)
		if err != nil {
			return nil, exchange.Errorf(exchange.CodeUnavailable, "the hub does not tell this shop's status: %w", err)
		}
		return reply, nil
	}
}
