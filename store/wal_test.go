package store

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

// theLog is the one log of a folder and the places where its transactions end.
func theLog(t testing.TB, dir string) (path string, b []byte, ends []int) {
	t.Helper()
	names, err := logNames(dir)
	must(t, err)
	if len(names) != 1 {
		t.Fatalf("logs %q, want one", names)
	}
	path = filepath.Join(dir, names[0])
	b, _, err = readUsed(path)
	must(t, err)
	for at := logHeader; ; {
		n, _ := readTxn(b[at:])
		if n == 0 {
			return path, b, ends
		}
		at += n
		ends = append(ends, at)
	}
}

func TestReadLog(t *testing.T) {
	_, b, ends := theLog(t, unclean(t, 10))
	if len(ends) != 11 { // the format and ten commits
		t.Fatalf("%d transactions, want 11", len(ends))
	}
	var span logSpan
	end, err := readLog(b, &span)
	must(t, err)
	if end != ends[10] || span != (logSpan{1, 11}) {
		t.Errorf("the log ends at %d with %v, want %d with 1 to 11", end, span, ends[10])
	}
	if _, err := readLog(b, &logSpan{1, 7}); err == nil {
		t.Error("a gap between two logs passes")
	}
}

// TestDamagedLog flips a bit at every byte of a log in turn. Damage to a
// transaction that others follow is found; the last looks like a crash.
func TestDamagedLog(t *testing.T) {
	_, b, ends := theLog(t, unclean(t, 4))
	b = append(b[:ends[4]], make([]byte, 100)...)
	for i := logHeader; i < ends[4]; i++ {
		bad := bytes.Clone(b)
		bad[i] ^= 1 << (i % 8)
		end, err := readLog(bad, new(logSpan))
		if i < ends[3] && err == nil {
			t.Errorf("a flip at byte %d of %v passes", i, ends)
		}
		if i >= ends[3] && (err != nil || end != ends[3]) {
			t.Errorf("a flip at byte %d, in the last transaction: end %d, %v", i, end, err)
		}
	}
	for i := logHeader; i < ends[4]; i++ { // a crash may have cut it anywhere
		end, err := readLog(b[:i], new(logSpan))
		must(t, err)
		if end > i || end != logHeader && !slices.Contains(ends, end) {
			t.Errorf("cut at %d it ends at %d", i, end)
		}
	}
}

func TestOpenDamagedLog(t *testing.T) {
	dir := unclean(t, 10)
	path, b, ends := theLog(t, dir)
	b[(ends[4]+ends[5])/2] ^= 0x10
	must(t, os.WriteFile(path, b, 0o600))

	_, err := Open(dir, synced)
	wantCode(t, err, exchange.CodeInternal)
	if !strings.Contains(err.Error(), "damaged") {
		t.Errorf("the error does not say so: %v", err)
	}
	_, err = ReadOnly(dir) // says what and where, and nothing for a shop that is to start
	wantCode(t, err, exchange.CodeInternal)
	if says := err.Error(); !errors.Is(err, ErrDamaged) || !strings.Contains(says, filepath.Base(path)) || strings.Contains(says, "restore") || strings.Contains(says, "souk-store-") {
		t.Errorf("a checker is told: %v", err)
	}

	lossy := synced
	lossy.AcceptLoss = true
	d := mustOpen(t, dir, lossy)
	wantValue(t, d, "k3", "v3")
	for i := 4; i < 10; i++ {
		if v, ok, _ := d.Get([]byte("k" + strconv.Itoa(i))); ok {
			t.Errorf("k%d is %q behind the damage", i, v)
		}
	}
	put(t, d, "k4", "new")
	must(t, d.Close())
	wantValue(t, mustOpen(t, dir, synced), "k4", "new")
}

// TestEmptyLog is the folder of a process killed while Badger deleted, or had
// just created, a log.
func TestEmptyLog(t *testing.T) {
	dir := unclean(t, 3)
	must(t, os.WriteFile(filepath.Join(dir, "00000.mem"), nil, 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "00777.mem"), nil, 0o600))
	d := mustOpen(t, dir, synced)
	wantValue(t, d, "k2", "v2")
}

func TestCheckLogsCutsEverythingBehindALoss(t *testing.T) {
	dir := unclean(t, 6)
	path, b, ends := theLog(t, dir)
	// Transactions 2 to 4 in one log, 5 to 7 in the next, as if the first had filled.
	next := filepath.Join(dir, "00099.mem")
	must(t, os.WriteFile(next, slices.Concat(b[:logHeader], b[ends[3]:ends[6]], make([]byte, 50)), 0o600))
	first := slices.Concat(b[:ends[3]], make([]byte, 50))
	first[ends[3]-30] ^= 1
	must(t, os.WriteFile(path, first, 0o600))

	log := slog.New(slog.DiscardHandler)
	_, err := checkLogs(dir, true, log)
	wantCode(t, err, exchange.CodeInternal)
	_, err = checkLogs(dir, false, log)
	must(t, err)
	d := mustOpen(t, dir, synced)
	n := 0
	must(t, d.Scan(kv.Range{}, func(_, _ []byte) bool { n++; return true }))
	if n != 2 {
		t.Errorf("%d keys, want the two before the damage", n)
	}
}

func FuzzReadLog(f *testing.F) {
	_, b, ends := theLog(f, unclean(f, 3))
	f.Add(b[:ends[3]])
	f.Add(b[:ends[3]-5])
	f.Add(slices.Concat(b[:ends[0]], b[ends[1]:ends[3]]))
	f.Fuzz(func(t *testing.T, b []byte) {
		end, err := readLog(b, new(logSpan))
		if end > len(b) || end < 0 {
			t.Fatalf("a log of %d bytes ends at %d", len(b), end)
		}
		if again, _ := readLog(b[:end], new(logSpan)); err == nil && again != end {
			t.Fatalf("cut at its end %d it ends at %d", end, again)
		}
	})
}
