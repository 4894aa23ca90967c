package store

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

// synced is small, so that tests soon get to see a full log.
var synced = Options{Sync: true, Profile: Replica, FreeFloor: -1}

func wantCode(t *testing.T, err error, code exchange.Code) {
	t.Helper()
	if exchange.CodeOf(err) != code || err == nil {
		t.Fatalf("got error %v (%v), want code %v", err, exchange.CodeOf(err), code)
	}
}

func put(t testing.TB, s kv.Store, key, value string) {
	t.Helper()
	must(t, s.Commit([]kv.Write{{Key: []byte(key), Value: []byte(value)}}))
}

func wantValue(t testing.TB, s kv.Store, key, want string) {
	t.Helper()
	v, ok, err := s.Get([]byte(key))
	must(t, err)
	if !ok || string(v) != want {
		t.Fatalf("%q is %q (there: %v), want %q", key, v, ok, want)
	}
}

func TestSecondOpenIsRefused(t *testing.T) {
	d := mustOpen(t, t.TempDir(), synced)
	_, err := Open(d.dir, synced)
	wantCode(t, err, exchange.CodeLocked)
	if !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("the error does not name the pid: %v", err)
	}
	_, err = ReadOnly(d.dir)
	wantCode(t, err, exchange.CodeLocked)
	put(t, d, "a", "1")
	must(t, d.Close())
	wantValue(t, mustOpen(t, d.dir, synced), "a", "1")
}

func TestClosed(t *testing.T) {
	d := mustOpen(t, t.TempDir(), synced)
	must(t, d.Close())
	must(t, d.Close())
	err := d.Commit([]kv.Write{{Key: []byte("a")}})
	wantCode(t, err, exchange.CodeUnavailable)
	if !errors.Is(err, kv.ErrRefused) {
		t.Errorf("a closed store wrote nothing, but says %v", err)
	}
	_, _, err = d.Get([]byte("a"))
	wantCode(t, err, exchange.CodeUnavailable)
	wantCode(t, d.Scan(kv.Range{}, func(_, _ []byte) bool { return true }), exchange.CodeUnavailable)
}

func TestFormat(t *testing.T) {
	dir := t.TempDir()
	withBadger := func(t *testing.T, key, value string) {
		must(t, os.RemoveAll(dir))
		b, err := badger.Open(synced.badger(dir))
		must(t, err)
		must(t, b.Update(func(txn *badger.Txn) error { return txn.Set([]byte(key), []byte(value)) }))
		must(t, b.Close())
	}
	for _, test := range []struct {
		key, value string
		code       exchange.Code
	}{
		{string(formatKey), "2", exchange.CodeVersion},
		{string(formatKey), "0", exchange.CodeVersion},
		{string(formatKey), "one", exchange.CodeInvalid},
		{"something", "else", exchange.CodeInvalid},
	} {
		t.Run(fmt.Sprintf("%q=%s", test.key, test.value), func(t *testing.T) {
			withBadger(t, test.key, test.value)
			_, err := Open(dir, synced)
			wantCode(t, err, test.code)
		})
	}
	withBadger(t, string(formatKey), "1")
	mustOpen(t, dir, synced)
}

func TestReadOnly(t *testing.T) {
	_, err := ReadOnly(filepath.Join(t.TempDir(), "nothing"))
	wantCode(t, err, exchange.CodeNotFound)
	_, err = ReadOnly(t.TempDir())
	wantCode(t, err, exchange.CodeNotFound)

	dir := unclean(t, 10)
	before := folder(t, dir)
	r, err := ReadOnly(dir)
	must(t, err)
	wantValue(t, r, "k9", "v9")
	if err := r.Commit([]kv.Write{{Key: []byte("a")}}); !errors.Is(err, kv.ErrRefused) {
		t.Errorf("a reader committed: %v", err)
	}
	copied := r.dir
	must(t, r.Close())
	if _, err := os.Stat(copied); !os.IsNotExist(err) {
		t.Errorf("the copy is still there: %v", err)
	}
	for name, sum := range folder(t, dir) {
		if !bytes.Equal(before[name], sum) {
			t.Errorf("%s was changed by reading", name)
		}
	}
	wantValue(t, mustOpen(t, dir, synced), "k9", "v9")
}

// unclean returns a folder as kill -9 leaves it: the keys k0 to k<n-1>, one
// commit each, all in the log.
func unclean(t testing.TB, n int) string {
	t.Helper()
	d := mustOpen(t, t.TempDir(), synced)
	for i := range n {
		put(t, d, "k"+strconv.Itoa(i), "v"+strconv.Itoa(i))
	}
	dir := t.TempDir()
	must(t, copyFolder(dir, d.dir)) // nothing moves in d: its memtable is not full
	must(t, d.Close())
	return dir
}

