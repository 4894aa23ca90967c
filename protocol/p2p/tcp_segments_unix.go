//go:build unix && !solaris && !illumos && !aix

package p2p

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// clampSegments bounds the segments of a TCP socket to maxSegment, so that they pass where packets are
// at most 1280 bytes, the least that IPv6 allows, and where the messages that say so are dropped. A
// connection through such a place is made, and then hangs at the first large write. Linux takes the
// bound before a connection is made, of which it then holds in both directions, and for all that a
// listening socket accepts; the BSDs and macOS take it for what is sent, once the connection is made. So
// it is called both times. A system that refuses is left with its own bound.
func clampSegments(c syscall.RawConn) {
	_ = c.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, maxSegment)
	})
}
