package store

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

// TestDamagedFolder flips bits and cuts files at random places of a folder with
// tables and a log. It opens or it does not, but no key ever has a value
// that was not its last or, behind a cut in the log, an earlier one: here every value names its
// key and was written once.
func TestDamagedFolder(t *testing.T) {
	seed := rand.Uint64()
	if s := os.Getenv("SOUK_SEED"); s != "" {
		var err error
		seed, err = strconv.ParseUint(s, 10, 64)
		must(t, err)
	}
	t.Logf("SOUK_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	whole := tablesAndLog(t)
	opened := 0
	for range 30 {
		dir := t.TempDir()
		must(t, copyFolder(dir, whole))
		what := damage(t, dir, random)
		d, err := Open(dir, synced)
		if err != nil {
			continue
		}
		opened++
		n := 0
		must(t, d.Scan(kv.Range{}, func(k, v []byte) bool {
			n++
			if !bytes.HasPrefix(v, k) {
				t.Errorf("%s: %q holds %.20q", what, k, v)
			}
			return true
		}))
		if n < damagedKeys-1 { // the last commit may look interrupted
			t.Errorf("%s: %d keys of %d are left and Open said nothing", what, n, damagedKeys)
		}
		must(t, d.Close())
	}
	t.Logf("%d of 30 damaged folders opened", opened)
}

const damagedKeys = 300

func tablesAndLog(t *testing.T) string {
	t.Helper()
	d := mustOpen(t, t.TempDir(), synced)
	for i := range damagedKeys {
		if i == damagedKeys/2 { // the first half goes into a table
			must(t, d.Close())
			d = mustOpen(t, d.dir, synced)
		}
		k := fmt.Sprintf("key%03d", i)
		put(t, d, k, k+strings.Repeat(" value", 50))
	}
	dir := t.TempDir()
	must(t, copyFolder(dir, d.dir))
	must(t, d.Close())
	return dir
}

// damage changes one file and says how.
func damage(t *testing.T, dir string, random *rand.Rand) string {
	t.Helper()
	var files []string
	for name, b := range folder(t, dir) {
		if !allZero(b) && name != LockFile {
			files = append(files, name)
		}
	}
	slices.Sort(files)
	name := files[random.IntN(len(files))]
	path := filepath.Join(dir, name)
	b, _, err := readUsed(path)
	must(t, err)
	used := len(bytes.TrimRight(b, "\x00"))
	at := random.IntN(used)
	if random.IntN(3) == 0 && !strings.HasSuffix(name, logSuffix) { // a log that ends early is what a restored backup has
		must(t, os.Truncate(path, int64(at)))
		return fmt.Sprintf("%s cut to %d of %d bytes", name, at, used)
	}
	b[at] ^= 1 << random.IntN(8)
	must(t, os.WriteFile(path, b, 0o600))
	return fmt.Sprintf("%s flipped at %d of %d bytes", name, at, used)
}

// TestDamagedTable flips a bit in every 50th byte of a table.
func TestDamagedTable(t *testing.T) {
	tables, err := filepath.Glob(filepath.Join(tablesAndLog(t), "*"+tableSuffix))
	must(t, err)
	b, err := os.ReadFile(tables[0])
	must(t, err)
	if newest, err := verifyTable(b); err != nil || newest != damagedKeys/2+1 {
		t.Fatalf("a whole table has transaction %d: %v", newest, err)
	}
	for i := range len(b) / 50 {
		bad := bytes.Clone(b)
		bad[i*50+i%50] ^= 1 << (i % 8)
		if _, err := verifyTable(bad); err == nil {
			t.Errorf("a flip at byte %d of %d passes", i*50+i%50, len(b))
		}
		if _, err := verifyTable(b[:i*50]); err == nil {
			t.Errorf("a table cut at byte %d of %d passes", i*50, len(b))
		}
	}
}

// TestLostManifest: Badger would delete tables that MANIFEST does not name.
func TestLostManifest(t *testing.T) {
	dir := tablesAndLog(t)
	path := filepath.Join(dir, manifestName)
	b, err := os.ReadFile(path)
	must(t, err)
	must(t, os.Remove(path))
	_, err = Open(dir, synced)
	wantCode(t, err, exchange.CodeInternal)
	must(t, os.WriteFile(path, b[:len(b)-1], 0o600)) // the last change was that the table is there
	_, err = Open(dir, synced)
	wantCode(t, err, exchange.CodeInternal)
	must(t, os.WriteFile(path, b, 0o600))
	d := mustOpen(t, dir, synced)
	wantValue(t, d, "key000", "key000"+strings.Repeat(" value", 50))
	must(t, d.Verify())
}

// TestInterruptedTable: a table that a crash left half written, or written and
// not yet named, is not damage.
func TestInterruptedTable(t *testing.T) {
	dir := tablesAndLog(t)
	tables, err := filepath.Glob(filepath.Join(dir, "*"+tableSuffix))
	must(t, err)
	b, err := os.ReadFile(tables[0])
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "000777.sst"), b[:len(b)/2], 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "000778.sst"), b, 0o600)) // as compaction copies it
	d := mustOpen(t, dir, synced)
	wantValue(t, d, "key000", "key000"+strings.Repeat(" value", 50))
}

func FuzzVerifyTable(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = verifyTable(b) })
}
