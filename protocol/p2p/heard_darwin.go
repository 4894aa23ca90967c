package p2p

import (
	"net"

	"golang.org/x/sys/unix"
)

// ackedOn is how many segments a TCP connection has received, which is as near as this system comes to
// what was acknowledged; 0 where the system does not tell.
func ackedOn(c *net.TCPConn) (n uint64) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPConnectionInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_CONNECTION_INFO); err == nil {
			n = info.Rxpackets
		}
	})
	return n
}
