package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-market/souk/exchange"
)

// This file reads Badger v4's write-ahead logs before Badger does, to tell
// damage from a crash (package comment, "Damage"). The format, from Badger's
// memtable.go and structs.go:
//
//	log   = 8 bytes key id, 12 bytes IV, entry …, zeros
//	entry = meta, user meta, uvarint key length, uvarint value length, uvarint expiry,
//	        key, value, CRC-32C of all before (big-endian)
//	key   = key, 8 bytes of MaxUint64 − transaction number (big-endian)
//
// Entries of a transaction carry logTxn; one of logEnd, whose value is the number in
// decimal, closes it. Logs are numbered NNNNN.mem and follow one another.
const (
	logSuffix = ".mem"
	logHeader = 20
	logTxn    = 1 << 6
	logEnd    = 1 << 7

	logMaxKey   = 1<<16 - 1
	logMaxValue = MaxValueBytes

	// What an entry takes beside its key and value, at most: 2 bytes of meta, 3 + 3 + 1
	// of lengths and expiry, 1 of key space, 8 of number, 4 of sum. The end of a transaction is
	// an entry of an 11-byte key and a number of 20 digits.
	logEntryOverhead = 22
	logTxnOverhead   = logEntryOverhead + 11 + 20
)

// checkLogs reads the logs of dir. It removes empty ones, cuts off the
// transaction that a crash interrupted, and reports where more is missing than that:
// with an error if strict, else by cutting off everything after that place, so
// that the store comes back as it was at some commit. The caller keeps other processes
// off the folder.
func checkLogs(dir string, strict bool, log *slog.Logger) (logSpan, error) {
	var span logSpan
	names, err := logNames(dir)
	if err != nil {
		return span, exchange.Errorf(exchange.CodeInternal, "the folder %s cannot be read: %w", dir, err)
	}
	lost := false // what follows is cut off
	for _, name := range names {
		path := filepath.Join(dir, name)
		b, size, err := readUsed(path)
		if err != nil {
			return span, exchange.Errorf(exchange.CodeInternal, "a log of the store cannot be read: %w", err)
		}
		if size == 0 || lost {
			// Badger was about to delete an empty one, its content being in a table, or
			// had just created it. Left alone it would keep Badger from opening.
			if err := os.Remove(path); err != nil {
				return span, exchange.Errorf(exchange.CodeInternal, "a log of the store cannot be removed: %w", err)
			}
			continue
		}
		end, err := readLog(b, &span)
		if err != nil && strict {
			return span, exchange.Errorf(exchange.CodeInternal,
				"the log %s is damaged: %w. Commits after that place would be lost, orders among them: keep a copy of the folder and restore the latest backup, or accept the loss and compare the ledgers with every partner", path, damageError{name, err})
		}
		if err != nil {
			log.Warn("a log of the store is damaged; the commits after that place are gone", "log", path, "err", err)
			lost = true
		}
		if err := cutLog(path, b, end); err != nil {
			return span, err
		}
	}
	return span, nil
}

// logSpan is the run of transactions that logs hold; zero when they hold none.
type logSpan struct{ first, last uint64 }

func (s logSpan) covers(txn uint64) bool { return s.first <= txn && txn <= s.last }

// cutLog removes what stands behind end. Badger would not replay it either, but
// lengths in it could make it ask for gigabytes.
func cutLog(path string, b []byte, end int) error {
	if allZero(b[end:]) {
		return nil
	}
	if err := os.Truncate(path, int64(end)); err != nil {
		return exchange.Errorf(exchange.CodeInternal, "an interrupted commit cannot be cut off: %w", err)
	}
	return nil
}

// logNames are the logs of a folder in their order.
func logNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if _, err := logNumber(e.Name()); err == nil && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		x, _ := logNumber(a)
		y, _ := logNumber(b)
		return int(x - y)
	})
	return names, nil
}

