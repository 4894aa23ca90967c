package p2p

import (
	"net"

	"golang.org/x/sys/unix"
)

// ackedOn is how many bytes the other side of a TCP connection has acknowledged; 0 where the system does not tell.
func ackedOn(c *net.TCPConn) (n uint64) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n = info.Bytes_acked
		}
	})
	return n
}
