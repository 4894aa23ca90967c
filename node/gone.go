package node

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
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

// standingTimeout bounds the wait for a hub that is asked how this shop stands: two round trips of
// 600 ms and the rest of a list of thousands.
const standingTimeout = 8 * time.Second

// Standing asks the hub whether this shop is a member still, and says as [Shop.Gone] does why it is not. It
// changes nothing in the folder. CodeUnavailable where the hub did not tell.
func (s *Shop) Standing(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, standingTimeout)
	defer cancel()
	m, err := members.Standing(ctx, s.me, s.roster.State(), s.now(), s.askHub)
	if err != nil {
		return err
	}
	return s.goneAs(m)
}

func (s *Shop) goneAs(m membership.Member) error {
	var why string
	switch m.Status {
	case membership.Revoked:
		why = "it was revoked on " + m.Since.String() + ": " + m.Why
	case membership.Left:
		why = "it left on " + m.Since.String()
	default:
		return nil
	}
	return exchange.Errorf(exchange.CodeNotMember, "this shop is not in federation %s any more: %s. It trades no more under this key. %s. To trade again, make a new shop in a new folder (souk node init) and ask the hub's operator for a new invite",
		s.parts.Federation.Name(), why, s.books())
}

// books says where the trade of a shop that is gone can be read.
func (s *Shop) books() string {
	archive := filepath.Join(s.parts.Folder, archiveName)
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