func logNumber(name string) (int64, error) {
	digits, ok := strings.CutSuffix(name, logSuffix)
	if !ok {
		return 0, errors.New("not a log")
	}
	return strconv.ParseInt(digits, 10, 32)
}

// readLog returns where the last whole transaction of a log ends and adds its
// transactions to the span of the logs before. An error says that transactions are
// missing that a crash cannot have cut off.
func readLog(b []byte, span *logSpan) (end int, err error) {
	if len(b) < logHeader {
		return len(b), nil
	}
	end = logHeader
	for {
		n, txn := readTxn(b[end:])
		switch {
		case n == 0:
			return end, judgeTail(b[end:], end, span.last)
		case span.last == 0:
			span.first = txn
		case txn != span.last+1:
			return end, fmt.Errorf("transaction %d follows %d at byte %d", txn, span.last, end)
		}
		end += n
		span.last = txn
	}
}

// readTxn reads one whole transaction from the front of b and returns its length, 0
// where there is none, and its number.
func readTxn(b []byte) (n int, txn uint64) {
	for {
		e, size := readEntry(b[n:])
		if size == 0 || txn != 0 && e.txn != txn || txn == 0 && e.end {
			return 0, 0
		}
		txn = e.txn
		n += size
		if e.end {
			return n, txn
		}
	}
}

// judgeTail looks for intact entries behind the break. The transaction that a crash
// cut short is the one after prev, and nothing was written after it.
func judgeTail(b []byte, at int, prev uint64) error {
	var torn uint64 // the one transaction that may have entries here
	if prev != 0 {
		torn = prev + 1
	}
	for i := 0; i < len(b); {
		e, size := readEntry(b[i:])
		if size == 0 {
			i++
			continue
		}
		if torn == 0 {
			torn = e.txn
		}
		if e.txn != torn {
			return fmt.Errorf("it breaks off at byte %d, and transaction %d lies whole behind it at byte %d", at, e.txn, at+i)
		}
		i += size
	}
	return nil
}

type logEntry struct {
	txn uint64
	end bool // closes its transaction
}

// readEntry reads one intact entry from the front of b and returns its size, 0
// where there is none.
func readEntry(b []byte) (logEntry, int) {
	// Souk writes no user meta and no expiry, which rules out nearly every place of
	// a tail without summing.
	if len(b) < 2 || b[0]&(logTxn|logEnd) == 0 || b[1] != 0 {
		return logEntry{}, 0
	}
	at := 2
	var lens [3]uint64
	for i := range lens {
		v, n := binary.Uvarint(b[at:])
		if n <= 0 {
			return logEntry{}, 0
		}
		lens[i] = v
		at += n
	}
	klen, vlen, expires := lens[0], lens[1], lens[2]
	if klen < 8 || klen > logMaxKey || vlen > logMaxValue || expires != 0 {
		return logEntry{}, 0
	}
	key := at
	value := key + int(klen)
	sum := value + int(vlen)
	if sum+crc32.Size > len(b) || binary.BigEndian.Uint32(b[sum:]) != crc32.Checksum(b[:sum], castagnoli) {
		return logEntry{}, 0
	}
	e := logEntry{txn: ^binary.BigEndian.Uint64(b[value-8 : value]), end: b[0]&logEnd != 0}
	if e.txn == 0 || e.end && string(b[value:sum]) != strconv.FormatUint(e.txn, 10) {
		return logEntry{}, 0
	}
	return e, sum + crc32.Size
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// readUsed reads a file up to the zeros at its end, of which a log is mostly
// made, and returns its size too.
func readUsed(path string) (b []byte, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	var chunk, zeros [64 << 10]byte
	skipped := 0 // zeros read and not yet kept
	for {
		n, err := io.ReadFull(f, chunk[:])
		size += int64(n)
		if bytes.Equal(chunk[:n], zeros[:n]) {
			skipped += n
		} else {
			b = append(append(b, make([]byte, skipped)...), chunk[:n]...)
			skipped = 0
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return b, size, nil
		}
		if err != nil {
			return nil, size, err
		}
	}
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
