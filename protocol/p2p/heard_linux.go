package p2p

import (
	"net"

	"golang.org/x/sys/unix"
)

// segmentsIn is how many segments a TCP connection has received, those that only acknowledge among them;
// 0 where the system does not tell.
func segmentsIn(c *net.TCPConn) (n uint64) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n = uint64(info.Segs_in)
		}
	})
	return n
}
