package testnet

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/souk-market/souk/store"
)

// disk is a file system of its own that can be filled, and whose power can be cut.
type disk struct {
	t     *testing.T
	image string
	mount string
	fill  string // a file that takes up room
}

// diskBytes has room for five stores, and the free space below which they refuse to
// write (store.DefaultFreeFloor); the image is sparse.
const diskBytes = 4 << 30

// newDisk makes and mounts an ext4 image, which takes root.
func newDisk(t *testing.T) *disk {
	t.Helper()
	if os.Geteuid() != 0 {
		leaveOut(t, "mounting a disk takes root")
	}
	if _, err := exec.LookPath("mkfs.ext4"); err != nil {
		leaveOut(t, "no disk can be made: %v", err)
	}
	dir := t.TempDir()
	d := &disk{t: t, image: filepath.Join(dir, "disk"), mount: filepath.Join(dir, "mount")}
	d.fill = filepath.Join(d.mount, "fill")
	f, err := os.Create(d.image)
	if err == nil {
		err = f.Truncate(diskBytes)
		_ = f.Close()
	}
	if err == nil {
		err = os.Mkdir(d.mount, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.run("mkfs.ext4", "-q", "-F", d.image)
	if out, err := d.try("mount", "-o", "loop", d.image, d.mount); err != nil { // a container may not
		leaveOut(t, "a disk cannot be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() { d.run("umount", d.mount) })
	if err := d.shutDown(); err != nil { // once, while nothing is lost
		leaveOut(t, "the power of a disk cannot be cut here: %v", err)
	}
	d.restore()
	return d
}

// leaveOut skips a test that this machine cannot do; with SOUK_DISKS=required it fails.
func leaveOut(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("SOUK_DISKS") == "required" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

func (d *disk) try(command string, args ...string) (string, error) {
	out, err := exec.Command(command, args...).CombinedOutput()
	return string(out), err
}

func (d *disk) run(command string, args ...string) {
	d.t.Helper()
	if out, err := d.try(command, args...); err != nil {
		d.t.Fatalf("%s: %v: %s", command, err, out)
	}
}

// Of linux/fs/ext4/ext4.h: shut down at once, without writing even the journal.
const (
	ext4Shutdown           = 0x8004587d // _IOR('X', 125, __u32)
	ext4ShutdownNoLogFlush = 2
)

// cut drops everything that is not synced, and fails all that is read and written from
// then on.
func (d *disk) cut() {
	d.t.Helper()
	if err := d.shutDown(); err != nil {
		d.t.Fatalf("cutting the power: %v", err)
	}
}

func (d *disk) shutDown() error {
	root, err := os.Open(d.mount)
	if err != nil {
		return err
	}
	defer root.Close()
	return unix.IoctlSetPointerInt(int(root.Fd()), ext4Shutdown, ext4ShutdownNoLogFlush)
}

// restore mounts the disk again, as a machine that starts does.
func (d *disk) restore() {
	d.t.Helper()
	d.run("umount", d.mount)
	d.run("mount", "-o", "loop", d.image, d.mount)
}

// leave fills the disk up until so many bytes are free.
func (d *disk) leave(free int64) {
	d.t.Helper()
	err := func() error {
		f, err := os.OpenFile(d.fill, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := f.Truncate(0); err != nil {
			return err
		}
		return unix.Fallocate(int(f.Fd()), 0, 0, store.Free(d.mount)-free)
	}()
	if err != nil {
		d.t.Fatalf("filling the disk: %v", err)
	}
}

// empty gives back what leave took.
func (d *disk) empty() {
	d.t.Helper()
	if err := os.Remove(d.fill); err != nil {
		d.t.Fatal(err)
	}
}
