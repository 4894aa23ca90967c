package netlab

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// arrives is long enough for a packet to arrive in a lab, on a machine under load; what is
// dropped is waited for no longer.
const arrives = 3 * time.Second

// TestNAT: what servers on the internet see of a host behind a router, and what reaches it.
func TestNAT(t *testing.T) {
	for _, c := range []struct {
		name     string
		nat      NAT
		samePort bool // for two destinations, and the host's own
	}{
		{"easy", EasyNAT, true},
		{"hard", HardNAT, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := New(t)
			router := l.Router("router", l.Internet(), Rules{NAT: c.nat})
			one, two := l.Host("one", l.Internet(), IPv4), l.Host("two", l.Internet(), IPv4)
			host := l.Host("host", router.LAN(1), IPv4)
			at1, at2, here := listen(t, one, 1000), listen(t, two, 1000), listen(t, host, 1000)

			seen1, seen2 := send(t, here, at1, one.Addr(), 1000), send(t, here, at2, two.Addr(), 1000)
			for _, seen := range []netip.AddrPort{seen1, seen2} {
				if seen.Addr() != router.Addr() {
					t.Fatalf("a server sees %v, the router has %v", seen, router.Addr())
				}
			}
			same := seen1.Port() == seen2.Port() && seen1.Port() == 1000
			if same != c.samePort {
				t.Errorf("servers see %v and %v", seen1, seen2)
			}
			if back := send(t, at1, here, seen1.Addr(), seen1.Port()); !back.IsValid() {
				t.Error("an answer does not arrive")
			}
			if back := send(t, listen(t, one, 1001), here, seen1.Addr(), seen1.Port()); back.IsValid() {
				t.Error("what comes of another port arrives")
			}
			router.Set(Rules{NAT: c.nat, Forwards: []Forward{{2000, host.Addr()}}})
			if back := send(t, at1, listen(t, host, 2000), router.Addr(), 2000); !back.IsValid() {
				t.Error("what comes to a forwarded port does not arrive")
			}
		})
	}
}

// TestRules: what routers let out.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		name   string
		rules  Rules
		passes map[string]bool // network and port
	}{
		{"all", Rules{}, map[string]bool{"tcp 443": true, "tcp 80": true, "udp 443": true}},
		{"only 443", Rules{Out: []string{HTTPS}}, map[string]bool{"tcp 443": true, "tcp 80": false, "udp 443": false}},
		{"no UDP", Rules{Drop: []string{UDP}}, map[string]bool{"tcp 443": true, "tcp 80": true, "udp 443": false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := New(t)
			c.rules.NAT = EasyNAT
			router := l.Router("router", l.Internet(), c.rules)
			server, host := l.Host("server", l.Internet(), IPv4), l.Host("host", router.LAN(1), IPv4)
			for what, passes := range c.passes {
				if got := reaches(t, host, server, what); got != passes {
					t.Errorf("%s passes: %v, want %v", what, got, passes)
				}
			}
		})
	}
}

// TestLoss: a lossy line loses about as many packets as it is told to.
func TestLoss(t *testing.T) {
	t.Parallel()
	l := New(t)
	router := l.Router("router", l.Internet(), Rules{NAT: EasyNAT, Loss: 30})
	server, host := l.Host("server", l.Internet(), IPv4), l.Host("host", router.LAN(1), IPv4)
	there, here := listen(t, server, 1000), listen(t, host, 1000)
	to := net.UDPAddrFromAddrPort(netip.AddrPortFrom(server.Addr(), 1000))
	const packets = 300
	for range packets {
		if _, err := here.WriteTo([]byte{0}, to); err != nil {
			t.Fatal(err)
		}
	}
	router.Set(Rules{NAT: EasyNAT})
	if _, err := here.WriteTo([]byte{1}, to); err != nil {
		t.Fatal(err)
	}
	if err := there.SetReadDeadline(time.Now().Add(arrives)); err != nil {
		t.Fatal(err)
	}
	arrived := 0
	for b := make([]byte, 1); ; arrived++ {
		if _, _, err := there.ReadFrom(b); err != nil {
			t.Fatalf("the last packet: %v", err)
		}
		if b[0] == 1 {
			break
		}
	}
	if arrived < packets/2 || arrived > packets*9/10 { // more than seven standard deviations away
		t.Errorf("of %d packets %d arrive", packets, arrived)
	}
}

