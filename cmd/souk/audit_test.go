package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// TestAudit has two shops trade, refuses their folders while they run, and audits the
// folders they leave: sound, and damaged in every way that a disk or a hand can.
func TestAudit(t *testing.T) {
	tn := openTown(t)
	tn.ok("Joined", "node", "join", "--dir", "acorn", tn.invite())
	tn.ok("Joined", "node", "join", "--dir", "birch", tn.invite())
	tn.ok("Sound", "audit", "--dir", "birch") // it has not traded yet
	acorn, birch := tn.start("node", "run", "--dir", "acorn"), tn.start("node", "run", "--dir", "birch")
	tn.testCatalog(t)
	tn.testPartners(t)
	tn.testOrder(t)
	t.Setenv("TMPDIR", t.TempDir())
	lock := tn.hashes(filepath.Join("acorn", store.LockFile))
	out := tn.souk(exitAway, "audit", "--dir", "acorn")
	for _, says := range []string{"was left alone", "Stop the node", "copy the folder", "start it again"} {
		if !strings.Contains(out, says) {
			t.Errorf("a running shop is refused without %q: %s", says, out)
		}
	}
	if after := tn.hashes(filepath.Join("acorn", store.LockFile)); !slices.Equal(lock, after) {
		t.Errorf("the audit of a running shop changed its lock:\n%v\n%v", lock, after)
	}
	tn.ok("Birch", "members", "--dir", "acorn")
	acorn.stop()
	birch.stop()
	t.Run("sound", tn.testSound)
	t.Run("copy", tn.testAuditCopy)
	t.Run("damaged", tn.testDamaged)
	t.Run("usage", tn.testAuditUsage)
}

func (tn *town) testSound(t *testing.T) {
	tn = &town{t, tn.dir}
	before := tn.hashes(".")
	for dir, says := range map[string]string{"acorn": "1 order sold and 0 bought, 1 ledger with", "birch": "0 orders sold and 1 bought, 1 ledger with"} {
		out := tn.ok(says, "audit", "--dir", dir)
		for _, says := range []string{"✓  I1", "✓  I2", "✓  I6", "✓  I7", "✓  I8", "Sound: no fault was found."} {
			if !strings.Contains(out, says) {
				t.Errorf("%s does not say %q:\n%s", dir, says, out)
			}
		}
	}
	var result audited
	tn.read(&result, "audit", "--dir", "acorn", "--with", "birch")
	if !result.Sound || len(result.Shops) != 2 || result.Between == nil || result.Shops[0].Name != "Acorn Shoes" || result.Shops[0].Checked.Entries == 0 {
		t.Errorf("both: %+v", result)
	}
	tn.ok("is what the other has", "audit", "--dir", "acorn", "--with", "birch")
	if after := tn.hashes("."); !slices.Equal(before, after) {
		t.Errorf("the audit changed a folder:\n%v\n%v", before, after)
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "souk-store-*")); err != nil || len(left) > 0 {
		t.Errorf("copies are left: %v, %v", left, err)
	}
}

// testAuditCopy audits what an owner may send: a copy without the key.
func (tn *town) testAuditCopy(t *testing.T) {
	tn = &town{t, tn.dir}
	var whole audited
	tn.read(&whole, "audit", "--dir", "acorn")
	dir := tn.copyOf("acorn")
	for _, name := range []string{"key", "LOCK", "shop.toml", "api.token", "replicas"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if out := tn.souk(exitFailure, "audit", "--dir", dir); !strings.Contains(out, "--shop SHOPID") {
		t.Errorf("without a key: %s", out)
	}
	tn.ok("Sound", "audit", "--dir", dir, "--shop", whole.Shops[0].Shop.String())
	var partner audited
	tn.read(&partner, "audit", "--dir", "birch")
	if out := tn.souk(exitFailure, "audit", "--dir", dir, "--shop", partner.Shops[0].Shop.String()); strings.Contains(out, "Sound") {
		t.Errorf("as another shop's: %s", out)
	}
}

// testDamaged damages copies of the supplier's folder.
func (tn *town) testDamaged(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
		says  string
	}{
		{"a flipped byte in an entry", rows("e/", func(_ *testing.T, w kv.Write) kv.Write {
			w.Value[len(w.Value)/2] ^= 1
			return w
		}), "seal does not open"},
		{"a missing entry", rows("e/", func(_ *testing.T, w kv.Write) kv.Write { return kv.Write{Key: w.Key, Delete: true} }), "is missing"},
		{"a missing order", rows("os/", func(_ *testing.T, w kv.Write) kv.Write { return kv.Write{Key: w.Key, Delete: true} }), "there is no order of it"},
		{"a wrong count", rows("s/", func(t *testing.T, w kv.Write) kv.Write {
			rec := &record.Stock{Stock: hold.Stock{Stocked: 40, Held: 3}}
			raw, err := record.Encode(protocol.Codec{}, rec)
			if err != nil {
				t.Fatal(err)
			}
			return kv.Write{Key: w.Key, Value: raw}
		}), "stock record says held 3"},
		{"a record of another kind", func(t *testing.T, dir string) {
			var other []byte
			rows("l/", func(_ *testing.T, w kv.Write) kv.Write { other = w.Value; return w })(t, dir)
			rows("os/", func(_ *testing.T, w kv.Write) kv.Write { return kv.Write{Key: w.Key, Value: other} })(t, dir)
		}, "it is unreadable"},
		{"a damaged member list", rows("members/entry/", func(_ *testing.T, w kv.Write) kv.Write {
			w.Value[len(w.Value)/2] ^= 1
			return w
		}), "no signature can be verified"},
		{"no member list", rows("members/federation", func(_ *testing.T, w kv.Write) kv.Write { return kv.Write{Key: w.Key, Delete: true} }), "the member list in"},
		{"a truncated table", func(t *testing.T, dir string) {
			tables, err := filepath.Glob(filepath.Join(dir, "db", "*.sst"))
			if err != nil || len(tables) == 0 {
				t.Fatal(tables, err)
			}
			info, err := os.Stat(tables[0])
			if err == nil {
				err = os.Truncate(tables[0], info.Size()/2)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, ".sst"},
		{"no manifest", func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, "db", "MANIFEST"), 3); err != nil {
				t.Fatal(err)
			}
		}, "the database is damaged"},
		{"another federation.json", func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, federationFile), []byte("{"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, federationFile},
	} {
		t.Run(c.name, func(t *testing.T) {
			tn := &town{t, tn.dir}
			dir := tn.copyOf("acorn")
			c.spoil(t, dir)
			before := tn.hashes(dir)
			out := tn.souk(exitFailure, "audit", "--dir", dir)
			if !strings.Contains(out, c.says) || !strings.Contains(out, "An older copy is no repair") || strings.Contains(out, "no sense") || strings.Contains(out, "souk-store-") {
				t.Errorf("it does not say %q, or says what it should not:\n%s", c.says, out)
			}
			if after := tn.hashes(dir); !slices.Equal(before, after) {
				t.Errorf("the audit changed the folder:\n%v\n%v", before, after)
			}
			var result audited
			text := tn.souk(exitFailure, "audit", "--dir", dir, "--json", "--with", "birch")
			if err := json.NewDecoder(strings.NewReader(text)).Decode(&result); err != nil || result.Sound || result.faults() == 0 || len(result.Shops) != 2 {
				t.Errorf("%v: %s", err, text)
			}
			if !slices.ContainsFunc(result.Shops[0].Faults, func(f *audit.Fault) bool { return f.Where != "" && f.What != "" && f.Rule != "" }) {
				t.Errorf("a fault without its place: %s", text)
			}
		})
	}
}

