package p2p

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// zone is a Resolver that asks nobody.
type zone map[string][]string

func (z zone) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	if host == "slow.example" {
		return nil, &net.DNSError{Err: "i/o timeout", Name: host, IsTimeout: true}
	}
	var found []netip.Addr
	for _, s := range z[host] {
		if ip := netip.MustParseAddr(s); network == "ip" || network == "ip4" && ip.Is4() || network == "ip6" && ip.Is6() {
			found = append(found, ip)
		}
	}
	if len(found) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return found, nil
}

func TestCheckAnnounce(t *testing.T) {
	names := zone{
		"shop.example": {"77.1.0.20", "2a05:1::20"}, "old.example": {"77.1.0.20"}, "home.example": {"192.168.1.5"},
		"self.example": {"127.0.0.1"}, "both.example": {"10.0.0.5", "77.1.0.20"}, "carrier.example": {"100.64.3.2"},
	}
	const peer = "/p2p/12D3KooWQmHXK2TKbTTFZ7gjnRL6fYEXKWwdmpo3rPYvPdpJXWFh"
	for addr, want := range map[string]struct {
		fault AnnounceFault
		says  string
		ips   string
	}{
		"/ip4/77.1.0.20/tcp/7351":                         {ips: "77.1.0.20"},
		"/ip4/77.1.0.20/tcp/7351" + peer:                  {ips: "77.1.0.20"},
		"/ip4/77.1.0.20/udp/7351/quic-v1":                 {ips: "77.1.0.20"},
		"/ip4/77.1.0.20/tcp/443/tls/ws":                   {ips: "77.1.0.20"},
		"/ip6/2a05:1::20/tcp/7351":                        {ips: "2a05:1::20"},
		"/dns/shop.example/tcp/7351":                      {ips: "77.1.0.20 2a05:1::20"},
		"/dns4/shop.example/tcp/7351":                     {ips: "77.1.0.20"},
		"/dns6/shop.example/udp/7351/quic-v1":             {ips: "2a05:1::20"},
		"/dns4/both.example/tcp/7351":                     {ips: "10.0.0.5 77.1.0.20"},
		"/dnsaddr/shop.example":                           {},
		"/dns6/old.example/tcp/7351":                      {fault: AnnounceUnresolved, says: "old.example has no IPv6 address; give it an AAAA record"},
		"/dns4/none.example/tcp/7351":                     {fault: AnnounceUnresolved, says: "none.example has no IPv4 address; give it an A record"},
		"/dns/none.example/tcp/7351":                      {fault: AnnounceUnresolved, says: "none.example has no address; give it an A or AAAA record"},
		"/dns4/slow.example/tcp/7351":                     {fault: AnnounceUnchecked, says: "could not be looked up now"},
		"/dns4/home.example/tcp/7351":                     {fault: AnnouncePrivate, says: "home.example is 192.168.1.5, which is an address of a private network", ips: "192.168.1.5"},
		"/dns4/carrier.example/tcp/7351":                  {fault: AnnouncePrivate, says: "forward the port", ips: "100.64.3.2"},
		"/dns4/self.example/tcp/7351":                     {fault: AnnounceLoopback, says: "no other machine", ips: "127.0.0.1"},
		"/ip4/127.0.0.1/tcp/7351":                         {fault: AnnounceLoopback, says: "127.0.0.1 is this machine's own loopback", ips: "127.0.0.1"},
		"/ip6/::1/tcp/7351":                               {fault: AnnounceLoopback, says: "::1 is this machine's own", ips: "::1"},
		"/ip4/192.168.1.5/tcp/7351":                       {fault: AnnouncePrivate, says: "192.168.1.5 is an address of a private network", ips: "192.168.1.5"},
		"/ip6/fd00::5/tcp/7351":                           {fault: AnnouncePrivate, says: "private network", ips: "fd00::5"},
		"/ip4/203.0.113.7/tcp/7351":                       {fault: AnnounceUnroutable, says: "special use", ips: "203.0.113.7"},
		"/ip4/0.0.0.0/tcp/7351":                           {fault: AnnounceNowhere, says: "every address of a machine", ips: "0.0.0.0"},
		"/ip6/::/udp/7351/quic-v1":                        {fault: AnnounceNowhere, says: "every address of a machine", ips: "::"},
		"/ip4/77.1.0.20/tcp/0":                            {fault: AnnounceNowhere, says: "port 0"},
		"/ip4/77.1.0.20":                                  {fault: AnnounceMalformed, says: "write /ip4/77.1.0.20/tcp/7351"},
		"/dns4/shop.example":                              {fault: AnnounceMalformed, says: "write /dns4/shop.example/tcp/7351"},
		"/ip4/77.1.0.20/udp/7351":                         {fault: AnnounceMalformed, says: "write /ip4/77.1.0.20/udp/7351/quic-v1"},
		"/tcp/7351":                                       {fault: AnnounceMalformed, says: "names no host"},
		"/unix/run/souk.sock":                             {fault: AnnounceMalformed, says: "names no host"},
		"/ip4/77.1.0.20/tcp/7351" + peer + "/p2p-circuit": {fault: AnnounceMalformed, says: "through a relay"},
		"shop.example":                                    {fault: AnnounceMalformed, says: "write it like /dns4/shop.example/tcp/7351"},
		"77.1.0.20:7351":                                  {fault: AnnounceMalformed, says: "write it like"},
		"/ip4/77.1.0.20/tcp/99999":                        {fault: AnnounceMalformed, says: "write it like"},
		"":                                                {fault: AnnounceMalformed, says: "write it like"},
	} {
		t.Run(strings.ReplaceAll(addr, "/", "|"), func(t *testing.T) {
			c := CheckAnnounce(t.Context(), names, addr)
			if c.Address != addr || c.Fault != want.fault || !strings.Contains(c.Why, want.says) || (c.Why == "") != (want.fault == 0) {
				t.Errorf("%+v, want fault %d with %q", c, want.fault, want.says)
			}
			var ips []string
			for _, ip := range c.IPs {
				ips = append(ips, ip.String())
			}
			if got := strings.Join(ips, " "); got != want.ips {
				t.Errorf("it is %q, want %q", got, want.ips)
			}
			if never := want.fault == AnnounceMalformed || want.fault == AnnounceNowhere; c.Fault.Never() != never {
				t.Errorf("never: %v", c.Fault.Never())
			}
		})
	}
}

