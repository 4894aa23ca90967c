package node

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/protocol/p2p"
)

// keyError is a fault of one key of shop.toml.
type keyError struct {
	key string // with its table: "profile.countries"; the n-th shipping table is "shipping[n]", from 1
	err error
}

func (e *keyError) Error() string { return e.key + ": " + e.err.Error() }
func (e *keyError) Unwrap() error { return e.err }

func atKey(key string, err error) error {
	if err == nil {
		return nil
	}
	return &keyError{key, err}
}

// check reports the first thing that the shop could not work with, as a keyError.
func (c Config) check() error {
	if err := membership.CheckName(c.Name); err != nil {
		return atKey("name", err)
	}
	for i, z := range c.Shipping {
		if err := checkCountries(z.Countries); err != nil {
			return atKey(fmt.Sprintf("shipping[%d].countries", i+1), err)
		}
	}
	if _, err := c.policy(); err != nil {
		return err
	}
	if err := checkListen(c.Listen); err != nil {
		return atKey("listen", err)
	}
	if err := p2p.CheckAddresses(c.Announce); err != nil {
		return atKey("announce", err)
	}
	if _, err := apiHost(c.API); err != nil {
		return atKey("api", err)
	}
	if err := checkCountries(c.Profile.Countries); err != nil {
		return atKey("profile.countries", err)
	}
	// What remains are its texts; origin and time are filled in when it is published.
	p := c.profile(exchange.ShopID{})
	p.Origin, p.At = configFile, 1
	return atKey("profile", p.Check())
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

// inFile names the file, and the line where a key stands, in an error about it.
func inFile(path, text string, err error) error {
	at, ok := err.(*keyError)
	if !ok {
		return exchange.Errorf(exchange.CodeInvalid, "%s: %w", path, err)
	}
	if n := keyLine(text, at.key); n > 0 {
		path = fmt.Sprintf("%s, line %d", path, n)
	}
	return exchange.Errorf(exchange.CodeInvalid, "%s: %w", path, err)
}

// keyLine finds the line, from 1, where a key of a TOML text stands, or else the table
// of that name or the table it belongs in; 0 where there is none of them.
func keyLine(text, key string) int {
	if i := strings.LastIndexByte(key, '.'); i >= 0 {
		return findKey(text, key[:i], key[i+1:])
	}
	if n := findKey(text, "", key); n > 0 {
		return n
	}
	return findKey(text, key, "")
}

func findKey(text, table, key string) int {
	in, start, arrays := "", 0, map[string]int{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		name, isTable := strings.CutPrefix(line, "[")
		array, isArray := strings.CutPrefix(name, "[")
		switch {
		case isTable && isArray:
			in, _, _ = strings.Cut(array, "]]")
			arrays[in]++
			in = fmt.Sprintf("%s[%d]", in, arrays[in])
		case isTable:
			in, _, _ = strings.Cut(name, "]")
		}
		if isTable && in == table && start == 0 {
			start = i + 1
		}
		if k, _, ok := strings.Cut(line, "="); ok && !isTable && key != "" && in == table && strings.TrimSpace(k) == key {
			return i + 1
		}
	}
	return start
}
