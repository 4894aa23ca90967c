package node

import (
	"context"
	"os"
	"path/filepath"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
)

// Gone says, as CodeNotMember, why this shop is in its federation no more and what its
// owner can do; nil while it is a member, and where the list that it has does not name it yet.
func (s *Shop) Gone() error {
	m, _ := s.roster.Member(s.me)
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
