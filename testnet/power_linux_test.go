package testnet

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const powerCuts = 4

// TestFault01PowerCut cuts the power of all shops at once, in the middle of trade: their
// file system drops every write that was not synced, and refuses all that come. kill -9
// cannot show what this does, for the system keeps what a killed process has written.
// The judges are those of TestCrash: what a shop had answered stands in its store.
func TestFault01PowerCut(t *testing.T) {
	if testing.Short() {
		t.Skip("drives separate processes; run without -short")
	}
	d := newDisk(t)
	c := newCrash(t, crashSeed(t), d.mount)
	for i := range powerCuts {
		c.powerCut(i+1, d)
	}
	c.t.Logf("%d power cuts: %v", powerCuts, c.done())
	c.judgesSee()
	for _, p := range c.net.all() { // before their disk goes
		c.must("the kill", p.kill())
	}
}

// powerCut lets the shops trade, cuts the power at a random moment, and has everything
// started again and judged.
func (c *crash) powerCut(number int, d *disk) {
	c.t.Helper()
	c.restock()
	load, stop := context.WithCancel(c.t.Context())
	defer stop()
	settled := c.trade(load)
	c.underway(load)
	c.pass(time.Duration(c.random.IntN(1000)) * time.Millisecond)
	c.dark.Store(true)
	d.cut()
	for _, p := range c.net.all() { // some have ended by themselves: they cannot write
		c.must("the kill", p.kill())
	}
	stop()
	c.must("trading", settled())
	d.restore()
	c.dark.Store(false)
	for _, s := range c.net.shops {
		c.judgeDead(number, s)
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	c.must("starting the hub", c.net.started(&c.net.hub.process))
	c.must("the hub", c.net.hub.ready(ctx))
	c.restart(number, c.net.shops)
	c.settle(number)
	c.judgeAll(number)
	c.t.Logf("power cut %d; so far %s", number, c.done())
}

// disk is a file system of its own whose power can be cut.
type disk struct {
	t     *testing.T
	image string
	mount string
}

// diskBytes has room for five stores, and the free space below which they refuse to
// write (store.DefaultFreeFloor); the image is sparse.
const diskBytes = 4 << 30

// newDisk makes and mounts an ext4 image, which takes root.
func newDisk(t *testing.T) *disk {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting a disk whose power can be cut takes root")
	}
	if _, err := exec.LookPath("mkfs.ext4"); err != nil {
		t.Skipf("no disk can be made: %v", err)
	}
	dir := t.TempDir()
	d := &disk{t: t, image: filepath.Join(dir, "disk"), mount: filepath.Join(dir, "mount")}
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
		t.Skipf("a disk cannot be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() { d.run("umount", d.mount) })
	if err := d.shutDown(); err != nil { // once, while nothing is lost
		t.Skipf("the power of a disk cannot be cut here: %v", err)
	}
	d.restore()
	return d
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
