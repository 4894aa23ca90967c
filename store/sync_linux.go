package store

import (
	"errors"
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

// lseek(2), since Linux 3.1.
const (
	seekData = 3
	seekHole = 4
)

// hole finds the first range of a file, from an offset on, that has never been
// written, not through a memory map either; from == to where there is none.
func hole(f *os.File, from, size int64) (start, end int64) {
	start, err := syscall.Seek(int(f.Fd()), from, seekHole)
	if err != nil || start >= size {
		return from, from
	}
	end, err = syscall.Seek(int(f.Fd()), start, seekData)
	if errors.Is(err, syscall.ENXIO) { // nothing but hole follows
		return start, size
	}
	if err != nil {
		return from, from
	}
	return start, min(end, size)
}
