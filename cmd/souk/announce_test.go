package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// zone is a p2p.Resolver that asks nobody.
type zone map[string]string

func (z zone) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if ip, ok := z[host]; ok {
		return []netip.Addr{netip.MustParseAddr(ip)}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// TestAnnounce: what cannot work is refused; what does not work yet, or not from outside, is said at
// init, join and by doctor, with the next step, and keeps nothing from being made.
func TestAnnounce(t *testing.T) {
	newTown(t)
	names := zone{"shop.example": "77.1.0.20", "home.example": "192.168.1.5", "hub.example": "77.0.0.2", "lan.example": "10.0.0.2"}
	souk := func(code int, args ...string) string {
		t.Helper()
		a := &app{in: strings.NewReader(""), now: time.Now, resolver: names}
		var out, errs bytes.Buffer
		if got := a.run(t.Context(), args, &out, &errs); got != code {
			t.Fatalf("souk %v: exit code %d, want %d\n%s%s", args, got, code, out.String(), errs.String())
		}
		return out.String() + errs.String()
	}
	node := func(code int, dir, announce string) string {
		t.Helper()
		return souk(code, "node", "init", "--dir", dir, "--name", "Acorn Shoes", "--currency", "EUR", "--recovery-file", dir+".txt", "--announce", announce)
	}
	for name, c := range map[string]struct {
		announce string
		code     int
		says     string
	}{
		"it works":              {"/dns4/shop.example/tcp/7351", exitOK, ""},
		"no such name":          {"/dns4/none.example/tcp/7351", exitOK, "! none.example:7351 (TCP) is announced (announce in shop.toml): the name none.example has no IPv4 address; give it an A record"},
		"a private address":     {"/dns4/home.example/tcp/7351", exitOK, "hub and members relay then. Until then it is told only to members in such a network and to those met through a relay"},
		"told to nobody":        {"/dns4/none.example/tcp/7351", exitOK, "or announce that address itself. Until then it is told to nobody"},
		"the loopback":          {"/ip4/127.0.0.1/tcp/7351", exitOK, "this machine's own loopback"},
		"UDP alone":             {"/dns4/shop.example/udp/7351/quic-v1", exitOK, "names no TCP port"},
		"no port":               {"/dns4/shop.example", exitUsage, "write /dns4/shop.example/tcp/7351"},
		"every address":         {"/ip4/0.0.0.0/tcp/7351", exitUsage, "nobody can dial that"},
		"no address of network": {"shop.example:7351", exitUsage, "write it like"},
	} {
		t.Run(name, func(t *testing.T) {
			out := node(c.code, strings.ReplaceAll(name, " ", "-"), c.announce)
			if !strings.Contains(out, c.says) || (c.code == exitOK && c.says != "") != strings.Contains(out, "! ") {
				t.Errorf("%q is not said:\n%s", c.says, out)
			}
		})
	}

	hub := func(announce string) string {
		t.Helper()
		dir := "hub-" + announce
		return souk(exitOK, "hub", "init", "--dir", dir, "--name", "riverside", "--announce", announce, "--open-port", "-1", "--closed-port", "-1", "--status", "127.0.0.1:0")
	}
	for announce, want := range map[string]string{
		"hub.example": "", "none.example": "! none.example is announced (announce in hub.toml): the name none.example has no address; give it an A or AAAA record",
		"lan.example": "only shops in that network can join", "192.168.1.2": "only shops in that network", "127.0.0.1": "only shops on this machine",
	} {
		t.Run("hub "+announce, func(t *testing.T) {
			if out := hub(announce); !strings.Contains(out, want) || (want == "") == strings.Contains(out, "! ") {
				t.Errorf("%q is not said:\n%s", want, out)
			}
			if out := souk(exitOK, "hub", "status", "--dir", "hub-"+announce); !strings.Contains(out, want) || (want == "") == strings.Contains(out, "! ") {
				t.Errorf("hub status does not say %q:\n%s", want, out)
			}
		})
	}

	t.Run("join, and doctor", func(t *testing.T) {
		var invite struct{ Invite string }
		for hub, warned := range map[string]bool{"hub.example": true, "192.168.1.2": false} { // where the hub is private, so are the shops
			if err := json.NewDecoder(strings.NewReader(souk(exitOK, "hub", "invite", "--dir", "hub-"+hub, "--json"))).Decode(&invite); err != nil {
				t.Fatal(err)
			}
			dir := "of-" + hub
			node(exitOK, dir, "/dns4/home.example/tcp/7351")
			if out := souk(exitOK, "node", "join", "--dir", dir, "--later", invite.Invite); strings.Contains(out, "private network") != warned {
				t.Errorf("%s: the private address is said: %v\n%s", hub, !warned, out)
			}
		}
	})
}
