package store

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/testnet/leftout"
)

// childRole makes the test binary act as another process: "lock DIR" holds the
// lock until it is killed, "commit DIR" commits counters and prints each when it is durable.
const childRole = "SOUK_STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	role, dir, _ := strings.Cut(os.Getenv(childRole), " ")
	if role == "" {
		os.Exit(m.Run())
	}
	if err := child(role, dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func child(role, dir string) error {
	if role == "lock" {
		if _, err := Lock(dir); err != nil {
			return err
		}
		fmt.Println("locked")
		select {}
	}
	d, err := Open(dir, synced)
	if err != nil {
		return err
	}
	last := 0
	if v, ok, err := d.Get([]byte("last")); err != nil {
		return err
	} else if ok {
		last, _ = strconv.Atoi(string(v))
	}
	pad := make([]byte, 20_000) // fills the memtable every 400 commits
	for i := last + 1; ; i++ {
		n := []byte(strconv.Itoa(i))
		err := d.Commit([]kv.Write{
			{Key: []byte("last"), Value: n},
			{Key: fmt.Appendf(nil, "pad%03d", i%200), Value: append(n, pad...)},
			{Key: []byte("also last"), Value: n},
		})
		if err != nil {
			return err
		}
		fmt.Println(i)
	}
}

// start runs this binary as a child and returns its lines.
func start(t *testing.T, role, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childRole+"="+role+" "+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, bufio.NewScanner(out)
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	if _, held, err := Holder(dir); err != nil || held {
		t.Errorf("a new folder is held: %v, %v", held, err)
	}
	l, err := Lock(dir)
	must(t, err)
	_, err = Lock(dir)
	wantCode(t, err, exchange.CodeLocked)
	if LockedBy(dir) != os.Getpid() || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("pid %d; error %v", LockedBy(dir), err)
	}
	if pid, held, err := Holder(dir); err != nil || !held || pid != os.Getpid() {
		t.Errorf("the holder is %d, %v, %v", pid, held, err)
	}
	must(t, l.Unlock())
	if pid, held, err := Holder(dir); err != nil || held || pid != 0 {
		t.Errorf("the holder of an unlocked folder is %d, %v, %v", pid, held, err)
	}
	if LockedBy(dir) != 0 {
		t.Error("the pid stays in an unlocked folder")
	}
	l, err = Lock(dir)
	must(t, err)
	must(t, l.Unlock())

	_, err = Lock(filepath.Join(dir, "nothing"))
	wantCode(t, err, exchange.CodeNotFound)
	_, err = Lock(mustOpen(t, t.TempDir(), synced).dir)
	wantCode(t, err, exchange.CodeInvalid)
}

func TestLockEndsWithItsProcess(t *testing.T) {
	dir := t.TempDir()
	cmd, lines := start(t, "lock", dir)
	lines.Scan()
	_, err := Lock(dir)
	wantCode(t, err, exchange.CodeLocked)
	if want := strconv.Itoa(cmd.Process.Pid); !strings.Contains(err.Error(), want) {
		t.Errorf("the error does not name pid %s: %v", want, err)
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	l, err := Lock(dir)
	must(t, err)
	must(t, l.Unlock())
}

// TestKill kills a committing process at random counters, five times on one
// folder. What it said was durable is there, and no batch is there by half.
// SOUK_SEED repeats a run's places.
func TestKill(t *testing.T) {
	seed := rand.Uint64()
	if s := os.Getenv("SOUK_SEED"); s != "" {
		var err error
		seed, err = strconv.ParseUint(s, 10, 64)
		must(t, err)
	}
	t.Logf("SOUK_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	for range 5 {
		cmd, lines := start(t, "commit", dir)
		said := ""
		for range 1 + random.IntN(600) {
			if !lines.Scan() {
				t.Fatal("the child ended")
			}
			said = lines.Text()
		}
		must(t, cmd.Process.Kill())
		for lines.Scan() {
			said = lines.Text()
		}
		_ = cmd.Wait()
		checkKilled(t, dir, said)
	}
}

func checkKilled(t *testing.T, dir, said string) {
	t.Helper()
	d, err := ReadOnly(dir)
	must(t, err)
	defer d.Close()
	last, _, err := d.Get([]byte("last"))
	must(t, err)
	found, _ := strconv.Atoi(string(last))
	acked, _ := strconv.Atoi(said)
	if found < acked || found > acked+1 {
		t.Fatalf("%d was durable, %d is there", acked, found)
	}
	wantValue(t, d, "also last", string(last))
	must(t, d.Scan(kv.Prefix([]byte("pad")), func(k, v []byte) bool {
		n, err := strconv.Atoi(strings.TrimRight(string(v), "\x00"))
		if err != nil || fmt.Sprintf("pad%03d", n%200) != string(k) || n <= found-200 || n > found {
			t.Errorf("%s holds %d after %d", k, n, found)
		}
		return true
	}))
}

// TestLockOnAFullDisk: a full disk is told as one.
func TestLockOnAFullDisk(t *testing.T) {
	const full = "/dev/full" // every write to it finds no space
	if _, err := os.Stat(full); err != nil {
		leftout.Test(t, "", "%s, which is always full", full)
	}
	dir := t.TempDir()
	if err := os.Symlink(full, filepath.Join(dir, LockFile)); err != nil {
		t.Fatal(err)
	}
	_, err := Lock(dir)
	if exchange.CodeOf(err) != exchange.CodeDiskFull || !strings.Contains(err.Error(), "the disk of "+dir+" is full") {
		t.Errorf("the lock of a full disk: %v", err)
	}
}

// TestKeepOut: a checker shares a folder with other checkers, keeps a shop out meanwhile, is
// refused by one that runs, and leaves nothing behind.
func TestKeepOut(t *testing.T) {
	dir := t.TempDir()
	release, err := KeepOut(dir) // no lock file
	must(t, err)
	must(t, release())
	if _, err := os.Stat(filepath.Join(dir, LockFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it makes a lock file: %v", err)
	}
	running, err := Lock(dir)
	must(t, err)
	_, err = KeepOut(dir)
	wantCode(t, err, exchange.CodeLocked)
	must(t, running.Unlock())
	one, err := KeepOut(dir)
	must(t, err)
	two, err := KeepOut(dir)
	must(t, err)
	_, held, err := Holder(dir) // looks as one more checker
	if must(t, err); held {
		t.Error("a checker is taken for a shop")
	}
	must(t, one())
	_, err = Lock(dir)
	wantCode(t, err, exchange.CodeLocked)
	must(t, two())
	running, err = Lock(dir)
	must(t, err)
	must(t, running.Unlock())
}