// TestCheckAnnounced: a list is checked in its order, and a name that nobody answers for does not
// outlast its owner's patience.
func TestCheckAnnounced(t *testing.T) {
	list := []string{"/ip4/127.0.0.1/tcp/1", "/ip4/77.1.0.20/tcp/1", "nonsense"}
	for i, c := range CheckAnnounced(t.Context(), zone{}, list) {
		if c.Address != list[i] {
			t.Errorf("check %d is of %s", i, c.Address)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := CheckAnnounce(ctx, stuck{}, "/dns4/shop.example/tcp/7351")
	if c.Fault != AnnounceUnchecked || !strings.Contains(c.Why, "canceled") {
		t.Errorf("%+v", c)
	}
}

// TestCheckAnnounceForm: without a resolver the form is judged, and no name looked up.
func TestCheckAnnounceForm(t *testing.T) {
	for addr, want := range map[string]AnnounceFault{
		"/dns4/shop.example/tcp/7351": 0, "/dns4/shop.example": AnnounceMalformed, "/ip4/0.0.0.0/tcp/1": AnnounceNowhere, "/ip4/10.0.0.1/tcp/1": AnnouncePrivate,
	} {
		t.Run(strings.ReplaceAll(addr, "/", "|"), func(t *testing.T) {
			if c := CheckAnnounce(t.Context(), nil, addr); c.Fault != want {
				t.Errorf("%+v", c)
			}
		})
	}
}

type stuck struct{}

func (stuck) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	<-ctx.Done()
	return nil, errors.Join(ctx.Err())
}

func TestLacksTCP(t *testing.T) {
	for list, want := range map[string]bool{
		"": false, "/ip4/77.1.0.20/tcp/7351": false, "/dns4/shop.example/udp/7351/quic-v1": true,
		"/ip4/77.1.0.20/udp/1/quic-v1 /ip4/77.1.0.20/tcp/1": false, "/ip4/77.1.0.20/udp/1/quic-v1 /ip6/::1/udp/1/quic-v1": true,
		"nonsense": false,
	} {
		t.Run(list, func(t *testing.T) {
			if got := LacksTCP(strings.Fields(list)); got != want {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
}