// TestNarrow: a packet that is too large is lost, and nobody says so.
func TestNarrow(t *testing.T) {
	t.Parallel()
	l := New(t)
	provider := l.Router("provider", l.Internet(), Rules{Silent: true})
	router := l.Router("router", provider.PublicLAN(), Rules{NAT: EasyNAT, Silent: true})
	router.Narrow(provider, 1280)
	server, host := l.Host("server", l.Internet(), IPv4), l.Host("host", router.LAN(1), IPv4)
	there, here := listen(t, server, 1000), listen(t, host, 1000)
	for _, c := range []struct {
		size    int // of the packet
		arrives bool
	}{{1280, true}, {1281, false}, {1500, false}, {1280, true}} {
		const headers = 20 + 8 // IPv4 and UDP
		seen := sendBytes(t, here, there, server.Addr(), 1000, c.size-headers)
		if seen.IsValid() != c.arrives {
			t.Errorf("out: of %d bytes arrives: %v", c.size, seen.IsValid())
		}
		if !seen.IsValid() {
			continue
		}
		for _, back := range []int{1280, 1281} {
			if got := sendBytes(t, there, here, seen.Addr(), seen.Port(), back-headers); got.IsValid() != (back == 1280) {
				t.Errorf("in: of %d bytes arrives: %v", back, got.IsValid())
			}
		}
	}
}

// TestPlaces: who reaches whom by IPv6, by carriers, from LAN to LAN, and after a move.
func TestPlaces(t *testing.T) {
	t.Parallel()
	l := New(t)
	server := l.Host("server", l.Internet(), Dual)
	home := l.Router("home", l.Internet(), Rules{})
	six := l.Host("six", home.PublicLAN(), IPv6)
	carrier := l.Router("carrier", l.Internet(), Rules{NAT: HardNAT})
	customer := l.Router("customer", carrier.CarrierLAN(), Rules{NAT: EasyNAT})
	behind := l.Host("behind", customer.LAN(1), IPv4)
	neighbour := l.Host("neighbour", customer.LAN(2), IPv4)
	for _, h := range []*Host{six, behind, neighbour} {
		if !reaches(t, h, server, "tcp 80") {
			t.Errorf("%s does not reach the server", h.Name())
		}
	}
	if reaches(t, server, six, "tcp 80") || reaches(t, server, behind, "tcp 80") {
		t.Error("the server reaches who is behind a router")
	}
	if !reaches(t, behind, neighbour, "tcp 80") {
		t.Error("one LAN does not reach the other of its router")
	}
	customer.Set(Rules{NAT: EasyNAT, Apart: true})
	if reaches(t, behind, neighbour, "udp 81") {
		t.Error("one LAN reaches the other, which is kept apart")
	}
	old := server.Addr()
	server.Readdress()
	if server.Addr() == old || !reaches(t, behind, server, "tcp 82") {
		t.Errorf("%v, once %v, is not reached", server.Addr(), old)
	}
	neighbour.Move(l.Internet())
	if !reaches(t, behind, neighbour, "tcp 82") {
		t.Error("who moved to the internet is not reached")
	}
	l.Name("name.example", server.Addr())
	out, err := neighbour.Command(t.Context(), "cat", "/etc/hosts").Output()
	if err != nil || !strings.Contains(string(out), server.Addr().String()+"\tname.example\n") {
		t.Errorf("a host sees names %q, %v", out, err)
	}
}

