//go:build linux || darwin || freebsd

package store

import "syscall"

// freeBytes returns the bytes that an unprivileged process may still write
// to the file system of dir. It takes about a microsecond, beside some 150 of a
// synced commit, so it is asked before each.
func freeBytes(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
