package netlab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// namespace is the name of a network namespace, as ip knows it.
type namespace string

func (ns namespace) add() error {
	_, err := tool("", "ip", "netns", "add", string(ns))
	return err
}

// see makes the files of a folder stand in for those of /etc, for programs started in the
// namespace from now on.
func (ns namespace) see(folder string) error {
	if err := os.MkdirAll(etcs, 0o755); err != nil {
		return err
	}
	return os.Symlink(folder, filepath.Join(etcs, string(ns)))
}

// remove removes the namespace, if there is one, and kills what runs in it: programs keep a
// namespace alive that has no name any more.
func (ns namespace) remove() error {
	if err := os.Remove(filepath.Join(etcs, string(ns))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(filepath.Join(mounted, string(ns))); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	pids, err := tool("", "ip", "netns", "pids", string(ns))
	if err != nil {
		return err
	}
	for _, field := range strings.Fields(pids) {
		if pid, err := strconv.Atoi(field); err == nil && pid != os.Getpid() {
			_ = unix.Kill(pid, unix.SIGKILL) // it may have ended since
		}
	}
	_, err = tool("", "ip", "netns", "delete", string(ns))
	return err
}

// ip runs ip in the namespace.
func (ns namespace) ip(args ...string) error {
	_, err := tool("", "ip", append([]string{"-n", string(ns)}, args...)...)
	return err
}

// nft has nft read rules in the namespace: all of them take effect at once, or none.
func (ns namespace) nft(rules string) error {
	_, err := tool(rules, "ip", "netns", "exec", string(ns), "nft", "-f", "-")
	return err
}

// write sets a variable of /proc/sys of the namespace.
func (ns namespace) write(variable, value string) error {
	return ns.inside(func() error {
		return os.WriteFile(filepath.Join("/proc/sys", variable), []byte(value), 0)
	})
}

// inside runs f on a thread in the namespace. Sockets that f opens stay in it; a goroutine
// that f starts is not in it.
func (ns namespace) inside(f func() error) error {
	done := make(chan error)
	go func() {
		// The thread is never unlocked: it ends with the goroutine, so that nothing else
		// ever runs in the namespace.
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() { // the first thread cannot end; while it is locked, this is another
			defer runtime.UnlockOSThread()
			done <- ns.inside(f)
			return
		}
		done <- func() error {
			there, err := os.Open(filepath.Join(mounted, string(ns)))
			if err != nil {
				return err
			}
			defer there.Close()
			if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("entering %s: %w", ns, err)
			}
			return f()
		}()
	}()
	return <-done
}