// TestRemoved: nothing is left of a lab whose test has ended, nor, once another is made, of
// one whose process was killed. One that is in use stays.
func TestRemoved(t *testing.T) {
	inUse := New(t)
	var id string
	var running *exec.Cmd
	t.Run("ended", func(t *testing.T) {
		l := New(t)
		id = l.claim.id
		running = l.Host("host", l.Internet(), IPv4).Command(context.Background(), "sleep", "1h")
		if err := running.Start(); err != nil {
			t.Fatal(err)
		}
	})
	if err := running.Wait(); err == nil || running.ProcessState.ExitCode() != -1 {
		t.Errorf("what ran in the lab has not been killed: %v", running.ProcessState)
	}
	gone(t, id)
	t.Run("killed", func(t *testing.T) {
		New(t) // leaves the test out where there are no labs
		c, err := newClaim()
		if err != nil {
			t.Fatal(err)
		}
		id = c.id
		ns := c.namespace("host")
		if err := errors.Join(ns.add(), ns.see(t.TempDir()), c.file.Close()); err != nil { // as the kernel closes it
			t.Fatal(err)
		}
		New(t)
		gone(t, id)
	})
	t.Run("restarted machine", func(t *testing.T) {
		const id = "absent"
		if err := (&claim{id: id}).namespace("host").see(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		New(t)
		gone(t, id)
	})
	if _, err := os.Stat(filepath.Join(mounted, string(inUse.wires))); err != nil {
		t.Errorf("a lab in use has been removed: %v", err)
	}
}

func gone(t *testing.T, id string) {
	t.Helper()
	for _, pattern := range []string{filepath.Join(claims, id), filepath.Join(mounted, namePrefix+id+"*"), filepath.Join(etcs, namePrefix+id+"*")} {
		if left, err := filepath.Glob(pattern); len(left) > 0 || err != nil {
			t.Errorf("left are %v, %v", left, err)
		}
	}
}

// listen opens a UDP port of a host.
func listen(t *testing.T, h *Host, port uint16) net.PacketConn {
	t.Helper()
	var c net.PacketConn
	err := h.Inside(func() (err error) {
		c, err = net.ListenPacket("udp", netip.AddrPortFrom(h.Addr(), port).String())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// send sends a small packet; see sendBytes.
func send(t *testing.T, from, to net.PacketConn, addr netip.Addr, port uint16) netip.AddrPort {
	t.Helper()
	return sendBytes(t, from, to, addr, port, 10)
}

// sendBytes sends a packet to an address, and returns of whom it comes to another port,
// which is not valid if it does not arrive.
func sendBytes(t *testing.T, from, to net.PacketConn, addr netip.Addr, port uint16, size int) netip.AddrPort {
	t.Helper()
	if _, err := from.WriteTo(make([]byte, size), net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, port))); err != nil {
		t.Fatal(err)
	}
	if err := to.SetReadDeadline(time.Now().Add(arrives)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1<<16)
	switch n, sender, err := to.ReadFrom(b); {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return netip.AddrPort{}
	case err != nil:
		t.Fatal(err)
	case n != size:
		t.Fatalf("%d bytes arrive, not %d", n, size)
	default:
		return sender.(*net.UDPAddr).AddrPort()
	}
	panic("not reached")
}

// reaches reports whether one host reaches a port of another, such as "tcp 443".
func reaches(t *testing.T, from, to *Host, what string) bool {
	t.Helper()
	network, port, _ := strings.Cut(what, " ")
	address := to.Addr()
	if from.Addr().Is6() {
		address = to.Addr6()
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	there := netip.AddrPortFrom(address, uint16(n))
	if network == "udp" {
		return send(t, listen(t, from, there.Port()), listen(t, to, there.Port()), address, there.Port()).IsValid()
	}
	var l net.Listener
	if err := to.Inside(func() (err error) {
		l, err = net.Listen(network, there.String())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return from.Inside(func() error {
		c, err := net.DialTimeout(network, there.String(), arrives)
		if err == nil {
			_ = c.Close()
		}
		return err
	}) == nil
}

// TestNft: whatever rules are set, nft takes them.
func TestNft(t *testing.T) {
	l := New(t)
	r := l.Router("router", l.Internet(), Rules{})
	r.Set(Rules{
		NAT: HardNAT, Forwards: []Forward{{1, netip.MustParseAddr("192.168.1.10")}}, Out: []string{HTTPS, UDP},
		Drop: []string{UDP}, Loss: 30, Silent: true, Apart: true, Portal: 80,
	})
	out, err := exec.Command("ip", "netns", "exec", r.Namespace(), "nft", "list", "ruleset").Output()
	if err != nil || !strings.Contains(string(out), "fully-random") {
		t.Errorf("%s, %v", out, err)
	}
}
