package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/souk-market/souk/exchange"
)

// listeners are the sockets of pages and commands; either may be nil.
type listeners struct{ status, commands net.Listener }

func (h *Hub) listen() (listeners, error) {
	var l listeners
	var err error
	if h.parts.Config.Status != "" {
		if l.status, err = net.Listen("tcp", h.parts.Config.Status); err != nil {
			return l, exchange.Errorf(exchange.CodeUnavailable, "the status page cannot listen on %s; change status in %s, or stop what uses that port: %w", h.parts.Config.Status, configFile, err)
		}
	}
	if h.dir != "" {
		if l.commands, err = listenSocket(socketPath(h.dir)); err != nil {
			return l, errors.Join(err, l.close())
		}
	}
	return l, nil
}

// Dialable is where on this machine to reach what listens at an address such as 0.0.0.0:7404. It
// replaces 0.0.0.0 by 127.0.0.1, and [::] by [::1]. Other addresses stay as they are.
func Dialable(listen string) string {
	at, err := netip.ParseAddrPort(listen)
	if err != nil || !at.Addr().IsUnspecified() {
		return listen
	}
	loopback := netip.IPv6Loopback()
	if at.Addr().Is4() {
		loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.AddrPortFrom(loopback, at.Port()).String()
}

func (l listeners) close() error {
	var errs []error
	for _, x := range []net.Listener{l.status, l.commands} {
		if x == nil {
			continue
		}
		if err := x.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (l listeners) serve(ctx context.Context, group *errgroup.Group, h *Hub) {
	if l.status != nil {
		group.Go(func() error { return serveHTTP(ctx, l.status, h.pages()) })
	}
	if l.commands != nil {
		group.Go(func() error { return serveHTTP(ctx, l.commands, h.commands()) })
	}
}

// checkPorts refuses ports that another program listens on, or that this one may not. libp2p would
// share the first with a second hub of the same user, and shops would reach now one, now the other; of
// the second it would only log.
func (c Config) checkPorts() error {
	for name, port := range map[string]int{"open_port": c.OpenPort, "closed_port": c.ClosedPort} {
		for _, ip := range c.Listen {
			at := net.JoinHostPort(netip.MustParseAddr(ip).String(), strconv.Itoa(port))
			err := tryPort("tcp", at)
			if err == nil {
				err = tryPort("udp", at)
			}
			if err := portError(name, port, at, err); err != nil {
				return err
			}
		}
	}
	return c.checkSharedPort()
}

func (c Config) checkSharedPort() error {
	if at, err := netip.ParseAddrPort(c.SharedListen); err == nil {
		return portError("shared_listen", int(at.Port()), at.String(), tryPort("tcp", at.String()))
	}
	if c.SharedPort == 0 {
		return nil
	}
	for _, ip := range c.Listen {
		at := net.JoinHostPort(netip.MustParseAddr(ip).String(), strconv.Itoa(c.SharedPort))
		if err := portError("shared_port", c.SharedPort, at, tryPort("tcp", at)); err != nil {
			return err
		}
	}
	return nil
}

// tryPort opens and closes a port.
func tryPort(network, at string) error {
	if network == "udp" {
		u, err := net.ListenPacket(network, at)
		if err != nil {
			return err
		}
		return u.Close()
	}
	l, err := net.Listen(network, at)
	if err != nil {
		return err
	}
	return l.Close()
}

// portError says what keeps the hub from listening on a port of the configuration; nil where libp2p
// decides: another error, as on a machine without IPv6, concerns one address of several.
func portError(name string, port int, at string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return exchange.Errorf(exchange.CodeUnavailable, "another program listens on %s; stop it, or change %s in %s and make new invites: %w", at, name, configFile, err)
	case errors.Is(err, fs.ErrPermission):
		return exchange.Errorf(exchange.CodeUnavailable, "this user may not listen on %s, which %s in %s asks for%s: %w", at, name, configFile, permissionText(port), err)
	}
	return nil
}

// permissionText says how a port below 1024 is permitted on Linux; elsewhere it says nothing.
func permissionText(port int) string {
	if runtime.GOOS != "linux" || port >= 1024 {
		return ""
	}
	program, err := os.Executable()
	if err != nil {
		program = "/usr/local/bin/souk"
	}
	return fmt.Sprintf("; permit it with: sudo setcap cap_net_bind_service=+ep %s (again after each update of the program), "+
		"or in a systemd unit with AmbientCapabilities=CAP_NET_BIND_SERVICE, "+
		"or for every program with: sudo sysctl net.ipv4.ip_unprivileged_port_start=%d", program, port)
}
