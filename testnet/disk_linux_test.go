package testnet

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/souk-market/souk/store"
	"github.com/souk-market/souk/testnet/leftout"
)

// disk is a file system of its own that can be filled, and whose power can be cut.
type disk struct {
	t     *testing.T
	image string // what is mounted; each restore makes another one
	mount string // where; it stays the same
	fill  string // a file that takes up room
	cuts  int
}

const (
	// diskBytes has room for five stores, and the free space below which they refuse to
	// write (store.DefaultFreeFloor); the image is sparse.
	diskBytes = 4 << 30
	// imageBytes is what two images, the cut one and its copy, take at most of the
	// machine's own disk.
	imageBytes = 512 << 20
)

// newDisk makes and mounts an ext4 image. It cuts and restores it once, while nothing is
// lost, so that a machine that cannot do that leaves the test out before it begins.
func newDisk(t *testing.T) *disk {
	t.Helper()
	if os.Geteuid() != 0 {
		leaveOut(t, "root, to mount a disk")
	}
	for _, tool := range []string{"mkfs.ext4", "mount"} {
		if _, err := exec.LookPath(tool); err != nil {
			leaveOut(t, "%s (Debian: e2fsprogs, mount)", tool)
		}
	}
	dir := t.TempDir()
	if free := store.Free(dir); free < imageBytes {
		leaveOut(t, "%d MiB free in %s, which has %d", imageBytes>>20, os.TempDir(), free>>20)
	}
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
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", d.image).CombinedOutput(); err != nil {
		leaveOut(t, "an mkfs.ext4 that works: %v: %s", err, out)
	}
	d.attach()
	t.Cleanup(func() { _ = d.detach() }) // it may be detached already
	if err := d.shutDown(); err != nil {
		leaveOut(t, "an ext4 that can be shut down: %v", err)
	}
	d.restore()
	return d
}

// leaveOut ends a test of disks that this machine cannot do.
func leaveOut(t *testing.T, needs string, args ...any) {
	t.Helper()
	leftout.Test(t, "SOUK_DISKS", needs, args...)
}

// attach mounts the image on a loop device.
func (d *disk) attach() {
	d.t.Helper()
	if out, err := exec.Command("mount", "-o", "loop", d.image, d.mount).CombinedOutput(); err != nil { // a container may not
		leaveOut(d.t, "a loop device that can be mounted: %v: %s", err, out)
	}
}

// detach takes the disk away from its folder, whoever else still has it open.
func (d *disk) detach() error { return unix.Unmount(d.mount, unix.MNT_DETACH) }

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

// restore mounts what the cut has left, as a machine that starts does. It mounts a copy of
// the image: to unmount a file system ends it only if no other mount namespace of the
// machine has it too, as a container or a service that started meanwhile may. The kernel
// would then mount the same file system again, which stays shut down.
//
// The copy is as good as the image, which the machine may still write to: a file system
// that is shut down writes only what its journal, which it no longer changes, has too.
func (d *disk) restore() {
	d.t.Helper()
	if err := d.detach(); err != nil {
		d.t.Fatalf("unmounting the disk: %v", err)
	}
	d.cuts++
	cut := d.image
	// Another name, for mount looks up loop devices by it on old systems.
	d.image = filepath.Join(filepath.Dir(cut), fmt.Sprintf("disk-%d", d.cuts))
	if err := errors.Join(copySparse(d.image, cut), os.Remove(cut)); err != nil {
		d.t.Fatalf("copying the disk: %v", err)
	}
	d.attach()
}

// copySparse copies a file without what nobody wrote of it.
func copySparse(to, from string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	for end := int64(0); err == nil; {
		var begin int64
		begin, err = src.Seek(end, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) { // no more data
			err = dst.Truncate(diskBytes)
			break
		}
		if err == nil {
			end, err = src.Seek(begin, unix.SEEK_HOLE)
		}
		if err == nil {
			_, err = io.Copy(io.NewOffsetWriter(dst, begin), io.NewSectionReader(src, begin, end-begin))
		}
	}
	return errors.Join(err, dst.Close())
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
