package client

import (
	"errors"
	"net/http"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// EarlierNode is what is said of a node that does not know a request of this package.
const EarlierNode = "the running node is of an earlier version; restart it with this program"

var errEarlier = errors.New(EarlierNode)

// Earlier reports that a node does not know a request of this package, because it is of an earlier
// version. The request did nothing.
func Earlier(err error) bool { return errors.Is(err, errEarlier) }

// earlier is the problem of a node that does not know a request as errEarlier; nil of others. A node
// says so of a route, a query parameter or a field of the body.
func earlier(p *view.Problem) error {
	unknown := p.Status == http.StatusNotFound && strings.HasPrefix(p.Detail, "there is no such route")
	for _, f := range p.Fields {
		unknown = unknown || f.Message == "unknown query parameter" || f.Message == "is not known here"
	}
	if !unknown {
		return nil
	}
	return exchange.Errorf(exchange.CodeVersion, "%w (%s)", errEarlier, p.Detail)
}

// Answers of an earlier version say less of how a member is connected: online means connected, and
// there is no way in words.

func upgradeMember(m *view.Member) {
	if m.Online && !m.Connected && m.OnlineBy == "" {
		m.Connected, m.Direct = true, !m.Self && m.Transport != "relay"
		if m.Way == "" && !m.Self {
			m.Way = wayBy(m.Transport)
		}
	}
}

// wayBy is the way of a connection of which only the transport is known.
func wayBy(transport string) string {
	switch transport {
	case "relay":
		return "through a relay"
	case "quic":
		return "directly, by QUIC"
	}
	return "directly, by TCP"
}
