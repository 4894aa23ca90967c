package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/fb"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/badger/v4/y"
	"google.golang.org/protobuf/proto"
)

// This file verifies Badger v4's tables before Badger opens them: over a damaged
// one it panics in a goroutine of its own, or takes a key for absent, and a table that
// MANIFEST no longer names it deletes. The format, from Badger's table package:
//
//	table = block …, index (flatbuffer), its length, its checksum, its length
//	block = entries, offsets, their number, its checksum, its length
//
// Lengths and numbers have 4 bytes, big-endian. A checksum is a protobuf of kind and sum.

const (
	manifestName = "MANIFEST"
	tableSuffix  = ".sst"

	maxChecksum = 32 // bytes of an encoded checksum; a kind and a 64-bit sum take 13
)

var errNoManifest = errors.New("MANIFEST is missing and data is there")

// checkTables verifies the tables of dir and that MANIFEST names all it should.
// logs are the transactions that the logs hold.
func checkTables(dir string, logs logSpan, o badger.Options) error {
	names, err := filepath.Glob(filepath.Join(dir, "*"+tableSuffix))
	if err != nil {
		return err
	}
	known, err := manifest(dir, o)
	if errors.Is(err, fs.ErrNotExist) {
		if len(names) > 0 || logs.last != 0 {
			return errNoManifest
		}
		return nil // a new folder
	}
	if err != nil {
		return err
	}
	var newest uint64 // transaction of a known table
	orphans := map[string]uint64{}
	for _, name := range names {
		id, ok := table.ParseFileID(name)
		if !ok {
			continue
		}
		to, err := checkTable(name)
		if _, named := known.Tables[id]; !named {
			if err == nil { // else a crash interrupted its writing
				orphans[name] = to
			}
			continue
		}
		if err != nil {
			return err
		}
		newest = max(newest, to)
	}
	// A crash leaves tables that MANIFEST does not name yet: copies of a log that is
	// still there, or of older tables. Any other was named once.
	for name, to := range orphans {
		if to > newest && !logs.covers(to) {
			return fmt.Errorf("MANIFEST does not name %s, which holds transaction %d", filepath.Base(name), to)
		}
	}
	return nil
}

func manifest(dir string, o badger.Options) (m badger.Manifest, err error) {
	defer recovered(&err)
	f, err := os.Open(filepath.Join(dir, manifestName))
	if err != nil {
		return m, err
	}
	defer f.Close()
	m, _, err = badger.ReplayManifestFile(f, 0, o)
	return m, err
}

// checkTable verifies every sum of a table file and returns the number of the newest
// transaction in it.
func checkTable(path string) (newest uint64, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	newest, err = verifyTable(b)
	if err != nil {
		return 0, fmt.Errorf("table %s: %w", filepath.Base(path), err)
	}
	return newest, nil
}

func verifyTable(b []byte) (newest uint64, err error) {
	defer recovered(&err)
	b, sum, err := cutChecksum(b)
	if err != nil {
		return 0, err
	}
	b, n, ok := cutLength(b)
	if !ok || n > len(b) {
		return 0, errors.New("the index is cut short")
	}
	data := b[len(b)-n:]
	if err := y.VerifyChecksum(data, sum); err != nil {
		return 0, fmt.Errorf("the index does not verify: %w", err)
	}
	index := fb.GetRootAsTableIndex(data, 0)
	var block fb.BlockOffset
	for i := range index.OffsetsLength() {
		if !index.Offsets(&block, i) {
			return 0, fmt.Errorf("block %d is not in the index", i)
		}
		from, to := int64(block.Offset()), int64(block.Offset())+int64(block.Len())
		if to > int64(len(b)-n) {
			return 0, fmt.Errorf("block %d is cut short", i)
		}
		data, sum, err := cutChecksum(b[from:to])
		if err != nil {
			return 0, err
		}
		if err := y.VerifyChecksum(data, sum); err != nil {
			return 0, fmt.Errorf("block %d does not verify: %w", i, err)
		}
	}
	return index.MaxVersion(), nil
}

// cutChecksum takes a checksum and its length off the end of b.
func cutChecksum(b []byte) (rest []byte, sum *pb.Checksum, err error) {
	b, n, ok := cutLength(b)
	if !ok || n > min(len(b), maxChecksum) {
		return nil, nil, errors.New("a checksum has an impossible length")
	}
	sum = new(pb.Checksum)
	if err := proto.Unmarshal(b[len(b)-n:], sum); err != nil {
		return nil, nil, fmt.Errorf("a checksum does not decode: %w", err)
	}
	return b[:len(b)-n], sum, nil
}

func cutLength(b []byte) (rest []byte, n int, ok bool) {
	if len(b) < 4 {
		return nil, 0, false
	}
	at := len(b) - 4
	return b[:at], int(binary.BigEndian.Uint32(b[at:])), true
}

// recovered makes an error of a panic in code that trusts what it reads.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the data is damaged: %v", p)
	}
}
