package store

import (
	"os"
	"syscall"
)

// syncData makes a file's content durable, without the times of its inode: a
// log has its full size from the start, so nothing else changes.
func syncData(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return err
		}
	}
}
