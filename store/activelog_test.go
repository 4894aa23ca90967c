package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/souk-market/souk/exchange/kv"
)

// TestActiveLog: after every commit the log that was synced holds it, over
// several changes of the log.
func TestActiveLog(t *testing.T) {
	d := mustOpen(t, t.TempDir(), synced)
	first := d.log.number
	value := make([]byte, 1_000_000)
	for i := range 40 {
		must(t, d.Commit([]kv.Write{{Key: []byte("a"), Value: value}}))
		if i%4 != 0 {
			continue // each look reads the whole log
		}
		b, _, err := readUsed(logPath(d.dir, d.log.number))
		must(t, err)
		var span logSpan
		_, err = readLog(b, &span)
		must(t, err)
		if want := uint64(i) + 2; span.last != want { // the format is transaction 1
			t.Fatalf("log %d ends with transaction %d, want %d", d.log.number, span.last, want)
		}
	}
	if d.log.number < first+2 {
		t.Errorf("the log changed %d times; the test wants 2", d.log.number-first)
	}
}

// TestActiveLogFilled: a synced store's log has blocks ahead of what is written, so that
// a sync need not find any, and what is written is what was committed. Where the system
// cannot tell what of a file was never written, nothing is filled.
func TestActiveLogFilled(t *testing.T) {
	d := mustOpen(t, t.TempDir(), synced)
	sparse, err := os.Create(filepath.Join(t.TempDir(), "sparse"))
	must(t, err)
	defer sparse.Close()
	must(t, sparse.Truncate(1<<20))
	_, tells := hole(sparse, 0, 1<<20)

	value := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, 100+i*7919%30_000) }
	first := d.log.number
	for i := 0; d.log.number < first+2; i++ {
		must(t, d.Commit([]kv.Write{{Key: fmt.Appendf(nil, "k%d", i), Value: value(i)}}))
		if i%16 == 0 { // each look reads the whole log
			checkFilled(t, d, tells > 0, uint64(i)+2)
		}
		got, ok, err := d.Get(fmt.Appendf(nil, "k%d", i))
		if must(t, err); !ok || !bytes.Equal(got, value(i)) {
			t.Fatalf("value %d has changed", i)
		}
	}
}

// checkFilled looks at the log after the commit of transaction last.
func checkFilled(t *testing.T, d *DB, tells bool, last uint64) {
	t.Helper()
	b, _, err := readUsed(logPath(d.dir, d.log.number))
	must(t, err)
	var span logSpan
	at, err := readLog(b, &span)
	if err != nil || span.last != last {
		t.Fatalf("the log reads as %+v, %v; the last transaction is %d", span, err, last)
	}
	used := int64(at)
	start, end := hole(d.log.file, (d.log.wrote+4095)/4096*4096, d.log.size)
	switch {
	case d.log.wrote < used:
		t.Fatalf("%d bytes are written, and %d are known of", used, d.log.wrote)
	case !tells && start < end:
		t.Fatal("a hole was found by a system that cannot tell")
	case tells && start < end && (start-d.log.wrote < aheadBytes/8 || start > used+3*aheadBytes):
		t.Fatalf("%d bytes are written, and blocks are there up to %d; %d more are wanted", used, start, aheadBytes)
	}
}
