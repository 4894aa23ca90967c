package p2p

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
)

// UnreachedError says in words for a person why a member was not reached. libp2p's own
// errors are in the log, at level debug.
type UnreachedError struct {
	Shop  exchange.ShopID
	Tried []string // a phrase for each path, such as "no answer at 2 stored addresses (1 refused, 1 silent)"
	// Obstacles are what was in the way at each address.
	Obstacles []Obstacle
}

func (e *UnreachedError) Error() string {
	return fmt.Sprintf("%s was not reached: %s", e.Shop.Short(), strings.Join(e.Tried, ", "))
}

// missed adds to u why path failed, and logs the details.
func (d *dialer) missed(u *UnreachedError, path string, err error) {
	d.log.Debug("not reached", "shop", u.Shop, "by", path, "err", oneLine(err))
	texts := []string{err.Error()} // of a refused hello, the member's or our own
	var m *missError
	if errors.As(err, &m) {
		u.Obstacles = append(u.Obstacles, m.obstacles...)
		texts = m.phrases(path)
		if path == PathAddressBook && !m.met && !d.atRelay() {
			texts = append(texts, "no hub is connected to ask or to relay")
		}
	}
	for _, text := range texts {
		if !slices.Contains(u.Tried, text) {
			u.Tried = append(u.Tried, text)
		}
	}
}

// missError is why one path did not lead to a member.
type missError struct {
	addrs  int  // direct ones, tried
	relays int  // ways through relays, tried
	met    bool // the member was connected, but not greeted
	err    error

	obstacles []Obstacle // at the addresses tried
}

func (e *missError) Error() string { return e.err.Error() }
func (e *missError) Unwrap() error { return e.err }

func (e *missError) phrases(path string) []string {
	switch {
	case e.met:
		return []string{"it was there but completed no hello, and may not know this shop as a member yet"}
	case errors.Is(e.err, errNoNewAddress):
		return nil
	case path == PathDHT && e.addrs+e.relays == 0:
		return []string{"no address in the DHT"}
	case path == PathDHT:
		return []string{"no answer at " + countOf(e.addrs+e.relays, "address", "addresses") + " of the DHT" + e.why(false) + e.why(true)}
	}
	var tried []string
	if path == PathRelay {
		return []string{"no way through " + countOf(e.relays, "relay that was not connected", "relays that were not connected")}
	}
	if e.addrs == 0 {
		tried = append(tried, "no stored address")
	} else {
		tried = append(tried, "no answer at "+countOf(e.addrs, "stored address", "stored addresses")+e.why(false))
	}
	if e.relays > 0 {
		tried = append(tried, "no way through "+countOf(e.relays, "relay", "relays")+e.why(true))
	}
	return tried
}

// why counts the obstacles of the direct addresses, or of the ways through relays, in parentheses.
func (e *missError) why(relays bool) string {
	var list []Obstacle
	for _, o := range e.obstacles {
		if strings.Contains(o.Address, "/p2p-circuit") == relays {
			list = append(list, o)
		}
	}
	if why := counted(list); why != "" {
		return " (" + why + ")"
	}
	return ""
}

func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// atRelay reports whether a hub or a relaying member is connected.
func (d *dialer) atRelay() bool {
	return slices.ContainsFunc(d.sessions.greeted(), func(s *session) bool { return d.gate.hubs[s.peer] || d.sessions.relays(s) })
}
