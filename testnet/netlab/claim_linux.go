package netlab

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// claims is the folder of the locks. It is lost with the namespaces when the machine
	// restarts.
	claims = "/run/souk-netlab"
	// mounted is where ip keeps namespaces, by name.
	mounted = "/run/netns"
	// etcs is where ip looks for what a namespace sees in /etc.
	etcs = "/etc/netns"
)

// claim is the right to the namespaces of one lab, all of whose names begin alike. It is a
// file that its process holds locked: the kernel takes the lock from a process that dies,
// so a file that can be locked tells of a lab that nobody will remove.
type claim struct {
	id   string
	file *os.File
}

// newClaim claims names that no other lab of this machine has.
func newClaim() (*claim, error) {
	if err := os.MkdirAll(claims, 0o700); err != nil {
		return nil, err
	}
	for {
		id := fmt.Sprintf("%06x", rand.IntN(1<<24))
		f, err := os.OpenFile(filepath.Join(claims, id), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if lock(f) == nil {
			return &claim{id, f}, nil
		}
		_ = f.Close() // removeStale of another process was in between; it removes the file
	}
}

// lock locks a file that is still in its folder, or says why not.
func lock(f *os.File) error {
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return err
	}
	have, err := f.Stat()
	if err != nil {
		return err
	}
	named, err := os.Stat(f.Name())
	if err == nil && !os.SameFile(have, named) {
		err = fs.ErrNotExist
	}
	return err
}

// removeStale removes the labs of processes that are gone.
func removeStale() error {
	names, err := filepath.Glob(filepath.Join(claims, "*"))
	if err != nil {
		return err
	}
	for _, name := range names {
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if lock(f) != nil { // in use, or another process removes it
			_ = f.Close()
			continue
		}
		c := &claim{filepath.Base(name), f}
		if err := c.release(); err != nil {
			return err
		}
	}
	return removeUnclaimed()
}

// removeUnclaimed removes what a restart of the machine has left: it ends namespaces and
// claims, and keeps /etc.
func removeUnclaimed() error {
	left, err := filepath.Glob(filepath.Join(etcs, namePrefix+"*"))
	if err != nil {
		return err
	}
	for _, path := range left {
		ns := namespace(filepath.Base(path))
		id, _, _ := strings.Cut(strings.TrimPrefix(string(ns), namePrefix), "-")
		if _, err := os.Stat(filepath.Join(claims, id)); !errors.Is(err, fs.ErrNotExist) {
			continue // of a lab, for a claim is made before its first namespace
		}
		if err := ns.remove(); err != nil {
			return err
		}
	}
	return nil
}

// namePrefix begins the names of all labs' namespaces.
const namePrefix = "souk-lab-"

func (c *claim) prefix() string { return namePrefix + c.id + "-" }

// namespace names a namespace of the claim, which exists once it has been added.
func (c *claim) namespace(name string) namespace { return namespace(c.prefix() + name) }

// release removes all namespaces of the claim, with what runs in them, and gives it up.
func (c *claim) release() error {
	defer c.file.Close()
	entries, err := os.ReadDir(mounted)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), c.prefix()) {
			err = errors.Join(err, namespace(e.Name()).remove())
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Remove(c.file.Name())
}
