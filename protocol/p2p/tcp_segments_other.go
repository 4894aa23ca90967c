//go:build !unix || solaris || illumos || aix

package p2p

import "syscall"

// clampSegments does nothing: the system does not let a program bound the segments of a TCP socket.
// What such a machine accepts from others, or dials at them, is bounded where they bound it.
func clampSegments(syscall.RawConn) {}
