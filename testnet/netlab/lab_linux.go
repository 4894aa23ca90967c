package netlab

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-market/souk/testnet/leftout"
)

// Required names the environment variable that, set to "required", makes a test fail that
// cannot have its lab.
const Required = "SOUK_NETWORKS"

// Lab is an internet of its own. Its methods, and those of what it makes, end the test
// where the machine fails them. Only the goroutine of the test calls them, but for
// [Host.Command], [Host.Inside] and [Host.Traffic].
type Lab struct {
	t        testing.TB
	claim    *claim
	etc      string // folder whose files the namespaces see in /etc
	wires    namespace
	segments int
	internet *Segment
	names    []string // lines of the hosts file
}

// New makes a lab that has an internet with nobody on it. The test is left out where the
// machine cannot have one.
func New(t testing.TB) *Lab {
	t.Helper()
	if os.Geteuid() != 0 {
		leaveOut(t, "root, to make network namespaces")
	}
	for _, tool := range []string{"ip", "nft", "conntrack"} {
		if _, err := exec.LookPath(tool); err != nil {
			leaveOut(t, "%s (Debian: iproute2, nftables, conntrack)", tool)
		}
	}
	if err := removeStale(); err != nil {
		t.Fatalf("removing labs of killed tests: %v", err)
	}
	c, err := newClaim()
	if err != nil {
		leaveOut(t, "a folder for locks: %v", err)
	}
	l := &Lab{t: t, claim: c, etc: t.TempDir()}
	t.Cleanup(func() {
		if err := c.release(); err != nil {
			t.Errorf("removing the lab: %v", err)
		}
	})
	l.writeNames()
	if err := os.WriteFile(filepath.Join(l.etc, "resolv.conf"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := probe(c.namespace("probe")); err != nil {
		leaveOut(t, "network namespaces with nftables: %v", err)
	}
	l.wires = l.namespace("wires")
	l.internet = l.newInternet()
	return l
}

// probe tries what labs do, so that a machine that cannot do it leaves the test out before
// it begins.
func probe(ns namespace) error {
	err := func() error {
		if err := ns.add(); err != nil {
			return err
		}
		if err := ns.ip("link", "add", "probe", "type", "bridge"); err != nil {
			return err
		}
		if err := ns.nft(Rules{NAT: HardNAT, Loss: 1}.text()); err != nil {
			return err
		}
		return ns.write("net/ipv4/ip_forward", "1")
	}()
	return errors.Join(err, ns.remove())
}

// leaveOut ends a test that cannot have its lab on this machine.
func leaveOut(t testing.TB, needs string, args ...any) {
	t.Helper()
	leftout.Test(t, Required, needs, args...)
}

// Internet is the wire of public addresses.
func (l *Lab) Internet() *Segment { return l.internet }

// Name makes a host name known to every host of the lab, or known by other addresses.
func (l *Lab) Name(name string, addrs ...netip.Addr) {
	l.t.Helper()
	kept := l.names[:0]
	for _, line := range l.names {
		if !strings.HasSuffix(line, "\t"+name) {
			kept = append(kept, line)
		}
	}
	l.names = kept
	for _, a := range addrs {
		l.names = append(l.names, a.String()+"\t"+name)
	}
	l.writeNames()
}

// writeNames writes the hosts file in place: namespaces have it mounted.
func (l *Lab) writeNames() {
	l.t.Helper()
	text := "127.0.0.1\tlocalhost\n::1\tlocalhost\n" + strings.Join(l.names, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(l.etc, "hosts"), []byte(text), 0o644); err != nil {
		l.t.Fatal(err)
	}
}

// namespace makes a network namespace that sees the lab's names.
func (l *Lab) namespace(name string) namespace {
	l.t.Helper()
	ns := l.claim.namespace(name)
	if err := errors.Join(ns.add(), ns.see(l.etc)); err != nil {
		l.t.Fatal(err)
	}
	l.must(ns.ip("link", "set", "lo", "up"))
	return ns
}

func (l *Lab) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// tool runs ip, nft or conntrack and returns what it says.
func tool(stdin, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(append([]string{name}, args...), " "), err, bytes.TrimSpace(errs.Bytes()))
	}
	return out.String(), nil
}
