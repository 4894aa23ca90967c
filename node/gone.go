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

// Gone says, as CodeNotMember, why this shop is in its federation no more and what its
// owner can do; nil while it is a member, and where the list that it has does not name it yet.
func (s *Shop) Gone() error {
	m, _ := s.roster.Member(s.me)
	return s.goneAs(m)
}

// parted is Gone, and nil where the owner had this shop leave: that is what he asked for.
func (s *Shop) parted() error {
	if m, _ := s.roster.Member(s.me); m.Status == membership.Left && s.leaving.Load() {
		return nil
	}
	return s.Gone()
}

// closeBooks has a shop that is out of its federation write its archive, since it never runs again
// to be asked, and says as parted does that it is.
func (s *Shop) closeBooks() error {
	if _, err := s.KeepArchive(); err != nil {
		s.log.Error("the archive of all trade was not written; run souk doctor to have it written", "path", s.archivePath(), "err", err)
	}
	return s.parted()
}

// statusTimeout bounds the wait for a hub that is asked for this shop's status: two round trips of
// 600 ms and the rest of a list of thousands.
const statusTimeout = 8 * time.Second

// AskStatus asks the hub whether this shop is a member still, and says as [Shop.Gone] does why it is not. It
// changes nothing in the folder. CodeUnavailable where the hub did not tell.
func (s *Shop) AskStatus(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	m, err := members.Status(ctx, s.me, s.roster.State(), s.now(), s.askHub)
	if err != nil {
		return err
	}
	return s.goneAs(m)
}

// GoneShop is how a shop that was a member went; nil while it is one, and for one that never was.
func (s *Shop) GoneShop(shop exchange.ShopID) *api.Gone {
	m, _ := s.roster.Member(shop)
	return goneOf(m)
}

func goneOf(m membership.Member) *api.Gone {
	switch m.Status {
	case membership.Revoked, membership.Left:
		return &api.Gone{Status: m.Status.String(), Since: m.Since, Why: m.Why}
	}
	return nil
}

// partings are the shops of which watchers are still to be told that they are out.
const partings = 64 // those beyond are not told of: who watches reads first what there is

// tellGone tells watchers of shops that are out of the federation, until ctx ends.
func (s *Shop) tellGone(ctx context.Context) {
	for {
		select {
		case shop := <-s.gone:
			g := s.GoneShop(shop)
			if g == nil {
				continue // it is back already
			}
			if err := s.desk.Retailer.NotifyDeparted(ctx, shop, g.Status, g.Why); err != nil {
				s.log.Error("watchers were not told of a shop that is out", "shop", shop, "err", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (s *Shop) goneAs(m membership.Member) error {
	why := goneOf(m)
	if why == nil {
		return nil
	}
	return exchange.Errorf(exchange.CodeNotMember, "this shop is not in federation %s any more: %v. It trades no more under this key. %s. To trade again, make a new shop in a new folder (souk node init) and ask the hub's operator for a new invite",
		s.parts.Federation.Name(), why, s.books())
}

// books says where the trade of a shop that is gone can be read.
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
		gone := f.shop.Gone()
		if err := f.Close(); err != nil {
			return err
		}
		if gone != nil {
			return gone
		}
	}
	return exchange.Errorf(exchange.CodeState, "this shop is in federation %s already; run it with: souk node run --dir %s", fed.Name(), dir)
}
