package node

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/node/money"
	"github.com/souk-market/souk/store/tomlfile"
)

// Config is shop.toml: what the owner decides. Unknown keys are errors.
type Config struct {
	Name     string            `toml:"name" comment:"The shop's name, as members see it."`
	Currency exchange.Currency `toml:"currency" comment:"The one currency this shop sells in (ISO 4217). It cannot change once there are products."`

	Listen   []string `toml:"listen" comment:"Where partners reach this shop: multiaddrs, TCP and QUIC."`
	Announce []string `toml:"announce" comment:"Addresses told to others instead, where a router or proxy stands between; empty = the machine's own."`
	Relay    string   `toml:"relay,omitempty" comment:"on or off (empty = on): carry sealed traffic between members that cannot connect to each other, while others reach this shop from outside. So they trade on when the hub is gone."`
	RelayMB  int      `toml:"relay_mb_a_day,omitempty" comment:"How many megabytes of it in a day; 0 = 2048."`
	API      string   `toml:"api" comment:"Where the local HTTP API listens. Keep it on the loopback."`
	APIHosts []string `toml:"api_hosts,omitempty" comment:"Further Host names the API answers to, behind a proxy of yours."`

	AcceptByHand bool `toml:"accept_by_hand,omitempty" comment:"true: orders wait for souk order accept; false: they are accepted as they come."`

	OwnHoldMinutes int   `toml:"own_hold_minutes,omitempty" comment:"The longest life of a reservation of your own products, by your web shop or till, extensions included; 0 = 60, at most 10080 (7 days)."`
	Keep           int64 `toml:"keep,omitempty" comment:"Keep so many units of each product back from partners; your own channels sell all. souk catalog keep says otherwise of a product."`
	Share          int64 `toml:"share,omitempty" comment:"The most units of a product that one partner may hold; 0 = as many as there are. souk catalog share says otherwise of a product."`

	KeepAddressesDays int `toml:"keep_addresses_days,omitempty" comment:"Erase a consumer's address, with reference and note, so many days after the last of an order was shipped or cancelled; 0 = keep them for good."`

	HaltAfterDays int `toml:"halt_after_days,omitempty" comment:"Stop holds and orders, with known partners too, when the member list is older than so many days; 0 = never: existing partners trade on."`

	Tax      TaxConfig    `toml:"tax,omitempty" comment:"How tax stands in your prices. Souk computes no tax; partners see this in quotes."`
	Shipping []ZoneConfig `toml:"shipping,omitempty" comment:"Shipping prices, first match wins; no zones = free, everywhere."`

	Sources []SourceConfig `toml:"source,omitempty" comment:"What the stock figures of product files mean; see souk catalog import --help."`

	Bridge BridgeConfig `toml:"bridge,omitempty" comment:"Your own system, where that must have the last word on every unit; docs/bridge.md."`

	Profile ProfileConfig `toml:"profile" comment:"What members see of this shop."`

	// unstated are the keys of what the owner has left to its default: of a file, set by readConfig.
	unstated []string
}

// TaxConfig is the [tax] table.
type TaxConfig struct {
	Treatment string `toml:"treatment" comment:"included, excluded, reverse-charge or none."`
	Rate      string `toml:"rate" comment:"In percent, such as 20 or 5.5."`
}

// ZoneConfig is one [[shipping]] table.
type ZoneConfig struct {
	Countries []string     `toml:"countries" comment:"ISO 3166-1 alpha-2; empty = everywhere else."`
	Flat      string       `toml:"flat,omitempty" comment:"One price for any weight, in the shop's currency."`
	Bands     []BandConfig `toml:"bands,omitempty" comment:"Or prices by weight."`
}

// BandConfig prices parcels up to a weight.
type BandConfig struct {
	UpToGrams int64  `toml:"up_to_grams"`
	Price     string `toml:"price"`
}

// ProfileConfig is the [profile] table.
type ProfileConfig struct {
	Sells     string   `toml:"sells" comment:"What you sell, in a sentence."`
	Countries []string `toml:"countries" comment:"Where you ship to."`
	Contact   string   `toml:"contact" comment:"An e-mail address for partners."`
	Returns   string   `toml:"returns" comment:"Your returns policy, in a sentence."`
	Web       string   `toml:"web" comment:"Your shop's domain."`
}

// DefaultAPI is the API's address of a first shop on a machine.
const DefaultAPI = "127.0.0.1:7350"

// DefaultListen gives a shop one port for TCP and QUIC, on every interface.
var DefaultListen = []string{
	"/ip4/0.0.0.0/tcp/7351", "/ip4/0.0.0.0/udp/7351/quic-v1",
	"/ip6/::/tcp/7351", "/ip6/::/udp/7351/quic-v1",
}

const configFile = "shop.toml"

// readConfig reads and checks a folder's shop.toml.
func readConfig(dir string) (Config, error) {
	path := filepath.Join(dir, configFile)
	c, err := tomlfile.Read(path, Config.check)
	if errors.Is(err, fs.ErrNotExist) {
		return Config{}, exchange.Errorf(exchange.CodeNotFound, "%s is not a shop's folder: it has no %s. Make one with souk node init --dir %s --name NAME --currency EUR", dir, configFile, dir)
	}
	if err != nil {
		return c, err
	}
	c.unstated, err = unstated(path)
	return c, err
}

// maxHaltAfterDays is a year. 0 means that the shop never halts.
const maxHaltAfterDays = 365

// maxKeepAddressesDays is a hundred years. 0 means that addresses are kept for good.
const maxKeepAddressesDays = 36_500

// maxOwnHoldMinutes is exchange.MaxHoldLifetime.
const maxOwnHoldMinutes = int(exchange.MaxHoldLifetime / time.Minute)

