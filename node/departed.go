package node

import (
	"context"
	"os"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/node/api"
	"github.com/souk-market/souk/protocol/members"
)

// Departed says, as CodeNotMember, why this shop is out of its federation and what its owner can
// do. It is nil while the shop is a member, and while the shop's list does not name the shop yet.
func (s *Shop) Departed() error {
	m, _ := s.roster.Member(s.me)
	return s.departedError(m)
}

// departedUnasked is Departed, but nil where the owner had this shop leave: the owner asked for it.
func (s *Shop) departedUnasked() error {
	if m, _ := s.roster.Member(s.me); m.Status == membership.Left && s.leaving.Load() {
		return nil
	}
	return s.Departed()
}

// closeBooks writes the archive of a shop that is out of its federation: the shop never runs again
// to be asked. It returns departedUnasked.
func (s *Shop) closeBooks() error {
	if _, err := s.KeepArchive(); err != nil {
		s.log.Error("the archive of all trade was not written; run souk doctor to have it written", "path", s.archivePath(), "err", err)
	}
	return s.departedUnasked()
}

// statusTimeout bounds the wait for a hub that is asked for this shop's status: two round trips of
// 600 ms and the rest of a list of thousands.
const statusTimeout = 8 * time.Second

// AskStatus asks the hub for this shop's status, and returns what [Shop.Departed] would by the hub's
// answer. It changes nothing in the folder. CodeUnavailable: the hub did not answer.
func (s *Shop) AskStatus(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	m, err := members.Status(ctx, s.me, s.roster.State(), s.now(), s.askHub)
	if err != nil {
		return err
	}
	return s.departedError(m)
}

// Departure says how a shop that was a member left the federation: nil of a member, and of a shop
// that never was a member.
func (s *Shop) Departure(shop exchange.ShopID) *api.Departure {
	m, _ := s.roster.Member(shop)
	return departureOf(m)
}

func departureOf(m membership.Member) *api.Departure {
	switch m.Status {
	case membership.Revoked, membership.Left:
		return &api.Departure{Status: m.Status.String(), Since: m.Since, Why: m.Why}
	}
	return nil
}

// tellDeparted has every departure of a partner told, until ctx ends: at the start, too, for the
// shop may have ended between learning of one and telling it.
func (s *Shop) tellDeparted(ctx context.Context) {
	for {
		for _, shop := range s.desk.Partnerships.Counterparts() {
			g := s.Departure(shop)
			if g == nil {
				continue
			}
			if err := s.desk.Retailer.NotifyDeparted(ctx, shop, g.Status, g.Since, g.Why); err != nil && ctx.Err() == nil {
				s.log.Error("nobody was told of a shop that is out", "shop", shop, "err", err)
			}
		}
		select {
		case <-s.departed.C():
		case <-ctx.Done():
			return
		}
	}
}

func (s *Shop) departedError(m membership.Member) error {
	why := departureOf(m)
	if why == nil {
		return nil
	}
	return exchange.Errorf(exchange.CodeNotMember, "this shop is not in federation %s any more: %v. It trades no more under this key. %s. To trade again, make a new shop in a new folder (souk node init) and ask the hub's operator for a new invite",
		s.parts.Federation.Name(), why, s.books())
}

// books says where the owner of a departed shop can read its trade.
func (s *Shop) books() string {
	archive := s.archivePath()
	if _, err := os.Stat(archive); err == nil {
		return "All it traded is in " + archive
	}
	return "Its books stay in " + s.parts.Folder
}

// inAlready says why a shop with a federation cannot join one.
func inAlready(dir string, fed membership.Federation) error {
	f, err := Open(context.Background(), dir, Options{}) // waits for nothing where the shop has a federation
	switch {
	case exchange.CodeOf(err) == exchange.CodeLocked: // it runs
	case err != nil:
		return err
	default:
		departed := f.shop.Departed()
		if err := f.Close(); err != nil {
			return err
		}
		if departed != nil {
			return departed
		}
	}
	return exchange.Errorf(exchange.CodeState, "this shop is in federation %s already; run it with: souk node run --dir %s", fed.Name(), dir)
}
