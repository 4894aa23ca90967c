package hub

import (
	"context"
	"errors"
	"net"
	"net/netip"
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

// checkPorts refuses ports that another program listens on. libp2p would share them with a
// second hub of the same user, and shops would reach now one, now the other.
func (c Config) checkPorts() error {
	for name, port := range map[string]int{"open_port": c.OpenPort, "closed_port": c.ClosedPort} {
		for _, ip := range c.Listen {
			at := net.JoinHostPort(netip.MustParseAddr(ip).String(), strconv.Itoa(port))
			l, err := net.Listen("tcp", at)
			if err == nil {
				err = l.Close()
			}
			if err == nil {
				var u net.PacketConn
				if u, err = net.ListenPacket("udp", at); err == nil {
					err = u.Close()
				}
			}
			// Another error, as on a machine without IPv6, concerns one address of several: libp2p decides.
			if errors.Is(err, syscall.EADDRINUSE) {
				return exchange.Errorf(exchange.CodeUnavailable, "another program listens on %s; stop it, or change %s in %s and make new invites: %w", at, name, configFile, err)
			}
		}
	}
	return nil
}