// Relays reports whether this shop relays for members.
func (c Config) Relays() bool { return c.Relay != relayOff }

// Values of Config.Relay.
const (
	relayOn  = "on"
	relayOff = "off"
)

// maxRelayMB is a terabyte.
const maxRelayMB = 1_000_000

// checkRelay checks relay and relay_mb_a_day.
func (c Config) checkRelay() error {
	if c.Relay != "" && c.Relay != relayOn && c.Relay != relayOff {
		return tomlfile.AtKey("relay", exchange.Errorf(exchange.CodeInvalid, "%q is neither on nor off", c.Relay))
	}
	if c.RelayMB < 0 || c.RelayMB > maxRelayMB {
		return tomlfile.AtKey("relay_mb_a_day", exchange.Errorf(exchange.CodeInvalid, "it is 0 (the default) to %d, not %d; relay = \"off\" relays nothing", maxRelayMB, c.RelayMB))
	}
	return nil
}

// policy is the part of the configuration that becomes a trade.Policy; the caller sets the Rate.
// Errors name their key.
func (c Config) policy() (policyParts, error) {
	p := policyParts{byHand: c.AcceptByHand}
	if c.HaltAfterDays < 0 || c.HaltAfterDays > maxHaltAfterDays {
		return p, tomlfile.AtKey("halt_after_days", exchange.Errorf(exchange.CodeInvalid, "it is 0 (never) to %d, not %d", maxHaltAfterDays, c.HaltAfterDays))
	}
	if c.KeepAddressesDays < 0 || c.KeepAddressesDays > maxKeepAddressesDays {
		return p, tomlfile.AtKey("keep_addresses_days", exchange.Errorf(exchange.CodeInvalid, "it is 0 (for good) to %d, not %d", maxKeepAddressesDays, c.KeepAddressesDays))
	}
	if c.OwnHoldMinutes < 0 || c.OwnHoldMinutes > maxOwnHoldMinutes {
		return p, tomlfile.AtKey("own_hold_minutes", exchange.Errorf(exchange.CodeInvalid, "it is 0 (the default, 60) to %d, not %d", maxOwnHoldMinutes, c.OwnHoldMinutes))
	}
	for key, units := range map[string]int64{"keep": c.Keep, "share": c.Share} {
		if units < 0 || units > hold.MaxShelf {
			return p, tomlfile.AtKey(key, exchange.Errorf(exchange.CodeInvalid, "it is 0 to %d units, not %d", hold.MaxShelf, units))
		}
	}
	if _, err := c.Currency.Decimals(); err != nil {
		return p, tomlfile.AtKey("currency", err)
	}
	var err error
	if p.tax, err = c.Tax.parse(); err != nil {
		return p, tomlfile.AtKey("tax", err)
	}
	for i, z := range c.Shipping {
		zone, err := z.parse(c.Currency)
		if err != nil {
			return p, tomlfile.AtKey(fmt.Sprintf("shipping[%d]", i+1), err)
		}
		p.shipping.Zones = append(p.shipping.Zones, zone)
	}
	return p, tomlfile.AtKey("shipping", p.shipping.Check())
}

type policyParts struct {
	byHand   bool
	tax      exchange.Tax
	shipping exchange.ShippingTable
}

func (t TaxConfig) parse() (exchange.Tax, error) {
	rate, err := ParsePercent(t.Rate)
	if err != nil {
		return exchange.Tax{}, exchange.Errorf(exchange.CodeInvalid, "tax rate: %w", err)
	}
	for _, tr := range []exchange.TaxTreatment{exchange.TaxIncluded, exchange.TaxExcluded, exchange.TaxReverseCharge, exchange.TaxNone} {
		if tr.String() == t.Treatment || t.Treatment == "" && tr == exchange.TaxNone {
			return exchange.Tax{Treatment: tr, Rate: rate}, nil
		}
	}
	return exchange.Tax{}, exchange.Errorf(exchange.CodeInvalid, "tax treatment %q is none of included, excluded, reverse-charge, none", t.Treatment)
}

func (z ZoneConfig) parse(c exchange.Currency) (exchange.ShippingZone, error) {
	zone := exchange.ShippingZone{Countries: sorted(z.Countries)}
	if (z.Flat != "") == (len(z.Bands) > 0) {
		return zone, exchange.Errorf(exchange.CodeInvalid, "give either flat or bands")
	}
	if z.Flat != "" {
		m, err := money.Parse(c, z.Flat)
		zone.Flat = m.Minor
		return zone, err
	}
	for _, b := range z.Bands {
		m, err := money.Parse(c, b.Price)
		if err != nil {
			return zone, err
		}
		zone.Bands = append(zone.Bands, exchange.WeightBand{UpTo: b.UpToGrams, Price: m.Minor})
	}
	return zone, nil
}

// ParsePercent reads "15", "15%" or "5.25%" as basis points; empty is 0.
func ParsePercent(s string) (exchange.BasisPoints, error) {
	s = strings.TrimSuffix(strings.TrimSpace(s), "%")
	if s == "" {
		return 0, nil
	}
	whole, frac, _ := strings.Cut(s, ".")
	if len(frac) > 2 || len(whole) > 3 || whole == "" {
		return 0, exchange.Errorf(exchange.CodeInvalid, "%q is not a percentage with at most two decimals", s)
	}
	n := 0
	for _, r := range whole + (frac + "00")[:2] {
		if r < '0' || r > '9' {
			return 0, exchange.Errorf(exchange.CodeInvalid, "%q is not a percentage with at most two decimals", s)
		}
		n = n*10 + int(r-'0')
	}
	if n > int(exchange.Whole) {
		return 0, exchange.Errorf(exchange.CodeInvalid, "%s%% is more than 100%%", s)
	}
	return exchange.BasisPoints(n), nil
}
