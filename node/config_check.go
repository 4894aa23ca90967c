package node

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/protocol/p2p"
	"github.com/souk-market/souk/store/tomlfile"
)

// check reports the first thing that the shop could not work with, as [tomlfile.AtKey].
func (c Config) check() error {
	if err := membership.CheckName(c.Name); err != nil {
		return tomlfile.AtKey("name", err)
	}
	for i, z := range c.Shipping {
		if err := checkCountries(z.Countries); err != nil {
			return tomlfile.AtKey(fmt.Sprintf("shipping[%d].countries", i+1), err)
		}
	}
	if _, err := c.policy(); err != nil {
		return err
	}
	if err := checkSources(c.Sources); err != nil {
		return err
	}
	if err := checkListen(c.Listen); err != nil {
		return tomlfile.AtKey("listen", err)
	}
	if err := p2p.CheckAddresses(c.Announce); err != nil {
		return tomlfile.AtKey("announce", err)
	}
	if err := c.checkRelay(); err != nil {
		return err
	}
	if err := c.Bridge.check(); err != nil {
		return err
	}
	if _, err := apiHost(c.API); err != nil {
		return tomlfile.AtKey("api", err)
	}
	if err := checkCountries(c.Profile.Countries); err != nil {
		return tomlfile.AtKey("profile.countries", err)
	}
	// What remains are its texts; origin and time are filled in when it is published.
	p := c.profile(exchange.ShopID{})
	p.Origin, p.At = configFile, 1
	return tomlfile.AtKey("profile", p.Check())
}

// profile is what members see of a shop with this configuration.
func (c Config) profile(shop exchange.ShopID) membership.Profile {
	return membership.Profile{
		Shop: shop, Name: c.Name, Currency: c.Currency, Sells: c.Profile.Sells, Countries: sorted(c.Profile.Countries),
		Contact: c.Profile.Contact, Returns: c.Profile.Returns, Web: c.Profile.Web,
	}
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

func checkListen(addrs []string) error {
	if len(addrs) == 0 {
		return exchange.Errorf(exchange.CodeInvalid, "no address to listen on; write it like %s", DefaultListen[0])
	}
	return p2p.CheckAddresses(addrs)
}

// apiHost checks the API's address and returns its host.
func apiHost(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if _, ierr := netip.ParseAddr(host); err != nil || ierr != nil && host != "localhost" && host != "" {
		return "", exchange.Errorf(exchange.CodeInvalid, "%.80q is not an IP address and a port such as %s", address, DefaultAPI)
	}
	return host, nil
}

// exposed says what is wrong with an API that the network can reach; "" where it
// cannot. An empty address listens nowhere.
func (c Config) exposed() string {
	host, err := apiHost(c.API)
	if err != nil || host == "localhost" {
		return ""
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() {
		return ""
	}
	return "the local API listens on " + c.API + ", which other machines may reach: nothing is encrypted, so whoever reads the network there reads the token and can trade as this shop. Set api in " + configFile + " to " + DefaultAPI + ", or put a proxy with TLS before it"
}
