package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/souk-market/souk/store/durable"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, c := range []struct {
		name, text string
		mode       fs.FileMode
	}{
		{"new", "one", 0o600},
		{"replaced by a shorter one, with other permissions", "2", 0o644},
		{"empty, and narrower again", "", 0o600},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := durable.Write(path, []byte(c.text), c.mode); err != nil {
				t.Fatal(err)
			}
			wantFile(t, path, c.text, c.mode)
			wantOnly(t, dir, "file")
		})
	}
}

func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := durable.Write(taken, []byte("x"), 0o600); err == nil {
		t.Error("a folder was replaced by a file")
	}
	wantOnly(t, dir, "taken")
	if err := durable.Write(filepath.Join(dir, "none", "file"), nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a folder that is not there: %v", err)
	}
}

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := durable.Create(path, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := durable.Create(path, []byte("two"), 0o644); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created twice: %v", err)
	}
	wantFile(t, path, "one", 0o600)
	wantOnly(t, dir, "file")
}

func TestIsTemp(t *testing.T) {
	for name, want := range map[string]bool{".souk-write-123": true, "api.token": false, ".souk-import-1": false} {
		t.Run(name, func(t *testing.T) {
			if durable.IsTemp(name) != want {
				t.Error(!want)
			}
		})
	}
}

func wantFile(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil || string(b) != text {
		t.Errorf("the file holds %q, %v, want %q", b, err, text)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode() != mode {
		t.Errorf("its permissions are %v, want %v", info.Mode(), mode)
	}
}

// wantOnly: nothing temporary is left.
func wantOnly(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != name {
		t.Errorf("the folder holds %v, want %s alone", entries, name)
	}
}
