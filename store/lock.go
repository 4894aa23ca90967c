package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/souk-market/souk/exchange"
)

// LockFile is the file in a state folder whose lock says that a process uses it.
// Badger keeps one of the same name in its own folders, which is why Lock refuses those.
const LockFile = "LOCK"

// FolderLock keeps other processes off a state folder for as long as this process
// lives. The kernel releases it with the process, however that ends.
type FolderLock struct{ file *flock.Flock }

const (
	// lockPatience is how long Lock waits for another process: a status or a check
	// of a stopped hub or shop opens a store and closes it again, some 100 ms.
	lockPatience = 2 * time.Second
	lockRetry    = 50 * time.Millisecond
)

// Lock takes the lock of dir, which must exist, and writes this process's pid into
// dir/LOCK. It fails with CodeLocked, naming the other's pid, where another process
// has it for longer than lockPatience: one that only looks has it for a moment; and with
// CodeDiskFull where there is no room for the pid.
func Lock(dir string) (*FolderLock, error) {
	if _, err := os.Stat(filepath.Join(dir, "MANIFEST")); err == nil {
		return nil, exchange.Errorf(exchange.CodeInvalid, "%s is the folder of a database; lock the state folder above it", dir)
	}
	path := filepath.Join(dir, LockFile)
	file := flock.New(path)
	ctx, cancel := context.WithTimeout(context.Background(), lockPatience)
	defer cancel()
	ok, err := file.TryLockContext(ctx, lockRetry)
	if errors.Is(err, context.DeadlineExceeded) {
		ok, err = false, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, exchange.Errorf(exchange.CodeNotFound, "there is no folder %s; create it with init: %w", dir, err)
	}
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInternal, "the lock %s cannot be taken: %w", path, err)
	}
	if !ok {
		return nil, lockedError(dir)
	}
	if err := os.WriteFile(path, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o600); err != nil {
		_ = file.Unlock()
		if errors.Is(err, syscall.ENOSPC) {
			return nil, exchange.Errorf(exchange.CodeDiskFull, "the disk of %s is full; delete or move files, or give it a larger disk, then start again", dir)
		}
		return nil, exchange.Errorf(exchange.CodeInternal, "the pid cannot be written to %s: %w", path, err)
	}
	return &FolderLock{file}, nil
}

// Unlock lets other processes have the folder. The file stays, empty: removing it could
// take it from under one that has just opened it.
func (l *FolderLock) Unlock() error {
	if err := os.Truncate(l.file.Path(), 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, l.file.Unlock())
	}
	return l.file.Unlock()
}

// LockedBy returns the pid in dir/LOCK; 0 where there is none. It does not say
// whether that process lives.
func LockedBy(dir string) int {
	b, err := os.ReadFile(filepath.Join(dir, LockFile))
	if err != nil || len(b) > 32 {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid < 0 {
		return 0
	}
	return pid
}

// Holder is the process that holds the lock of dir, without waiting for it; held is
// false where none does. Between a lock's taking and the writing of the pid behind it the
// pid may be 0 or that of an earlier holder: who kills by it compares it with another source.
func Holder(dir string) (pid int, held bool, err error) {
	path := filepath.Join(dir, LockFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil // flock would make it
	}
	l := flock.New(path, flock.SetFlag(os.O_RDONLY))
	free, err := l.TryRLock() // Lock waits for it
	if err != nil {
		return 0, false, exchange.Errorf(exchange.CodeInternal, "the lock %s cannot be looked at: %w", path, err)
	}
	if free {
		return 0, false, l.Unlock()
	}
	return LockedBy(dir), true, l.Close()
}

// KeepOut keeps processes off a state folder until release is called, as Lock does,
// and changes nothing in it: for a checker that copies it. Other checkers may have it at the same
// time. It fails with CodeLocked, at once, where a process has the folder. A folder
// without a lock file, as a copy may be, is nobody's, and nothing keeps others off it.
func KeepOut(dir string) (release func() error, err error) {
	path := filepath.Join(dir, LockFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return func() error { return nil }, nil // flock would make it
	}
	l := flock.New(path, flock.SetFlag(os.O_RDONLY))
	free, err := l.TryRLock()
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInternal, "the lock %s cannot be taken: %w", path, err)
	}
	if !free {
		return nil, errors.Join(lockedError(dir), l.Close())
	}
	return l.Unlock, nil
}

func lockedError(dir string) error {
	who := "another process"
	if pid := LockedBy(dir); pid != 0 {
		who = fmt.Sprintf("process %d", pid)
	}
	return exchange.Errorf(exchange.CodeLocked, "%s uses %s already; stop it first, or use another folder", who, dir)
}

// inUse reports whether a process has dir open as a database: Badger holds a lock on
// the folder itself. When it is free, release lets it go and must be called.
func inUse(dir string) (used bool, release func(), err error) {
	l := flock.New(dir, flock.SetFlag(os.O_RDONLY))
	ok, err := l.TryRLock()
	if err != nil {
		return false, nil, err
	}
	return !ok, func() { _ = l.Unlock() }, nil
}
