package p2p

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p/p2p/net/swarm"

	"github.com/souk-market/souk/exchange"
)

// UnreachedError says in words for a person why a member was not reached. libp2p's own
// errors are in the log, at level debug.
type UnreachedError struct {
	Shop  exchange.ShopID
	Tried []string // a phrase for each path, such as "no answer at 2 stored addresses"
}

func (e *UnreachedError) Error() string {
	return fmt.Sprintf("%s was not reached: %s", e.Shop.Short(), strings.Join(e.Tried, ", "))
}

// missed adds to u why path failed, and logs the details.
func (d *dialer) missed(u *UnreachedError, path string, err error) {
	d.log.Debug("not reached", "shop", u.Shop, "by", path, "err", dialText(err))
	text := err.Error() // of a refused hello, the member's or our own
	var m *missError
	if errors.As(err, &m) {
		text = m.phrase(path)
		if path == PathRelay && !m.met && !d.atHub() {
			text = "no hub is connected to ask or to relay"
		}
	}
	if !slices.Contains(u.Tried, text) {
		u.Tried = append(u.Tried, text)
	}
}

// missError is why one path did not lead to a member.
type missError struct {
	addrs int  // tried
	met   bool // the member was connected, but not greeted
	err   error
}

func (e *missError) Error() string { return e.err.Error() }
func (e *missError) Unwrap() error { return e.err }

func (e *missError) phrase(path string) string {
	switch {
	case e.met:
		return "it was there but completed no hello, and may not know this shop as a member yet"
	case path == PathRelay:
		return "no way through a hub's relay"
	case path == PathDHT && e.addrs == 0:
		return "no address in the DHT"
	case path == PathDHT:
		return "no answer at " + countOf(e.addrs, "address", "addresses") + " of the DHT"
	case e.addrs == 0:
		return "no stored address"
	default:
		return "no answer at " + countOf(e.addrs, "stored address", "stored addresses")
	}
}

func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// atHub reports whether a hub is connected.
func (d *dialer) atHub() bool {
	return slices.ContainsFunc(d.sessions.greeted(), func(s *session) bool { return d.gate.hubs[s.peer] })
}

// dialText describes a failed dial in one line: each address, and why it was not reached.
func dialText(err error) string {
	var d *swarm.DialError
	if !errors.As(err, &d) || len(d.DialErrors) == 0 {
		return strings.Join(strings.Fields(err.Error()), " ")
	}
	tried := make([]string, len(d.DialErrors))
	for i, e := range d.DialErrors {
		why := "no answer"
		if !errors.Is(e.Cause, context.DeadlineExceeded) && !errors.Is(e.Cause, os.ErrDeadlineExceeded) {
			text := e.Cause.Error()
			why = strings.Join(strings.Fields(text[strings.LastIndex(text, ": ")+1:]), " ")
		}
		tried[i] = addressText(e.Address) + ": " + why
	}
	return strings.Join(tried, "; ")
}
