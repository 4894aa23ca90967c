package webhook

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"syscall"

	"github.com/souk-market/souk/exchange/bridge"
)

// CheckURL reads a bridge's URL: https, or http to this machine itself; without user, query and
// fragment.
func CheckURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: the URL cannot be read", bridge.ErrSetup)
	}
	plain := u.Scheme == "http"
	switch {
	case u.Scheme != "https" && !plain, u.Hostname() == "", u.Opaque != "":
		return nil, fmt.Errorf("%w: the URL begins with https://, or with http:// and this machine's own name", bridge.ErrSetup)
	case u.User != nil, u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		return nil, fmt.Errorf("%w: the URL has no user, query or fragment", bridge.ErrSetup)
	case plain && !isLoopback(u.Hostname()):
		return nil, fmt.Errorf("%w: %q is not this machine, so it is called by https alone", bridge.ErrSetup, u.Hostname())
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// loopbackOnly is a dialer's control for http: what a name is found to be is looked at, not the
// name.
func loopbackOnly(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	addr, parsed := netip.ParseAddr(host)
	if err != nil || parsed != nil || !addr.Unmap().IsLoopback() {
		return fmt.Errorf("%w: %s is not this machine, so it is called by https alone", bridge.ErrSetup, address)
	}
	return nil
}
