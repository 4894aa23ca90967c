package store

import (
	"testing"

	"github.com/souk-market/souk/exchange/desk"
)

// TestActiveLog: after every commit the log that was synced holds it, over
// several changes of the log.
func TestActiveLog(t *testing.T) {
	d := mustOpen(t, t.TempDir(), synced)
	first := d.log.number
	value := make([]byte, 1_000_000)
	for i := range 40 {
		must(t, d.Commit([]desk.Write{{Key: []byte("a"), Value: value}}))
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