func (tn *town) testAuditUsage(t *testing.T) {
	tn = &town{t, tn.dir}
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{exitFailure, "is a hub's folder", []string{"--dir", "hub"}},
		{exitFailure, "is no shop's folder", []string{"--dir", filepath.Join("acorn", "db")}},
		{exitFailure, "no-such", []string{"--dir", "no-such"}},
		{exitUsage, "of one shop", []string{"--dir", "acorn", "--with", "acorn"}},
		{exitUsage, "See souk audit --help", []string{"--dir", "acorn", "--shop", "acorn"}},
	} {
		t.Run(c.says, func(t *testing.T) {
			tn := &town{t, tn.dir}
			if out := tn.souk(c.code, append([]string{"audit"}, c.args...)...); !strings.Contains(out, c.says) {
				t.Errorf("%v does not say %q: %s", c.args, c.says, out)
			}
		})
	}
	off, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	if code := patient(exitInterrupted).run(off, []string{"audit", "--dir", "acorn"}, &out, &errs); code != exitInterrupted || out.Len() > 0 || !strings.Contains(errs.String(), "nothing was changed") {
		t.Errorf("broken off: exit code %d, %s %s", code, out.String(), errs.String())
	}
}

// TestAuditProgress: a terminal is told how far a long check is.
func TestAuditProgress(t *testing.T) {
	got := countProgress(audit.Count{Rows: 1200, Holds: 1, Sales: 2, Purchases: 3, Entries: 40, Ledgers: 2, Replayed: 1})
	if want := "1200 rows, 1 hold, 5 orders, 40 entries, 1 of 2 ledgers replayed"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// rows changes the row in the middle of those under a prefix, through the store.
func rows(prefix string, change func(*testing.T, kv.Write) kv.Write) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		db, err := store.Open(filepath.Join(dir, storeFolder), store.Options{Sync: true, FreeFloor: -1})
		if err != nil {
			t.Fatal(err)
		}
		var found []kv.Write
		err = db.Scan(kv.Prefix([]byte(prefix)), func(k, v []byte) bool {
			found = append(found, kv.Write{Key: slices.Clone(k), Value: slices.Clone(v)})
			return true
		})
		if err != nil || len(found) == 0 {
			t.Fatalf("no rows under %q: %v", prefix, err)
		}
		err = db.Commit([]kv.Write{change(t, found[len(found)/2])})
		if err = errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func (tn *town) copyOf(dir string) string {
	tn.t.Helper()
	to := filepath.Join(tn.t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		tn.t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(to, keyFile), 0o600); err != nil {
		tn.t.Fatal(err)
	}
	return to
}

// hashes are the files of a folder, each with its size, mode, time and content.
func (tn *town) hashes(dir string) (files []string) {
	tn.t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		files = append(files, fmt.Sprintf("%s %d %v %v %x", path, info.Size(), info.Mode(), info.ModTime().UnixNano(), sha256.Sum256(bytes.TrimRight(b, "\x00"))))
		return err
	})
	if err != nil {
		tn.t.Fatal(err)
	}
	return files
}