func folder(t testing.TB, dir string) map[string][]byte {
	entries, err := os.ReadDir(dir)
	must(t, err)
	files := map[string][]byte{}
	for _, e := range entries {
		b, _, err := readUsed(filepath.Join(dir, e.Name()))
		must(t, err)
		files[e.Name()] = b
	}
	return files
}

func TestFreeFloor(t *testing.T) {
	free := int64(1000 << 20)
	var log bytes.Buffer
	reg := prometheus.NewRegistry()
	opts := Options{
		FreeFloor: 400 << 20, Logger: slog.New(slog.NewTextHandler(&log, nil)), Registerer: reg, Name: "ledger",
		free: func(string) (int64, error) { return free, nil },
	}
	d := mustOpen(t, t.TempDir(), opts)
	put(t, d, "a", "1")

	free = 399 << 20
	for range 3 {
		err := d.Commit([]kv.Write{{Key: []byte("a"), Value: []byte("2")}, {Key: []byte("b")}})
		wantCode(t, err, exchange.CodeDiskFull)
		if !errors.Is(err, kv.ErrRefused) {
			t.Fatalf("not a refusal: %v", err)
		}
	}
	wantCode(t, d.Healthy(), exchange.CodeDiskFull)
	wantValue(t, d, "a", "1")
	if _, ok, _ := d.Get([]byte("b")); ok {
		t.Error("a refused write is there")
	}
	free = 401 << 20 // above the floor, but not by an eighth
	wantCode(t, d.Commit([]kv.Write{{Key: []byte("a"), Value: []byte("2")}}), exchange.CodeDiskFull)
	free = 451 << 20
	put(t, d, "a", "3")
	must(t, d.Healthy())
	wantValue(t, d, "a", "3")
	if n := strings.Count(log.String(), "ALARM"); n != 1 {
		t.Errorf("%d alarms for one change: %s", n, log.String())
	}

	// Still full after a restart: the data is there, or Open says why not.
	must(t, d.Close())
	free = 200 << 20
	d = mustOpen(t, d.dir, opts)
	wantValue(t, d, "a", "3")
	must(t, d.Close())
	free = 50 << 20
	_, err := Open(d.dir, opts)
	wantCode(t, err, exchange.CodeDiskFull)
	free = 1000 << 20
	wantValue(t, mustOpen(t, d.dir, opts), "a", "3")
}

func TestFreeBytes(t *testing.T) {
	free, err := freeBytes(t.TempDir())
	must(t, err)
	if free <= 0 {
		t.Errorf("%d bytes are free", free)
	}
}

// TestBrokenStore: after a commit of unknown outcome the store answers nothing.
func TestBrokenStore(t *testing.T) {
	d := mustOpen(t, t.TempDir(), synced)
	put(t, d, "a", "1")
	must(t, d.bdb.Close()) // the disk under it is gone
	err := d.Commit([]kv.Write{{Key: []byte("a"), Value: []byte("2")}})
	wantCode(t, err, exchange.CodeInternal)
	if errors.Is(err, kv.ErrRefused) {
		t.Errorf("an unknown outcome looks like a refusal: %v", err)
	}
	for range 2 {
		if again := d.Commit([]kv.Write{{Key: []byte("a"), Value: []byte("3")}}); !errors.Is(again, err) {
			t.Errorf("the next commit says %v", again)
		}
		wantCode(t, d.Healthy(), exchange.CodeInternal)
		_, _, err := d.Get([]byte("a"))
		wantCode(t, err, exchange.CodeInternal)
		wantCode(t, d.Scan(kv.Range{}, func(_, _ []byte) bool { return true }), exchange.CodeInternal)
	}
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	one, two := synced, synced
	one.Registerer, one.Name = reg, "one"
	two.Registerer, two.Name, two.Profile = reg, "two", Ledger
	d1, d2 := mustOpen(t, t.TempDir(), one), mustOpen(t, t.TempDir(), two)
	if _, err := Open(t.TempDir(), one); err == nil {
		t.Error("two stores of one name share a registry")
	}
	put(t, d1, "a", "1")
	put(t, d2, "a", "1")
	_ = d1.Commit([]kv.Write{{}})
	want := map[string]bool{"souk_store_commit_seconds": true, "souk_store_refused_total": true, "souk_store_free_bytes": true, "souk_store_healthy": true, "souk_store_level_bytes": true}
	families, err := reg.Gather()
	must(t, err)
	for _, f := range families {
		delete(want, f.GetName())
		if f.GetName() == "souk_store_commit_seconds" && f.GetMetric()[0].GetHistogram().GetSampleCount() != 1 {
			t.Errorf("%v", f)
		}
	}
	if len(want) != 0 {
		t.Errorf("missing: %v", want)
	}
	must(t, d1.Close())
	must(t, mustOpen(t, d1.dir, one).Close()) // its name is free again
}
